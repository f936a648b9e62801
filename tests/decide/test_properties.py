"""What holds for every fleet. DECLARE_EXAMPLES=10000 runs each property that often."""

import os
from typing import Any

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from declare.decide.plan import PlanError
from declare.load.app import build_app
from declare.model.app import Resources
from declare.model.plan import Action, Plan
from tests.decide.fleets import apps, demanding_specs, is_foreign, shuffle, specs, worlds
from tests.decide.world import World, actions, make_desired

EXAMPLES = int(os.environ.get("DECLARE_EXAMPLES", "100"))

thoroughly = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="DECLARE_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def apply_if_possible(world: World) -> Plan:
    try:
        return world.apply()
    except PlanError:
        event("refused")
        assume(False)
        raise


@thoroughly
@given(worlds(demanding_specs()))
def test_a_plan_after_apply_is_empty(world: World) -> None:
    apply_if_possible(world)
    again = world.plan()
    assert again.is_empty, again
    assert not (again.drift or again.pulls)


@thoroughly
@given(worlds(specs()), st.data())
def test_a_plan_after_a_changed_apply_is_empty(world: World, data: st.DataObject) -> None:
    apply_if_possible(world)
    world.declare(*data.draw(apps(specs())))
    world.fingerprints = {"key": data.draw(st.sampled_from(("aa", "cc")))}
    world.apply(allow_removal=99)
    again = world.plan()
    assert again.is_empty, again


@thoroughly
@given(worlds(demanding_specs()), st.data())
def test_no_host_port_is_held_twice(world: World, data: st.DataObject) -> None:
    apply_if_possible(world)
    world.declare(*data.draw(apps(specs())))
    world.apply(allow_removal=99)
    for host in world.observed.hosts:
        held = [(b.host_port, b.protocol) for c in host.containers for b in c.bindings if not is_foreign(c)]
        strange = {b.host_port for c in host.containers if is_foreign(c) for b in c.bindings}
        assert len(held) == len(set(held))
        assert not strange & {port for port, _ in held}


@thoroughly
@given(worlds(demanding_specs()), st.data())
def test_the_order_of_the_input_changes_nothing(world: World, data: st.DataObject) -> None:
    if data.draw(st.booleans()):
        apply_if_possible(world)
        world.declare(*data.draw(apps(demanding_specs())))
    mixed = shuffle(data.draw, world)
    assert outcome(world) == outcome(mixed)


def outcome(world: World) -> str:
    try:
        return repr(world.plan(allow_removal=99))
    except PlanError as error:
        return repr(error.problems)


@thoroughly
@given(worlds(specs()), st.data())
def test_one_lost_host_moves_only_its_replicas(world: World, data: st.DataObject) -> None:
    apply_if_possible(world)
    assume(len(world.observed.hosts) > 1)
    name = data.draw(st.sampled_from([host.name for host in world.observed.hosts]))
    there = {f"{c.owner.app}/{c.owner.replica}" for c in world.host(name).containers if c.owner and c.owner.app}
    world.cut(name)
    assert not actions(world.plan())
    plan = world.apply(lost=frozenset({name}))
    assert set(actions(plan)) == there
    assert not actions(world.plan(lost=frozenset({name})))


@thoroughly
@given(worlds(demanding_specs()), st.data())
def test_foreign_containers_are_in_no_change(world: World, data: st.DataObject) -> None:
    before = [c for c in world.containers() if is_foreign(c)]
    apply_if_possible(world)
    world.declare(*data.draw(apps(specs())))
    plan = world.apply(allow_removal=99)
    assert all(container.name not in repr(plan) for container in before)
    assert [c for c in world.containers() if is_foreign(c)] == before


@thoroughly
@given(worlds(demanding_specs()))
def test_new_placements_never_exceed_capacity(world: World) -> None:
    apply_if_possible(world)
    asked = {app.name: app.resources for app in world.desired.apps}
    for host in world.inventory.hosts:
        placed = [asked[c.owner.app] for c in world.host(host.name).containers if c.owner and c.owner.app]
        capacity = host.capacity or Resources()
        assert sum(round(resources.cpus * 1000) for resources in placed) <= capacity.cpus * 1000
        assert sum(resources.memory for resources in placed) <= capacity.memory


@thoroughly
@given(worlds(specs()), st.integers(0, 5))
def test_scaling_down_removes_the_highest(world: World, count: int) -> None:
    assume(world.desired.apps)
    apply_if_possible(world)
    first, *others = world.desired.apps
    assume(count <= first.replicas)
    world.declare(build_app(first.name, {**first.spec, "replicas": count}), *others)
    gone = {f"{first.name}/{n}": "remove" for n in range(count + 1, first.replicas + 1)}
    assert actions(world.plan()) == gone


@thoroughly
@given(worlds(specs()), st.data())
def test_changing_one_app_moves_no_other(world: World, data: st.DataObject) -> None:
    assume(world.desired.apps)
    apply_if_possible(world)
    first, *others = world.desired.apps
    spec = data.draw(specs())
    world.desired = make_desired(build_app(first.name, {"image": first.image, **_plain(spec)}), *others)
    plan = world.plan()
    assert {replica.app for app in plan.apps for replica in app.replicas if replica.action is not Action.KEEP} <= {
        first.name
    }
    assert "move" not in actions(plan).values()


def _plain(spec: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in spec.items() if name not in ("healthcheck", "routes")}


HARMS: dict[str, dict[str, Any]] = {
    "stop": {"state": "exited"},
    "pause": {"state": "paused"},
    "update": {"settings": {"restart": "on-failure"}},
}


@thoroughly
@given(worlds(specs()), st.data())
def test_whatever_is_done_by_hand_one_apply_converges(world: World, data: st.DataObject) -> None:
    apply_if_possible(world)
    ours = [c for c in world.containers() if c.owner and c.owner.app]
    for container in data.draw(st.lists(st.sampled_from(ours), unique_by=id, max_size=4)) if ours else ():
        harm = data.draw(st.sampled_from(("stop", "pause", "rename", "remove", "update", "double")))
        if harm == "remove":
            world.drop(container)
        elif harm == "double":
            world.alter(container, state="created", id=f"{container.id}-2")
        else:
            world.alter(container, **HARMS.get(harm, {"name": f"x{container.id}"}))
    world.apply()
    assert world.plan().is_empty
