"""One app from what runs to what was planned: what is there afterwards, and what served on the way."""

import re
from typing import Any

import pytest

from declare.execute.execution import PortKeeper
from declare.execute.interrupt import Interrupted
from declare.model.errors import Conflict, EngineError, NotFound, Unreachable
from declare.model.event import Outcome
from declare.model.inventory import PortRange
from tests.execute.world import Call, World, app, routed

PROXIES = {"proxies": ["h1", "h2"]}


def fates(outcome: Outcome) -> tuple[int, int, int, int]:
    return outcome.done, outcome.failed, outcome.undone, outcome.not_started


def batches(world: World) -> list[int]:
    """How many replicas were started at once, as far as a stop of an old one shows it."""
    calls = world.changes("start_container", "stop_container")
    replicas = [call for call in calls if "-web-" in call]
    groups = re.findall(r"(s+)x+", "".join("s" if call.startswith("start") else "x" for call in replicas))
    return [len(group) for group in groups]


def test_a_first_deployment_starts_all_replicas_and_puts_them_behind_every_nginx(world: World):
    world.declare({"web": routed(replicas=3)}, **PROXIES)
    outcome = world.apply()
    assert (outcome.exit_code, fates(outcome), outcome.changed) == (0, (3, 0, 0, 0), True)
    assert world.running("web") == world.served("web") == ["shop-web-1-1", "shop-web-2-1", "shop-web-3-1"]
    assert world.is_settled()


@pytest.mark.parametrize(("parallelism", "expected"), [(1, [1] * 5), (2, [2, 2, 1]), ("50%", [2, 2, 1]), (9, [5])])
def test_start_first_replaces_as_many_at_once_as_parallelism_says(world: World, parallelism, expected):
    web = routed(replicas=5, update={"parallelism": parallelism})
    world.declare({"web": web}, **PROXIES)
    world.apply()
    world.declare({"web": {**web, "image": "web:2"}}, **PROXIES)
    assert fates(world.apply()) == (5, 0, 0, 0)
    assert batches(world) == expected
    assert world.images("web") == ["web:2"] * 5 and len(world.served("web")) == 5
    assert world.is_settled()


def test_start_first_never_serves_with_fewer_replicas_than_declared(world: World):
    world.declare({"web": routed(replicas=3)}, **PROXIES)
    world.apply()
    served: list[int] = []
    world.watch = lambda call, _: served.append(len(world.served("web"))) if call.name == "stop_container" else None
    world.declare({"web": routed("web:2", replicas=3)}, **PROXIES)
    world.apply()
    assert served and min(served) == 3


def test_stop_first_never_runs_old_and_new_of_a_replica_at_once(world: World):
    db: dict[str, Any] = {"volumes": ["data:/data"], "port": 5432, "healthcheck": {"tcp": True}}
    world.declare({"db": app(**db)})
    world.apply()
    together: list[list[str]] = []
    world.watch = lambda *_: together.append(world.running("db"))
    world.declare({"db": app("web:2", **db)})
    assert world.apply().exit_code == 0
    assert max(map(len, together)) == 1
    assert world.images("db") == ["web:2"] and world.is_settled()


def test_stop_first_takes_a_replica_out_of_nginx_before_it_stops_it(world: World):
    update = {"order": "stop-first"}
    world.declare({"web": routed(replicas=2, update=update)}, **PROXIES)
    world.apply()
    served: list[int] = []
    world.watch = lambda call, _: served.append(len(world.served("web"))) if call.name == "stop_container" else None
    world.declare({"web": routed("web:2", replicas=2, update=update)}, **PROXIES)
    assert world.apply().exit_code == 0
    assert served and set(served) == {1}
    assert world.dropped == [] and len(world.served("web")) == 2


def test_scaling_up_makes_the_new_ones_only(world: World):
    world.declare({"web": routed(replicas=1)}, **PROXIES)
    world.apply()
    world.declare({"web": routed(replicas=4, update={"settle": "30s"})}, **PROXIES)
    assert fates(world.apply()) == (3, 0, 0, 0)
    assert (
        world.changes("start_container") == [f"start_container shop-web-{n}-1" for n in (2, 3, 4)]
        or len(world.changes("start_container")) == 3
    )
    assert len(world.served("web")) == 4 and world.is_settled()


def test_scaling_down_takes_the_highest_out_of_nginx_first(world: World):
    world.declare({"web": routed(replicas=4)}, **PROXIES)
    world.apply()
    world.declare({"web": routed(replicas=2)}, **PROXIES)
    assert fates(world.apply()) == (2, 0, 0, 0)
    assert world.running("web") == world.served("web") == ["shop-web-1-1", "shop-web-2-1"]
    assert world.is_settled()


def test_scaling_to_none_leaves_a_route_without_replicas(world: World):
    world.declare({"web": routed(replicas=2)}, **PROXIES)
    world.apply()
    world.declare({"web": routed(replicas=0)}, **PROXIES)
    assert world.apply().exit_code == 0
    assert world.running("web") == world.served("web") == [] and world.is_settled()


def test_a_drained_host_keeps_its_replica_until_another_one_serves(world: World):
    world.declare({"web": routed(replicas=3)}, proxies=["h1"])
    world.apply()
    hosts = {name: dict(host) for name, host in world.project.hosts.items()}
    hosts["h3"]["state"] = "drained"
    served: list[int] = []
    world.watch = lambda call, _: served.append(len(world.served("web"))) if call.name == "stop_container" else None
    world.declare({"web": routed(replicas=3)}, proxies=["h1"], hosts=hosts)
    assert fates(world.apply()) == (1, 0, 0, 0)
    assert served == [3, 3] and {world.host_of(name) for name in world.running()} == {"h1", "h2"}
    assert len(world.served("web")) == 3 and world.is_settled()


REPAIRS = {
    "started": lambda container: setattr(container, "state", "exited"),
    "unpaused": lambda container: setattr(container, "state", "paused"),
    "renamed": lambda container: setattr(container, "name", "somebody"),
    "set back": lambda container: container.settings.update(restart="no"),
}


@pytest.mark.parametrize("repair", REPAIRS)
def test_what_was_altered_by_hand_is_put_back_without_a_new_container(world: World, repair):
    world.declare({"web": routed()}, **PROXIES)
    world.apply()
    (container,) = world.containers(app="web").values()
    REPAIRS[repair](container)
    outcome = world.apply()
    assert fates(outcome) == (1, 0, 0, 0) and repair in world.told("web/1")
    assert world.containers(app="web") == {"shop-web-1-1": container} and container.is_running
    assert world.served("web") == ["shop-web-1-1"] and world.is_settled()


def test_a_removed_app_leaves_nginx_before_its_containers_stop(world: World):
    world.declare({"web": routed(replicas=2), "api": routed(host="api.org")}, **PROXIES)
    world.apply()
    world.declare({"api": routed(host="api.org")}, **PROXIES)
    assert fates(world.apply()) == (2, 0, 0, 0)
    assert world.dropped == [] and world.running("web") == [] and world.running("api") == ["shop-api-1-1"]
    assert world.is_settled()


def test_apps_change_side_by_side_and_one_failure_stops_no_other(world: World):
    apps = {name: routed(host=f"{name}.org") for name in ("a", "b", "c")}
    world.declare(apps, **PROXIES)
    world.apply()
    images = {"a": "web:2", "b": "sick:1", "c": "web:2"}
    world.declare({name: {**apps[name], "image": image} for name, image in images.items()}, **PROXIES)
    outcome = world.apply()
    assert (outcome.exit_code, fates(outcome)) == (3, (2, 1, 0, 0))
    assert [world.images(name) for name in "abc"] == [["web:2"], ["web:1"], ["web:2"]]
    assert [len(world.served(name)) for name in "abc"] == [1, 1, 1]


# Ports, names and replies


def test_a_port_that_is_taken_is_replaced_by_the_next_one(world: World):
    world.declare({"web": routed()}, **PROXIES)
    (change,) = world.plan().plan.apps[0].replicas
    assert change.new
    port = change.new.bindings[0].host_port
    world.hosts[change.new.host].listeners.update({("0.0.0.0", port), ("0.0.0.0", port + 1)})
    assert world.apply().exit_code == 0
    (container,) = world.containers(app="web").values()
    assert [binding.host_port for binding in container.request.bindings] == [port + 2]
    assert world.served("web") == ["shop-web-1-1"] and world.is_settled()


def test_two_replicas_whose_ports_are_taken_do_not_get_the_same_one(world: World):
    one = {"h1": world.project.hosts["h1"]}
    world.declare({"web": routed(replicas=4)}, hosts=one, ports="20000-20009")
    world.hosts["h1"].listeners.update(("0.0.0.0", port) for port in range(20000, 20005))
    assert world.apply().exit_code == 0
    ports = [c.request.bindings[0].host_port for c in world.containers(app="web").values()]
    assert len(set(ports)) == 4 and min(ports) >= 20005


def test_the_next_free_port_is_given_once_and_the_search_wraps_round():
    keeper = PortKeeper(PortRange(20000, 20003), {"h1": {20003}})
    assert [keeper.take_next("h1", 20001) for _ in range(4)] == [20002, 20000, None, None]
    assert keeper.take_next("h2", 20003) == 20000


def test_a_fixed_port_that_is_taken_fails_its_replica_and_leaves_nothing(world: World):
    world.hosts["h1"].listeners.add(("0.0.0.0", 5432))
    world.declare({"db": app(publish=["5432:5432"])}, hosts={"h1": world.project.hosts["h1"]})
    outcome = world.apply()
    assert fates(outcome) == (0, 1, 0, 0) and "already allocated" in outcome.failures[0].reason
    assert world.containers() == {}


def test_a_create_whose_reply_is_lost_is_found_and_not_doubled(world: World):
    world.declare({"web": routed(replicas=3)}, **PROXIES)
    lost: list[str] = []

    def lose_reply(call: Call, done: bool) -> None:
        if done and call.name == "create_container" and "-web-2-" in call.about and not lost:
            lost.append(call.about)
            raise Unreachable(call.host, "timed out")

    world.watch = lose_reply
    assert world.apply().exit_code == 0
    assert lost and world.running("web") == ["shop-web-1-1", "shop-web-2-1", "shop-web-3-1"] and world.is_settled()


def test_a_start_whose_reply_is_lost_is_looked_at_again(world: World):
    world.declare({"web": routed()}, **PROXIES)
    lost: list[str] = []

    def lose_reply(call: Call, done: bool) -> None:
        if done and call.name == "start_container" and "-web-" in call.about and not lost:
            lost.append(call.about)
            raise Unreachable(call.host, "timed out")

    world.watch = lose_reply
    assert world.apply().exit_code == 0
    assert lost and world.running("web") == ["shop-web-1-1"] and world.is_settled()


def test_a_name_that_a_stranger_took_meanwhile_fails_its_replica_only(world: World):
    world.declare({"web": app(replicas=3)})

    def take_name(call: Call, done: bool) -> None:
        if not done and call.name == "create_container" and call.about == "shop-web-2-1":
            raise Conflict(call.host, "name in use", status=409)

    world.watch = take_name
    outcome = world.apply()
    assert fates(outcome) == (2, 1, 0, 0)
    assert "the name shop-web-2-1 is taken" in outcome.failures[0].reason


# Failures


@pytest.mark.parametrize("image", ["sick:1", "broken:1"])
@pytest.mark.parametrize("order", ["start-first", "stop-first"])
def test_a_failed_replacement_puts_the_whole_app_back(world: World, order, image):
    update = {"order": order, "healthy_within": "0.4s"}
    world.declare({"web": routed(replicas=3, update=update)}, **PROXIES)
    world.apply()
    before = set(world.running("web"))
    world.declare({"web": routed(image, replicas=3, update=update)}, **PROXIES)
    outcome = world.apply()
    assert (outcome.exit_code, fates(outcome)) == (3, (0, 1, 0, 2))
    assert set(world.running("web")) == set(world.served("web")) == before
    assert world.stopped("web") == ["shop-web-1-2.failed"]


@pytest.mark.parametrize("order", ["start-first", "stop-first"])
def test_a_replacement_that_fails_late_takes_back_what_was_replaced(world: World, order):
    update = {"order": order, "healthy_within": "0.4s"}
    world.declare({"web": routed(replicas=4, update=update)}, **PROXIES)
    world.apply()
    before = set(world.running("web"))
    world.declare({"web": routed("web:2", replicas=4, update=update)}, **PROXIES)
    fail_third(world)
    served: list[int] = []
    world.watch = lambda *_: served.append(len(world.hosts["h1"].upstreams["web"]))
    outcome = world.apply()
    assert (outcome.exit_code, fates(outcome)) == (3, (0, 1, 2, 1))
    assert set(world.running("web")) == set(world.served("web")) == before
    assert world.stopped("web") == ["shop-web-3-2.failed"]
    assert min(served) >= (4 if order == "start-first" else 2)
    assert "web is as it was: web/1, web/2" in outcome.failures[0].result


def fail_third(world: World) -> None:
    """The new container of web/3 says no."""
    for host in world.hosts.values():
        healthy = host.answer_request

        def answer(container, request, healthy=healthy):
            return b"HTTP/1.0 500 No\r\n\r\n" if container.name == "shop-web-3-2" else healthy(container, request)

        host.respond = answer


@pytest.mark.parametrize("order", ["start-first", "stop-first"])
def test_a_paused_rollout_keeps_what_was_replaced_and_what_was_not(world: World, order):
    update = {"order": order, "on_failure": "pause", "healthy_within": "0.4s"}
    world.declare({"web": routed(replicas=4, update=update)}, **PROXIES)
    world.apply()
    world.declare({"web": routed("web:2", replicas=4, update=update)}, **PROXIES)
    fail_third(world)
    outcome = world.apply()
    assert (outcome.exit_code, fates(outcome)) == (3, (2, 1, 0, 1))
    serving = ["shop-web-1-2", "shop-web-2-2", "shop-web-3-1", "shop-web-4-1"]
    assert world.running("web") == world.served("web") == serving


@pytest.mark.parametrize("order", ["start-first", "stop-first"])
def test_a_rollout_that_continues_leaves_only_the_failed_replica_at_the_old_version(world: World, order):
    update = {"order": order, "on_failure": "continue", "healthy_within": "0.4s"}
    world.declare({"web": routed(replicas=4, update=update)}, **PROXIES)
    world.apply()
    world.declare({"web": routed("web:2", replicas=4, update=update)}, **PROXIES)
    fail_third(world)
    outcome = world.apply()
    assert (outcome.exit_code, fates(outcome)) == (3, (3, 1, 0, 0))
    serving = ["shop-web-1-2", "shop-web-2-2", "shop-web-3-1", "shop-web-4-2"]
    assert world.running("web") == world.served("web") == serving


@pytest.mark.parametrize("on_failure", ["rollback", "pause", "continue"])
@pytest.mark.parametrize("order", ["start-first", "stop-first"])
def test_after_any_failure_the_next_good_apply_leaves_nothing_over(world: World, order, on_failure):
    update = {"order": order, "on_failure": on_failure, "healthy_within": "0.4s"}
    world.declare({"web": routed(replicas=3, update=update)}, **PROXIES)
    world.apply()
    world.declare({"web": routed("web:2", replicas=3, update=update)}, **PROXIES)
    fail_third(world)
    world.apply()
    for host in world.hosts.values():
        host.respond = host.answer_request
    assert world.apply().exit_code == 0
    assert world.images("web") == ["web:2"] * 3 and len(world.served("web")) == 3
    assert world.is_settled()


def test_a_failed_first_deployment_keeps_what_came_up_and_the_evidence_of_what_did_not(world: World):
    world.declare({"web": routed(replicas=2), "bad": app("broken:1", update={"healthy_within": "0.4s"})}, **PROXIES)
    outcome = world.apply()
    assert (outcome.exit_code, fates(outcome)) == (3, (2, 1, 0, 0))
    (failure,) = outcome.failures
    assert (failure.subject, failure.log_lines, failure.exit_code) == ("bad/1", ("no database",), 1)
    assert world.stopped() == ["shop-bad-1-1.failed"] and len(world.served("web")) == 2
    assert "bad" not in world.record().apps or not world.record().apps["bad"].spec


def test_a_failed_container_is_kept_until_its_apps_next_success(world: World):
    world.declare({"web": routed("sick:1", update={"healthy_within": "0.4s"})}, **PROXIES)
    world.apply()
    assert world.stopped() == ["shop-web-1-1.failed"]
    world.declare({"web": routed("web:1")}, **PROXIES)
    assert world.apply().exit_code == 0
    assert world.running() == ["shop-web-1-2"] and world.is_settled()


def test_a_replica_whose_host_dies_in_the_middle_takes_no_other_with_it(world: World):
    world.declare({"web": app(replicas=3)})

    def die(call: Call, done: bool) -> None:
        if done and call.host == "h2" and call.name == "create_container" and "-web-" in call.about:
            world.hosts["h2"].down = "no route to host"

    world.watch = die
    outcome = world.apply()
    assert (outcome.exit_code, fates(outcome)) == (3, (2, 1, 0, 0))
    assert outcome.failures[0].host == "h2" and "no route" in outcome.failures[0].reason
    world.hosts["h2"].down, world.watch = "", lambda *_: None
    world.expire_locks()
    assert world.apply().exit_code == 0
    assert len(world.running("web")) == 3 and world.is_settled()


def test_a_host_that_dies_during_a_replacement_gets_the_rest_of_the_app_back(world: World):
    web = routed(replicas=3, update={"healthy_within": "0.4s"})
    world.declare({"web": web}, proxies=["h1"])
    world.apply()
    old = {world.host_of(name): name for name in world.running("web")}

    def die(call: Call, done: bool) -> None:
        if done and call.host == "h2" and call.name == "start_container" and "-web-" in call.about:
            world.hosts["h2"].down = "no route to host"

    world.watch = die
    world.declare({"web": {**web, "image": "web:2"}}, proxies=["h1"])
    outcome = world.apply()
    assert outcome.exit_code == 3 and outcome.failed >= 1
    world.hosts["h2"].down, world.watch = "", lambda *_: None
    world.expire_locks()
    assert {old["h1"], old["h3"]} <= set(world.served("web")) and set(world.images("web")) <= {"web:1", "web:2"}
    assert world.apply().exit_code == 0
    assert world.images("web") == ["web:2"] * 3 and world.is_settled()


def test_undoing_goes_on_where_one_host_can_not_be_undone(world: World):
    web = routed(replicas=3, update={"parallelism": 2, "healthy_within": "0.4s"})
    world.declare({"web": web}, proxies=["h3"])
    world.apply()
    world.declare({"web": {**web, "image": "web:2"}}, proxies=["h3"])
    fail_third(world)

    def stuck(call: Call, done: bool) -> None:
        if not done and call.name == "stop_container" and call.about == "shop-web-1-2":
            raise EngineError(call.host, "the engine is stuck", status=500)

    world.watch = stuck
    outcome = world.apply()
    assert outcome.exit_code == 3 and "shop-web-2-2" not in world.containers()
    assert world.served("web") == ["shop-web-1-1", "shop-web-2-1", "shop-web-3-1"]
    assert any(failure.reason == "the engine is stuck" for failure in outcome.failures)


def test_leftovers_of_an_interrupted_apply_are_removed(world: World):
    world.declare({"web": routed(replicas=2)}, **PROXIES)
    world.apply()
    world.declare({"web": routed("web:2", replicas=2)}, **PROXIES)

    def give_up(call: Call, done: bool) -> None:
        if not done and call.name == "remove_container" and "-web-" in call.about:
            raise EngineError(call.host, "no", status=500)

    world.watch = give_up
    assert world.apply().exit_code == 3
    assert len(world.stopped("web")) == 2
    world.watch = lambda *_: None
    assert world.apply().exit_code == 0
    assert world.images("web") == ["web:2"] * 2 and world.is_settled()


# The user's wish to stop


def test_one_interrupt_finishes_the_batch_in_hand(world: World):
    world.declare({"web": routed(replicas=3)}, **PROXIES)
    world.apply()
    world.declare({"web": routed("web:2", replicas=3)}, **PROXIES)
    world.watch = interrupt_at(world, "start_container", "shop-web-1-2")
    outcome = world.apply()
    assert (outcome.exit_code, fates(outcome)) == (130, (1, 0, 0, 2))
    assert world.running("web") == world.served("web") == ["shop-web-1-2", "shop-web-2-1", "shop-web-3-1"]
    world.watch = lambda *_: None
    assert world.apply().exit_code == 0 and world.is_settled()


def test_two_interrupts_make_no_further_call(world: World):
    world.declare({"web": routed(replicas=3)}, **PROXIES)
    world.apply()
    world.declare({"web": routed("web:2", replicas=3)}, **PROXIES)
    world.watch = interrupt_at(world, "start_container", "shop-web-1-2", times=2)
    outcome = world.apply()
    assert outcome.exit_code == 130 and outcome.done == 0
    assert [call for call in world.changes() if "-web-" in call][-1] == "start_container shop-web-1-2"
    assert world.served("web") == ["shop-web-1-1", "shop-web-2-1", "shop-web-3-1"]
    world.watch = lambda *_: None
    assert world.apply().exit_code == 0 and world.images("web") == ["web:2"] * 3 and world.is_settled()


def test_an_interrupt_before_the_first_change_changes_nothing(world: World):
    for host in world.hosts.values():
        del host.images["web:1"]
    world.declare({"web": app(replicas=3)})
    world.watch = interrupt_at(world, "pull_image", "web:1")
    with pytest.raises(Interrupted):
        world.apply()
    assert world.containers() == {} and not world.containers("lock")


def interrupt_at(world: World, name: str, about: str, *, times: int = 1):
    def watch(call: Call, done: bool) -> None:
        if done and (call.name, call.about) == (name, about):
            for _ in range(times):
                world.interrupt.request()

    return watch


# What comes before


def test_a_pull_that_fails_anywhere_changes_nothing_and_is_told_for_each_host(world: World):
    world.declare({"web": routed(replicas=3)}, **PROXIES)
    world.apply()
    before = world.containers()
    world.declare({"web": routed("nobody:1", replicas=3)}, **PROXIES)
    outcome = world.apply()
    assert (outcome.exit_code, outcome.not_started, outcome.changed) == (1, 3, False)
    assert {failure.host for failure in outcome.failures} == {"h1", "h2", "h3"}
    assert world.containers() == before


def test_an_image_that_only_one_host_has_is_copied(world: World):
    for name in ("h1", "h2"):
        del world.hosts[name].images["web:3"]
    world.hosts["h3"].registry.images.clear()
    world.declare({"web": app("web:3", replicas=3)})
    assert world.apply().exit_code == 0
    assert len({host.images["web:3"].id for host in world.hosts.values()}) == 1


def test_a_volume_that_fails_after_another_was_made_is_no_unchanged_fleet(world: World):
    world.declare({"a": app(volumes=["one:/data"]), "b": app(volumes=["two:/data"])})
    made: list[str] = []

    def refuse_second(call: Call, done: bool) -> None:
        if not done and call.name == "create_volume":
            made.append(call.about)
            if len(made) == 2:
                raise EngineError(call.host, "no space left", status=500)

    world.watch = refuse_second
    outcome = world.apply()
    assert (outcome.exit_code, outcome.not_started, outcome.failed) == (3, 2, 1)
    assert outcome.failures[0].reason == "no space left"


# Secrets


def secret_app(**fields):
    return {"web": app(secrets=["password", {"name": "token", "env": "TOKEN"}], **fields)}


SECRETS: dict[str, Any] = {"secrets": {"password": {"env": "PW"}, "token": {"env": "TK"}}}


@pytest.mark.parametrize("read_only", [False, True])
def test_secrets_reach_the_container_as_files_and_variables_and_nothing_else(world: World, read_only):
    world.project.environment.update(PW="hunter2", TK="tok3n")
    world.declare(secret_app(read_only=read_only), **SECRETS)
    assert world.apply().exit_code == 0
    (container,) = world.containers(app="web").values()
    assert container.files["/run/secrets/password"] == b"hunter2"
    assert container.request.environment == {"TOKEN": "tok3n"}
    assert container.request.secrets_volume is read_only
    remembered = [f for c in world.containers("record").values() for f in c.files.values()]
    for told in (str(container.request.labels), str(world.events), str(remembered), repr(container.request)):
        assert "hunter2" not in told and "tok3n" not in told


def test_a_changed_secret_replaces_the_containers_and_only_they_know_it(world: World):
    world.project.environment.update(PW="hunter2", TK="tok3n")
    world.declare(secret_app(), **SECRETS)
    world.apply()
    assert world.is_settled()
    world.project.environment["PW"] = "hunter3"
    assert fates(world.apply()) == (1, 0, 0, 0)
    (container,) = world.containers(app="web").values()
    assert container.files["/run/secrets/password"] == b"hunter3" and world.is_settled()


def test_a_secret_that_can_not_be_put_there_fails_the_replica_and_leaves_nothing(world: World):
    world.project.environment.update(PW="hunter2", TK="tok3n")
    world.declare(secret_app(), **SECRETS)

    def refuse(call: Call, done: bool) -> None:
        if not done and call.name == "write_files" and "-web-" in call.about:
            raise NotFound(call.host, "no such folder", status=404)

    world.watch = refuse
    assert fates(world.apply()) == (0, 1, 0, 0) and world.containers(app="web") == {}


def test_a_generation_is_never_used_twice(world: World):
    world.declare({"web": routed()}, **PROXIES)
    world.apply()
    for image in ("web:2", "sick:1", "web:3", "web:1"):
        world.declare({"web": routed(image, update={"healthy_within": "0.4s"})}, **PROXIES)
        world.apply()
    made = [int(name.rpartition("-")[2]) for name in world.running("web")]
    assert made == [5]
