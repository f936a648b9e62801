"""What of an apply has begun and not ended; and writing to a reader that may have gone. Shows nothing by itself."""

import threading
import time
from collections.abc import Callable, Collection

from declare.model.event import Failure, Transition
from declare.show.events import UNDER_WAY, Pending


class Underway:
    """What has begun and not ended, and since when. The clock is given, so that tests need not wait."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since = clock()
        self._entries: dict[tuple[str, str], tuple[str, float]] = {}
        self._lock = threading.Lock()
        self._ended: set[str] = set()

    def note(self, event: Transition | Failure) -> None:
        """Take an event in."""
        key = (event.subject, event.host)
        with self._lock:
            if isinstance(event, Transition) and event.state in UNDER_WAY:
                self._entries[key] = (event.state, self._clock())
            else:
                self._entries.pop(key, None)
                self._ended.add(event.subject)

    def ended(self, subjects: Collection[str]) -> int:
        """How many of these have come to some end."""
        return sum(subject in self._ended for subject in subjects)

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return self._clock() - self._since

    def pending(self) -> list[Pending]:
        """What is under way now."""
        now = self._clock()
        with self._lock:
            return [Pending(*key, state, now - since) for key, (state, since) in sorted(self._entries.items())]


def write_or_stop(write: Callable[[], None], lost: Callable[[], object]) -> None:
    """Write; if the reader has gone, say so instead of failing."""
    try:
        write()
    except (BrokenPipeError, ValueError):
        lost()
