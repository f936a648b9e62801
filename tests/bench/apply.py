"""A first apply as a whole process, against creating and starting the same containers by plain calls."""

import time
from collections.abc import Iterator
from functools import partial

from tests.bench.figure import Figure, timed
from tests.bench.floor import share
from tests.bench.memory import peak_of
from tests.bench.scene import REPLICAS, Scene

_AT_ONCE = (2, 4, 6, 8, 10)
_BOUND = 1.25


def measure_apply(scene: Scene, rounds: int) -> Iterator[Figure]:
    """By turns with the floor, which has the concurrency that was best just before."""
    inventory = str(scene.project(engine="tcp") / "inventory.yaml")
    scene.clean()
    scene.declare("-i", inventory, "apply", "--yes")  # the first of all also makes the empty image
    best = min(_AT_ONCE, key=partial(_time_floor, scene))
    spent, floors = [], []
    for turn in range(rounds):
        if turn % 2:
            floors.append(_time_floor(scene, best))
        scene.clean()
        spent.append(scene.declare("-i", inventory, "apply", "--yes"))
        if turn % 2 == 0:
            floors.append(_time_floor(scene, best))
    yield timed(
        f"apply {REPLICAS} replicas",
        [one.wall for one in spent],
        floors,
        bound=_BOUND,
        relative=True,
        floor_name=f"create and start {REPLICAS} containers by plain calls, {best} at a time on each host",
        cpu=[one.cpu for one in spent],
    )
    yield peak_of("apply", spent)


def _time_floor(scene: Scene, at_once: int) -> float:
    scene.clean()
    calls = [partial(engine.create_and_start, part, at_once=at_once) for engine, part in share(REPLICAS, scene.engines)]
    began = time.perf_counter()
    scene.at_once(calls)
    return time.perf_counter() - began
