"""The user's wish to stop: once to finish the step in hand, twice to stop at the next call."""

import threading

from declare.model.errors import DeclareError


class Interrupted(DeclareError):
    """Raised between two steps after the user asked to stop."""

    exit_code = 130


class Interrupt:
    """Set by the door's signal handlers, read by every thread of an execution."""

    def __init__(self) -> None:
        self._level = 0
        self._asked = threading.Event()

    @property
    def level(self) -> int:
        """0 go on; 1 finish the step in hand; 2 stop now."""
        return self._level

    def request(self) -> int:
        """Ask once more; the level that counts from now on."""
        self._level = min(2, self._level + 1)
        self._asked.set()
        return self._level

    def raise_if(self, level: int) -> None:
        """Raise Interrupted if the user asked at least `level` times."""
        if self._level >= level:
            raise Interrupted("interrupted")

    def wait(self, seconds: float) -> None:
        """Sleep, but not through a second request."""
        if self._level == 0:
            self._asked.wait(seconds)
        else:
            threading.Event().wait(min(seconds, 0.2))
        self.raise_if(2)
