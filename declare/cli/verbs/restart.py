"""`declare restart`."""

import click

from declare.cli.options import project_options


@click.command("restart")
@project_options
def command() -> None:
    """Todo."""
