"""Columns of text, aligned; the last one runs free."""

from collections.abc import Sequence

from declare.show.lines import Line, Span, Style, columns, span

Cell = str | Span
Row = Sequence[Cell]


def show_table(head: Sequence[str], rows: Sequence[Row], *, indent: int = 0) -> list[Line]:
    """A heading and its rows. Columns that are empty in all rows are left out."""
    body = [[cell if isinstance(cell, Span) else span(cell) for cell in row] for row in rows]
    used = [at for at in range(len(head)) if any(row[at].text for row in body)]
    title = [span(text, Style.TITLE) for text in head]
    table = [[row[at] for at in used] for row in (title, *body)]
    widths = [max(columns(row[at].text) for row in table) for at in range(len(used))]
    return [_show_row(row, widths, indent) for row in table]


def _show_row(row: Sequence[Span], widths: Sequence[int], indent: int) -> Line:
    spans = [Span(" " * indent)]
    for cell, width in zip(row, widths, strict=True):
        spans += (cell, Span(" " * (width - columns(cell.text) + 2)))
    while len(spans) > 1 and not spans[-1].text.strip():
        spans.pop()
    return Line(tuple(spans), hang=indent + 2)
