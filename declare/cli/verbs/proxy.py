"""`declare proxy`."""

import click

from declare.cli.options import json_option, project_options
from declare.cli.session import Session


@click.command("proxy")
@json_option
@project_options
@click.pass_obj
def command(session: Session, /, *, as_json: bool) -> None:
    """Print the nginx configuration of the present fleet.

    It is what apply would deliver if nothing else had to change.

    \b
    declare proxy
    declare proxy --json
    """
    from declare.flow.proxy import render_proxy

    configurations = render_proxy(session.open_project())
    if as_json:
        from declare.show.json import proxy_document

        session.print_json(proxy_document(configurations))
        return
    for host, text in sorted(configurations.items()):
        heading = f"# {host or 'here'}\n" if len(configurations) > 1 else ""
        session.print_text(heading + text)
