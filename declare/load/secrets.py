"""Reads the values of secrets on the machine that runs declare. No message ever holds one."""

import contextlib
import os
import select
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from declare.load.problems import Mistake, Problems
from declare.load.text import SIZE_LIMIT, read_bytes, read_inside, read_text
from declare.model.app import Desired, SecretSource, SecretValue

DEADLINE = 30.0
"""Seconds that a command may take."""


def read_secrets(
    desired: Desired, environment: Mapping[str, str], root: Path, *, outside_root: bool = False
) -> Mapping[str, SecretValue]:
    """The values of all secrets that an app uses. Raises InputError with every one that can't be had.

    A file must lie below `root` unless `outside_root`. A command runs in `root` without a shell; one line end is
    taken off its output.
    """
    problems = Problems()
    used = {use.name for app in desired.apps for use in app.secrets}
    values: dict[str, SecretValue] = {}
    for name in sorted(used & set(desired.secrets)):
        source = desired.secrets[name]
        try:
            values[name] = SecretValue(_read(name, source, environment, root, outside_root=outside_root))
        except Mistake as mistake:
            _keep_text(source, problems)
            problems.add(mistake.summary, source.source, help=mistake.help)
    problems.raise_errors()
    return values


def _keep_text(source: SecretSource, problems: Problems) -> None:
    """So that the problem can show the line; the file may be standard input, or gone by now."""
    if source.source is not None:
        with contextlib.suppress(Mistake):
            problems.keep_text(source.source.file, read_text(Path(source.source.file)))


def _read(name: str, source: SecretSource, environment: Mapping[str, str], root: Path, *, outside_root: bool) -> bytes:
    if source.kind == "command":
        return _run(name, source.value, environment, root)
    (place,) = source.value
    if source.kind == "file":
        return read_bytes(root / place) if outside_root else _read_file(place, root)
    if place not in environment:
        raise Mistake(f'secret "{name}": variable {place} is not set', help=f"set {place} in the environment")
    return os.fsencode(environment[place])


def _read_file(place: str, root: Path) -> bytes:
    try:
        return read_inside(root, place)
    except Mistake as mistake:
        outside = "outside" in mistake.summary
        raise Mistake(mistake.summary, help=f"or use command: [cat, {place}]" if outside else mistake.help) from None


def _run(name: str, command: tuple[str, ...], environment: Mapping[str, str], root: Path) -> bytes:
    """What a command prints. Its own error output goes to the terminal, so that nothing of it lands in a message."""
    try:
        process = subprocess.Popen(
            command, cwd=root, env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it can't be a command"
        raise Mistake(f'secret "{name}": can\'t run {command[0]}: {reason}') from None
    try:
        output = _collect(name, process, time.monotonic() + DEADLINE)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
    if process.returncode:
        raise Mistake(f'secret "{name}": {command[0]} ended with exit code {process.returncode}')
    return output.removesuffix(b"\n").removesuffix(b"\r")


def _collect(name: str, process: subprocess.Popen[bytes], deadline: float) -> bytes:
    assert process.stdout is not None
    descriptor, output = process.stdout.fileno(), b""
    while True:
        ready, _, _ = select.select([descriptor], [], [], max(deadline - time.monotonic(), 0))
        if not ready:
            raise Mistake(f'secret "{name}": its command did not end within {DEADLINE:.0f} s')
        piece = os.read(descriptor, 65536)
        if not piece:
            break
        output += piece
        if len(output) > SIZE_LIMIT:
            raise Mistake(f'secret "{name}": its command printed more than 1 MiB')
    try:
        process.wait(max(deadline - time.monotonic(), 0.1))
    except subprocess.TimeoutExpired:
        raise Mistake(f'secret "{name}": its command did not end within {DEADLINE:.0f} s') from None
    return output
