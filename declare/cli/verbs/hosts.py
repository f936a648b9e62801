"""`declare hosts`."""

import click

from declare.cli.options import project_options


@click.command("hosts")
@project_options
def command() -> None:
    """Todo."""
