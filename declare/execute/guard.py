"""The writing side of an engine as an execution sees it: before each writing call the lock is checked on that host."""

from collections.abc import Callable
from typing import Any, cast

from declare.model.engine import EngineWriter
from declare.model.errors import EngineError

CHANGING = frozenset({
    "create_container", "create_volume", "remove_container", "remove_volume", "rename_container", "run_command",
    "signal_container", "start_container", "stop_container", "unpause_container", "update_container", "write_files",
})  # fmt: skip
PREPARING = frozenset({"import_empty_image", "load_image", "pull_image"})


class Ledger:
    """Whether anything on any host was changed; pulls are not counted as a change."""

    def __init__(self) -> None:
        self.changed = False


def guard(engine: EngineWriter, before: Callable[[str], None], ledger: Ledger) -> EngineWriter:
    """The same engine; each writing call first runs `before(host)`, which may raise, and is noted in the ledger."""
    return cast(EngineWriter, _Guarded(engine, before, ledger))


class _Guarded:
    def __init__(self, engine: EngineWriter, before: Callable[[str], None], ledger: Ledger) -> None:
        self._engine = engine
        self._before = before
        self._ledger = ledger

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._engine, name)
        if name not in CHANGING and name not in PREPARING:
            return member

        def call(*args: Any, **kwargs: Any) -> Any:
            self._before(self._engine.host)
            refused = False
            try:
                return member(*args, **kwargs)
            except EngineError:
                refused = True
                raise
            finally:
                # A call without an answer may well have had its effect.
                if name in CHANGING and not refused:
                    self._ledger.changed = True

        return call
