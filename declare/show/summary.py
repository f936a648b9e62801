"""Counts what a plan would do: one counting for text, JSON, Markdown and continuous integration."""

from dataclasses import dataclass

from declare.model.plan import Action, AppChange, Existing, Placed, Plan, ReplicaChange

MEANING = {
    "create": "to create",
    "replace": "to replace",
    "move": "to move",
    "repair": "to repair",
    "record": "to record",
    "reload": "to reload",
    "remove": "to remove",
}


@dataclass(frozen=True, slots=True)
class Summary:
    """How many changes of each kind. `record`: apps of which only remembered settings change; `reload`: load balancers
    that get a new configuration. `touched`: the hosts on which something happens.
    """

    create: int = 0
    replace: int = 0
    move: int = 0
    repair: int = 0
    record: int = 0
    reload: int = 0
    remove: int = 0
    unchanged: int = 0
    touched: tuple[str, ...] = ()
    hosts: int = 0
    gaps: tuple[tuple[str, float], ...] = ()


def summarize(plan: Plan) -> Summary:
    """The counts of a plan."""
    replicas = [change for app in plan.apps for change in app.replicas]
    proxies = plan.proxy.hosts if plan.proxy else ()
    actions = [change.action for change in replicas] + [_proxy_action(host.action) for host in proxies]
    removed = sum(len(change.leftovers) for change in replicas) + sum(len(app.failed) for app in _changed(plan))
    touched = _touched(plan)
    return Summary(
        create=actions.count(Action.CREATE),
        replace=actions.count(Action.REPLACE),
        move=actions.count(Action.MOVE),
        repair=sum(is_repaired(change) for change in replicas),
        record=sum(only_recorded(app) for app in plan.apps),
        reload=sum(host.action is Action.UPDATE for host in proxies),
        remove=actions.count(Action.REMOVE) + removed + len(plan.leftovers),
        unchanged=sum(app.action is Action.KEEP for app in plan.apps),
        touched=tuple(host.name for host in plan.hosts if host.reachable and host.name in touched),
        hosts=len(plan.hosts),
        gaps=tuple((app.name, app.gap) for app in plan.apps if app.gap > 0 and app.action is not Action.REMOVE),
    )


def is_repaired(change: ReplicaChange) -> bool:
    """Whether its container stays, and is put right."""
    return change.action is Action.UPDATE or (change.action is Action.KEEP and bool(change.repairs))


def only_recorded(app: AppChange) -> bool:
    """Whether an app changes without anything happening to a replica."""
    return app.action is not Action.KEEP and not any(is_busy(change) for change in app.replicas)


def is_busy(change: ReplicaChange) -> bool:
    """Whether anything happens to a replica."""
    return change.action is not Action.KEEP or bool(change.repairs or change.leftovers)


def _changed(plan: Plan) -> list[AppChange]:
    return [app for app in plan.apps if app.action is not Action.KEEP]


def _proxy_action(action: Action) -> Action:
    return Action.KEEP if action is Action.UPDATE else action


def _touched(plan: Plan) -> set[str]:
    sides: list[Existing | Placed | None] = list(plan.leftovers)
    for app in _changed(plan):
        for change in app.replicas:
            sides += change.leftovers
            if change.action is not Action.KEEP or change.repairs:
                sides += (change.old, change.new)
        sides += app.failed
    hosts = {side.host for side in sides if side}
    hosts |= {volume.host for volume in plan.volumes} | {host for pull in plan.pulls for host in pull.hosts}
    if plan.proxy:
        hosts |= {host.host for host in plan.proxy.hosts if host.host and host.action is not Action.KEEP}
    return hosts
