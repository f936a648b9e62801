"""A plan that finds nothing to do, as a whole process, over TCP and over an ssh connection that is open already."""

import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from tests.bench.figure import Figure, timed
from tests.bench.memory import peak_of
from tests.bench.scene import Scene
from tests.fleet.errors import run

_TCP_BOUND = 0.35
_SSH_BOUND = 0.5
_RUNS_A_ROUND = 3
_IMPORTS = "import click, yaml, jsonschema, http.client"


def measure_plan_over_tcp(scene: Scene, rounds: int) -> Iterator[Figure]:
    """By turns with `docker ps` on all hosts at once."""
    urls = [host.engine_tcp for host in scene.fleet.hosts.values()]
    yield from _measure(scene, rounds, engine="tcp", urls=urls, bound=_TCP_BOUND)


def measure_plan_over_ssh(scene: Scene, rounds: int) -> Iterator[Figure]:
    """The same, the floor through sockets that a plain ssh keeps forwarded."""
    forwards = [_Forward(scene, name) for name in scene.fleet.hosts]
    try:
        urls = [forward.url for forward in forwards]
        yield from _measure(scene, rounds, engine="ssh", urls=urls, bound=_SSH_BOUND)
    finally:
        for forward in forwards:
            forward.close()


class _Forward:
    """One connection by the system's ssh with the engine's socket forwarded to a socket here."""

    def __init__(self, scene: Scene, name: str) -> None:
        self._name = name
        self._words: list[str | Path] = ["ssh", "-F", scene.fleet.ssh_config, "-S", scene.folder / f"{name}.ctl"]
        there, here = "/var/run/docker.sock", scene.folder / f"{name}.sock"
        self.url = f"unix://{here}"
        # What stays behind would hold the pipe of its errors open.
        quietly = ["sh", "-c", '"$@" 2> /dev/null', "sh"]
        run([*quietly, *self._words, "-f", "-N", "-M", "-L", f"{here}:{there}", name])

    def close(self) -> None:
        run([*self._words, "-O", "exit", self._name])


def _measure(scene: Scene, rounds: int, *, engine: str, urls: Sequence[str], bound: float) -> Iterator[Figure]:
    inventory = str(scene.project(engine=engine) / "inventory.yaml")
    scene.declare("-i", inventory, "apply", "--yes")
    spent, floors = [], []
    for _ in range(rounds * _RUNS_A_ROUND):
        spent.append(scene.declare("-i", inventory, "plan", "--detailed-exitcode"))  # fails where there is something
        floors.append(scene.python(_IMPORTS).wall + _time_listing(scene, urls))
    yield timed(
        f"plan over {engine}",
        [one.wall for one in spent],
        floors,
        bound=bound,
        floor_name=f'python -c "{_IMPORTS}", then docker ps on all hosts at once',
        cpu=[one.cpu for one in spent],
    )
    yield peak_of(f"plan over {engine}", spent)


def _time_listing(scene: Scene, urls: Sequence[str]) -> float:
    began = time.perf_counter()
    scene.at_once([partial(run, ["docker", "-H", url, "ps", "-q"]) for url in urls])
    return time.perf_counter() - began
