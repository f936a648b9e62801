#!/usr/bin/env python3
"""Times the deciding core alone: fleets of 100, 300 and 1,000 hosts with 20 containers each, one host lost.

Prints processor seconds and peak memory (of a process that holds the fleet, too), and how the times grow against the
number of hosts.
Exits 1 if the largest takes more than 3 s or 300 MB.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

SIZES = (100, 300, 1000)
PER_HOST, PER_APP = 20, 40
SECONDS, MEGABYTES = 3.0, 300.0


def main() -> int:
    """Measure each size in a process of its own, so that the peaks are its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, help="measure one size here, and print it as JSON")
    hosts = parser.parse_args().hosts
    if hosts:
        print(json.dumps(measure(hosts)))
        return 0
    results = [_measure_apart(size) for size in SIZES]
    for line in show(results):
        print(line)
    return int(results[-1]["lost"] > SECONDS or results[-1]["peak"] > MEGABYTES)


def measure(hosts: int) -> dict[str, float]:
    """Processor seconds for plans with nothing to do, one host lost, and an empty fleet; peak memory in megabytes."""
    from tests.decide.large import large_world

    world = large_world(hosts, containers=hosts * PER_HOST, apps=hosts * PER_HOST // PER_APP)
    began = time.process_time()
    plan = world.plan()
    nothing = time.process_time() - began
    assert plan.is_empty
    there = sum(bool(container.owner and container.owner.app) for container in world.host("h7").containers)
    world.cut("h7")
    began = time.process_time()
    plan = world.plan(lost=frozenset({"h7"}))
    lost = time.process_time() - began
    moved = sum(replica.new is not None for app in plan.apps for replica in app.replicas)
    assert moved == there > 0, (moved, there)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    empty = large_world(hosts, containers=hosts * PER_HOST, apps=hosts * PER_HOST // PER_APP, applied=False)
    began = time.process_time()
    empty.plan()
    fresh = time.process_time() - began
    return {"hosts": hosts, "nothing": nothing, "lost": lost, "fresh": fresh, "peak": peak}


def show(results: list[dict[str, float]]) -> list[str]:
    """A table, each time also for one host, as a ratio to the smallest fleet's: 1.0 is linear."""
    base = results[0]
    lines = [f"{'hosts':>6}  {'nothing to do':>16}  {'one host lost':>16}  {'empty fleet':>16}  {'peak':>7}"]
    for result in results:
        cells = []
        for name in ("nothing", "lost", "fresh"):
            ratio = (result[name] / result["hosts"]) / (base[name] / base["hosts"])
            cells.append(f"{result[name]:7.2f} s ({ratio:4.2f})")
        lines.append(
            f"{result['hosts']:>6.0f}  " + "  ".join(f"{cell:>16}" for cell in cells) + f"  {result['peak']:4.0f} MB"
        )
    return lines


def _measure_apart(hosts: int) -> dict[str, float]:
    command = (sys.executable, __file__, "--hosts", str(hosts))
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    result: dict[str, float] = json.loads(done.stdout)
    return result


if __name__ == "__main__":
    sys.exit(main())
