"""`declare apply`."""

import click

from declare.cli.options import project_options


@click.command("apply")
@project_options
def command() -> None:
    """Todo."""
