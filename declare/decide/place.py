"""Which host takes each replica that needs one. Rules are hard; within them replicas spread, then load is balanced.

What is placed already never moves; only placements made here may give way to one another.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import combinations

from declare.decide.filters import Refusal, refuse_host, refuse_labels, refuse_now, refuse_volumes
from declare.decide.space import Space
from declare.decide.wish import Wish

_RETRIES = 4
_PUSHED = 3
_EJECTION_BUDGET = 60_000

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
        """Place what is left by pushing out what was placed here; what still finds no host, with all else as it was."""
        if not missing or not self._is_enough(missing):
            return list(missing)
        before = [(self._groups[subject], subject[1], host) for subject, host in self.hosts.items()]
        if self._eject([(group, replica) for group in missing for replica in group.replicas]):
            return []
        self.undo()
        for group, replica, host in before:
            self._take(group, replica, self._spaces[host])
        return list(missing)

    def _is_enough(self, missing: Sequence[Group]) -> bool:
        """Whether all free space together would do: if not, no search can help."""
        cpus = sum(space.limit_cpus - space.cpus for space in self._open if space.limit_cpus is not None)
        memory = sum(space.limit_memory - space.memory for space in self._open if space.limit_memory is not None)
        return any(space.limit_cpus is None or space.limit_memory is None for space in self._open) or (
            sum(len(group.replicas) * group.wish.cpus for group in missing) <= cpus
            and sum(len(group.replicas) * group.wish.memory for group in missing) <= memory
        )

    def _eject(self, waiting: list[tuple[Group, str]]) -> bool:
        """Guided ejection search (Nagata and Bräysy, 2009): who waits pushes out those that were easiest to place.

        Each time a replica finds no room it becomes dearer to push out, and the search goes round no circles.
        """
        cost: dict[Subject, int] = {}
        budget = _EJECTION_BUDGET
        while waiting:
            group, replica = waiting.pop()
            space = self._tightest(group, replica)
            if space is None:
                subject = (group.wish.name, replica)
                cost[subject] = cost.get(subject, 1) + 1
                found = self._cheapest(group, replica, cost, budget)
                budget -= found.looked_at
                if found.space is None or budget < 0:
                    return False
                space = found.space
                for other in found.pushed:
                    waiting.append((self._groups[other], other[1]))
                    self._release(other)
            self._take(group, replica, space)
        return True

    def _tightest(self, group: Group, replica: str) -> Space | None:
        """The fullest host that can take a replica: what is left elsewhere may be needed by a larger one."""
        able = (s for s in self._candidates_of(group) if refuse_now(group.wish, replica, s) is None)
        return max(able, key=lambda space: (space.share_with(group.wish), space.name), default=None)

    def _cheapest(self, group: Group, replica: str, cost: Mapping[Subject, int], budget: int) -> "_Ejection":
        """The host and the few replicas on it that cost least to push out for this one, within the budget."""
        best: tuple[int, int, str, tuple[Subject, ...]] | None = None
        looked_at = 0
        for space in self._candidates_of(group):
            if looked_at > budget or (best and best[:2] == (1, 1)):
                break
            movable = sorted(s for s in self._by_host.get(space.name, ()) if self._groups[s].only is None)
            if not movable or not self._has_room_without(space, movable, group, replica):
                looked_at += 1
                continue
            for count in range(1, min(_PUSHED, len(movable)) + 1):
                for pushed in combinations(movable, count):
                    price = sum(cost.get(subject, 1) for subject in pushed)
                    rank = (price, count, space.name, pushed)
                    looked_at += 1
                    if (best is None or rank < best) and self._has_room_without(space, pushed, group, replica):
                        best = rank
        return _Ejection(self._spaces[best[2]] if best else None, best[3] if best else (), looked_at)

    def _has_room_without(self, space: Space, pushed: Sequence[Subject], group: Group, replica: str) -> bool:
        for subject in pushed:
            space.release(self._groups[subject].wish, subject[1])
        refusal = refuse_now(group.wish, replica, space)
        for subject in pushed:
            space.take(self._groups[subject].wish, subject[1])
        return refusal is None

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


@dataclass(frozen=True, slots=True)
class _Ejection:
    space: Space | None
    pushed: tuple[Subject, ...]
    looked_at: int


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
