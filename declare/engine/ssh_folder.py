"""The folder of ssh's sockets: private to the user, and short enough for a socket's path."""

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from declare.engine.deadline import Deadline

_LONGEST = 60
"""Of the folder: a socket's path ends at some 107 bytes, and ssh adds 17 to its own while it opens it."""


def find_folder() -> Path:
    """Below XDG_RUNTIME_DIR, else the cache of the user, else /tmp where both are too long. Raises OSError."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    wanted = Path(runtime) / "declare" if runtime and Path(runtime).is_dir() else Path(cache) / "declare" / "ssh"
    folder = wanted if len(os.fsencode(wanted)) <= _LONGEST else Path(f"/tmp/declare-{os.getuid()}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_private(folder)
    return folder


def _check_private(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else; whoever owns it could answer in the engine's place")
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)


@contextmanager
def locked(path: str, deadline: Deadline) -> Iterator[None]:
    """Alone among all processes and threads that ask for this file. Raises TimeoutError."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not _try_lock(file):
            time.sleep(min(0.02, deadline.left()))
        yield
    finally:
        os.close(file)


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
