"""Signals become exceptions, or requests to stop: nothing here ends the process by itself."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], None]
_ENDING = (signal.SIGTERM, signal.SIGHUP)


class Terminated(BaseException):
    """SIGTERM or SIGHUP arrived."""


@contextmanager
def raise_on_termination() -> Iterator[None]:
    """SIGTERM and SIGHUP raise Terminated; Ctrl-C raises KeyboardInterrupt, as Python has it."""

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        raise Terminated

    with _handled(dict.fromkeys(_ENDING, stop)):
        yield


@contextmanager
def _handled(handlers: dict[signal.Signals, Handler]) -> Iterator[None]:
    try:
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    except ValueError:  # not the main thread: whoever embeds us keeps its own handlers
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def request_on_signal(request: Callable[[], object]) -> Iterator[Callable[[], bool]]:
    """Ctrl-C, SIGTERM and SIGHUP ask through `request` instead of raising. Yields whether it was a termination."""
    seen: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        seen.append(number)
        # In a thread: the main thread may be inside the very lock that `request` takes.
        threading.Thread(target=request, daemon=True).start()

    with _handled(dict.fromkeys((signal.SIGINT, *_ENDING), ask)):
        yield lambda: any(number in _ENDING for number in seen)
