"""What was measured, beside its floor and its bound, and the table of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """Medians. The bound is on the value itself, or, where `relative`, on how many times the floor it is.

    `least`, `cpu`: the best round, and the median of the processor time of the measured process alone: on a busy
    machine they tell more than the median does.
    """

    name: str
    value: float
    unit: str
    bound: float
    floor: float | None = None
    floor_name: str = ""
    ratio: float | None = None
    relative: bool = False
    least: float | None = None
    cpu: float | None = None

    @property
    def holds(self) -> bool:
        return (self.ratio if self.relative and self.ratio is not None else self.value) <= self.bound


def timed(
    name: str,
    values: Sequence[float],
    floors: Sequence[float],
    *,
    bound: float,
    floor_name: str,
    relative: bool = False,
    cpu: Sequence[float] = (),
) -> Figure:
    """Seconds, measured by turns with their floor: the ratio is the median of the rounds' own."""
    return Figure(
        name=name,
        value=median(values),
        unit="s",
        bound=bound,
        floor=median(floors),
        floor_name=floor_name,
        ratio=median(value / floor for value, floor in zip(values, floors, strict=True)),
        relative=relative,
        least=min(values),
        cpu=median(cpu) if cpu else None,
    )


def show(figures: Sequence[Figure]) -> list[str]:
    """A table, and below it what the floors are."""
    rows = [("", "median", "least", "cpu", "floor", "ratio", "bound", "holds"), *map(_row, figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    table = [_line(row, widths) for row in rows]
    notes = [f"floor of {figure.name}: {figure.floor_name}" for figure in figures if figure.floor_name]
    return [*table, "", *notes]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = widths
    cells = [row[0].ljust(first), *(cell.rjust(width) for cell, width in zip(row[1:], others, strict=True))]
    return "  ".join(cells).rstrip()


def _row(figure: Figure) -> tuple[str, ...]:
    return (
        figure.name,
        _write(figure.value, figure.unit),
        _write(figure.least, figure.unit),
        _write(figure.cpu, figure.unit),
        _write(figure.floor, figure.unit),
        _write(figure.ratio, "×"),
        _write(figure.bound, "×" if figure.relative else figure.unit),
        "yes" if figure.holds else "NO",
    )


def _write(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    return f"{value:.0f} {unit}" if unit == "MB" else f"{value:.2f} {unit}"
