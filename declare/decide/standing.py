"""Where each wanted replica stands before anything is placed: it stays, waits, leaves or is missing, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from declare.decide.filters import refuse_count, refuse_labels, refuse_ports, refuse_resources
from declare.decide.hosts import HostView
from declare.decide.situation import Situation, generation_of
from declare.decide.sort_out import NOT_FOUND, Found
from declare.decide.space import Space
from declare.decide.volumes import Volumes
from declare.decide.wish import Wish
from declare.model.observed import Container
from declare.model.record import PlacedReplica

_RESOURCE_FIELDS = ("resources", "cpus", "mem_limit", "mem_reservation")


class Stand(Enum):
    """What is known of a replica before anything is placed."""

    STAYS = "stays"
    WAITS = "its host can't be reached"
    LEAVES = "must leave its host"
    LOST = "its host is lost"
    MISSING = "has no container"


@dataclass(frozen=True, slots=True)
class Standing:
    """`host` is where it is, was, or (missing) was last placed. `by_hand`: somebody removed its container.

    `anew` are the fields that ask something else of the host than its container was placed for.
    """

    wish: Wish
    replica: str
    stand: Stand
    host: str = ""
    cause: str = ""
    found: Found = NOT_FOUND
    placed: PlacedReplica | None = None
    by_hand: bool = False
    anew: frozenset[str] = frozenset()

    @property
    def key(self) -> tuple[str, str]:
        return self.wish.name, self.replica

    @property
    def needs_host(self) -> bool:
        return self.stand in (Stand.LEAVES, Stand.LOST, Stand.MISSING)


def settle(situation: Situation, spaces: Mapping[str, Space], volumes: Volumes) -> dict[tuple[str, str], Standing]:
    """All wanted replicas by app and number. Those that stay or wait are counted in `spaces` afterwards.

    Unchanged replicas are counted first: a changed one that does not fit any more is the one to leave.
    """
    standings = {
        standing.key: standing
        for wish in situation.wishes.values()
        for standing in (_look(situation, wish, replica) for replica in wanted_replicas(situation, wish))
    }
    volumes.learn_homes((s.wish, s.host) for s in standings.values() if not s.needs_host)
    ordered = sorted(standings, key=lambda key: bool(standings[key].anew))
    for key in ordered:
        standing = standings[key]
        if not standing.needs_host:
            space = spaces[standing.host]
            cause = _why_leave(standing, space, volumes) if standing.stand is Stand.STAYS else ""
            if cause:
                standings[key] = replace(standing, stand=Stand.LEAVES, cause=cause)
            else:
                space.take(standing.wish, standing.replica)
    return standings


def wanted_replicas(situation: Situation, wish: Wish) -> tuple[str, ...]:
    """The replicas that shall exist: "1" to N, or for a global app the names of its hosts."""
    if wish.app.mode == "replicated":
        return tuple(map(str, range(1, wish.app.replicas + 1)))
    return tuple(name for name, view in situation.views.items() if _belongs(situation, wish, view))


def _belongs(situation: Situation, wish: Wish, view: HostView) -> bool:
    if view.silent:
        placed = situation.placed.get((wish.name, view.name))
        return placed is not None and placed.host == view.name
    if view.lost or view.host.state == "drained" or refuse_labels(wish, view):
        return False
    found = situation.sorted.found(wish.name, view.name)
    return view.host.state == "active" or (found.current is not None and found.current.host == view.name)


def _look(situation: Situation, wish: Wish, replica: str) -> Standing:
    found = situation.sorted.found(wish.name, replica)
    placed = situation.placed.get((wish.name, replica))
    current = found.current
    if current and wish.app.mode == "global" and current.host != replica:
        found = replace(found, current=None, leftovers=(current, *found.leftovers))
        current = None
    if placed and _is_silent(situation, placed.host) and not _is_newer(current, placed):
        reason = f"{placed.host} can't be reached"
        return Standing(wish, replica, Stand.WAITS, placed.host, reason, found, placed)
    if current:
        view = situation.views[current.host]
        cause = _why_move(wish, view)
        stand = Stand.LEAVES if cause else Stand.STAYS
        anew = _ask_anew(wish, current)
        return Standing(wish, replica, stand, current.host, cause, found, placed, anew=anew)
    return _look_for_missing(situation, wish, replica, found, placed)


def _look_for_missing(
    situation: Situation, wish: Wish, replica: str, found: Found, placed: PlacedReplica | None
) -> Standing:
    if placed is None:
        return _never_placed(situation, Standing(wish, replica, Stand.MISSING, found=found))
    view = situation.views.get(placed.host)
    if view is None or view.lost:
        cause = f"{placed.host} is lost" if view else f"{placed.host} is not in the inventory any more"
        return Standing(wish, replica, Stand.LOST, placed.host, cause, found, placed)
    unfinished = bool(found.leftovers or found.failed or found.going)
    cause = "its last container did not come up" if unfinished else "removed by hand"
    return Standing(wish, replica, Stand.MISSING, placed.host, cause, found, placed, by_hand=not unfinished)


def _never_placed(situation: Situation, standing: Standing) -> Standing:
    if standing.found.leftovers or standing.found.failed:
        return replace(standing, cause="its last container did not come up")
    others = any(found.current for found in situation.sorted.replicas.get(standing.wish.name, {}).values())
    return replace(standing, cause="one more replica" if others else "first deployment")


def _is_silent(situation: Situation, host: str) -> bool:
    view = situation.views.get(host)
    return view is not None and view.silent


def _is_newer(current: Container | None, placed: PlacedReplica) -> bool:
    """Whether a container that can be seen counts for more than one that the record places out of sight."""
    if current is None or current.owner is None:
        return False
    return current.is_running or current.owner.generation > generation_of(placed.container)


def _why_move(wish: Wish, view: HostView) -> str:
    if view.host.state == "drained":
        return f"{view.name} is drained"
    refusal = refuse_labels(wish, view)
    return f"{view.name} {refusal.one}" if refusal else ""


def _why_leave(standing: Standing, space: Space, volumes: Volumes) -> str:
    wish, replica = standing.wish, standing.replica
    away = volumes.home_elsewhere(wish, space.name)
    if away:
        return away
    refusal = refuse_count(wish, space)
    if refusal is None and "publish" in standing.anew:
        refusal = refuse_ports(wish, replica, space)
    if refusal is None and standing.anew - {"publish"}:
        refusal = refuse_resources(wish, space)
    return f"{space.name} {refusal.one}" if refusal else ""


def _ask_anew(wish: Wish, current: Container) -> frozenset[str]:
    if current.owner is None or current.owner.spec == wish.spec:
        return frozenset()
    old, new = current.owner.spec, wish.spec
    return frozenset(name for name in ("publish", *_RESOURCE_FIELDS) if old.get(name) != new.get(name))
