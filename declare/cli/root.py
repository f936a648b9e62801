"""The command `declare` itself: global options, and its verbs, loaded when they are asked for."""

import difflib
import importlib

import click

import declare
from declare.cli.session import Session
from declare.cli.verbs import VERBS

CONTEXT = {"auto_envvar_prefix": "DECLARE", "help_option_names": ["-h", "--help"], "max_content_width": 100}


class Verbs(click.Group):
    """A group whose commands are imported by name, and that suggests the nearest name for an unknown one."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in VERBS:
            return None
        command = importlib.import_module(VERBS[name]).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in VERBS and not name.startswith("-"):
            near = difflib.get_close_matches(name, VERBS, n=1)
            hint = f'; did you mean "{near[0]}"?' if near else f"; there are {', '.join(VERBS)}"
            raise click.UsageError(f'no command "{name}"{hint}', ctx)
        return super().resolve_command(ctx, args)


@click.command(cls=Verbs, context_settings=CONTEXT, invoke_without_command=True)
@click.version_option(declare.__version__, "-V", "--version", prog_name="declare", message="%(prog)s %(version)s")
@click.option("-i", "--inventory", metavar="FILE", help="The inventory; default: the nearest inventory.yaml above.")
@click.option("-f", "--file", "files", metavar="FILE", multiple=True, help='A manifest; repeatable; "-" is stdin.')
@click.option("--color", type=click.Choice(["auto", "always", "never"]), help="Colour; default: auto.")
@click.option("--debug/--no-debug", default=None, help="Show the traceback of an unexpected error.")
@click.pass_context
def root(
    ctx: click.Context, *, inventory: str | None, files: tuple[str, ...], color: str | None, debug: bool | None
) -> None:
    """Say in YAML which apps run on your Docker hosts, see what would change, apply it.

    \b
    declare init                start a project
    declare plan                what would change, and why
    declare apply               show the plan, ask, do it

    The options below may also stand after the command. Each option has an environment variable:
    --inventory is DECLARE_INVENTORY, apply --yes is DECLARE_APPLY_YES. Exit codes: 0 done, 1 an error
    and nothing was changed, 2 changes (plan --detailed-exitcode), 3 the declared state was not reached,
    130 and 143 interrupted.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
    session = ctx.ensure_object(Session)
    session.inventory, session.files = inventory, files
    session.color, session.debug = color or "auto", bool(debug)
