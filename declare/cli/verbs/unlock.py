"""`declare unlock`."""

import click

from declare.cli.options import project_options


@click.command("unlock")
@project_options
def command() -> None:
    """Todo."""
