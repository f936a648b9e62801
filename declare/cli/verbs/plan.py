"""`declare plan`."""

import click

from declare.cli.options import project_options


@click.command("plan")
@project_options
def command() -> None:
    """Todo."""
