"""Random but valid apps, hosts and fleets, for properties."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from declare.load.app import build_app
from declare.model.app import App
from declare.model.inventory import ContainerProxy, Host, Inventory, ProxySettings
from declare.model.observed import Container, Observed
from tests.decide.world import World, foreign, make_host, make_inventory

NAMES = ("web", "api", "db", "job", "mail")
PROXY = ProxySettings(ContainerProxy(("h1",), "nginx:1"))

labels = st.fixed_dictionaries({}, optional={"zone": st.sampled_from("ab"), "disk": st.sampled_from(("ssd", "hdd"))})


@st.composite
def hosts(draw: st.DrawFn) -> list[Host]:
    count = draw(st.integers(1, 5))
    return [make_host(f"h{n}", labels=draw(labels), cpus=8, memory="16GiB") for n in range(1, count + 1)]


def _optional(values: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=dict(values))


def specs() -> st.SearchStrategy[dict[str, Any]]:
    """Canonical specs without what would tie an app to a host, so that most of them can be placed."""
    return _optional(
        {
            "replicas": st.integers(0, 6),
            "port": st.just(8000),
            "environment": st.dictionaries(st.sampled_from("ABC"), st.sampled_from(("1", "2")), min_size=1),
            "resources": _optional({"cpus": st.sampled_from((0.1, 0.25, 0.5)), "memory": st.just("256MiB")}),
            "restart": st.sampled_from(("always", "no")),
            "update": st.fixed_dictionaries({"order": st.sampled_from(("start-first", "stop-first"))}),
            "placement": _optional({"spread": st.sampled_from(("zone", "disk"))}),
            "healthcheck": st.fixed_dictionaries({"path": st.sampled_from(("/up", "/ready"))}),
            "secrets": st.just(["key"]),
        }
    )


def demanding_specs() -> st.SearchStrategy[dict[str, Any]]:
    """Specs that may well not be placeable."""
    wishes = _optional(
        {
            "publish": st.sampled_from((["5432:5432"], ["0.0.0.0:53:53/udp"])),
            "volumes": st.sampled_from((["data:/d"], ["own:/d"], ["data:/d:ro"])),
            "mode": st.just("global"),
            "placement": _optional(
                {
                    "require": st.fixed_dictionaries({"disk": st.sampled_from(("ssd", "hdd"))}),
                    "max_per_host": st.integers(1, 3),
                }
            ),
            "resources": st.fixed_dictionaries({"cpus": st.sampled_from((0.5, 2.0, 3.0)), "memory": st.just("4GiB")}),
        }
    )
    return st.builds(lambda one, other: {**one, **other}, specs(), wishes).map(_without_count_if_global)


def _without_count_if_global(spec: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in spec.items() if not (k == "replicas" and spec.get("mode") == "global")}


@st.composite
def apps(draw: st.DrawFn, kind: st.SearchStrategy[dict[str, Any]] | None = None) -> list[App]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=len(NAMES)))
    return [build_app(name, _complete(name, draw(specs() if kind is None else kind))) for name in names]


def _complete(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    routes = {"routes": [f"{name}.example.com"]} if "port" in spec else {}
    healthcheck = spec if "port" in spec else {k: v for k, v in spec.items() if k != "healthcheck"}
    return {"image": f"{name}:1", **healthcheck, **routes}


@st.composite
def worlds(draw: st.DrawFn, kind: st.SearchStrategy[dict[str, Any]] | None = None) -> World:
    """Hosts with somebody else's containers on them, and apps; nothing is applied."""
    inventory = make_inventory(*draw(hosts()), proxy=draw(st.sampled_from((None, PROXY))))
    world = World(inventory, *draw(apps(kind)))
    for host in inventory.hosts:
        for n in range(draw(st.integers(0, 2))):
            world.add(foreign(host.name, f"theirs-{n}", port=draw(st.sampled_from((0, 5432, 20000, 24000)))))
    world.fingerprints = {"key": draw(st.sampled_from(("aa", "bb")))}
    return world


def shuffle(draw: Any, world: World) -> World:
    """The same world in another order."""
    mixed = World(_shuffle_inventory(draw, world.inventory))
    mixed.desired = replace(world.desired, apps=tuple(draw(st.permutations(world.desired.apps))))
    mixed.observed = _shuffle_observed(draw, world.observed)
    mixed.fingerprints = world.fingerprints
    return mixed


def _shuffle_inventory(draw: Any, inventory: Inventory) -> Inventory:
    return replace(inventory, hosts=tuple(draw(st.permutations(inventory.hosts))))


def _shuffle_observed(draw: Any, observed: Observed) -> Observed:
    mixed = [
        replace(
            host,
            containers=tuple(draw(st.permutations(host.containers))),
            images=dict(draw(st.permutations(list(host.images.items())))),
        )
        for host in observed.hosts
    ]
    record = observed.record
    if record:
        record = replace(record, placements=tuple(draw(st.permutations(record.placements))))
    return replace(observed, hosts=tuple(draw(st.permutations(mixed))), record=record)


def is_foreign(container: Container) -> bool:
    return container.owner is None
