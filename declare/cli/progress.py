"""Shows an apply while it runs: live on a terminal, a line per transition elsewhere, a JSON event per line on request.

A reader that goes away asks the apply to stop; it never breaks it.
"""

import threading
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Protocol

from declare.cli.session import Session
from declare.cli.underway import Underway, write_or_stop
from declare.model.event import Failure, Transition
from declare.show.events import show_event, show_heartbeat
from declare.show.lines import Line

if TYPE_CHECKING:
    from declare.cli.live import LiveProgress

HEARTBEAT = 10.0


class Progress(Protocol):
    """What an apply tells its events to; called from several threads, one call at a time."""

    def __call__(self, event: Transition | Failure) -> None: ...

    def begin(self, planned: Collection[str]) -> None:
        """The plan is approved: these replicas will change."""
        ...

    def say(self, text: Line) -> None:
        """Something that is no event."""
        ...

    def end(self) -> None: ...


class LineProgress:
    """A line per transition on standard error, and one every ten silent seconds."""

    def __init__(self, session: Session, lost: Callable[[], object], *, interval: float = HEARTBEAT) -> None:
        self._session = session
        self._lost = lost
        self._interval = interval
        self._underway = Underway()
        self._spoken = threading.Event()
        self._over = threading.Event()
        self._writing = threading.Lock()

    def __call__(self, event: Transition | Failure) -> None:
        self._underway.note(event)
        self._spoken.set()
        self._tell(lambda: self._session.tell([show_event(event)]))

    def begin(self, planned: Collection[str]) -> None:  # noqa: ARG002
        self._over.clear()
        threading.Thread(target=self._keep_beating, name="heartbeat", daemon=True).start()

    def say(self, text: Line) -> None:
        self._tell(lambda: self._session.tell([text]))

    def end(self) -> None:
        self._over.set()
        self._spoken.set()

    def _keep_beating(self) -> None:
        while not self._over.is_set():
            if self._spoken.wait(self._interval):
                self._spoken.clear()
                continue
            beat = show_heartbeat(self._underway.pending(), seconds=self._underway.seconds)
            self.say(beat)

    def _tell(self, write: Callable[[], None]) -> None:
        with self._writing:
            write_or_stop(write, self._lost)


class JsonProgress:
    """One JSON document a line on standard output."""

    def __init__(self, session: Session, lost: Callable[[], object]) -> None:
        self._session = session
        self._lost = lost

    def __call__(self, event: Transition | Failure) -> None:
        from declare.show.json import event_document, render_json_line

        write_or_stop(lambda: self._session.print_text(render_json_line(event_document(event))), self._lost)

    def begin(self, planned: Collection[str]) -> None: ...

    def say(self, text: Line) -> None:
        write_or_stop(lambda: self._session.tell([text]), self._lost)

    def end(self) -> None: ...


def open_progress(session: Session, *, as_json: bool, lost: Callable[[], object]) -> "Progress | LiveProgress":
    """The kind that fits where the output goes. `lost` is called when nobody reads it any more."""
    if as_json:
        return JsonProgress(session, lost)
    if session.err.isatty() and session.paints(session.err):
        from declare.cli.live import LiveProgress

        return LiveProgress(session, lost)
    return LineProgress(session, lost)
