"""Problems as lines: the place, what is wrong, the source line with a caret below it, and what to write instead."""

from collections.abc import Iterable, Iterator, Sequence

from declare.model.problem import Problem, Source
from declare.show.lines import Line, Style, columns, counted, escape, line, shorten, span

_EXCERPT = 160
_BEFORE = 60


def show_problems(problems: Sequence[Problem]) -> list[Line]:
    """All problems in the order of their places, and how many they are if there are several."""
    ordered = sort_problems(problems)
    lines = [row for problem in ordered for row in show_problem(problem)]
    if len(ordered) > 1:
        lines.append(line(span(count_problems(ordered), Style.TITLE)))
    return lines


def sort_problems(problems: Iterable[Problem]) -> list[Problem]:
    """By file, line and column; those without a place come last."""
    nowhere = Source("\U0010ffff")
    return sorted(problems, key=lambda problem: (problem.source or nowhere, problem.severity, problem.summary))


def count_problems(problems: Iterable[Problem]) -> str:
    """ "2 errors, 1 warning"."""
    errors = [problem.is_error for problem in problems]
    counts = ((errors.count(True), "error"), (errors.count(False), "warning"))
    return ", ".join(counted(count, noun) for count, noun in counts if count)


def show_problem(problem: Problem) -> Iterator[Line]:
    """One problem."""
    style = Style.ERROR if problem.is_error else Style.WARNING
    place = problem.source
    where = f"{place.file}:{place.line}:{place.column}: " if place else ""
    first, *more = problem.summary.split("\n")
    yield line(where, span(f"{problem.severity}: ", style), first)
    for text in more:
        yield line(text if text.startswith(" ") else f"  {text}")
    margin = " " * (len(str(place.line)) + 2) if place else "   "
    if place and problem.excerpt is not None:
        yield from _show_excerpt(place, problem.excerpt, margin, style)
    if problem.help:
        yield from _show_help(problem.help, margin)


def show_failure_message(message: str, help: str | None) -> Iterator[Line]:
    """A failure that has no place: what went wrong, and what to do next."""
    return show_problem(Problem(message, help=help))


def _show_excerpt(place: Source, excerpt: str, margin: str, style: Style) -> Iterator[Line]:
    start = place.column - 1
    before, marked, after = excerpt[:start], excerpt[start : start + place.length], excerpt[start + place.length :]
    # The caret stands below what is seen, so the text is made harmless before it is measured.
    lead = escape(before.expandtabs(4))
    lead = lead if len(lead) <= _BEFORE else "…" + lead[1 - _BEFORE :]
    shown = shorten(escape(marked), _EXCERPT - _BEFORE)
    rest = shorten(escape(after), max(_EXCERPT - len(lead) - len(shown), 1)) if after else ""
    yield line(f"{margin}|")
    yield line(f" {place.line} | ", lead, span(shown, style), rest)
    yield line(f"{margin}| " + " " * columns(lead), span("^" * max(columns(shown), 1), style))


def _show_help(help: str, margin: str) -> Iterator[Line]:
    first, *more = help.split("\n")
    yield line(f"{margin}= help: {first}")
    for text in more:
        yield line(f"{margin}        {text}")
