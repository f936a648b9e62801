"""Large fleets, as they would be observed: each container's spec is its own value, as it is when read from a label."""

import copy
from dataclasses import replace

from declare.load.app import build_app
from declare.model.app import App
from declare.model.inventory import ContainerProxy, ProxySettings
from tests.decide.world import World, make_host, make_inventory


def large_world(hosts: int, *, containers: int, apps: int, applied: bool = True) -> World:
    """So many hosts in three zones; each app has its part of the containers, and every fifth app a rule."""
    inventory = make_inventory(
        *(
            make_host(f"h{n}", labels={"zone": "abc"[n % 3], "disk": ("ssd", "hdd")[n % 2]}, cpus=16, memory="64GiB")
            for n in range(hosts)
        ),
        proxy=ProxySettings(ContainerProxy(("h0", "h1"), "nginx:1")),
    )
    world = World(inventory, *(_make_app(n, containers // apps) for n in range(apps)))
    if applied:
        world.apply()
        world.observed = replace(
            world.observed,
            hosts=tuple(replace(h, containers=copy.deepcopy(h.containers)) for h in world.observed.hosts),
        )
    return world


def _make_app(number: int, replicas: int) -> App:
    spec = {
        "image": f"registry.example.com/app-{number}:1.0.{number % 7}",
        "replicas": replicas,
        "port": 8000,
        "routes": [f"app-{number}.example.com"],
        "environment": {f"SETTING_{n}": f"value {n} of {number}" for n in range(8)},
        "healthcheck": {"path": "/up"},
        "resources": {"cpus": 0.1 * (number % 5), "memory": f"{128 * (1 + number % 4)}MiB"},
    }
    if number % 5 == 0:
        spec["placement"] = {"require": {"disk": "ssd"}, "max_per_host": 2}
    return build_app(f"app-{number}", spec)
