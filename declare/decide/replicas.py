"""What happens to each replica of an app: kept, repaired, replaced, moved, made, removed; its ports and names."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from declare.decide.allocate import NoFreePort, allocate, fixed_bindings, rebind
from declare.decide.diff import diff_container, show_cause
from declare.decide.drift import find_repairs, show_drift
from declare.decide.images import ImageChoice, differs, short_id
from declare.decide.order import order_of
from declare.decide.situation import Key, Situation, generation_of
from declare.decide.space import Space
from declare.decide.standing import Stand, Standing
from declare.decide.wish import Wish
from declare.model import names
from declare.model.fields import Forces
from declare.model.inventory import PortRange
from declare.model.observed import Container, PortBinding
from declare.model.plan import Action, Drift, Existing, FieldChange, Placed, Repair, ReplicaChange
from declare.model.problem import Problem


@dataclass(slots=True)
class ReplicaChanges:
    """The changes of one app's replicas with what was found on the way; `fields` by their path."""

    changes: list[ReplicaChange] = field(default_factory=list)
    fields: dict[str, FieldChange] = field(default_factory=dict)
    drift: list[Drift] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def change_replicas(
    situation: Situation,
    standings: Sequence[Standing],
    hosts: Mapping[Key, str],
    *,
    spaces: Mapping[str, Space],
    choice: ImageChoice,
) -> ReplicaChanges:
    """The changes of one app in the order of its replicas. `hosts` is where those go that need a host."""
    result = ReplicaChanges()
    decider = _Decider(situation, hosts, spaces, choice, result)
    for standing in standings:
        try:
            result.changes.append(decider.decide(standing))
        except NoFreePort as error:
            result.problems.append(
                Problem(
                    f"{standing.wish.name}/{standing.replica}: {error}",
                    standing.wish.app.source,
                    help="widen ports in the inventory",
                )
            )
    return result


def remove_replica(key: Key, containers: Sequence[Container], cause: str) -> ReplicaChange:
    """A replica that goes: its running or newest container first, the others as leftovers."""
    first, *rest = sorted(containers, key=lambda c: (not c.is_running, -_generation(c), c.host, c.id))
    return ReplicaChange(*key, Action.REMOVE, cause, old=existing(first), leftovers=tuple(map(existing, rest)))


def existing(container: Container) -> Existing:
    """A container as changes name it."""
    owner = container.owner
    bindings = owner.ports if owner and owner.ports else container.bindings
    return Existing(
        container.id, container.name, container.host, _generation(container), container.is_running, tuple(bindings)
    )


def _generation(container: Container) -> int:
    return container.owner.generation if container.owner else 0


@dataclass(frozen=True, slots=True)
class _Decider:
    situation: Situation
    hosts: Mapping[Key, str]
    spaces: Mapping[str, Space]
    choice: ImageChoice
    result: ReplicaChanges

    def decide(self, standing: Standing) -> ReplicaChange:
        if standing.stand is Stand.WAITS:
            return ReplicaChange(*standing.key, Action.KEEP, standing.cause, old=self._remembered(standing))
        current = standing.found.current
        if current is None or standing.stand in (Stand.LOST, Stand.MISSING):
            return self._create(standing)
        fields = self._diff(standing.wish, current)
        for change in fields:
            self.result.fields.setdefault(change.path, change)
        if standing.stand is Stand.LEAVES:
            return self._move(standing, current)
        cause = self._why_replace(standing, current, fields)
        repairs = tuple(find_repairs(current, standing.wish.settings, name=self._name(standing, _generation(current))))
        self.result.drift += show_drift(_subject(standing), current, repairs, replaced=bool(cause))
        if cause:
            return self._replace(standing, current, cause)
        return _keep(standing, current, repairs)

    def _remembered(self, standing: Standing) -> Existing | None:
        placed = standing.placed
        if placed is None:
            return None
        address = self.situation.views[placed.host].address
        ports = standing.wish.app.ports
        named = (PortBinding(ports.get(name, 0), port, address, "tcp", name) for name, port in placed.ports)
        fixed = (PortBinding(0, port, ip, protocol) for port, ip, protocol in placed.published)
        bindings = (*named, *fixed)
        return Existing("", placed.container, placed.host, generation_of(placed.container), True, bindings)

    def _create(self, standing: Standing) -> ReplicaChange:
        action = Action.MOVE if standing.stand is Stand.LOST else Action.CREATE
        if standing.by_hand:
            remedy = "apply makes it again"
            self.result.drift.append(Drift(_subject(standing), standing.host, "removed by hand", remedy))
        host = self.hosts[standing.key]
        new = self._place(standing, host, allocate(*self._asking(standing, host)))
        return ReplicaChange(*standing.key, action, standing.cause, new=new, leftovers=_leftovers(standing))

    def _move(self, standing: Standing, current: Container) -> ReplicaChange:
        host = self.hosts[standing.key]
        new = self._place(standing, host, allocate(*self._asking(standing, host)))
        return ReplicaChange(
            *standing.key, Action.MOVE, standing.cause, existing(current), new, leftovers=_leftovers(standing)
        )

    def _replace(self, standing: Standing, current: Container, cause: str) -> ReplicaChange:
        old = existing(current)
        bindings: tuple[PortBinding, ...] | None = None
        if order_of(standing.wish, current.host)[0] == "stop-first":
            bindings = rebind(standing.wish, old.bindings, self.spaces[current.host])
        if bindings is None:
            bindings = allocate(*self._asking(standing, current.host))
        new = self._place(standing, current.host, bindings)
        return ReplicaChange(*standing.key, Action.REPLACE, cause, old, new, leftovers=_leftovers(standing))

    def _asking(self, standing: Standing, host: str) -> tuple[str, Wish, str, Space, PortRange]:
        inventory = self.situation.inventory
        return inventory.project, standing.wish, standing.replica, self.spaces[host], inventory.ports

    def _place(self, standing: Standing, host: str, bindings: tuple[PortBinding, ...]) -> Placed:
        generation = self.situation.generations.get(standing.key, 0) + 1
        name = self._name(standing, generation)
        if (host, name) in self.situation.strange_names:
            self.result.problems.append(
                Problem(
                    f"{_subject(standing)}: {host} has a container named {name} that is not declare's",
                    standing.wish.app.source,
                    help=f"rename or remove it: declare leaves it alone (docker rename {name} …)",
                )
            )
        return Placed(name, host, generation, bindings)

    def _name(self, standing: Standing, generation: int) -> str:
        return names.replica_container(self.situation.project, *standing.key, generation)

    def _diff(self, wish: Wish, current: Container) -> tuple[FieldChange, ...]:
        fields = diff_container(current.owner.spec if current.owner else {}, wish.spec)
        if differs(self.choice, current) and not any(change.path == "image" for change in fields):
            wanted = self.choice.ids.get(current.host) or self.choice.id or self.choice.digest or ""
            image = FieldChange("image", short_id(current.image_id), short_id(wanted), Forces.REPLACE)
            fields = (*fields, image)
        return fields

    def _why_replace(self, standing: Standing, current: Container, fields: tuple[FieldChange, ...]) -> str:
        if fields:
            return show_cause(fields)
        if standing.wish.name in self.situation.options.restart:
            return "restart"
        if current.state == "dead":
            return "its container is dead"
        return self._why_rebind(standing.wish, current)

    def _why_rebind(self, wish: Wish, current: Container) -> str:
        """Ports are bound to their host's address: a host that got another one needs new containers."""
        space = self.spaces[current.host]
        bound = {binding.host_ip for binding in current.owner.ports} if current.owner else set()
        wanted = {binding.host_ip for binding in fixed_bindings(wish, space)}
        if wish.app.ports and not wish.app.host_network:
            wanted.add(space.view.address)
        strange = sorted(bound - wanted)
        if not strange or not space.view.address:
            return ""
        return f"bound to {', '.join(strange)}, {current.host} is {space.view.address} now"


def _keep(standing: Standing, current: Container, repairs: tuple[Repair, ...]) -> ReplicaChange:
    leftovers = _leftovers(standing)
    if not repairs and not leftovers:
        return ReplicaChange(*standing.key, Action.KEEP, old=existing(current))
    cause = "altered by hand" if repairs else "left over from an earlier apply"
    return ReplicaChange(*standing.key, Action.UPDATE, cause, existing(current), repairs=repairs, leftovers=leftovers)


def _leftovers(standing: Standing) -> tuple[Existing, ...]:
    return tuple(map(existing, standing.found.leftovers))


def _subject(standing: Standing) -> str:
    return f"{standing.wish.name}/{standing.replica}"


def surplus(situation: Situation, wish: Wish, wanted: Sequence[str]) -> Iterator[ReplicaChange]:
    """The replicas of a declared app that are more than wanted, in the order of their numbers."""
    found = situation.sorted.replicas.get(wish.name, {})
    for replica in sorted(found.keys() - set(wanted), key=natural):
        containers = [c for c in found[replica].all if c not in found[replica].failed + found[replica].going]
        if containers:
            yield remove_replica((wish.name, replica), containers, _why_surplus(situation, wish, replica))


def natural(replica: str) -> tuple[int, str]:
    """Numbers by their value, names after them."""
    return (int(replica), "") if replica.isascii() and replica.isdigit() else (2**63, replica)


def _why_surplus(situation: Situation, wish: Wish, replica: str) -> str:
    if wish.app.mode == "replicated":
        return f"{wish.app.replicas} wanted" if replica.isdigit() else "not global any more"
    view = situation.views.get(replica)
    if view is None or replica.isdigit():
        return "one on each host now"
    return f"{replica} is {view.host.state}" if view.host.state != "active" else f"{replica} does not match placement"
