"""`declare destroy`."""

from typing import Any

import click

from declare.cli.options import approval_options, json_events_option, project_options
from declare.cli.session import Session


@click.command("destroy")
@click.argument("apps", metavar="[APP]...", nargs=-1)
@click.option("--volumes", is_flag=True, help="Delete the apps' volumes too, and all that is in them.")
@json_events_option
@approval_options
@project_options
@click.pass_obj
def command(session: Session, /, *, apps: tuple[str, ...], volumes: bool, **choices: Any) -> int:
    """Remove apps, or the whole project, from the hosts.

    Without APP it is everything: apps, proxy and record. Volumes stay unless --volumes is
    given. What other projects and people run is never touched.

    \b
    declare destroy web
    declare destroy --volumes
    """
    from declare.cli.approval import require_somebody
    from declare.cli.carry_out import carry_out, terms
    from declare.cli.choices import plan_request
    from declare.flow.plan import plan_project

    require_somebody(session, yes=choices["yes"])
    project = session.open_project()
    request = plan_request(apps, choices, destroy=True, **({"volumes": True} if volumes else {}))
    question = "Remove all this" + (", volumes and their data included?" if volumes else "?")
    how = terms(choices, verb="destroy", question=question)
    return carry_out(session, plan_project(project, request), terms=how)
