"""`declare init`."""

import click

from declare.cli.options import project_options


@click.command("init")
@project_options
def command() -> None:
    """Todo."""
