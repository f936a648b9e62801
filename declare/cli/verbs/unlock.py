"""`declare unlock`."""

import click

from declare.cli.options import project_options
from declare.cli.session import Session


@click.command("unlock")
@click.argument("id", metavar="ID")
@project_options
@click.pass_obj
def command(session: Session, /, *, id: str) -> None:
    """Break a lock whose holder is gone.

    The message of a refused apply names its ID. A lock whose holder has died expires by itself;
    breaking one that is in use lets two people write at once.

    \b
    declare unlock 3f2a9c
    """
    from declare.flow.unlock import unlock
    from declare.show.lines import line, listed

    hosts = unlock(session.open_project(manifests=False), id)
    session.show([line(f"lock {id} is broken on {listed(hosts)}")])
