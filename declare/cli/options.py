"""Options that several verbs take. The global ones may stand before the verb or after it; the later one wins."""

from collections.abc import Callable
from typing import Any

import click

from declare.cli.session import Session

Decorated = Callable[..., Any]


def _parse_duration(ctx: click.Context, param: click.Parameter, value: str) -> float:
    from declare.model.quantity import parse_duration

    try:
        return parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from error


def _remember(ctx: click.Context, param: click.Parameter, value: object) -> None:
    if value not in (None, ()):
        setattr(ctx.ensure_object(Session), str(param.name), value)


def _global(*names: str, **settings: Any) -> Callable[[Decorated], Decorated]:
    settings |= {"callback": _remember, "expose_value": False, "allow_from_autoenv": False}
    return click.option(*names, **settings)


def project_options(command: Decorated) -> Decorated:
    """-i, -f, --color and --debug, as on the command line before the verb."""
    for option in (
        _global("--debug/--no-debug", "debug", default=None, help="Show the traceback of an unexpected error."),
        _global("--color", "color", type=click.Choice(["auto", "always", "never"]), help="Colour; default: auto."),
        _global("-f", "--file", "files", metavar="FILE", multiple=True,
                help='A manifest, instead of those in apps/; repeatable; "-" is standard input.'),
        _global("-i", "--inventory", "inventory", metavar="FILE",
                help="The inventory; default: the nearest inventory.yaml above."),
    ):  # fmt: skip
        command = option(command)
    return command


def json_option(command: Decorated) -> Decorated:
    """--json, for verbs that only read."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, versioned and stable.")(command)


def json_events_option(command: Decorated) -> Decorated:
    """--json, for verbs that change something."""
    return click.option("--json", "as_json", is_flag=True, help="Print each event as a line of JSON.")(command)


def plan_options(command: Decorated) -> Decorated:
    """What decides the contents of a plan."""
    for option in (
        click.option("--inspect", "inspect_all", is_flag=True,
                     help="Look for changes by hand on every container, on fleets of more than 5,000 too."),
        click.option("--allow-removal", type=click.IntRange(min=0), metavar="N",
                     help="Allow a plan that removes up to N apps, when that is more than half of them."),
        click.option("--prune/--no-prune", default=None,
                     help="Remove apps that are declared no longer; default: only without -f and APP."),
        click.option("--lost", multiple=True, metavar="HOST",
                     help="Your word that this host is gone: its replicas are placed elsewhere; repeatable."),
    ):  # fmt: skip
        command = option(command)
    return command


def approval_options(command: Decorated) -> Decorated:
    """How an apply is approved, and how long it waits for its turn."""
    for option in (
        click.option("--lock-timeout", default="60s", show_default=True, callback=_parse_duration, metavar="DURATION",
                     help="How long to wait for another apply on this fleet to end."),
        click.option("-y", "--yes", "--auto-approve", "yes", is_flag=True,
                     help="Do not ask; needed without a terminal."),
    ):  # fmt: skip
        command = option(command)
    return command
