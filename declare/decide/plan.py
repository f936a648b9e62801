"""A plan from what is desired and what was observed. Pure: equal input, in whatever order, gives an equal plan."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from declare.decide.apps import AppDecision, decide_app
from declare.decide.assign import assign, show_unplaced
from declare.decide.hosts import check_identities
from declare.decide.options import PlanOptions
from declare.decide.proxy import ProxyDecision, Render, decide_proxy
from declare.decide.removal import check_removals, decide_removals, decide_volume_removals, mention_undeclared
from declare.decide.situation import Key, Situation, build_spaces, read_situation
from declare.decide.sort_out import Bucket
from declare.decide.space import Space
from declare.decide.standing import Stand, Standing, settle
from declare.decide.volumes import read_volumes, warn_of_fixed
from declare.decide.wish import Wish
from declare.model.app import Desired
from declare.model.errors import InputError
from declare.model.inventory import Inventory
from declare.model.observed import Observed
from declare.model.plan import AppChange, ImagePull, Plan, VolumeCreate
from declare.model.problem import Problem

__all__ = ["PlanError", "PlanOptions", "make_plan"]

_NO_FINGERPRINTS: Mapping[str, str] = MappingProxyType({})
_DEFAULT_OPTIONS = PlanOptions()


class PlanError(InputError):
    """What is declared can't be reached from what was observed; every app's problems at once."""


def make_plan(
    desired: Desired,
    inventory: Inventory,
    observed: Observed,
    *,
    fingerprints: Mapping[str, str] = _NO_FINGERPRINTS,
    options: PlanOptions = _DEFAULT_OPTIONS,
    render: Render | None = None,
) -> Plan:
    """The plan. `fingerprints` are those of secrets by name; a secret without one is not compared.

    `render` gives the hash of the proxy's configuration for a model, a host ("" for the user's own nginx) and an
    acknowledging port; without it, running proxies are kept. Raises PlanError.
    """
    situation = read_situation(desired, inventory, observed, fingerprints, options)
    problems = [*check_identities(situation.views), *_check_names(situation)]
    _raise(problems)
    spaces = build_spaces(situation)
    volumes = read_volumes(situation)
    volumes.learn_homes(_bystanders(situation))
    standings = settle(situation, spaces, volumes)
    placements = assign(situation, standings, spaces, volumes)
    _raise([*show_unplaced(placements.unplaced, spaces), *_check_out_of_sight(situation, standings)])
    for space in spaces.values():
        space.reserve_fixed()
    apps = _decide_apps(situation, standings, placements.hosts, spaces)
    removed = decide_removals(situation)
    changes = sorted([app.change for app in apps] + removed, key=lambda change: change.name)
    proxy = decide_proxy(situation, changes, spaces, render)
    problems = [problem for app in apps for problem in app.problems]
    problems += [problem for problem in proxy.problems if problem.is_error]
    _raise([*problems, *check_removals(situation, removed)])
    return _join(situation, changes, apps, proxy, _warn(situation, removed, proxy))


def _decide_apps(
    situation: Situation, standings: Mapping[Key, Standing], hosts: Mapping[Key, str], spaces: Mapping[str, Space]
) -> list[AppDecision]:
    by_app: dict[str, list[Standing]] = {name: [] for name in situation.wishes}
    for (name, _), standing in standings.items():
        by_app[name].append(standing)
    return [decide_app(situation, situation.wishes[name], each, hosts, spaces) for name, each in by_app.items()]


def _join(
    situation: Situation,
    changes: list[AppChange],
    apps: list[AppDecision],
    proxy: ProxyDecision,
    warnings: Iterable[Problem],
) -> Plan:
    drift = [line for app in apps for line in app.drift] + list(proxy.drift)
    return Plan(
        project=situation.project,
        hosts=tuple(view.summarize() for view in situation.views.values()),
        apps=tuple(changes),
        proxy=proxy.change,
        pulls=_join_pulls([app.pull for app in apps] + [proxy.pull]),
        volumes=_join_volumes(volume for app in apps for volume in app.volumes),
        volume_removals=decide_volume_removals(situation),
        drift=tuple(sorted(drift, key=lambda line: (line.subject, line.host, line.found))),
        leftovers=proxy.leftovers,
        warnings=tuple(warnings),
    )


def _join_pulls(pulls: Iterable[ImagePull | None]) -> tuple[ImagePull, ...]:
    """One pull for each image, however many apps use it."""
    joined: dict[tuple[str, str, str, str], ImagePull] = {}
    for pull in pulls:
        if pull:
            key = (pull.image, pull.platform or "", pull.digest or "", pull.copy_from or "")
            known = joined.get(key, replace(pull, hosts=()))
            joined[key] = replace(known, hosts=tuple(sorted({*known.hosts, *pull.hosts})))
    return tuple(joined[key] for key in sorted(joined))


def _join_volumes(volumes: Iterable[VolumeCreate]) -> tuple[VolumeCreate, ...]:
    joined = {(volume.name, volume.host): volume for volume in volumes}
    return tuple(joined[key] for key in sorted(joined))


def _bystanders(situation: Situation) -> Iterable[tuple[Wish, str]]:
    for name, wish in situation.bystanders.items():
        for found in situation.sorted.replicas.get(name, {}).values():
            if found.current:
                yield wish, found.current.host


def _check_names(situation: Situation) -> Iterable[Problem]:
    options = situation.options
    known = situation.wishes.keys() | situation.bystanders.keys() | situation.sorted.replicas.keys()
    for name in sorted({*(options.apps or ()), *options.restart} - known):
        yield Problem(f'no app is named "{name}"', help=f"there are {', '.join(sorted(known)) or 'none'}")


def _check_out_of_sight(situation: Situation, standings: Mapping[Key, Standing]) -> Iterable[Problem]:
    """Without a record nobody knows what a silent host runs: a missing replica of a running app may well be there."""
    if situation.observed.record is not None or not situation.silent:
        return
    hosts = ", ".join(view.name for view in situation.silent)
    running = {
        name for name, found in situation.sorted.replicas.items() if any(each.current for each in found.values())
    }
    for (name, replica), standing in standings.items():
        if standing.stand is Stand.MISSING and name in running:
            yield Problem(
                f"{name}/{replica} may run on {hosts}: it can't be reached, and no record says what is there",
                situation.wishes[name].app.source,
                help="bring it back, or say that it is lost (--lost)",
            )


def _warn(situation: Situation, removed: list[AppChange], proxy: ProxyDecision) -> Iterable[Problem]:
    yield from mention_undeclared(situation, removed)
    yield from warn_of_fixed(situation)
    yield from (problem for problem in proxy.problems if not problem.is_error)
    for container in situation.sorted.buckets[Bucket.UNREADABLE] + situation.sorted.buckets[Bucket.COPY]:
        why = "has labels of this project that can't be read" if container.owner is None else "has copied labels"
        yield Problem(f"{container.name} on {container.host} {why}", severity="warning",
                      help="it is left alone")  # fmt: skip
    for name in sorted({placed.host for placed in situation.placed.values()} - situation.views.keys()):
        yield Problem(f"{name} is not in the inventory any more, and still has containers of {situation.project}",
                      severity="warning", help="they are left alone: drain it first, then remove it")  # fmt: skip
    if unread := sum(container.settings is None for container in situation.sorted.buckets[Bucket.CURRENT]):
        yield Problem(f"{unread} containers were not inspected: what was altered on them by hand is not seen",
                      severity="warning", help="--inspect looks at every container")  # fmt: skip
    for name in sorted(situation.options.lost - situation.views.keys()):
        yield Problem(f"{name} is declared lost, and is not in the inventory", severity="warning")


def _raise(problems: Iterable[Problem]) -> None:
    found = list(problems)
    if found:
        raise PlanError(found)
