"""From a plan to the fleet: what is asked, what is locked, what is written only under the lock."""

import threading
from collections.abc import Callable

import pytest

from declare.fleet.lock import FleetLock
from declare.flow.apply import ApplyRequest, apply_plan
from declare.flow.plan import Planned
from declare.flow.unlock import unlock
from declare.model.errors import DeclareError, LockHeld, LockLost, NotAllowed, NotFound, PlanStale, Unreachable
from declare.model.labels import OPERATION
from declare.model.plan import Plan
from tests.execute.world import Call, World, app, routed

PROXIES = {"proxies": ["h1", "h2"]}


def note_in(asked: list[Plan]) -> Callable[[Planned], bool]:
    """Says yes, and notes to what."""

    def approve(planned: Planned) -> bool:
        asked.append(planned.plan)
        return True

    return approve


def test_nothing_to_do_asks_nobody_and_locks_nothing(world: World):
    world.declare({"web": routed(replicas=3)}, **PROXIES)
    world.apply()
    outcome = world.apply(approve=lambda _: pytest.fail("asked for nothing"))
    assert outcome.exit_code == 0 and [call for call in world.calls if call.writes] == []


def test_a_no_changes_nothing(world: World):
    world.declare({"web": app()})
    with pytest.raises(NotAllowed):
        world.apply(approve=lambda _: False)
    assert [call for call in world.calls if call.writes] == []


def test_a_fleet_that_moved_between_plan_and_lock_is_asked_about_again(world: World):
    world.declare({"web": app(replicas=2)})
    world.apply()
    world.declare({"web": app("web:2", replicas=2)})
    planned = world.plan()
    del world.hosts[world.host_of("shop-web-2-1")].containers[world.containers()["shop-web-2-1"].id]
    asked: list[Plan] = []
    assert world.execute(planned, approve=note_in(asked)).exit_code == 0
    assert len(asked) == 2 and asked[0] == planned.plan != asked[1]
    assert world.images("web") == ["web:2"] * 2 and world.is_settled()


def test_a_no_to_the_second_question_changes_nothing_and_unlocks(world: World):
    world.declare({"web": app(replicas=2)})
    planned = world.plan()
    world.apply()
    world.hosts["h1"].containers.clear()
    answers = iter([True, False])
    with pytest.raises(NotAllowed):
        world.execute(planned, approve=lambda _: next(answers))
    assert world.containers("lock") == {} and world.hosts["h1"].containers == {}


def test_an_unmoved_fleet_is_asked_about_once(world: World):
    world.declare({"web": app(replicas=2)})
    asked: list[Plan] = []
    world.apply(approve=note_in(asked))
    assert len(asked) == 1


def test_work_that_somebody_else_did_meanwhile_is_not_done_again(world: World):
    world.declare({"web": app(replicas=2)})
    planned = world.plan()
    world.apply()
    before = world.containers()
    assert world.execute(planned).exit_code == 0
    assert world.changes() == [] and world.containers() == before


def test_an_exact_plan_is_refused_when_the_fleet_moved_under_the_lock(world: World):
    world.declare({"web": app(replicas=2)})
    planned = world.plan()
    world.apply()
    del world.hosts[world.host_of("shop-web-2-1")].containers[world.containers()["shop-web-2-1"].id]
    with pytest.raises(PlanStale):
        world.execute(planned, exactly=True)
    assert world.changes() == [] and world.containers("lock") == {}


def test_every_writing_call_follows_a_check_of_the_lock_on_that_host(world: World, monkeypatch):
    seen: list[tuple[int, str, str]] = []
    lock = threading.Lock()

    def note(kind: str, host: str) -> None:
        with lock:
            seen.append((threading.get_ident(), kind, host))

    original = FleetLock.check

    def check(self: FleetLock, host: str) -> None:
        original(self, host)
        note("check", host)

    monkeypatch.setattr(FleetLock, "check", check)
    world.declare({"web": routed(replicas=3), "db": app(volumes=["d:/d"]), "gone": routed(host="g.org")}, **PROXIES)
    world.apply()
    world.declare({"web": routed("web:2", replicas=2), "db": app("web:2", volumes=["d:/d"])}, **PROXIES)

    def watch(call: Call, done: bool) -> None:
        if not done and call.writes and call.about not in ("shop.lock", "declare.local/empty:1"):
            note(f"{call.name} {call.about}", call.host)

    seen.clear()
    world.watch = watch
    assert world.apply().exit_code == 0
    written = [(at, thread, kind, host) for at, (thread, kind, host) in enumerate(seen) if kind != "check"]
    assert len(written) > 30
    for at, thread, kind, host in written:
        before = [(k, h) for t, k, h in seen[:at] if t == thread]
        assert before and before[-1] == ("check", host), f"{kind} on {host} was not checked"


def test_a_lock_that_is_lost_in_the_middle_ends_all_writing(world: World):
    world.declare({"web": routed(replicas=3)}, **PROXIES)
    world.apply()
    world.declare({"web": routed("web:2", replicas=3)}, **PROXIES)
    after: list[str] = []
    broken = threading.Event()
    locks: set[str] = set()

    def watch(call: Call, done: bool) -> None:
        if broken.is_set() and not done and call.writes and call.about not in locks:
            after.append(f"{call.name} {call.about}")
        if done and (call.name, call.about) == ("start_container", "shop-web-2-2"):
            locks.update(c.id for h in world.hosts.values() for c in h.containers.values() if c.name == "shop.lock")
            world.expire_locks()
            broken.set()

    world.watch = watch
    outcome = world.apply()
    assert outcome.exit_code == 3 and any("broke the lock" in failure.reason for failure in outcome.failures)
    assert after == []
    world.watch = lambda *_: None
    assert len(world.served("web")) == 3
    assert world.apply().exit_code == 0 and world.is_settled()


def test_a_lock_that_is_lost_before_the_first_change_is_an_unchanged_fleet(world: World):
    world.declare({"web": app(replicas=3)})

    def watch(call: Call, done: bool) -> None:
        if done and (call.name, call.about) == ("create_container", "shop.lock"):
            locked.append(call.host)
            if len(locked) == 3:
                world.expire_locks()

    locked: list[str] = []
    world.watch = watch
    with pytest.raises(LockLost):
        world.apply()
    assert world.containers() == {}


def test_a_held_lock_names_its_holder_and_unlock_breaks_it_by_its_id(world: World):
    world.declare({"web": app()})

    def die(call: Call, done: bool) -> None:
        if done and call.name == "create_container" and "-web-" in call.about:
            raise KeyboardInterrupt

    keep_locks(world, die)
    (held,) = {c.request.labels[OPERATION] for host in world.hosts.values() for c in host.containers.values()
               if c.name == "shop.lock"}  # fmt: skip
    with pytest.raises(LockHeld) as error:
        apply_plan(world.open(), ApplyRequest(lock_timeout=0.0), approve=lambda _: True, listener=lambda _: None,
                   interrupt=world.interrupt)  # fmt: skip
    assert f"declare unlock {held}" in str(error.value.help)
    with pytest.raises(LockHeld):
        unlock(world.open(), "another")
    assert unlock(world.open(), held) == ["h1", "h2", "h3"] and world.containers("lock") == {}
    with pytest.raises(DeclareError):
        unlock(world.open(), held)
    assert world.apply().exit_code == 0 and world.is_settled()


def keep_locks(world: World, watch) -> None:
    """An apply that ends like this and can't even unlock any more."""

    def both(call: Call, done: bool) -> None:
        if call.name == "remove_container" and call.about == "shop.lock":
            raise Unreachable(call.host, "gone")
        watch(call, done)

    world.watch = both
    with pytest.raises(KeyboardInterrupt):
        world.apply()
    world.watch = lambda *_: None


def test_a_silent_host_is_named_and_the_rest_is_done(world: World):
    world.declare({"web": app(replicas=3)})
    world.apply()
    world.hosts["h2"].down = "no route to host"
    world.declare({"web": app(replicas=3), "more": app(replicas=2)})
    outcome = world.apply()
    assert (outcome.exit_code, outcome.done, outcome.unreachable) == (3, 2, ("h2",))
    again = world.apply()
    assert (again.exit_code, again.changed, again.unreachable) == (1, False, ("h2",))


def test_no_majority_changes_nothing(world: World):
    world.declare({"web": app(replicas=3)})
    world.apply()
    for name in ("h2", "h3"):
        world.hosts[name].down = "no route to host"
    world.declare({"web": app(replicas=3), "more": app(replicas=2)})
    with pytest.raises(Unreachable, match="no majority"):
        world.apply()
    assert world.changes() == [] and world.hosts["h1"].containers and not world.containers("lock")


def test_a_change_by_somebody_else_during_the_apply_is_no_success(world: World):
    world.declare({"web": app(replicas=2)})

    def meddle(call: Call, done: bool) -> None:
        if done and call.name == "write_files" and call.about == "shop.record" and "shop-web-1-1" in world.running():
            host = world.hosts[world.host_of("shop-web-1-1")]
            host.containers = {k: c for k, c in host.containers.items() if c.name != "shop-web-1-1"}

    def meddle_early(call: Call, done: bool) -> None:
        if not done and call.name == "read_info" and len(world.running()) == 2:
            meddle(Call(0, call.host, "write_files", "shop.record"), True)

    world.watch = meddle_early
    outcome = world.apply()
    assert outcome.exit_code == 3 and "changed by something else" in outcome.failures[0].reason


def test_destroy_removes_containers_proxies_record_and_lock_but_no_volume(world: World):
    world.declare({"web": routed(replicas=3), "db": app(volumes=["data:/data"])}, **PROXIES)
    world.apply()
    outcome = world.apply(destroy=True)
    assert (outcome.exit_code, outcome.done) == (0, 4)
    assert not any(host.containers for host in world.hosts.values())
    assert sum("shop_data" in host.volumes for host in world.hosts.values()) == 1
    world.dropped.clear()  # nginx goes as well
    assert world.plan(destroy=True).plan.is_empty


def test_destroy_of_one_app_keeps_the_record_of_the_others(world: World):
    world.declare({"web": routed(replicas=3), "db": app()}, **PROXIES)
    world.apply()
    assert world.apply(destroy=True, apps=("db",)).exit_code == 0
    assert len(world.served("web")) == 3 and set(world.record().apps) == {"web"}


def test_a_destroy_that_did_not_reach_everything_keeps_the_record(world: World):
    world.declare({"web": app(replicas=3)})
    world.apply()
    world.hosts["h3"].down = "no route to host"
    assert world.apply(destroy=True).exit_code == 3
    world.hosts["h3"].down = ""
    assert [placed.host for placed in world.record().placements] == ["h3"]
    assert world.apply(destroy=True).exit_code == 0
    assert not any(host.containers for host in world.hosts.values())


def test_a_leftover_that_is_gone_already_is_no_failure(world: World):
    world.declare({"web": app()})
    world.apply()
    world.declare({"web": app("web:2")})

    def gone(call: Call, done: bool) -> None:
        if not done and call.name == "stop_container" and call.about == "shop-web-1-1":
            raise NotFound(call.host, "no such container", status=404)

    world.watch = gone
    assert world.apply().exit_code == 0
