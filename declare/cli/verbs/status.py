"""`declare status`."""

import click

from declare.cli.options import project_options


@click.command("status")
@project_options
def command() -> None:
    """Todo."""
