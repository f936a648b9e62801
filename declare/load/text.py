"""Reads text files that somebody else wrote: regular files of bounded size only, never blocking on what they are."""

import os
import re
import stat
from pathlib import Path

from declare.load.problems import Mistake
from declare.model.problem import Source

SIZE_LIMIT = 1024 * 1024

CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff]")

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, without a byte order mark. Raises Mistake."""
    return decode(read_bytes(path), str(path))


def read_bytes(path: Path) -> bytes:
    """The bytes of a regular file. Raises Mistake for anything else: a pipe or a device must not hang us."""
    try:
        descriptor = os.open(path, _FLAGS)
    except (OSError, ValueError) as error:
        raise _cannot_read(str(path), error) from None
    return _read_and_close(descriptor, str(path))


def read_inside(root: Path, name: str) -> bytes:
    """The bytes of a regular file below `root`; a path or a symbolic link that leaves it is refused. Raises Mistake.

    The resolved path is walked folder by folder without following links, so that a link swapped in between leads
    nowhere.
    """
    try:
        base = Path(os.path.realpath(root))
        parts = Path(os.path.realpath(base / name)).relative_to(base).parts
    except ValueError:
        raise Mistake(f"{name} is outside the project's folder", help=f"move it below {root}") from None
    except OSError as error:
        raise _cannot_read(name, error) from None
    try:
        descriptor = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for part in parts:
            above = descriptor
            try:
                descriptor = os.open(part, _FLAGS | os.O_NOFOLLOW, dir_fd=above)
            finally:
                os.close(above)
    except OSError as error:
        raise _cannot_read(name, error) from None
    return _read_and_close(descriptor, name)


def decode(content: bytes, name: str) -> str:
    """Text of UTF-8 bytes, without a byte order mark and without control characters. Raises Mistake with the place."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Mistake(f"{name} is UTF-16 text", Source(name), help="save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        source = _place(content[: error.start].decode("utf-8-sig", "replace"), name)
        raise Mistake("this is not UTF-8 text", source, help="save the file as UTF-8") from None
    if control := CONTROL.search(text):
        character = f"U+{ord(control.group()):04X}"
        raise Mistake(f"control character {character} is not allowed", _place(text[: control.start()], name))
    return text


def _read_and_close(descriptor: int, name: str) -> bytes:
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            kind = next((kind for is_kind, kind in _KINDS if is_kind(mode)), "no regular file")
            raise Mistake(f"{name} is {kind}, not a file", Source(name))
        content = b""
        while len(content) <= SIZE_LIMIT and (piece := os.read(descriptor, SIZE_LIMIT + 1 - len(content))):
            content += piece
    except OSError as error:
        raise _cannot_read(name, error) from None
    finally:
        os.close(descriptor)
    if len(content) > SIZE_LIMIT:
        raise Mistake(f"{name} is larger than 1 MiB", Source(name))
    return content


def _cannot_read(name: str, error: Exception) -> Mistake:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return Mistake(f"can't read {name}: {reason}", Source(name))


def _place(before: str, name: str) -> Source:
    line = before.count("\n")
    return Source(name, line + 1, len(before) - (before.rfind("\n") + 1) + 1)
