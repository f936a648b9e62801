"""Paints lines for a terminal. The only module that knows colours."""

from collections.abc import Iterable
from io import StringIO

from rich.console import Console
from rich.text import Text

from declare.show.lines import Line, Style, wrap

COLOURS = {
    Style.PLAIN: "",
    Style.TITLE: "bold",
    Style.CREATE: "green",
    Style.REMOVE: "red",
    Style.UPDATE: "yellow",
    Style.QUIET: "dim",
    Style.WARNING: "yellow",
    Style.ERROR: "bold red",
    Style.GOOD: "green",
}


def to_rich(row: Line) -> Text:
    """A line as rich has it; nothing in it is read as markup."""
    return Text.assemble(*((part.text, COLOURS[part.style]) for part in row.spans), no_wrap=True, overflow="ellipsis")


def paint(lines: Iterable[Line], *, width: int | None) -> str:
    """The lines with colours, folded at `width` columns."""
    stream = StringIO()
    console = Console(
        file=stream, force_terminal=True, color_system="standard", width=width or 10_000, legacy_windows=False
    )
    for row in wrap(lines, width):
        console.print(to_rich(row), soft_wrap=True)
    return stream.getvalue()
