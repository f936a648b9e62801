"""Progress: what is told while an apply runs, and what happens when nobody listens."""

import io
import threading

from declare.cli.progress import LineProgress
from declare.cli.session import Session
from declare.cli.underway import Underway
from declare.model.event import Failure, Transition


class Ears(io.StringIO):
    """A stream that knows when it has heard something."""

    def __init__(self, wanted: str) -> None:
        super().__init__()
        self.wanted = wanted
        self.heard = threading.Event()

    def write(self, text: str) -> int:
        if self.wanted in text:
            self.heard.set()
        return super().write(text)


class Deaf(io.StringIO):
    def write(self, text: str) -> int:  # noqa: ARG002
        raise BrokenPipeError


def test_a_silent_apply_says_what_it_waits_for():
    ears = Ears("waiting")
    progress = LineProgress(Session(err=ears), lost=lambda: None, interval=0.01)
    progress(Transition("web/1", "started", "web-1"))
    progress.begin({"web/1"})
    assert ears.heard.wait(10)
    progress.end()
    assert "web/1 on web-1 started for 0 s" in ears.getvalue()


def test_a_reader_that_went_away_asks_the_apply_to_stop_and_breaks_nothing():
    lost: list[bool] = []
    progress = LineProgress(Session(err=Deaf()), lost=lambda: lost.append(True))
    progress(Transition("web/1", "healthy", "web-1"))
    assert lost == [True]


def test_what_has_ended_is_under_way_no_longer():
    now = [0.0]
    underway = Underway(lambda: now[0])
    underway.note(Transition("web/1", "started", "web-1"))
    underway.note(Transition("web/2", "started", "web-2"))
    underway.note(Transition("web/3", "started", "web-3"))
    now[0] = 5.0
    underway.note(Transition("web/1", "healthy", "web-1"))
    underway.note(Failure("web/2", "web-2", "was not healthy"))
    assert [(each.subject, each.seconds) for each in underway.pending()] == [("web/3", 5.0)]
    assert underway.ended({"web/1", "web/2", "web/3"}) == 2
