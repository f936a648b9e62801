"""`declare explain`."""

import click

from declare.cli.options import json_option, project_options
from declare.cli.session import Session


@click.command("explain")
@click.argument("field", default="")
@json_option
@project_options
@click.pass_obj
def command(session: Session, /, *, field: str, as_json: bool) -> None:
    """Tell what a field of a manifest or inventory means.

    With its forms, its default and an example. Without FIELD: all fields of an app. The inventory's begin
    with "inventory.".

    \b
    declare explain healthcheck
    declare explain update.order
    declare explain inventory.hosts
    """
    from declare.load.explain import explain

    found = explain(field)
    if as_json:
        from declare.show.json import to_json

        session.print_json({"format": "declare.field/1", **to_json(found)})
    else:
        from declare.show.field import show_field

        session.show(show_field(found))
