"""`declare status`."""

import click

from declare.cli.options import json_option, project_options
from declare.cli.session import Session


@click.command("status")
@json_option
@project_options
@click.pass_obj
def command(session: Session, /, *, as_json: bool) -> None:
    """Show what is declared and what runs.

    For each replica its host, address, health, age and image; for each app its URLs.

    \b
    declare status
    declare status --json
    """
    from declare.flow.status import read_status

    status = read_status(session.open_project())
    if as_json:
        from declare.show.json import status_document

        session.print_json(status_document(status))
    else:
        from declare.show.status import show_status

        session.show(show_status(status))
