"""One declared app's change: its replicas, fields, image, order and revision joined."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from declare.decide.diff import counts_as_revision, diff_container, diff_record
from declare.decide.images import ImageChoice, ImageUse, choose_image, differs, pull_images
from declare.decide.order import order_app
from declare.decide.replicas import ReplicaChanges, change_replicas, existing, surplus
from declare.decide.situation import Key, Situation
from declare.decide.space import Space
from declare.decide.standing import Stand, Standing
from declare.decide.volumes import missing_volumes
from declare.decide.wish import Wish
from declare.model.app import CommandCheck
from declare.model.fields import FIELDS, Forces
from declare.model.plan import Action, AppChange, Drift, FieldChange, ImagePull, ReplicaChange, VolumeCreate
from declare.model.powers import allowances
from declare.model.problem import Problem


@dataclass(frozen=True, slots=True)
class AppDecision:
    """An app's change with all that hosts need before it, and what is wrong with it."""

    change: AppChange
    pull: ImagePull | None = None
    volumes: tuple[VolumeCreate, ...] = ()
    drift: tuple[Drift, ...] = ()
    problems: tuple[Problem, ...] = ()


def decide_app(
    situation: Situation,
    wish: Wish,
    standings: Sequence[Standing],
    hosts: Mapping[Key, str],
    spaces: Mapping[str, Space],
) -> AppDecision:
    """The decision for one app; every replica that needs a host has one in `hosts`."""
    app = wish.app
    at = {standing.host if not standing.needs_host else hosts[standing.key] for standing in standings}
    use = ImageUse(app.image, app.name, app.pull_policy, app.platform, app.source)
    choice, clash = choose_image(use, at, situation.images.get(app.image, {}), situation.observed.digests)
    result = change_replicas(situation, standings, hosts, spaces=spaces, choice=choice)
    replicas = (*result.changes, *surplus(situation, wish, [standing.replica for standing in standings]))
    new_hosts = [change.new.host for change in replicas if change.new]
    pull, absent = pull_images(choice, new_hosts)
    fields = _all_fields(situation, wish, standings, result)
    change = _join(situation, wish, standings, replicas=replicas, fields=fields, choice=choice)
    return AppDecision(
        replace(change, warnings=tuple(_warn(situation, change, wish, standings, choice))),
        pull,
        tuple(missing_volumes(situation, wish, new_hosts)),
        tuple(result.drift),
        (*result.problems, *(problem for problem in (clash, absent) if problem)),
    )


def _join(
    situation: Situation,
    wish: Wish,
    standings: Sequence[Standing],
    *,
    replicas: tuple[ReplicaChange, ...],
    fields: tuple[FieldChange, ...],
    choice: ImageChoice,
) -> AppChange:
    action = _action_of(replicas, fields)
    ordered = order_app(wish, replicas)
    found = situation.sorted.replicas.get(wish.name, {})
    failed = [c for _, each in sorted(found.items()) for c in each.failed]
    return AppChange(
        name=wish.name,
        action=action,
        replicas=replicas,
        fields=() if action is Action.CREATE else fields,
        revision=_number_revision(situation, wish, standings, fields, choice),
        image=wish.app.image,
        image_id=choice.id,
        digest=choice.digest,
        spec=wish.spec,
        order=ordered.order,
        order_cause=ordered.cause,
        parallelism=ordered.parallelism,
        gap=ordered.gap,
        allowed=allowances(wish.app),
        failed=() if action is Action.KEEP else tuple(map(existing, failed)),
        source=wish.app.source,
    )


def _all_fields(
    situation: Situation, wish: Wish, standings: Sequence[Standing], result: ReplicaChanges
) -> tuple[FieldChange, ...]:
    fields = dict(result.fields)
    remembered = situation.remembered(wish.name)
    if remembered:
        outside = diff_record(remembered.spec, wish.app)
        if not any(standing.found.current for standing in standings):
            outside = (*outside, *_diff_remembered(remembered.spec, wish))
        fields = {change.path: change for change in outside} | fields
    return tuple(fields[path] for path in sorted(fields))


def _diff_remembered(spec: Mapping[str, object], wish: Wish) -> tuple[FieldChange, ...]:
    """Container fields against the record, for an app of which no container can be seen."""
    inside = {name: value for name, value in spec.items() if FIELDS.get(name, Forces.RECORD) is Forces.REPLACE}
    return diff_container(inside, {k: v for k, v in wish.app.container_spec.items() if k != "healthcheck"})


def _action_of(replicas: Sequence[ReplicaChange], fields: Sequence[FieldChange]) -> Action:
    actions = {change.action for change in replicas}
    if actions and actions <= {Action.CREATE}:
        return Action.CREATE
    if Action.REPLACE in actions:
        return Action.REPLACE
    if actions - {Action.KEEP}:
        return Action.UPDATE
    waiting = any(change.cause for change in replicas if change.action is Action.KEEP)
    only_record = all(change.forces is not Forces.REPLACE for change in fields)
    return Action.UPDATE if fields and (only_record or not waiting) else Action.KEEP


def _number_revision(
    situation: Situation,
    wish: Wish,
    standings: Sequence[Standing],
    fields: Sequence[FieldChange],
    choice: ImageChoice,
) -> int:
    """One more than any before, unless nothing that makes a revision changed, or it is under way already."""
    remembered = situation.remembered(wish.name)
    recorded = [revision.number for revision in remembered.revisions] if remembered else []
    succeeded = [r.number for r in remembered.revisions if r.result == "succeeded"] if remembered else []
    found = situation.sorted.replicas.get(wish.name, {}).values()
    seen = [c.owner.revision for each in found for c in each.all if c.owner]
    currents = [s.found.current for s in standings if s.found.current]
    ready = [c.owner.revision for c in currents if c.owner and c.owner.spec == wish.spec and not differs(choice, c)]
    highest = max((*recorded, *seen), default=0)
    counting = [change for change in fields if counts_as_revision(change)]
    if not counting:
        serving = [c.owner.revision for c in currents if c.owner]
        return max((*succeeded, *serving), default=highest) or 1
    # A replica that is as declared already comes from an apply of this very revision that was cut short.
    in_labels = all(change.forces is Forces.REPLACE for change in counting)
    return highest if in_labels and highest in ready else highest + 1


def _warn(
    situation: Situation, change: AppChange, wish: Wish, standings: Sequence[Standing], choice: ImageChoice
) -> Iterator[str]:
    made = any(replica.new for replica in change.replicas)
    if made and choice.has_healthcheck is False and not _is_checked(wish):
        yield f"{wish.name} has no healthcheck: running for settle counts as healthy"
    waiting = [s for s in standings if s.stand is Stand.WAITS]
    remembered = situation.remembered(wish.name)
    if waiting and remembered and _diff_remembered(remembered.spec, wish):
        names = ", ".join(f"{wish.name}/{standing.replica}" for standing in waiting)
        hosts = ", ".join(sorted({standing.host for standing in waiting}))
        yield f"{names} keeps its old settings until {hosts} can be reached"
    for standing in standings:
        if standing.stand is Stand.LOST and wish.written:
            volumes = ", ".join(wish.written)
            yield f"{wish.name}/{standing.replica} starts without its data: volume {volumes} stays on {standing.host}"


def _is_checked(wish: Wish) -> bool:
    check = wish.app.healthcheck.check if wish.app.healthcheck else None
    return check is not None and not (isinstance(check, CommandCheck) and check.test == ("NONE",))
