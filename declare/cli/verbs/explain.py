"""`declare explain`."""

import click

from declare.cli.options import project_options


@click.command("explain")
@project_options
def command() -> None:
    """Todo."""
