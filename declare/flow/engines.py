"""The engines of an inventory, opened side by side: one that can't be opened is held as the reason why."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

from declare.model.engine import EngineReader, EngineWriter
from declare.model.errors import HostError, Unreachable
from declare.model.inventory import Host, Inventory

E = TypeVar("E", bound=EngineReader)


class Engines(Generic[E]):
    """Open engines by host; a context manager that closes them."""

    def __init__(self, opened: Mapping[str, E | Unreachable]) -> None:
        self.all = dict(sorted(opened.items()))

    @property
    def reachable(self) -> dict[str, E]:
        """Those that could be opened; whether they still answer shows at the next call."""
        return {name: engine for name, engine in self.all.items() if not isinstance(engine, Unreachable)}

    def __enter__(self) -> "Engines[E]":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for engine in self.reachable.values():
            engine.close()


def open_readers(inventory: Inventory) -> Engines[EngineReader]:
    """Engines that can't write."""
    from declare.engine.connect import open_reader

    return _open(inventory, open_reader, {})


def open_writers(inventory: Inventory, *, silent: Mapping[str, str] | None = None) -> Engines[EngineWriter]:
    """Engines that can. Those of `silent`, host and reason, are not tried again: a dead one costs its deadline once."""
    from declare.engine.connect import open_writer

    return _open(inventory, open_writer, silent or {})


def _open(inventory: Inventory, opener: Callable[[Host], E], silent: Mapping[str, str]) -> Engines[E]:
    def attempt(host: Host) -> E | Unreachable:
        if host.name in silent:
            return Unreachable(host.name, silent[host.name])
        try:
            return opener(host)
        except HostError as error:
            return error if isinstance(error, Unreachable) else Unreachable(host.name, error.reason, help=error.help)

    with ThreadPoolExecutor(max_workers=max(1, min(64, len(inventory.hosts)))) as pool:
        opened = pool.map(attempt, inventory.hosts)
        return Engines({host.name: engine for host, engine in zip(inventory.hosts, opened, strict=True)})
