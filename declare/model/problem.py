"""A mistake in what the user wrote, with the place where it stands."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """A place in a file. `line` and `column` count from 1; `length` is how many characters the caret underlines."""

    file: str
    line: int = 1
    column: int = 1
    length: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `excerpt` is the source line itself, where there is one; `help` says what to write instead."""

    summary: str
    source: Source | None = None
    excerpt: str | None = None
    help: str | None = None
    severity: Literal["error", "warning"] = "error"

    @property
    def is_error(self) -> bool:
        return self.severity == "error"
