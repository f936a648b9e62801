"""A case: a folder whose name is a sentence, with what goes into a plan and what must come out.

inventory.yaml   the hosts
apps.yaml        what is declared now
before.yaml      what was declared, and applied without a fault, before (if anything was)
observed.yaml    what happened to the fleet since, one thing an entry of `since`; `options` of the plan
plan.txt         the plan that must come out, or
error.txt        the problems, where there can be no plan
nginx.conf       what the first proxy host would be given, where there is one
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from declare.decide.plan import PlanError
from declare.load.project import load_project
from declare.model.inventory import ContainerProxy, Inventory
from declare.model.observed import Image, Volume
from declare.model.plan import Plan
from declare.model.problem import Problem
from declare.proxy.config import Acknowledgement
from declare.proxy.render import render
from declare.show.plan import render_plan_text
from tests.decide.world import World, foreign, image_id, make_observed

_OPTIONS: Mapping[str, Callable[[Any], Any]] = {
    "apps": tuple,
    "lost": frozenset,
    "restart": frozenset,
    "prune": bool,
    "allow_removal": int,
    "destroy": bool,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The texts that a case must give, by file name."""

    files: dict[str, str]


def run_case() -> Outcome:
    """Run the case in the current folder, so that places in its files read the same on every machine."""
    story = yaml.safe_load(Path("observed.yaml").read_text()) if Path("observed.yaml").exists() else {}
    world = _build_world(story)
    options = {name: _OPTIONS[name](value) for name, value in story.get("options", {}).items()}
    try:
        plan = world.plan(**options)
    except PlanError as error:
        return Outcome({"error.txt": "\n".join(map(_show_problem, error.problems))})
    files = {"plan.txt": render_plan_text(plan)}
    text = _render_nginx(plan, world.inventory)
    return Outcome(files | {"nginx.conf": text} if text else files)


def _build_world(story: Mapping[str, Any]) -> World:
    now = load_project(Path("inventory.yaml"), [Path("apps.yaml")], environment={})
    world = World(now.inventory)
    world.desired = now.desired
    world.observed = make_observed(now.inventory, images=_images(world))
    if Path("before.yaml").exists():
        before = load_project(Path("inventory.yaml"), [Path("before.yaml")], environment={})
        world.inventory, world.desired = _all_active(before.inventory), before.desired
        world.observed = make_observed(before.inventory, images=_images(world))
        world.apply()
        world.inventory, world.desired = now.inventory, now.desired
    for event in story.get("since", ()):
        _happen(world, dict(event))
    return world


def _images(world: World) -> set[str]:
    """The images that all hosts have already: those of apps that must not pull. Others have to be pulled."""
    form = world.inventory.proxy.form if world.inventory.proxy else None
    proxy = {form.image} if isinstance(form, ContainerProxy) else set()
    return {app.image for app in world.desired.apps} | proxy


def _all_active(inventory: Inventory) -> Inventory:
    return replace(inventory, hosts=tuple(replace(host, state="active") for host in inventory.hosts))


def _happen(world: World, event: dict[str, Any]) -> None:
    """One thing that happened, as {what: whom, …}."""
    what, subject = next(iter(event.items()))
    event.pop(what)
    if what == "cut":
        world.cut(subject)
    elif what == "foreign":
        world.add(foreign(subject, **event))
    elif what == "images":
        _set_image(world, subject, **event)
    elif what == "volume":
        world.set_host(
            event["host"], volumes={**world.host(event["host"]).volumes, subject: Volume(world.inventory.project)}
        )
    elif what == "alter":
        world.alter(world.container(*subject.split("/")), **event)
    elif what == "remove":
        world.drop(world.container(*subject.split("/")))
    elif what == "reinstall":
        world.set_host(subject, containers=(), token=None, volumes={}, proxy=None)
    else:
        raise ValueError(f"nothing is known of {what!r}")


def _set_image(
    world: World, host: str, *, reference: str, is_now: str | None = None, digest: str | None = None
) -> None:
    images = dict(world.host(host).images)
    images.pop(reference, None)
    if is_now:
        images[reference] = Image(image_id(is_now), (reference,), (f"repo@{digest}",) if digest else (), False)
    world.set_host(host, images=images)


def _show_problem(problem: Problem) -> str:
    place = f"{problem.source}: " if problem.source else ""
    return f"{place}{problem.severity}: {problem.summary}\n  hint: {problem.help}\n"


def _render_nginx(plan: Plan, inventory: Inventory) -> str:
    form = inventory.proxy.form if inventory.proxy else None
    if plan.proxy is None or not isinstance(form, ContainerProxy):
        return ""
    host = inventory.host(form.hosts[0])
    port = next((change.ack_port for change in plan.proxy.hosts if change.host == form.hosts[0]), 0)
    if host is None or not port:
        return ""
    return render(plan.proxy.model, ack=Acknowledgement(host.address, port)).text
