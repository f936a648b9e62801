"""Which host takes each replica that needs one. Rules are hard; within them replicas spread, then load is balanced.

What is placed already never moves; only placements made here may give way to one another.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from declare.decide.filters import Refusal, refuse_host, refuse_labels, refuse_now, refuse_volumes
from declare.decide.space import Space
from declare.decide.wish import Wish

_RETRIES = 4
_EJECTION_DEPTH = 2
_EJECTION_BUDGET = 20_000

Subject = tuple[str, str]
"""App and replica."""


@dataclass(frozen=True, slots=True)
class Group:
    """Replicas of one app that need a host. `only`: nothing but one of these hosts will do, because of `volumes`."""

    wish: Wish
    replicas: tuple[str, ...]
    only: frozenset[str] | None = None
    volumes: tuple[str, ...] = ()


@dataclass(slots=True)
class Placements:
    """Where each replica goes, and the groups whose `replicas` found no host."""

    hosts: dict[Subject, str] = field(default_factory=dict)
    unplaced: list[Group] = field(default_factory=list)


def place(groups: Iterable[Group], spaces: Mapping[str, Space]) -> Placements:
    """Place all groups; `spaces` (in the order of their names) count them afterwards.

    Constrained and large apps come first. If some replica finds no host, its app is tried first in another round;
    what is left then may push out replicas that were placed here, if those fit elsewhere.
    """
    placer = _Placer(spaces)
    order = sorted(groups, key=placer.difficulty)
    missing = placer.place_all(order)
    for _ in range(_RETRIES):
        if not missing:
            break
        placer.undo()
        failed = {(group.wish.name, group.only) for group in missing}
        order = sorted(order, key=lambda group: (group.wish.name, group.only) not in failed)
        missing = placer.place_all(order)
    return Placements(placer.hosts, placer.push(missing))


def explain(group: Group, spaces: Iterable[Space]) -> list[tuple[str, Refusal]]:
    """Each host's first reason against the first replica of a group; of a global app's, only its own host's."""
    bound = group.only is not None and not group.volumes
    asked = [space for space in spaces if not bound or space.name in (group.only or ())]
    reasons = ((space.name, refuse(group, group.replicas[0], space)) for space in asked)
    return [(name, reason) for name, reason in reasons if reason]


def refuse(group: Group, replica: str, space: Space) -> Refusal | None:
    """The first reason why a host can't take this replica of a group."""
    return _refuse_always(group, space) or refuse_now(group.wish, replica, space)


def _refuse_always(group: Group, space: Space) -> Refusal | None:
    view = space.view
    return refuse_host(view) or refuse_labels(group.wish, view) or refuse_volumes(group.only, group.volumes, view)


class _Placer:
    def __init__(self, spaces: Mapping[str, Space]) -> None:
        self._spaces = spaces
        self._open = [space for space in spaces.values() if refuse_host(space.view) is None]
        self._candidates: dict[object, list[Space]] = {}
        self._groups: dict[Subject, Group] = {}
        self._by_host: dict[str, list[Subject]] = {}
        self._largest_cpus = max((space.limit_cpus or 0 for space in self._open), default=0)
        self._largest_memory = max((space.limit_memory or 0 for space in self._open), default=0)
        self.hosts: dict[Subject, str] = {}

    def difficulty(self, group: Group) -> tuple[bool, float, str, tuple[str, ...]]:
        """Constrained first, then the largest share of the largest host."""
        constrained = group.only is not None or bool(group.wish.app.placement.require or group.wish.app.publish)
        cpus = group.wish.cpus / self._largest_cpus if self._largest_cpus else 0.0
        memory = group.wish.memory / self._largest_memory if self._largest_memory else 0.0
        return not constrained, -max(cpus, memory), group.wish.name, group.replicas

    def place_all(self, groups: Sequence[Group]) -> list[Group]:
        """What found no host, as groups of the replicas that are left."""
        missing = []
        for group in groups:
            left = self._place_group(group)
            if left:
                missing.append(Group(group.wish, left, group.only, group.volumes))
        return missing

    def undo(self) -> None:
        for subject in list(self.hosts):
            self._release(subject)

    def push(self, missing: Sequence[Group]) -> list[Group]:
        """Place what is left by pushing others out; what still finds no host."""
        left = []
        budget = [_EJECTION_BUDGET]
        for group in missing:
            failed = tuple(
                replica for replica in group.replicas if not self._push_one(group, replica, _EJECTION_DEPTH, budget)
            )
            if failed:
                left.append(Group(group.wish, failed, group.only, group.volumes))
        return left

    def _place_group(self, group: Group) -> tuple[str, ...]:
        """Place replicas one by one in the emptiest zone, there on the best host; the replicas that were left over."""
        wish = group.wish
        zones = _Zones(wish, self._candidates_of(group), self._spaces.values())
        for at, replica in enumerate(group.replicas):
            space = zones.choose(replica)
            if space is None:
                return group.replicas[at:]
            self._take(group, replica, space)
            zones.put_back(space)
        return ()

    def _candidates_of(self, group: Group) -> list[Space]:
        require = tuple(sorted(group.wish.app.placement.require.items()))
        if (require, group.only) not in self._candidates:
            chosen = self._open if group.only is None else [s for s in self._open if s.name in group.only]
            if require:
                chosen = [space for space in chosen if refuse_labels(group.wish, space.view) is None]
            self._candidates[require, group.only] = chosen
        return self._candidates[require, group.only]

    def _push_one(self, group: Group, replica: str, depth: int, budget: list[int]) -> bool:
        """Place a replica, if need be by pushing one other off a host, which is then placed in the same way."""
        for space in sorted(self._candidates_of(group), key=lambda s: (s.share_with(group.wish), s.name)):
            if refuse_now(group.wish, replica, space) is None:
                self._take(group, replica, space)
                return True
        return depth > 0 and any(
            self._swap(group, replica, other, depth, budget)
            for space in self._candidates_of(group)
            for other in sorted(self._by_host.get(space.name, ()))
        )

    def _swap(self, group: Group, replica: str, other: Subject, depth: int, budget: list[int]) -> bool:
        if budget[0] <= 0 or other not in self.hosts:
            return False
        budget[0] -= 1
        space, pushed = self._spaces[self.hosts[other]], self._groups[other]
        self._release(other)
        if refuse_now(group.wish, replica, space) is None:
            self._take(group, replica, space)
            if self._push_one(pushed, other[1], depth - 1, budget):
                return True
            self._release((group.wish.name, replica))
        self._take(pushed, other[1], space)
        return False

    def _take(self, group: Group, replica: str, space: Space) -> None:
        subject = (group.wish.name, replica)
        space.take(group.wish, replica)
        self.hosts[subject] = space.name
        self._groups[subject] = group
        self._by_host.setdefault(space.name, []).append(subject)

    def _release(self, subject: Subject) -> None:
        host = self.hosts.pop(subject)
        self._by_host[host].remove(subject)
        self._spaces[host].release(self._groups.pop(subject).wish, subject[1])


_Rank = tuple[int, float, int, str]


class _Zones:
    """The candidates of one app by zone, best first. A host that refuses is dropped: it only gets fuller."""

    def __init__(self, wish: Wish, candidates: Sequence[Space], everywhere: Iterable[Space]) -> None:
        self._wish = wish
        self._counts: dict[str, int] = {}
        self._heaps: dict[str, list[tuple[_Rank, Space]]] = {}
        name, spread = wish.name, wish.spread
        for space in candidates:
            zone = space.view.host.labels.get(spread, "")
            rank = (space.apps.get(name, 0), space.share_with(wish), space.containers, space.name)
            self._heaps.setdefault(zone, []).append((rank, space))
        for space in everywhere:
            if name in space.apps:
                zone = self._zone_of(space)
                self._counts[zone] = self._counts.get(zone, 0) + space.apps[name]
        for zone, heap in self._heaps.items():
            self._counts.setdefault(zone, 0)
            heapify(heap)

    def choose(self, replica: str) -> Space | None:
        """Take the best host out; None if none is left."""
        best: str | None = None
        for zone in list(self._heaps):
            if not self._has_room(zone, replica):
                del self._heaps[zone]
            elif best is None or self._key(zone) < self._key(best):
                best = zone
        return heappop(self._heaps[best])[1] if best is not None else None

    def put_back(self, space: Space) -> None:
        """Count the replica that the host has taken."""
        zone = self._zone_of(space)
        self._counts[zone] += 1
        heappush(self._heaps[zone], (_rank(self._wish, space), space))

    def _key(self, zone: str) -> tuple[int, _Rank]:
        return self._counts[zone], self._heaps[zone][0][0]

    def _has_room(self, zone: str, replica: str) -> bool:
        heap = self._heaps[zone]
        while heap and refuse_now(self._wish, replica, heap[0][1]) is not None:
            heappop(heap)
        return bool(heap)

    def _zone_of(self, space: Space) -> str:
        return space.view.host.labels.get(self._wish.spread, "")


def _rank(wish: Wish, space: Space) -> _Rank:
    return space.apps.get(wish.name, 0), space.share_with(wish), space.containers, space.name


def bundle(groups: Sequence[Group], spaces: Mapping[str, Space]) -> str | None:
    """The best host that can take all replicas of all groups, which share a volume; None if there is none."""
    for space in _ranked_for_all(groups, spaces):
        taken: list[tuple[Wish, str]] = []
        for wish, replica in ((group.wish, replica) for group in groups for replica in group.replicas):
            if refuse_now(wish, replica, space) is not None:
                break
            space.take(wish, replica)
            taken.append((wish, replica))
        wanted = sum(len(group.replicas) for group in groups)
        for wish, replica in taken:
            space.release(wish, replica)
        if len(taken) == wanted:
            return space.name
    return None


def _ranked_for_all(groups: Sequence[Group], spaces: Mapping[str, Space]) -> Iterator[Space]:
    able = [s for s in spaces.values() if all(_refuse_always(group, s) is None for group in groups)]
    yield from sorted(able, key=lambda s: (s.share_with(groups[0].wish), s.containers, s.name))
