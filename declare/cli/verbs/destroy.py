"""`declare destroy`."""

import click

from declare.cli.options import project_options


@click.command("destroy")
@project_options
def command() -> None:
    """Todo."""
