"""One bridge with a subnet of its own per fleet; a host is a cable (veth) that is plugged into it, or not."""

import contextlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from tests.fleet.errors import FleetError, run

FIRST_HOST = 11


@dataclass(frozen=True, slots=True)
class Network:
    """`number` makes the names and addresses of a fleet its own on this machine."""

    number: int

    @property
    def bridge(self) -> str:
        return f"df{self.number}"

    @property
    def gateway(self) -> str:
        """The bridge's own address: where this machine, the controller, is found by the hosts."""
        return f"10.213.{self.number}.1"

    def address(self, index: int) -> str:
        return f"10.213.{self.number}.{FIRST_HOST + index}"

    def cable(self, index: int) -> str:
        return f"{self.bridge}h{index + 1}"

    def create(self) -> None:
        _ip(f"link add {self.bridge} type bridge forward_delay 0 stp_state 0")
        _ip(f"addr add {self.gateway}/24 dev {self.bridge}")
        _ip(f"link set {self.bridge} up")
        # Where bridged traffic passes iptables, another engine's FORWARD policy may be DROP.
        run(["iptables", "-w", "-I", "FORWARD", *self._between_hosts])

    def remove(self) -> None:
        for delete in (["iptables", "-w", "-D", "FORWARD", *self._between_hosts], ["ip", "link", "del", self.bridge]):
            # Not there in a fleet that is half up, or half down.
            with contextlib.suppress(FleetError):
                run(delete)

    @property
    def _between_hosts(self) -> list[str]:
        return ["-i", self.bridge, "-o", self.bridge, "-j", "ACCEPT"]

    def plug_new(self, index: int, *, into: int) -> None:
        """A new cable from the bridge to `eth0` in the network namespace of process `into`."""
        # The same card after every boot: the neighbours' tables still hold its address.
        card = f"02:df:{self.number:02x}:00:00:{FIRST_HOST + index:02x}"
        _ip(f"link add {self.cable(index)} type veth peer name eth0 address {card} netns {into}")
        self.plug(index)
        _ip(f"link set {self.cable(index)} up")

    def plug(self, index: int) -> None:
        _ip(f"link set {self.cable(index)} master {self.bridge}")

    def unplug(self, index: int) -> None:
        _ip(f"link set {self.cable(index)} nomaster")

    def drop_cable(self, index: int) -> None:
        if self.cable(index) in _links():
            _ip(f"link del {self.cable(index)}")

    def is_plugged(self, index: int) -> bool:
        link = _links().get(self.cable(index))
        return link is not None and link.get("master") == self.bridge


def choose_network(name: str) -> Network:
    """A network that nothing on this machine uses. The caller holds the lock until `create` is done."""
    routes = run(["ip", "-4", "route", "show", "table", "all"])
    links = _links()
    for number in _numbers(name):
        network = Network(number)
        if network.bridge not in links and f"10.213.{number}." not in routes:
            return network
    raise FleetError("no free network among 10.213.0.0/16; take fleets down: scripts/fleet list")


def _numbers(name: str) -> Iterator[int]:
    """All of 1 to 254; a name's first choice is always the same, so that a fleet tends to keep its addresses."""
    first = zlib.crc32(name.encode()) % 254
    return (1 + (first + step) % 254 for step in range(254))


def _links() -> dict[str, dict[str, object]]:
    return {link["ifname"]: link for link in json.loads(run(["ip", "-json", "link", "show"]))}


def _ip(words: str) -> None:
    run(["ip", *words.split()])
