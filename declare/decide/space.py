"""What is still free on one host while placements are found: cores, memory, ports. Working state, never output."""

from collections.abc import Iterable, Iterator

from declare.decide.hosts import HostView
from declare.decide.wish import MICRO, Wish
from declare.model.app import App, Resources
from declare.model.observed import PortBinding

ANY_ADDRESS = frozenset({"", "0.0.0.0", "::"})

FixedPort = tuple[int, str, str]
"""Port, protocol, address."""


class Space:
    """A replica counts once, while it is replaced too: reservations are the scheduler's own, the engine holds none.

    `limit_*` None: unknown, and so unlimited. `taken` are all host ports that anything holds or would hold if started.
    """

    __slots__ = (
        "apps", "containers", "cpus", "fixed", "limit_cpus", "limit_memory", "memory", "name", "taken", "view",
    )  # fmt: skip

    def __init__(self, view: HostView) -> None:
        self.view = view
        self.name = view.name
        self.limit_cpus, self.limit_memory = _read_limits(view)
        self.cpus = 0
        self.memory = 0
        self.containers = 0
        self.apps: dict[str, int] = {}
        self.fixed: dict[tuple[int, str], list[tuple[str, str]]] = {}
        self.taken: set[int] = set()

    def count(self, resources: Resources) -> None:
        """Count a container that is not placed by this plan."""
        self.cpus += round(resources.cpus * MICRO)
        self.memory += resources.memory
        self.containers += 1

    def hold(self, bindings: Iterable[PortBinding], holder: str) -> None:
        """Count fixed host ports as held."""
        for binding in bindings:
            entry = self.fixed.setdefault((binding.host_port, binding.protocol), [])
            entry.append((binding.host_ip, holder))

    def take(self, wish: Wish, replica: str) -> None:
        """Count a replica that is, or will be, here."""
        self.cpus += wish.cpus
        self.memory += wish.memory
        self.containers += 1
        self.apps[wish.name] = self.apps.get(wish.name, 0) + 1
        for port, protocol, address in self.fixed_ports(wish.app):
            self.fixed.setdefault((port, protocol), []).append((address, f"{wish.name}/{replica}"))

    def release(self, wish: Wish, replica: str) -> None:
        """Undo `take`."""
        self.cpus -= wish.cpus
        self.memory -= wish.memory
        self.containers -= 1
        self.apps[wish.name] -= 1
        for port, protocol, address in self.fixed_ports(wish.app):
            self.fixed[port, protocol].remove((address, f"{wish.name}/{replica}"))

    def reserve_fixed(self) -> None:
        """From now on no fixed port of what is here, or will be, is allocated."""
        self.taken.update(port for (port, _), holders in self.fixed.items() if holders)

    def fits(self, wish: Wish) -> bool:
        """Whether cores and memory are left for one more."""
        return (self.limit_cpus is None or self.cpus + wish.cpus <= self.limit_cpus) and (
            self.limit_memory is None or self.memory + wish.memory <= self.limit_memory
        )

    def share_with(self, wish: Wish) -> float:
        """The dominant share after placement: the fuller of cores and memory, as a part of the whole."""
        cpus = (self.cpus + wish.cpus) / self.limit_cpus if self.limit_cpus else 0.0
        memory = (self.memory + wish.memory) / self.limit_memory if self.limit_memory else 0.0
        return cpus if cpus > memory else memory

    def holder_of(self, wish: Wish, replica: str) -> tuple[FixedPort, str] | None:
        """The first fixed port of a replica that something else holds here, and what holds it."""
        if not wish.app.publish:
            return None
        subject = f"{wish.name}/{replica}"
        for port, protocol, address in self.fixed_ports(wish.app):
            for other, holder in self.fixed.get((port, protocol), ()):
                if holder != subject and _overlap(address, other):
                    return (port, protocol, address), holder
        return None

    def fixed_ports(self, app: App) -> Iterator[FixedPort]:
        """The fixed host ports that an app would hold here."""
        for port in app.publish:
            yield port.host_port, port.protocol, port.host_ip or self.view.address


def _overlap(one: str, other: str) -> bool:
    return one == other or one in ANY_ADDRESS or other in ANY_ADDRESS


def _read_limits(view: HostView) -> tuple[int | None, int | None]:
    given, engine = view.host.capacity or Resources(), view.observed.engine
    cpus = given.cpus or (engine.cpus if engine else 0.0)
    memory = given.memory or (engine.memory if engine else 0)
    return round(cpus * MICRO) or None, memory or None
