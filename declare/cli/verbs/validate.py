"""`declare validate`."""

import click

from declare.cli.options import json_option, project_options
from declare.cli.session import Session


@click.command("validate")
@project_options
@json_option
@click.pass_obj
def command(session: Session, /, *, as_json: bool) -> None:
    """Check inventory and manifests offline.

    Tells all problems at once; no host is contacted. Exit code 1 if there is an error, 0 if there are only warnings.

    \b
    declare validate
    declare validate -f apps/web.yaml
    cat web.yaml | declare validate -f -
    """
    from declare.model.errors import InputError

    try:
        project = session.open_project()
    except InputError as error:
        if as_json:
            from declare.show.json import problems_document

            session.print_json(problems_document(error.problems))
        raise
    session.tell_problems(project.warnings)
    if as_json:
        from declare.show.json import problems_document

        session.print_json(problems_document(project.warnings))
        return
    from declare.show.lines import counted, line

    apps, hosts = len(project.desired.apps), len(project.inventory.hosts)
    session.show([line(f"{project.inventory.path}: {counted(apps, 'app')} for {counted(hosts, 'host')}, no errors")])
