"""Runs a command line to its exit code: the only place where a failure ends the process."""

import errno
import os
import sys
from collections.abc import Sequence

import click

from declare.cli.session import Session
from declare.cli.signals import Terminated, raise_on_termination
from declare.model.errors import DeclareError

FAILED, INTERRUPTED, TERMINATED = 1, 130, 143
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)


def run(args: Sequence[str]) -> int:
    """Run `declare` with these arguments; never raises for anything that a user can cause."""
    from declare.cli.root import root

    session = Session()
    try:
        _prepare_streams()
        with raise_on_termination():
            code = root.main(list(args), prog_name="declare", standalone_mode=False, obj=session)
    except BrokenPipeError:
        return _close_quietly()
    except (KeyboardInterrupt, click.Abort):
        return _say(session, "interrupted", INTERRUPTED)
    except Terminated:
        return _say(session, "terminated", TERMINATED)
    except Exception as error:
        return _tell(session, error)
    return _flush(code if isinstance(code, int) else 0)


def _prepare_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        # A terminal that can't show an arrow must not end an apply half-way.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _flush(code: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _close_quietly()
    return code


def _close_quietly() -> int:
    """Whoever read our output has gone: say nothing, and keep the interpreter from saying it at exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    except (OSError, ValueError):
        pass
    return FAILED


def _say(session: Session, text: str, code: int) -> int:
    try:
        sys.stdout.flush()
        print(text, file=session.err, flush=True)
    except BrokenPipeError:
        _close_quietly()
    return code


def _tell(session: Session, error: Exception) -> int:
    from declare.cli.failure import tell_expected, tell_unexpected, tell_usage

    try:
        if isinstance(error, click.ClickException):
            tell_usage(session, error)
        elif isinstance(error, OSError) and error.errno in _DISK:
            tell_expected(session, DeclareError(f"can't write: {error.strerror}"))
        elif isinstance(error, DeclareError):
            tell_expected(session, error)
        else:
            tell_unexpected(session, error)
    except BrokenPipeError:
        _close_quietly()
    return error.exit_code if isinstance(error, DeclareError) else FAILED
