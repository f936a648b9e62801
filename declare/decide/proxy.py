"""What happens to nginx on each of its hosts: made, reloaded, replaced, removed, or kept as it is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from declare.decide.allocate import NoFreePort, free_port
from declare.decide.hosts import HostView
from declare.decide.images import ImageChoice, ImageUse, choose_image, pull_images
from declare.decide.replicas import existing
from declare.decide.sites import build_model, diff_routes, serve_apps
from declare.decide.situation import Situation
from declare.decide.sort_out import Bucket
from declare.decide.space import Space
from declare.model import names
from declare.model.inventory import ContainerProxy, FileProxy
from declare.model.observed import Container, ObservedProxy, PortBinding
from declare.model.plan import Action, AppChange, Drift, Existing, ImagePull, Placed, ProxyChange, ProxyHostChange
from declare.model.problem import Problem
from declare.model.proxy import ProxyModel

Render = Callable[[ProxyModel, str, int], str]
"""The hash of the configuration for a model, a proxy host ("" for the user's own nginx) and an acknowledging port."""

_BY_HAND = "stopped by hand"
_EDITED = "edited by hand"
_OTHERWISE = "it serves another configuration than its file"
_UNLIKE_FILE = "its file is not what it serves"


@dataclass(frozen=True, slots=True)
class ProxyDecision:
    """The proxy's change with what its hosts need before it, and what is wrong with it."""

    change: ProxyChange | None
    pull: ImagePull | None = None
    drift: tuple[Drift, ...] = ()
    leftovers: tuple[Existing, ...] = ()
    problems: tuple[Problem, ...] = ()


def decide_proxy(
    situation: Situation, changes: Sequence[AppChange], spaces: Mapping[str, Space], render: Render | None
) -> ProxyDecision:
    """The decision for all proxy hosts, after the apps': their replicas have their ports."""
    served = serve_apps(situation, changes)
    model = build_model(situation, served)
    settings = situation.inventory.proxy
    gone = situation.options.destroy and situation.options.apps is None
    form = None if gone or settings is None else settings.form
    found = _find_proxies(situation)
    if form is None and not found:
        return ProxyDecision(None, problems=() if gone else tuple(_warn_routes(changes, situation)))
    decider = _Decider(situation, spaces, model, render, *_choose(situation, form))
    hosts, problems = decider.decide_all(form, found)
    kept = all(host.action is Action.KEEP for host in hosts)
    routes = () if kept and situation.observed.record is None else tuple(diff_routes(situation, model, served))
    pull, absent = (
        pull_images(decider.choice, [host.host for host in hosts if host.new]) if decider.choice else (None,) * 2
    )
    clash = (decider.clash,) if decider.clash else ()
    return ProxyDecision(
        ProxyChange(model, tuple(hosts), routes),
        pull,
        tuple(_show_drift(hosts)),
        tuple(existing(c) for _, containers in sorted(found.items()) for c in containers[1:]),
        (*problems, *clash, *((absent,) if absent else ())),
    )


def _find_proxies(situation: Situation) -> dict[str, list[Container]]:
    """The proxy containers of each host, the one that counts first."""
    found: dict[str, list[Container]] = {}
    for container in situation.sorted.buckets[Bucket.PROXY]:
        found.setdefault(container.host, []).append(container)
    for containers in found.values():
        containers.sort(key=lambda c: (not c.is_running, -(c.owner.generation if c.owner else 0), c.id))
    return found


def _choose(situation: Situation, form: ContainerProxy | FileProxy | None) -> tuple[ImageChoice | None, Problem | None]:
    if not isinstance(form, ContainerProxy):
        return None, None
    found = situation.images.get(form.image, {})
    return choose_image(ImageUse(form.image, "proxy"), form.hosts, found, situation.observed.digests)


@dataclass(frozen=True, slots=True)
class _Decider:
    situation: Situation
    spaces: Mapping[str, Space]
    model: ProxyModel
    render: Render | None
    choice: ImageChoice | None
    clash: Problem | None

    def decide_all(
        self, form: ContainerProxy | FileProxy | None, found: Mapping[str, Sequence[Container]]
    ) -> tuple[list[ProxyHostChange], list[Problem]]:
        hosts, problems = [], []
        wanted = form.hosts if isinstance(form, ContainerProxy) else ()
        for name in sorted({*wanted, *found}):
            view = self.situation.views[name]
            current = found[name][0] if name in found else None
            try:
                if name not in wanted:
                    cause = "no proxy host any more" if form else "no proxy any more"
                    hosts.append(ProxyHostChange(name, Action.REMOVE, cause, existing(found[name][0])))
                elif not view.lost:
                    hosts.append(self._decide(view, current))
            except NoFreePort as error:
                problems.append(Problem(f"proxy: {error}", help="widen ports in the inventory"))
        if isinstance(form, FileProxy):
            hosts.append(self._decide_file())
        return hosts, [*problems, *self._find_clashes(hosts)]

    def _find_clashes(self, hosts: Sequence[ProxyHostChange]) -> Iterator[Problem]:
        for host in hosts:
            if host.new and (host.host, host.new.name) in self.situation.strange_names:
                yield Problem(
                    f"proxy: {host.host} has a container named {host.new.name} that is not declare's",
                    help=f"rename or remove it: declare leaves it alone (docker rename {host.new.name} …)",
                )

    def _decide_file(self) -> ProxyHostChange:
        wanted = self.render(self.model, "", 0) if self.render else None
        observed = self.situation.observed.file_proxy_hash
        if wanted is None or wanted == observed:
            return ProxyHostChange("", Action.KEEP)
        return ProxyHostChange("", Action.UPDATE, "configuration changed" if observed else _UNLIKE_FILE)

    def _decide(self, view: HostView, current: Container | None) -> ProxyHostChange:
        if not view.usable:
            return ProxyHostChange(view.name, Action.KEEP, f"{view.name} can't be reached")
        if current is None:
            return self._make(view, None, "")
        cause = self._why_replace(view, current)
        if cause:
            return self._make(view, current, cause)
        proxy = view.observed.proxy
        port = proxy.ack_port if proxy else _ack_port(current)
        cause = self._why_update(view, proxy, port)
        action = Action.UPDATE if cause else Action.KEEP
        return ProxyHostChange(view.name, action, cause, existing(current), ack_port=port)

    def _make(self, view: HostView, current: Container | None, cause: str) -> ProxyHostChange:
        inventory = self.situation.inventory
        seed = (inventory.project, "proxy", view.name, "ack")
        port = free_port(seed, self.spaces[view.name], inventory.ports)
        proxies = self.situation.sorted.buckets[Bucket.PROXY]
        generation = 1 + max((c.owner.generation for c in proxies if c.owner and c.host == view.name), default=0)
        name = names.proxy_container(inventory.project, generation)
        new = Placed(name, view.name, generation, (PortBinding(port, port, view.address, "tcp", "ack"),))
        if current is None:
            return ProxyHostChange(view.name, Action.CREATE, cause, None, new, port)
        return ProxyHostChange(view.name, Action.REPLACE, cause, existing(current), new, port)

    def _why_replace(self, view: HostView, current: Container) -> str:
        if current.state == "created":
            return "it never came up"
        if not current.is_running:
            return _BY_HAND
        wanted = self.choice.ids.get(view.name) if self.choice else None
        form = self.situation.inventory.proxy.form if self.situation.inventory.proxy else None
        reference = form.image if isinstance(form, ContainerProxy) else ""
        if wanted is not None:
            return "image changed" if current.image_id != wanted else ""
        # An engine shows the bare ID of an image that lost its name: then there is nothing to compare.
        named = current.image and not current.image.startswith("sha256:")
        return "image changed" if named and current.image != reference else ""

    def _why_update(self, view: HostView, proxy: ObservedProxy | None, port: int) -> str:
        if self.render is None:
            return ""
        wanted = self.render(self.model, view.name, port)
        in_file, served = (proxy.file_hash, proxy.served_hash) if proxy else (None, None)
        if in_file is None and served is None:
            return "its configuration is unknown"
        if in_file not in (None, wanted):
            # What nginx serves is called as it was delivered, so a file that is called otherwise was touched since.
            return "configuration changed" if served in (None, in_file) else _EDITED
        return _OTHERWISE if served not in (None, wanted) else ""


def _ack_port(container: Container) -> int:
    ports = container.owner.ports if container.owner else ()
    return next((binding.host_port for binding in ports if binding.name == "ack"), 0)


def _show_drift(hosts: Sequence[ProxyHostChange]) -> Iterator[Drift]:
    for host in hosts:
        if host.action is Action.REPLACE and host.cause == _BY_HAND:
            yield Drift("proxy", host.host, _BY_HAND, "apply replaces it")
        elif host.action is Action.UPDATE and host.cause == _EDITED:
            yield Drift("proxy", host.host, f"its configuration was {_EDITED}", "apply puts it back")
        elif host.action is Action.UPDATE and host.cause == _OTHERWISE:
            yield Drift("proxy", host.host, _OTHERWISE, "apply reloads it")


def _warn_routes(changes: Sequence[AppChange], situation: Situation) -> Iterator[Problem]:
    for change in changes:
        wish = situation.wishes.get(change.name)
        if wish and wish.app.routes:
            yield Problem(f"{change.name} has routes, and the inventory has no proxy", wish.app.source,
                          help="add proxy to the inventory", severity="warning")  # fmt: skip
