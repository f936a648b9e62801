"""Every observed container falls into exactly one bucket, and each replica gets the one container that is its own."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from declare.model import names
from declare.model.labels import PREFIX, PROJECT
from declare.model.observed import Container, Ownership


class Bucket(Enum):
    """What a container is to the project. Whether a current one is wanted is for later: this is what is there."""

    FOREIGN = "belongs to somebody else"
    UNREADABLE = "carries labels of this project that can't be read"
    COPY = "carries labels of ours under a name that is not ours"
    BOOKKEEPING = "record or lock"
    PROXY = "the load balancer"
    GOING = "is being removed"
    FAILED = "failed, kept for its logs"
    INCOMPLETE = "created and never started"
    CURRENT = "is the replica"
    SUPERSEDED = "was the replica before"


@dataclass(frozen=True, slots=True)
class Found:
    """The containers of one replica. `leftovers` are superseded and incomplete ones, `renamed` says that the current
    one was given another name by hand.
    """

    current: Container | None = None
    renamed: bool = False
    leftovers: tuple[Container, ...] = ()
    failed: tuple[Container, ...] = ()
    going: tuple[Container, ...] = ()

    @property
    def all(self) -> tuple[Container, ...]:
        current = (self.current,) if self.current else ()
        return current + self.leftovers + self.failed + self.going


NOT_FOUND = Found()


@dataclass(slots=True)
class Sorted:
    """All containers by bucket, and those of replicas by app and replica."""

    buckets: dict[Bucket, list[Container]] = field(default_factory=lambda: {bucket: [] for bucket in Bucket})
    replicas: dict[str, dict[str, Found]] = field(default_factory=dict)

    def found(self, app: str, replica: str) -> Found:
        return self.replicas.get(app, {}).get(replica) or NOT_FOUND


Matches = Callable[[Container, Ownership], bool]


def sort_out(containers: Iterable[Container], project: str, matches: Matches) -> Sorted:
    """`matches` tells whether a container is as its app is declared now. The order of the input changes nothing."""
    result = Sorted()
    claims: dict[tuple[str, str], list[tuple[Container, Ownership]]] = {}
    for container in sorted(containers, key=lambda c: (c.host, c.name, c.id)):
        owner = container.owner
        if owner is None or owner.project != project:
            result.buckets[_bucket_of_stranger(container, project)].append(container)
        elif owner.role == "proxy":
            is_named = container.name == names.proxy_container(project, owner.generation)
            result.buckets[Bucket.PROXY if is_named else Bucket.COPY].append(container)
        elif owner.role != "replica" or not owner.app:
            result.buckets[Bucket.BOOKKEEPING].append(container)
        else:
            claims.setdefault((owner.app, owner.replica), []).append((container, owner))
    for (app, replica), claimants in sorted(claims.items()):
        found = _find_only(claimants, project, result.buckets) or _choose(claimants, project, matches, result.buckets)
        if found.all:
            result.replicas.setdefault(app, {})[replica] = found
    return result


def newest_generations(sorted_out: Sorted) -> dict[tuple[str, str], int]:
    """The highest generation seen of each replica."""
    return {
        (app, replica): max(c.owner.generation for c in found.all if c.owner)
        for app, replicas in sorted_out.replicas.items()
        for replica, found in replicas.items()
    }


def _bucket_of_stranger(container: Container, project: str) -> Bucket:
    labels: Mapping[str, str] = container.labels
    ours = container.owner is None and labels.get(PROJECT) == project and any(n.startswith(PREFIX) for n in labels)
    return Bucket.UNREADABLE if ours else Bucket.FOREIGN


def _find_only(
    claimants: Sequence[tuple[Container, Ownership]], project: str, buckets: Mapping[Bucket, list[Container]]
) -> Found | None:
    """The usual case, of which there can be very many: one container, under its own name, that was started."""
    if len(claimants) > 1:
        return None
    container, owner = claimants[0]
    name = names.replica_container(project, owner.app, owner.replica, owner.generation)
    if container.name != name or container.state in ("created", "removing"):
        return None
    buckets[Bucket.CURRENT].append(container)
    return Found(current=container)


def _choose(
    claimants: Sequence[tuple[Container, Ownership]],
    project: str,
    matches: Matches,
    buckets: Mapping[Bucket, list[Container]],
) -> Found:
    named: list[tuple[Container, Ownership]] = []
    others: list[tuple[Container, Ownership]] = []
    parts: dict[Bucket, list[Container]] = {bucket: [] for bucket in Bucket}
    for container, owner in claimants:
        name = names.replica_container(project, owner.app, owner.replica, owner.generation)
        if container.name == names.failed_container(name):
            parts[Bucket.FAILED].append(container)
        elif container.state == "removing":
            parts[Bucket.GOING].append(container)
        elif container.name != name:
            others.append((container, owner))
        elif container.state == "created":
            parts[Bucket.INCOMPLETE].append(container)
        else:
            named.append((container, owner))
    # Labels can be copied, a name and a port can't be had twice on one host: who claims a replica under another name
    # has only been renamed if nobody claims it under the right one, and if the rest is as the labels say.
    candidates = named or [(c, o) for c, o in others if c.state != "created" and _bears_out(c, o)]
    renamed = not named and bool(candidates)
    ranked = sorted(candidates, key=lambda pair: _preference(pair[0], pair[1], matches))
    parts[Bucket.CURRENT] = [container for container, _ in ranked[:1]]
    parts[Bucket.SUPERSEDED] = [container for container, _ in ranked[1:]] if named else []
    kept = {id(container) for part in parts.values() for container in part}
    parts[Bucket.COPY] = [container for container, _ in others if id(container) not in kept]
    for bucket, part in parts.items():
        buckets[bucket].extend(part)
    return Found(
        current=next(iter(parts[Bucket.CURRENT]), None),
        renamed=renamed,
        leftovers=(*parts[Bucket.SUPERSEDED], *parts[Bucket.INCOMPLETE]),
        failed=tuple(parts[Bucket.FAILED]),
        going=tuple(parts[Bucket.GOING]),
    )


def _bears_out(container: Container, owner: Ownership) -> bool:
    held = {(binding.host_port, binding.protocol) for binding in container.bindings}
    image = owner.spec.get("image")
    # An engine shows the bare ID of an image that lost its name.
    has_image = image in (None, container.image) or container.image.startswith("sha256:")
    return has_image and all((port.host_port, port.protocol) in held for port in owner.ports)


def _preference(container: Container, owner: Ownership, matches: Matches) -> tuple[bool, bool, int, str, str]:
    fits = container.is_running and matches(container, owner)
    return (not fits, not container.is_running, -owner.generation, container.host, container.id)
