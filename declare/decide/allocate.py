"""Host ports: explicit, stable, and each promised to one replica only."""

import hashlib
from collections.abc import Iterator, Sequence

from declare.decide.space import Space
from declare.decide.wish import Wish
from declare.model.inventory import PortRange
from declare.model.observed import PortBinding


class NoFreePort(Exception):
    """The range is used up on a host."""


def allocate(project: str, wish: Wish, replica: str, space: Space, ports: PortRange) -> tuple[PortBinding, ...]:
    """Bindings for a new container, allocated ports first by name, then the fixed ones. Raises NoFreePort.

    What it gives out is taken on that host afterwards.
    """
    bindings = []
    if not wish.app.host_network:
        for name, port in sorted(wish.app.ports.items()):
            host_port = free_port((project, wish.name, replica, name), space, ports)
            bindings.append(PortBinding(port, host_port, space.view.address, "tcp", name))
    return (*bindings, *fixed_bindings(wish, space))


def fixed_bindings(wish: Wish, space: Space) -> Iterator[PortBinding]:
    """The bindings that the manifest fixes."""
    for port in wish.app.publish:
        yield PortBinding(port.container_port, port.host_port, port.host_ip or space.view.address, port.protocol)


def rebind(wish: Wish, kept: Sequence[PortBinding], space: Space) -> tuple[PortBinding, ...] | None:
    """The bindings of a container that gives its host ports to its successor; None if it had not all of them."""
    old = {binding.name: binding.host_port for binding in kept if binding.name}
    if wish.app.host_network:
        return tuple(fixed_bindings(wish, space))
    if not wish.app.ports.keys() <= old.keys():
        return None
    address = space.view.address
    named = (PortBinding(port, old[name], address, "tcp", name) for name, port in sorted(wish.app.ports.items()))
    return (*named, *fixed_bindings(wish, space))


def free_port(seed: Sequence[str], space: Space, ports: PortRange) -> int:
    """The first free port at or after the seed's hash, round the range; it is taken afterwards. Raises NoFreePort."""
    start = int.from_bytes(hashlib.sha256("\0".join(seed).encode()).digest()[:8]) % len(ports)
    for step in range(len(ports)):
        port = ports.first + (start + step) % len(ports)
        if port not in space.taken:
            space.taken.add(port)
            return port
    raise NoFreePort(f"no free port on {space.name} in {ports}")
