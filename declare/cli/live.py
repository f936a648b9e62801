"""A live picture of an apply at the foot of a terminal; what has ended scrolls away above it."""

import threading
from collections.abc import Callable, Collection

from rich.console import Console, Group
from rich.live import Live

from declare.cli.session import Session
from declare.cli.underway import Underway, write_or_stop
from declare.model.event import Failure, Transition
from declare.show.events import UNDER_WAY, show_event, show_pending
from declare.show.lines import Line, wrap
from declare.show.terminal import to_rich

_FRAMES_PER_SECOND = 4


class LiveProgress:
    """Redraws what is under way, folded to the height of the terminal."""

    def __init__(self, session: Session, lost: Callable[[], object]) -> None:
        self._console = Console(file=session.err, highlight=False)
        self._underway = Underway()
        self._lost = lost
        self._planned: Collection[str] = ()
        self._writing = threading.Lock()
        self._live: Live | None = None

    def __call__(self, event: Transition | Failure) -> None:
        self._underway.note(event)
        if isinstance(event, Failure) or event.state not in UNDER_WAY or self._live is None:
            self.say(show_event(event))

    def begin(self, planned: Collection[str]) -> None:
        self._planned = planned
        live = Live(
            console=self._console, get_renderable=self._draw, refresh_per_second=_FRAMES_PER_SECOND, transient=True
        )
        live.start()
        self._live = live

    def end(self) -> None:
        if self._live:
            write_or_stop(self._live.stop, self._lost)
            self._live = None

    def say(self, text: Line) -> None:
        with self._writing:
            write_or_stop(lambda: self._print(text), self._lost)

    def _print(self, text: Line) -> None:
        for row in wrap([text], self._console.width):
            self._console.print(to_rich(row), soft_wrap=True)

    def _draw(self) -> Group:
        limit = max(self._console.height // 2, 4)
        done = self._underway.ended(self._planned)
        rows = show_pending(self._underway.pending(), done=done, total=len(self._planned), limit=limit)
        return Group(*(to_rich(row) for row in rows))
