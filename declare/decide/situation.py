"""All that the decisions look at, read once: hosts, wishes, what was found, what the record remembers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from declare.decide.hosts import HostView, view_hosts
from declare.decide.options import PlanOptions
from declare.decide.sort_out import Bucket, Matches, Sorted, newest_generations, sort_out
from declare.decide.space import Space
from declare.decide.wish import Wish, read_wishes
from declare.model import names
from declare.model.app import Desired
from declare.model.inventory import ContainerProxy, Inventory
from declare.model.observed import Container, Image, Observed, Ownership, PortBinding
from declare.model.record import AppRecord, PlacedReplica

Key = tuple[str, str]
"""App and replica."""

_STRANGE = (Bucket.FOREIGN, Bucket.UNREADABLE, Bucket.COPY)


@dataclass(frozen=True, slots=True)
class Situation:
    """`wishes` are the declared apps that the plan is about, `bystanders` the declared ones that it is not about.

    `images` are those that hosts have, by reference and host; `strange_names` are hosts and names of containers that
    are not ours; `placed` is what the record places; `generations` are the highest seen anywhere, the record included.
    """

    project: str
    inventory: Inventory
    observed: Observed
    options: PlanOptions
    views: Mapping[str, HostView]
    images: Mapping[str, Mapping[str, Image]]
    wishes: Mapping[str, Wish]
    bystanders: Mapping[str, Wish]
    sorted: Sorted
    strange_names: frozenset[tuple[str, str]]
    placed: Mapping[Key, PlacedReplica]
    generations: Mapping[Key, int]

    def remembered(self, app: str) -> AppRecord | None:
        """What the record has of an app."""
        record = self.observed.record
        return record.apps.get(app) if record else None

    @property
    def silent(self) -> tuple[HostView, ...]:
        """Hosts of which nothing is known now, though they count."""
        return tuple(view for view in self.views.values() if view.silent)


def read_situation(
    desired: Desired,
    inventory: Inventory,
    observed: Observed,
    fingerprints: Mapping[str, str],
    options: PlanOptions,
) -> Situation:
    """Sort everything, so that nothing later depends on the order of the input."""
    project = inventory.project
    wishes = read_wishes(desired, project, fingerprints)
    views = view_hosts(inventory, observed, options.lost)
    usable = (c for view in views.values() if view.usable for c in view.observed.containers)
    sorted_out = sort_out(usable, project, _matcher(wishes))
    placed = _read_placed(observed)
    generations = newest_generations(sorted_out)
    for key, replica in placed.items():
        generations[key] = max(generations.get(key, 0), generation_of(replica.container))
    return Situation(
        project=project,
        inventory=inventory,
        observed=observed,
        options=options,
        views=views,
        images=_index_images(views),
        wishes={} if options.destroy else {n: wish for n, wish in wishes.items() if options.selects(n)},
        bystanders={n: wish for n, wish in wishes.items() if not options.selects(n)},
        sorted=sorted_out,
        strange_names=frozenset((c.host, c.name) for bucket in _STRANGE for c in sorted_out.buckets[bucket]),
        placed=placed,
        generations=generations,
    )


def generation_of(container: str) -> int:
    """The generation at the end of a replica's container name; 0 if there is none."""
    tail = container.removesuffix(names.failed_container("")).rpartition("-")[2]
    return int(tail) if tail.isascii() and tail.isdigit() else 0


def build_spaces(situation: Situation) -> dict[str, Space]:
    """Each host's space with all that this plan does not place: strangers, bystanders, what is left of removed apps."""
    spaces = {name: Space(view) for name, view in situation.views.items() if not view.lost}
    for space in spaces.values():
        if space.view.usable:
            for container in sorted(space.view.observed.containers, key=lambda c: (c.name, c.id)):
                _count(container, space, situation)
    for key, replica in situation.placed.items():
        if replica.host in spaces and spaces[replica.host].view.silent:
            _count_remembered(key, replica, spaces[replica.host], situation)
    for space, port in _proxy_ports(situation, spaces):
        space.taken.add(port)
        if port in _listens(situation.inventory):
            space.hold([PortBinding(port, port, "0.0.0.0")], "the proxy")
    return spaces


def _count(container: Container, space: Space, situation: Situation) -> None:
    owner = container.owner
    ours = owner is not None and owner.project == situation.project
    space.taken.update(binding.host_port for binding in container.bindings)
    if owner and ours:
        space.taken.update(binding.host_port for binding in owner.ports)
        if owner.role == "replica" and owner.app in situation.wishes:
            _hold_ours(container, owner, space, situation)
            return
    if container.is_running:
        space.count(container.reserved)
        space.hold(container.bindings, container.name)


def _hold_ours(container: Container, owner: Ownership, space: Space, situation: Situation) -> None:
    # A replica that is replaced on its host hands its ports over; a container that goes for good holds them until it
    # is gone.
    if container.is_running or situation.sorted.found(owner.app, owner.replica).current is container:
        wish = situation.wishes[owner.app]
        stays = wish.app.mode == "global" or (owner.replica.isdigit() and int(owner.replica) <= wish.app.replicas)
        space.hold(container.bindings or owner.ports, f"{owner.app}/{owner.replica}" if stays else container.name)


def _count_remembered(key: Key, replica: PlacedReplica, space: Space, situation: Situation) -> None:
    space.taken.update(port for _, port in replica.ports)
    space.taken.update(port for port, _, _ in replica.published)
    if key[0] in situation.bystanders:
        space.take(situation.bystanders[key[0]], key[1])


def _proxy_ports(situation: Situation, spaces: Mapping[str, Space]) -> Iterator[tuple[Space, int]]:
    settings = situation.inventory.proxy
    proxied = settings.form.hosts if settings and isinstance(settings.form, ContainerProxy) else ()
    for name, space in spaces.items():
        if name in proxied:
            yield from ((space, port) for port in _listens(situation.inventory))
        if space.view.observed.proxy:
            yield space, space.view.observed.proxy.ack_port


def _listens(inventory: Inventory) -> tuple[int, ...]:
    settings = inventory.proxy
    return tuple(port for port in (settings.http, settings.https) if port) if settings else ()


def _index_images(views: Mapping[str, HostView]) -> dict[str, dict[str, Image]]:
    """The images by reference and host."""
    index: dict[str, dict[str, Image]] = {}
    for view in views.values():
        for reference, image in view.observed.images.items() if view.usable else ():
            index.setdefault(reference, {})[view.name] = image
    return index


def _matcher(wishes: Mapping[str, Wish]) -> Matches:
    def matches(_: Container, owner: Ownership) -> bool:
        wish = wishes.get(owner.app)
        return wish is not None and wish.spec == owner.spec

    return matches


def _read_placed(observed: Observed) -> dict[Key, PlacedReplica]:
    placements = sorted(observed.record.placements) if observed.record else []
    placed: dict[Key, PlacedReplica] = {}
    for replica in placements:
        key = (replica.app, replica.replica)
        known = placed.get(key)
        if known is None or generation_of(replica.container) > generation_of(known.container):
            placed[key] = replica
    return placed
