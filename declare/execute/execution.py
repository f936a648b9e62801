"""What all rollouts of one execution share, and nothing else."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from declare.execute.balancer import Balancer
from declare.execute.interrupt import Interrupt
from declare.model.app import Desired, SecretValue
from declare.model.engine import EngineWriter
from declare.model.event import Failure, Listener, Transition
from declare.model.inventory import PortRange


class PortKeeper:
    """Host ports that are spoken for, by host: where a planned one turns out to be taken, the next one is free."""

    def __init__(self, ports: PortRange, taken: Mapping[str, set[int]]) -> None:
        self._ports = ports
        self._taken = {host: set(held) for host, held in taken.items()}
        self._lock = threading.Lock()

    def take_next(self, host: str, port: int) -> int | None:
        """The next free port of the range after `port`, wrapping round; None if there is none."""
        size = len(self._ports)
        with self._lock:
            taken = self._taken.setdefault(host, set())
            taken.add(port)
            for offset in range(1, size):
                candidate = self._ports.first + (port - self._ports.first + offset) % size
                if candidate not in taken:
                    taken.add(candidate)
                    return candidate
        return None


def one_at_a_time(listener: Listener) -> Listener:
    """The same listener for several threads: no call begins before the one before has ended."""
    lock = threading.Lock()

    def tell(event: Transition | Failure) -> None:
        with lock:
            listener(event)

    return tell


@dataclass(frozen=True, slots=True)
class Execution:
    """One plan being carried out. `operation` marks every container made by it; engines are guarded by the lock."""

    project: str
    operation: str
    engines: Mapping[str, EngineWriter]
    desired: Desired
    secrets: Mapping[str, SecretValue]
    ports: PortKeeper
    balancer: Balancer
    listener: Listener
    interrupt: Interrupt
    starts: ThreadPoolExecutor
    addresses: Mapping[str, str] = field(default_factory=dict)

    def tell(self, subject: str, state: str, *, host: str = "", detail: str = "", cause: str = "") -> None:
        """Tell whoever listens of a transition."""
        self.listener(Transition(subject, state, host, detail, cause))
