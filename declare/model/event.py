"""What happens while a plan is carried out, told as it happens."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Transition:
    """`subject` ("web/2", "proxy", "image ghcr.io/acme/web:2", "lock") came into `state` on `host` ("" for none)."""

    subject: str
    state: str
    host: str = ""
    detail: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """The evidence of one failed replica or host: what was asked, what it said last, and what to type next."""

    subject: str
    host: str
    reason: str
    check: str = ""
    exit_code: int | None = None
    oom_killed: bool = False
    log_lines: tuple[str, ...] = ()
    result: str = ""
    next_command: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an apply ended: counts of changes by their fate. `changed`: something on a host is not as it was."""

    done: int = 0
    failed: int = 0
    undone: int = 0
    not_started: int = 0
    changed: bool = False
    failures: tuple[Failure, ...] = ()
    unreachable: tuple[str, ...] = ()
    interrupted: bool = False
    seconds: float = 0.0

    @property
    def reached(self) -> bool:
        """Whether the declared state was observed on every host."""
        return not (self.failed or self.undone or self.not_started or self.unreachable or self.interrupted)

    @property
    def exit_code(self) -> int:
        """0 reached; 130 interrupted; 3 something was changed all the same; 1 nothing was."""
        if self.reached:
            return 0
        if self.interrupted:
            return 130
        return 3 if self.changed else 1


Listener = Callable[[Transition | Failure], None]
"""Called from several threads, one call at a time."""
