"""The command line of the benchmarks: `scripts/bench`."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from tests.bench.apply import measure_apply
from tests.bench.core import measure_core
from tests.bench.figure import Figure, show
from tests.bench.installed import Installed
from tests.bench.plan import measure_plan_over_ssh, measure_plan_over_tcp
from tests.bench.scene import Scene
from tests.bench.start import measure_help
from tests.fleet.errors import FleetError

Measure = Callable[[Scene, int], Iterator[Figure]]

MEASUREMENTS: Mapping[str, Measure] = {
    "help": measure_help,
    "apply": measure_apply,
    "plan": measure_plan_over_tcp,
    "ssh": measure_plan_over_ssh,
    "core": measure_core,
}


def main() -> int:
    """Measure, print, and with --check say by the exit code whether all bounds hold."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Time declare, each figure beside its floor.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(MEASUREMENTS)}; default: all")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often each is measured (default: 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bound does not hold")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(MEASUREMENTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    try:
        figures = measure(asked.names or list(MEASUREMENTS), rounds=max(1, asked.rounds))
    except FleetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("\n".join(show(figures)))
    if asked.json:
        asked.json.write_text(json.dumps([asdict(figure) | {"holds": figure.holds} for figure in figures], indent=2))
    return int(asked.check and not all(figure.holds for figure in figures))


def measure(names: Sequence[str], *, rounds: int) -> list[Figure]:
    """The figures of these measurements; the hosts are brought up only for those that need them."""
    figures: list[Figure] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="declare-bench-")))
        scene = stack.enter_context(Scene(folder, Installed(folder / "site")))
        for name in names:
            print(f"measuring {name}", file=sys.stderr)
            figures += MEASUREMENTS[name](scene, rounds)
    return figures


if __name__ == "__main__":
    sys.exit(main())
