"""Collects the mistakes of all files of one run, each with its place and the line it stands on."""

from collections.abc import Iterable

from declare.model.errors import InputError
from declare.model.problem import Problem, Source


class Mistake(Exception):
    """A value that can't be taken. Raised where it is parsed, and collected by whoever knows what comes next."""

    def __init__(self, summary: str, source: Source | None = None, *, help: str | None = None) -> None:
        super().__init__(summary)
        self.summary = summary
        self.source = source
        self.help = help


class Problems:
    """All problems found so far. It keeps the text of each file, for the excerpts."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, Source | None], Problem] = {}
        self._lines: dict[str, list[str]] = {}
        self._settled: set[Source] = set()

    def keep_text(self, file: str, text: str) -> None:
        self._lines[file] = text.splitlines()

    def add(self, summary: str, source: Source | None = None, *, help: str | None = None) -> None:
        """Remember an error; the same one at the same place counts once, as an alias can repeat it."""
        if source not in self._settled:
            self._found.setdefault((summary, source), Problem(summary, source, self._excerpt(source), help))

    def settle(self, source: Source) -> None:
        """Let no more be said of the value at this place: its cause is known already."""
        self._settled.add(source)

    def warn(self, summary: str, source: Source | None = None, *, help: str | None = None) -> None:
        problem = Problem(summary, source, self._excerpt(source), help, severity="warning")
        self._found.setdefault((summary, source), problem)

    def collect(self, mistake: Mistake, source: Source | None = None) -> None:
        """Remember a mistake at its own place, else at `source`."""
        self.add(mistake.summary, mistake.source or source, help=mistake.help)

    @property
    def count(self) -> int:
        return len(self._found)

    @property
    def any_errors(self) -> bool:
        return any(problem.is_error for problem in self._found.values())

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return _sorted(problem for problem in self._found.values() if not problem.is_error)

    def raise_errors(self) -> None:
        """Raise InputError with everything found, if any of it is an error."""
        if self.any_errors:
            raise InputError(_sorted(self._found.values()))

    def locate(self, text: str, source: Source) -> Source:
        """The place of `text` in the line of a place, from there on; the place itself if it isn't found there."""
        at = (self._excerpt(source) or "").find(text, source.column - 1) if text else -1
        return Source(source.file, source.line, at + 1, len(text)) if at >= 0 else source

    def _excerpt(self, source: Source | None) -> str | None:
        lines = self._lines.get(source.file, []) if source else []
        return lines[source.line - 1][:400] if source and source.line <= len(lines) else None


def _sorted(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    nowhere = Source("")
    return tuple(sorted(problems, key=lambda problem: (problem.source or nowhere, problem.summary)))
