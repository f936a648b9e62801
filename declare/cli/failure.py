"""Tells the user why a command ended: an expected failure in its own words, a bug with a file ready to be reported."""

import os
import platform
import sys
import traceback
from pathlib import Path

import click

import declare
from declare.cli.session import Session
from declare.model.errors import DeclareError, InputError


def tell_usage(session: Session, error: click.ClickException) -> None:
    """A mistake on the command line."""
    from declare.show.problems import show_failure_message

    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "declare"
    text = error.format_message().rstrip(".")
    session.tell(show_failure_message(text[:1].lower() + text[1:], f'"{command} --help" lists what there is'))


def tell_expected(session: Session, error: DeclareError) -> None:
    """A failure that declare knows: problems with their places, or a message with its help."""
    from declare.show.problems import show_failure_message

    if isinstance(error, InputError) and error.problems:
        session.tell_problems(error.problems)
    elif str(error):
        session.tell(show_failure_message(str(error), error.help))


def tell_unexpected(session: Session, error: Exception) -> None:
    """A bug: one line for the terminal, and the rest in a file that can be pasted into an issue."""
    from declare.show.problems import show_failure_message

    trace = "".join(traceback.format_exception(error))
    if session.debug:
        session.err.write(trace)
    where = _write_report(trace)
    help = f"this is a bug in declare; please report it with the contents of {where}" if where else None
    session.tell(show_failure_message(f"unexpected {type(error).__name__}: {error}", help))


def _write_report(trace: str) -> str | None:
    """The report's path. Arguments are left out but for the verb: a command line can hold what nobody should read."""
    verb = next((argument for argument in sys.argv[1:] if argument.isalpha()), "")
    text = (
        f"### declare {declare.__version__}\n\n"
        f"- command: `declare {verb}`\n"
        f"- Python: {platform.python_version()} on {platform.platform()}\n\n"
        f"```\n{trace}```\n"
    )
    for folder in (Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "declare", None):
        try:
            return _create(folder, text)
        except OSError:
            continue
    return None


def _create(folder: Path | None, text: str) -> str:
    import tempfile

    if folder:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, path = tempfile.mkstemp(prefix="bug-", suffix=".md", dir=folder)  # 0600, and never an existing file
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write(text)
    return path
