"""The inventory's hosts beside what was found on them, and whether each is still the host that it was."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from declare.model.inventory import Host, Inventory
from declare.model.observed import Observed, ObservedHost
from declare.model.plan import HostSummary
from declare.model.problem import Problem
from declare.model.record import KnownHost, Record


@dataclass(frozen=True, slots=True)
class HostView:
    """One host of the inventory as the plan sees it. `changed`: why it is not the host that it was, or ""."""

    host: Host
    observed: ObservedHost
    lost: bool = False
    changed: str = ""

    @property
    def name(self) -> str:
        return self.host.name

    @property
    def address(self) -> str:
        return self.observed.address or self.host.address or ""

    @property
    def usable(self) -> bool:
        """Whether it was read and what it says counts."""
        return self.observed.reachable and not self.lost and not self.changed

    @property
    def silent(self) -> bool:
        """Whether what runs there is unknown, though it still counts."""
        return not self.usable and not self.lost

    def summarize(self) -> HostSummary:
        return HostSummary(self.name, self.observed.reachable, self.observed.reason, self.lost)


Views = Mapping[str, HostView]


def view_hosts(inventory: Inventory, observed: Observed, lost: frozenset[str]) -> dict[str, HostView]:
    """All hosts of the inventory in the order of their names; one that was not observed counts as unreachable."""
    found = {host.name: host for host in observed.hosts}
    views = {}
    for host in sorted(inventory.hosts, key=lambda host: host.name):
        seen = found.get(host.name) or ObservedHost(host.name, reachable=False, reason="it was not observed")
        is_lost = host.name in lost
        changed = _why_another(seen, observed.record) if seen.reachable else ""
        views[host.name] = HostView(host, seen, is_lost, changed)
    return views


def check_identities(views: Views) -> Iterator[Problem]:
    """One problem for each host that is not the one that the record knows, or is not as lost as it was said to be."""
    for view in views.values():
        if view.lost and view.observed.reachable and not view.changed:
            yield Problem(
                f"{view.name} is not lost: it answers, and is the host that the record knows",
                view.host.source,
                help=f'to move its replicas away, set "state: drained" on {view.name} in the inventory',
            )
        if view.changed and not view.lost:
            yield Problem(
                f"{view.name}: engine identity changed: {view.changed}",
                view.host.source,
                help=f"if {view.name} was reinstalled or swapped on purpose, apply once with --lost {view.name}",
            )


def _why_another(seen: ObservedHost, record: Record | None) -> str:
    known = record.hosts.get(seen.name) if record else None
    if record is None or known is None:
        return ""
    if seen.engine and known.engine_id and seen.engine.id != known.engine_id:
        return f"its ID was {_short(known.engine_id)}, and is {_short(seen.engine.id)}"
    if seen.token and known.token and seen.token != known.token:
        return "it carries the token of another host"
    if _is_wiped(seen, known, record):
        return "nothing is left of what was placed there"
    return ""


def _is_wiped(seen: ObservedHost, known: KnownHost, record: Record) -> bool:
    # Engines of one machine share an ID, and a reinstalled host can keep its own: a missing token tells, unless some
    # container is left, for then only the token was removed.
    if seen.token or not known.token:
        return False
    ours = any(c.owner and c.owner.project == record.project for c in seen.containers)
    return not ours and any(placed.host == seen.name for placed in record.placements)


def _short(identity: str) -> str:
    return identity if len(identity) <= 14 else f"{identity[:12]}…"
