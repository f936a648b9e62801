"""The deciding core alone, on a large fleet that exists only as values; nothing to be compared with, so no floor."""

import json
import subprocess
import sys
from collections.abc import Iterator

from tests.bench.figure import Figure
from tests.bench.installed import ROOT
from tests.bench.scene import Scene
from tests.fleet.errors import FleetError

_SMALL, _LARGE = 100, 1000
_SECONDS, _MEGABYTES = 3.0, 300.0
_GROWTH = 2.0


def measure_core(_: Scene, rounds: int) -> Iterator[Figure]:
    """Each size in a process of its own. Near-linear: a host of the large fleet costs at most twice as much."""
    small = [_run(_SMALL) for _ in range(rounds)]
    large = [_run(_LARGE) for _ in range(min(rounds, 3))]
    seconds = sorted(one["lost"] for one in large)
    growth = (seconds[0] / _LARGE) / (min(one["lost"] for one in small) / _SMALL)
    middle = seconds[len(seconds) // 2]
    yield Figure(f"core, {_LARGE} hosts, one lost", middle, "s", _SECONDS, least=seconds[0], cpu=middle)
    yield Figure("  memory of core", max(one["peak"] for one in large), "MB", _MEGABYTES)
    yield Figure(f"  growth from {_SMALL} hosts", growth, "×", _GROWTH)


def _run(hosts: int) -> dict[str, float]:
    command = (sys.executable, str(ROOT / "scripts" / "bench_core.py"), "--hosts", str(hosts))
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise FleetError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    result: dict[str, float] = json.loads(done.stdout)
    return result
