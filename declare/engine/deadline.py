"""The time that one call may take, as a whole: every wait inside it is cut to what is left."""

import time


class Deadline:
    """Runs out `seconds` after it was made; with `idle`, no single wait may be longer than that either."""

    __slots__ = ("_end", "_idle", "seconds")

    def __init__(self, seconds: float, *, idle: float | None = None) -> None:
        self.seconds = seconds
        self._idle = idle
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that the next wait may take, never 0. Raises TimeoutError if there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left if self._idle is None else min(left, self._idle)
