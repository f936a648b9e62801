"""How long it takes until declare can say anything at all."""

from collections.abc import Iterator

from tests.bench.figure import Figure, timed
from tests.bench.memory import peak_of
from tests.bench.scene import Scene

_BOUND = 0.1
_RUNS_A_ROUND = 5


def measure_help(scene: Scene, rounds: int) -> Iterator[Figure]:
    """`declare --help`, by turns with an interpreter that imports click alone."""
    spent, floors = [], []
    for _ in range(rounds * _RUNS_A_ROUND):
        spent.append(scene.declare("--help"))
        floors.append(scene.python("import click").wall)
    yield timed(
        "--help",
        [one.wall for one in spent],
        floors,
        bound=_BOUND,
        floor_name='python -c "import click"',
        cpu=[one.cpu for one in spent],
    )
    yield peak_of("--help", spent)
