"""`declare restart`."""

from typing import Any

import click

from declare.cli.options import approval_options, json_events_option, project_options
from declare.cli.session import Session


@click.command("restart")
@click.argument("apps", metavar="APP...", nargs=-1, required=True)
@json_events_option
@approval_options
@project_options
@click.pass_obj
def command(session: Session, /, *, apps: tuple[str, ...], **choices: Any) -> int:
    """Replace every replica of an app by a new one.

    In the app's own order and pace, without a change to its manifest.

    \b
    declare restart web
    declare restart web worker --yes
    """
    from declare.cli.approval import require_somebody
    from declare.cli.carry_out import carry_out, terms
    from declare.cli.choices import plan_request
    from declare.flow.plan import plan_project

    require_somebody(session, yes=choices["yes"])
    project = session.open_project()
    session.tell_problems(project.warnings)
    request = plan_request(apps, choices, restart=apps)
    how = terms(choices, verb="restart", question="Restart these apps?")
    return carry_out(session, plan_project(project, request), terms=how)
