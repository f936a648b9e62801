"""`declare hosts`."""

import click

from declare.cli.options import json_option, project_options
from declare.cli.session import Session


@click.command("hosts")
@json_option
@project_options
@click.pass_obj
def command(session: Session, /, *, as_json: bool) -> None:
    """Show the hosts and how full they are.

    Reachable or not and why, engine, capacity used, containers, and clock skew.

    \b
    declare hosts
    declare hosts -i prod.yaml --json
    """
    from declare.flow.hosts import read_hosts

    hosts = read_hosts(session.open_project(manifests=False))
    if as_json:
        from declare.show.json import hosts_document

        session.print_json(hosts_document(hosts))
    else:
        from declare.show.status import show_hosts

        session.show(show_hosts(hosts))
