"""An apply that dies at any of its writing calls: the next one converges, with nothing doubled and nothing left."""

import threading
from itertools import count

import pytest

from declare.fleet.lock import FleetLock
from declare.model.engine import ContainerRequest
from tests.execute.world import Call, World, app, is_proxy, routed

PROXIES = {"proxies": ["h1", "h2"]}
DATA = {"volumes": ["data:/data"]}
BEFORE = {
    "db": app("web:1", **DATA),
    "gone": routed(host="gone.org"),
    "more": routed(host="more.org"),
    "moves": app("web:1", mode="global"),
    "web": routed(replicas=3),
}
AFTER = {
    "db": app("web:2", **DATA),
    "fresh": routed(host="fresh.org"),
    "more": routed(host="more.org", replicas=3),
    "moves": app("web:1", replicas=2),
    "web": routed("web:2", replicas=3, update={"parallelism": 2}),
}
EXPECTED = {"db": 1, "fresh": 1, "more": 3, "moves": 2, "web": 3}


class Killed(BaseException):
    """The process is gone: no call comes through any more, of whatever thread."""


class Killer:
    """Kills at the writing call of that number, before or after it has its effect."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.reached = False
        self._at, self._after = at, after
        self._count = 0
        self._lock = threading.Lock()
        self._doomed: set[int] = set()

    def __call__(self, call: Call, done: bool) -> None:
        with self._lock:
            if call.writes and not done and not self.reached:
                self._count += 1
                if self._count == self._at:
                    self._doomed.add(call.thread)
            if call.thread in self._doomed and done is self._after:
                self.reached = True
            if self.reached:
                raise Killed


@pytest.fixture
def first(world: World) -> World:
    """Hosts with nothing but a stranger."""
    settle_stranger(world)
    world.declare(AFTER, **PROXIES)
    return world


@pytest.fixture
def changed(world: World) -> World:
    """A fleet that runs, and a manifest that creates, replaces, moves, scales and removes."""
    settle_stranger(world)
    world.declare(BEFORE, **PROXIES)
    assert world.apply().exit_code == 0
    hosts = {name: dict(host) for name, host in world.project.hosts.items()}
    hosts["h3"]["state"] = "drained"
    world.declare(AFTER, hosts=hosts, **PROXIES)
    return world


def settle_stranger(world: World) -> None:
    for host in world.hosts.values():
        host.add(ContainerRequest("stranger", "web:1", spec={"restart": "no"}))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("scene", ["first", "changed"])
def test_an_apply_that_dies_at_any_call_is_finished_by_the_next(
    scene: str, after: bool, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
):
    world: World = request.getfixturevalue(scene)
    put_back = world.remember()
    for at in count(1):
        put_back()
        if not die(world, at, after=after):
            break
        with monkeypatch.context() as patched:
            patched.setattr(FleetLock, "_is_dead", lambda *_: True)
            outcome = world.apply()
        assert outcome.exit_code == 0, f"call {at}: {outcome}"
        check(world, f"call {at}")
    assert at > 40


def die(world: World, at: int, *, after: bool) -> bool:
    """Whether the apply came as far as that call."""
    world.watch = killer = Killer(at, after=after)
    try:
        world.apply()
    except Killed:
        assert killer.reached
    finally:
        world.watch = lambda *_: None
    return killer.reached


def check(world: World, when: str) -> None:
    found = {name: len(world.running(name)) for name in EXPECTED}
    assert found == EXPECTED and len(world.running()) == sum(EXPECTED.values()), when
    assert len({tuple(name.split("-")[1:3]) for name in world.running()}) == len(world.running()), when
    for name in ("fresh", "more", "web"):
        assert world.served(name) == world.running(name), when
    assert world.images("web") == ["web:2"] * 3 and world.images("db") == ["web:2"], when
    assert [sum(map(is_proxy, host.containers.values())) for host in world.hosts.values()] == [1, 1, 0], when
    assert all(host.named("stranger").is_running for host in world.hosts.values()), when
    # A lock that died in the very release is left to the next apply that has work.
    if not world.changes():
        world.expire_locks()
    assert world.is_settled(), f"{when}: {describe(world)}"
    assert world.dropped == [], when


def describe(world: World) -> object:
    plan = world.plan().plan
    return [app for app in plan.apps if app.action.value != "keep"], world.stopped(), plan.proxy
