"""Hard rules, each of which says yes, or why not. What can change while placing is apart from what can't."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from declare.decide.hosts import HostView
from declare.decide.space import Space
from declare.decide.wish import MICRO, Wish
from declare.model.quantity import format_size


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a host can't take a replica: a predicate for one host and for several, what is particular to this host, and
    what the user could do, with {at} where the place in the manifest belongs.
    """

    one: str
    many: str
    detail: str = ""
    hint: str = ""


_SHOWN_HOSTS = 5
_ANOTHER_HOST = "add a host, or set one to active"
_DATA = "data is never left behind: bring the host back that has it, or move it by hand"
_LESS = "add a host, or ask for less in resources{at}"


def refuse_host(view: HostView) -> Refusal | None:
    """Whether the host takes any new replica."""
    if view.lost:
        return Refusal("is lost", "are lost", hint=_ANOTHER_HOST)
    if not view.usable:
        return Refusal("can't be reached", "can't be reached", view.observed.reason, _ANOTHER_HOST)
    if view.host.state != "active":
        return Refusal(f"is {view.host.state}", f"are {view.host.state}", hint=_ANOTHER_HOST)
    return None


def refuse_labels(wish: Wish, view: HostView) -> Refusal | None:
    """Whether the host has every label that the app requires, with a value that it accepts."""
    for label, values in sorted(wish.app.placement.require.items()):
        if view.host.labels.get(label) not in values:
            text = f"label {label}={' or '.join(values)}"
            return Refusal(f"lacks {text}", f"lack {text}", hint=f"add a host with {text}, or loosen placement{{at}}")
    return None


def refuse_volumes(only: frozenset[str] | None, volumes: Iterable[str], view: HostView) -> Refusal | None:
    """Whether the data that the replica needs is here."""
    if only is None or view.name in only:
        return None
    names = ", ".join(volumes)
    return Refusal(f"does not have volume {names}", f"do not have volume {names}", hint=_DATA)


def refuse_count(wish: Wish, space: Space) -> Refusal | None:
    """Whether the app may have one more replica here."""
    limit = wish.app.placement.max_per_host
    if limit is None or space.apps.get(wish.name, 0) < limit:
        return None
    text = f"max_per_host {limit} of {wish.name}"
    return Refusal(f"has {text} already", f"have {text} already", hint="add a host, or allow more in placement{at}")


def refuse_ports(wish: Wish, replica: str, space: Space) -> Refusal | None:
    """Whether all fixed ports are free here."""
    held = space.holder_of(wish, replica)
    if held is None:
        return None
    (port, protocol, _), holder = held
    text = f"port {port}" + ("" if protocol == "tcp" else f"/{protocol}")
    return Refusal(f"has {text} taken", f"have {text} taken", f"by {holder}", "free the port, or publish another{at}")


def refuse_resources(wish: Wish, space: Space) -> Refusal | None:
    """Whether memory and cores are left."""
    if space.fits(wish):
        return None
    if space.limit_memory is not None and space.memory + wish.memory > space.limit_memory:
        free, asked = _size(space.limit_memory - space.memory), _size(wish.memory)
        return Refusal("has no memory left", "have no memory left", f"{free} free, {asked} asked", _LESS)
    free, asked = _cores((space.limit_cpus or 0) - space.cpus), _cores(wish.cpus)
    return Refusal("has no cpus left", "have no cpus left", f"{free} free, {asked} asked", _LESS)


def refuse_now(wish: Wish, replica: str, space: Space) -> Refusal | None:
    """The first reason among those that change while placing."""
    return refuse_count(wish, space) or refuse_ports(wish, replica, space) or refuse_resources(wish, space)


@dataclass(frozen=True, slots=True)
class Verdict:
    """All hosts' reasons in lines, that of most hosts first, and what to do about it."""

    lines: tuple[str, ...]
    hint: str


def judge(refusals: Iterable[tuple[str, Refusal]]) -> Verdict:
    """Group the hosts' reasons."""
    groups: dict[tuple[str, str], list[tuple[str, Refusal]]] = {}
    for host, refusal in refusals:
        groups.setdefault((refusal.one, refusal.many), []).append((host, refusal))
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    heads = [f"1 host {one}" if len(hosts) == 1 else f"{len(hosts)} hosts {many}" for (one, many), hosts in ordered]
    width = max(map(len, heads), default=0)
    lines = [f"{head:{width}}   ({_show_hosts(hosts)})" for head, (_, hosts) in zip(heads, ordered, strict=True)]
    hints = (refusal.hint for _, hosts in ordered for _, refusal in hosts if refusal.hint)
    specific = [hint for hint in hints if hint != _ANOTHER_HOST]
    return Verdict(tuple(lines), specific[0] if specific else _ANOTHER_HOST)


def _show_hosts(hosts: Sequence[tuple[str, Refusal]]) -> str:
    shown = [f"{host}: {refusal.detail}" if refusal.detail else host for host, refusal in hosts]
    separator = "; " if any(refusal.detail for _, refusal in hosts) else ", "
    more = f" and {len(shown) - _SHOWN_HOSTS} more" if len(shown) > _SHOWN_HOSTS else ""
    return separator.join(shown[:_SHOWN_HOSTS]) + more


def _size(size: int) -> str:
    if size <= 0:
        return "0"
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20)):
        if size >= factor:
            return f"{round(size / factor, 1):g} {unit}"
    return format_size(size)


def _cores(micro: int) -> str:
    return f"{max(micro, 0) / MICRO:g}"
