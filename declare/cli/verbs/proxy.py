"""`declare proxy`."""

import click

from declare.cli.options import project_options


@click.command("proxy")
@project_options
def command() -> None:
    """Todo."""
