"""Processes known by id *and* start time, so that an id which the kernel gave to somebody else is never signalled."""

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.fleet.errors import wait_until


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    start: str

    @classmethod
    def of(cls, pid: int) -> "Process | None":
        start = _read_stat(pid)
        return cls(pid, start[1]) if start else None

    @classmethod
    def recorded(cls, path: Path) -> "Process | None":
        """Written as `PID START`; None while nothing, or only half of it, is there."""
        try:
            pid, start = path.read_text().split()
        except (OSError, ValueError):
            return None
        return cls(int(pid), start)

    def record(self, path: Path) -> None:
        path.write_text(f"{self.pid} {self.start}\n")

    def is_alive(self) -> bool:
        found = _read_stat(self.pid)
        return found is not None and found[1] == self.start and found[0] != "Z"

    def signal(self, number: int) -> None:
        if self.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone. For the first process of a pid namespace: and all others in it."""
        self.signal(signal.SIGKILL)
        wait_until(lambda: not self.is_alive(), what=f"process {self.pid} is gone")

    def pid_namespace(self) -> str | None:
        return _pid_namespace(self.pid)

    def children(self) -> Iterator["Process"]:
        try:
            pids = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        except OSError:
            return
        for pid in pids:
            if child := Process.of(int(pid)):
                yield child


def find_by_name(name: str, *, like: Process) -> list[Process]:
    """Processes called `name` in the same pid namespace as `like`."""
    wanted = _pid_namespace(like.pid)
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and wanted and _pid_namespace(int(folder.name)) == wanted:
            process = Process.of(int(folder.name))
            if process and _read_name(process.pid) == name:
                found.append(process)
    return found


def _read_stat(pid: int) -> tuple[str, str] | None:
    """State and start time."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], fields[19]


def _read_name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _pid_namespace(pid: int) -> str | None:
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:
        return None
