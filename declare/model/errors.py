"""Every failure that declare expects; anything else that is raised is a bug of declare.

DeclareError
 +-- InputError            the user's files, flags or references are wrong (carries problems)
 +-- PlanStale             a saved plan does not fit the fleet any more
 +-- LockHeld              somebody else writes to this fleet
 +-- LockLost              the lock was lost while it was held: nothing more may be written
 +-- NotAllowed            approval was refused or could not be asked for
 +-- ApplyFailed           something was changed, and the declared state was not reached (exit code 3)
 +-- HostError             one host; carries its name
      +-- Unreachable      no answer, or not in time, or not from the host that was meant
      +-- EngineError      the engine answered with an error status
           +-- NotFound    404
           +-- Conflict    409: the name or the object is taken
           +-- PortTaken   a host port is held by something else
"""

from collections.abc import Sequence

from declare.model.problem import Problem


class DeclareError(Exception):
    """An expected failure: `str()` is one line for the terminal, `help` the next thing to do."""

    exit_code = 1

    def __init__(self, message: str, *, help: str | None = None) -> None:
        super().__init__(message)
        self.help = help


class InputError(DeclareError):
    """Mistakes in manifests, inventory, flags or references; all of them, in the order of their places."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems[0].summary if problems else "invalid input")
        self.problems = tuple(problems)


class PlanStale(DeclareError):
    """A saved plan was made for another state of the fleet or of its secrets."""


class LockHeld(DeclareError):
    """Another holder has the lock, and kept it for longer than the wait allowed."""


class LockLost(DeclareError):
    """The lock could not be renewed, or somebody broke it."""


class NotAllowed(DeclareError):
    """The user said no, or nobody could be asked."""


class ApplyFailed(DeclareError):
    """Something was changed and the declared state was not reached."""

    exit_code = 3


class HostError(DeclareError):
    """A failure of one host; `host` is its name in the inventory."""

    def __init__(self, host: str, message: str, *, help: str | None = None) -> None:
        super().__init__(f"{host}: {message}", help=help)
        self.host = host
        self.reason = message


class Unreachable(HostError):
    """No usable answer within the deadline. The outcome of a writing call that ends so is unknown."""


class EngineError(HostError):
    """The engine refused a call; `status` is its HTTP status."""

    def __init__(self, host: str, message: str, *, status: int = 0, help: str | None = None) -> None:
        super().__init__(host, message, help=help)
        self.status = status


class NotFound(EngineError):
    """The object does not exist on that engine."""


class Conflict(EngineError):
    """The name is in use, or the object is in a state that forbids the call."""


class PortTaken(EngineError):
    """A container could not start because a host port is held by something else."""
