"""Runs a program to its end and tells what it took: wall clock, processor time, peak memory, its own alone."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fleet.errors import FleetError


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds and megabytes. The kernel counts the memory from before the exec, too: a floor of what runs it."""

    wall: float
    cpu: float
    peak: float


def run_measured(words: Sequence[str | Path], environment: Mapping[str, str], *, output: Path) -> Spent:
    """What a run took that ended well; FleetError with the end of its output otherwise."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [(os.POSIX_SPAWN_OPEN, 1, str(output), flags, 0o600), (os.POSIX_SPAWN_DUP2, 1, 2)]
    arguments = [str(word) for word in words]
    began = time.perf_counter()
    process = os.posix_spawn(arguments[0], arguments, environment, file_actions=actions)
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - began
    if status:
        raise FleetError(f"{' '.join(arguments)} failed:\n{output.read_text()[-2000:]}")
    return Spent(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
