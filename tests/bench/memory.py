"""The peak memory of measured processes as a figure."""

from collections.abc import Sequence

from tests.bench.child import Spent
from tests.bench.figure import Figure

_BOUND = 80.0


def peak_of(name: str, spent: Sequence[Spent]) -> Figure:
    """The largest peak of all runs."""
    return Figure(f"  memory of {name}", max(one.peak for one in spent), "MB", _BOUND)
