"""Every replica that needs a host gets one, or the reasons why none can take it are collected."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from declare.decide.filters import judge
from declare.decide.place import Group, Placements, bundle, explain, place, refuse
from declare.decide.situation import Key, Situation
from declare.decide.space import Space
from declare.decide.standing import Stand, Standing
from declare.decide.volumes import Volumes, pin
from declare.model.problem import Problem


def assign(
    situation: Situation, standings: Mapping[Key, Standing], spaces: Mapping[str, Space], volumes: Volumes
) -> Placements:
    """Replicas that were removed by hand go back where they were, if they can; the rest is placed."""
    groups = list(_group(situation, standings, volumes))
    groups = list(_gather(groups, spaces, volumes))
    returned, groups = _put_back(standings, groups, spaces)
    placements = place(groups, spaces)
    placements.hosts.update(returned)
    return placements


def show_unplaced(unplaced: list[Group], spaces: Mapping[str, Space]) -> Iterator[Problem]:
    """One problem for each app and reason, with every host's own reason."""
    for group in sorted(unplaced, key=lambda group: (group.wish.name, group.replicas)):
        verdict = judge(explain(group, spaces.values()))
        names = [f"{group.wish.name}/{replica}" for replica in group.replicas]
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        lines = [f"no host can take {shown}", *(f"  {line}" for line in verdict.lines)]
        source = group.wish.app.source
        hint = verdict.hint.replace("{at}", f" at {source}" if source else "")
        yield Problem("\n".join(lines), source, help=hint)


def _group(situation: Situation, standings: Mapping[Key, Standing], volumes: Volumes) -> Iterator[Group]:
    """Replicas of one app that are tied to the same hosts are one group."""
    taken: dict[str, set[str]] = {}
    for standing in standings.values():
        if not standing.needs_host:
            taken.setdefault(standing.wish.name, set()).add(standing.host)
    groups: dict[tuple[str, frozenset[str] | None], Group] = {}
    for standing in standings.values():
        if standing.needs_host:
            group = _tie(situation, standing, volumes, frozenset(taken.get(standing.wish.name, ())))
            known = groups.get((standing.wish.name, group.only))
            both = replace(known, replicas=known.replicas + group.replicas) if known else group
            groups[standing.wish.name, group.only] = both
    yield from groups.values()


def _tie(situation: Situation, standing: Standing, volumes: Volumes, taken: frozenset[str]) -> Group:
    wish = standing.wish
    if wish.app.mode == "global":
        return Group(wish, (standing.replica,), frozenset({standing.replica}))
    if not (wish.bound or wish.external):
        return Group(wish, (standing.replica,))
    leaves = standing.stand is Stand.LEAVES
    tied = pin(situation, volumes, wish, host=standing.host, leaves=leaves, taken=taken)
    return Group(wish, (standing.replica,), tied.only, tied.volumes)


def _gather(groups: list[Group], spaces: Mapping[str, Space], volumes: Volumes) -> Iterator[Group]:
    """Apps that share a volume which is nowhere yet go to one host that can take them all."""
    done: set[str] = set()
    for group in groups:
        partners = volumes.partners(group.wish.name) if group.wish.bound and group.only is None else frozenset()
        if len(partners) < 2:
            yield group
        elif group.wish.name not in done:
            done |= partners
            together = [other for other in groups if other.wish.name in partners and other.only is None]
            host = bundle(together, spaces)
            shared = tuple(volume for volume in group.wish.bound if volumes.is_shared(volume))
            only = frozenset({host}) if host else frozenset()
            yield from (replace(other, only=only, volumes=shared) for other in together)


def _put_back(
    standings: Mapping[Key, Standing], groups: list[Group], spaces: Mapping[str, Space]
) -> tuple[dict[Key, str], list[Group]]:
    hosts: dict[Key, str] = {}
    rest = []
    for group in groups:
        left = []
        for replica in group.replicas:
            standing = standings[group.wish.name, replica]
            space = spaces.get(standing.host) if standing.stand is Stand.MISSING else None
            if space is None or refuse(group, replica, space) is not None:
                left.append(replica)
                continue
            space.take(group.wish, replica)
            hosts[standing.key] = space.name
        if left:
            rest.append(replace(group, replicas=tuple(left)))
    return hosts, rest
