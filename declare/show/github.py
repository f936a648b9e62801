"""What GitHub Actions reads: annotations of problems, and a plan's outputs."""

from collections.abc import Iterable, Iterator
from dataclasses import fields

from declare.model.plan import Plan
from declare.model.problem import Problem
from declare.show.lines import escape
from declare.show.problems import sort_problems
from declare.show.summary import MEANING, summarize


def show_annotations(problems: Iterable[Problem]) -> Iterator[str]:
    """One workflow command a problem, so that it shows beside the line it is about."""
    for problem in sort_problems(problems):
        place = problem.source
        where = ""
        if place:
            where = f"file={_property(place.file)},line={place.line},col={place.column},"
            where += f"endColumn={place.column + place.length},"
        message = problem.summary + (f"\n{problem.help}" if problem.help else "")
        text = "%0A".join(_message(escape(part)) for part in message.split("\n"))
        yield f"::{problem.severity} {where}title=declare::{text}"


def show_outputs(plan: Plan) -> Iterator[str]:
    """NAME=VALUE lines: whether there are changes, whether every host was read, and how many changes of each kind."""
    summary = summarize(plan)
    yield f"changes={_bool(not plan.is_empty)}"
    yield f"complete={_bool(plan.complete)}"
    for field in fields(summary):
        if field.name in MEANING:
            yield f"{field.name}={getattr(summary, field.name)}"


def _bool(value: bool) -> str:
    return "true" if value else "false"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(escape(text)).replace(":", "%3A").replace(",", "%2C")
