"""Where data is, and so where a replica must be: a local volume is never left behind without a word."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from declare.decide.situation import Situation
from declare.decide.wish import Wish
from declare.model.observed import Volume
from declare.model.plan import VolumeCreate
from declare.model.problem import Problem


@dataclass(slots=True)
class Volumes:
    """`data` names the hosts on which each volume was seen, `users` the apps that must be where a volume is, `homes`
    the hosts on which a volume of several apps is in use.
    """

    data: Mapping[str, frozenset[str]]
    users: Mapping[str, tuple[str, ...]]
    homes: dict[str, set[str]] = field(default_factory=dict)

    def is_shared(self, volume: str) -> bool:
        return len(self.users.get(volume, ())) > 1

    def learn_homes(self, placed: Iterable[tuple[Wish, str]]) -> None:
        """Learn from replicas that have a host: where such a volume has data and a user, the others must go."""
        for wish, host in placed:
            for volume in wish.bound:
                if self.is_shared(volume) and host in self.data.get(volume, ()):
                    self.homes.setdefault(volume, set()).add(host)

    def home_elsewhere(self, wish: Wish, host: str) -> str:
        """Why a replica can't be on this host though it is there, or ""."""
        for volume in wish.bound:
            homes = self.homes.get(volume)
            if homes and host not in homes:
                return f"volume {volume} is on {', '.join(sorted(homes))}"
        return ""

    def partners(self, app: str) -> frozenset[str]:
        """The apps that must share a host with this one, itself included."""
        found, queue = {app}, [app]
        while queue:
            name = queue.pop()
            for users in self.users.values():
                if len(users) > 1 and name in users:
                    new = set(users) - found
                    found |= new
                    queue += sorted(new)
        return frozenset(found)


def read_volumes(situation: Situation) -> Volumes:
    """What is known of the volumes of all declared apps."""
    wishes = {**situation.wishes, **situation.bystanders}
    users: dict[str, list[str]] = {}
    data: dict[str, set[str]] = {}
    for wish in (wishes[name] for name in sorted(wishes)):
        for volume in wish.bound:
            users.setdefault(volume, []).append(wish.name)
    for view in situation.views.values():
        for volume in view.observed.volumes if view.usable else ():
            data.setdefault(volume, set()).add(view.name)
    return Volumes(
        {volume: frozenset(hosts) for volume, hosts in data.items()},
        {volume: tuple(names) for volume, names in users.items() if len(names) > 1},
    )


def warn_of_fixed(situation: Situation) -> Iterator[Problem]:
    """A warning for each volume of ours that is there and was made otherwise than it is declared now."""
    declared = {made.name: made for wish in situation.wishes.values() for made in wish.volumes}
    for view in situation.views.values():
        for name, found in sorted(view.observed.volumes.items()) if view.usable else ():
            wanted = declared.get(name)
            if wanted and found.project == situation.project and (differs := ", ".join(_differences(found, wanted))):
                yield Problem(
                    f"volume {name} on {view.name} is there already, with another {differs} than declared",
                    severity="warning",
                    help="Docker can't change a volume: declare it under another name, or move its data and remove it",
                )


def _differences(found: Volume, wanted: VolumeCreate) -> Iterator[str]:
    if found.driver != wanted.driver:
        yield "driver"
    if dict(found.driver_opts) != dict(wanted.driver_opts):
        yield "driver_opts"
    if dict(found.labels) != dict(wanted.labels):
        yield "labels"


@dataclass(frozen=True, slots=True)
class Pin:
    """The only hosts that will do, None for any, and the volumes that make it so."""

    only: frozenset[str] | None = None
    volumes: tuple[str, ...] = ()


def pin(situation: Situation, volumes: Volumes, wish: Wish, *, host: str, leaves: bool, taken: frozenset[str]) -> Pin:
    """Where a replica's data ties it. `host` is where it is or was last placed; `leaves`: its container is there now.

    `taken` are hosts where another replica of the app has its own copy of the data.
    """
    only: frozenset[str] | None = None
    causes: list[str] = []
    for volume in (*wish.bound, *wish.external):
        hosts = _hosts_of(situation, volumes, wish, volume, host=host, leaves=leaves, taken=taken)
        if hosts is not None:
            only = hosts if only is None else only & hosts
            causes.append(volume)
    return Pin(only, tuple(causes))


def _hosts_of(
    situation: Situation, volumes: Volumes, wish: Wish, volume: str, *, host: str, leaves: bool, taken: frozenset[str]
) -> frozenset[str] | None:
    data = volumes.data.get(volume, frozenset())
    if volume in wish.external:
        return data
    if volumes.is_shared(volume):
        homes = frozenset(volumes.homes.get(volume, ()))
        return homes or data or (frozenset() if _may_be_out_of_sight(situation, wish, host) else None)
    if leaves:
        return frozenset({host})
    free = data - taken
    if host in free:
        return frozenset({host})
    if free:
        return free
    return frozenset() if not taken and _may_be_out_of_sight(situation, wish, host) else None


def _may_be_out_of_sight(situation: Situation, wish: Wish, host: str) -> bool:
    """Whether the data may be on a host that can't be read now. The operator's word that a host is lost ends that."""
    if not situation.silent or situation.remembered(wish.name) is None:
        return False
    view = situation.views.get(host)
    return not (host and (view is None or view.lost))


def missing_volumes(situation: Situation, wish: Wish, hosts: Iterable[str]) -> list[VolumeCreate]:
    """The volumes that new containers of an app need on these hosts and that are not there."""
    views = [situation.views[host] for host in sorted(set(hosts))]
    return [
        replace(volume, host=view.name)
        for view in views
        for volume in wish.volumes
        if volume.name not in view.observed.volumes
    ]
