"""Apps that go: what is found of them and is declared no longer, unless that is more than the user can have meant."""

from collections.abc import Iterator

from declare.decide.replicas import existing, natural, remove_replica
from declare.decide.situation import Situation
from declare.decide.wish import Wish
from declare.model.observed import Container
from declare.model.plan import Action, AppChange, ReplicaChange, VolumeRemove
from declare.model.problem import Problem


def decide_removals(situation: Situation) -> list[AppChange]:
    """One change for each app that is removed as a whole, in the order of their names."""
    return [_remove(situation, app) for app in sorted(situation.sorted.replicas) if _goes(situation, app)]


def check_removals(situation: Situation, removed: list[AppChange]) -> Iterator[Problem]:
    """A problem if more than half of the project's apps would go, and nobody said that this many may."""
    count, whole = len(removed), len(situation.sorted.replicas)
    allowed = situation.options.allow_removal
    if situation.options.destroy or 2 * count <= whole or (allowed is not None and count <= allowed):
        return
    names = ", ".join(change.name for change in removed[:5]) + (f" and {count - 5} more" if count > 5 else "")
    yield Problem(
        f"this would remove {count} of the project's {whole} apps: {names}",
        help=f"if that is what you want, add --allow-removal {count}",
    )


def decide_volume_removals(situation: Situation) -> tuple[VolumeRemove, ...]:
    """The volumes that a destroy with their data takes: those that declare made for this project, or for these apps."""
    if not (situation.options.destroy and situation.options.volumes):
        return ()
    return tuple(
        VolumeRemove(volume, view.name)
        for view in situation.views.values()
        if view.usable
        for volume, found in sorted(view.observed.volumes.items())
        if found.project == situation.project and _is_meant(situation, volume)
    )


def _is_meant(situation: Situation, volume: str) -> bool:
    if situation.options.apps is None:
        return True
    declared: dict[str, Wish] = {**situation.bystanders, **situation.wishes}
    users = {name for name, wish in declared.items() if volume in {made.name for made in wish.volumes}}
    return bool(users) and users <= set(situation.options.apps)


def mention_undeclared(situation: Situation, removed: list[AppChange]) -> Iterator[Problem]:
    """A warning for each app that is found and not declared, and left alone."""
    gone = {change.name for change in removed}
    for app, found in sorted(situation.sorted.replicas.items()):
        declared = app in situation.wishes or app in situation.bystanders
        if app not in gone and not declared and situation.options.apps is None:
            hosts = ", ".join(sorted({c.host for each in found.values() for c in each.all}))
            yield Problem(f"{app} runs on {hosts}, and is not declared", severity="warning",
                          help="it is left alone; --prune removes it")  # fmt: skip


def _goes(situation: Situation, app: str) -> bool:
    options = situation.options
    if options.destroy:
        return options.selects(app)
    if app in situation.wishes or app in situation.bystanders:
        return False
    return options.prune if options.apps is None else app in options.apps


def _remove(situation: Situation, app: str) -> AppChange:
    found = situation.sorted.replicas[app]
    replicas: list[ReplicaChange] = []
    failed: list[Container] = []
    cause = "destroyed" if situation.options.destroy else "not declared any more"
    for replica in sorted(found, key=natural):
        failed += found[replica].failed
        containers = [c for c in found[replica].all if c not in found[replica].failed + found[replica].going]
        if containers:
            replicas.append(remove_replica((app, replica), containers, cause))
    revisions = [c.owner.revision for each in found.values() for c in each.all if c.owner]
    images = [c.owner.spec.get("image", "") for each in found.values() for c in each.all if c.owner]
    return AppChange(
        name=app,
        action=Action.REMOVE,
        replicas=tuple(replicas),
        revision=max(revisions, default=0),
        image=str(max(images, default="")),
        failed=tuple(map(existing, failed)),
    )
