"""What nginx serves while apps change: one delivery for all wishes, on all hosts or on none."""

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from declare.execute.balancer import Balancer, ProxyUnconfirmed
from declare.execute.interrupt import Interrupted
from declare.model.errors import EngineError, Unreachable
from declare.model.proxy import Endpoint, ProxyModel, Upstream
from tests.execute.world import Call, World, routed

PROXIES = {"proxies": ["h1", "h2"]}
APPS = ("a", "b", "c")


class FakeProxy:
    """nginx on one host. `failing` is what its steps raise, by the step's name."""

    def __init__(self, host: str, log: list[str]) -> None:
        self.host = host
        self.failing: dict[str, BaseException] = {}
        self.served: ProxyModel | None = None
        self._log = log
        self._prepared: ProxyModel | None = None

    def prepare(self, model: ProxyModel) -> None:
        self._step("prepare")
        self._prepared = model

    def swap(self) -> None:
        self._step("swap")
        self.served = self._prepared

    def wait_drained(self, seconds: float) -> None:
        self._step(f"drain {seconds:g}")

    def finish(self) -> None:
        self._step("finish")

    def _step(self, name: str) -> None:
        self._log.append(f"{name} {self.host}")
        if name in self.failing:
            raise self.failing[name]


class Stage:
    """A balancer over two proxies; `log` are their steps."""

    def __init__(self, **options) -> None:
        self.log: list[str] = []
        self.proxies = [FakeProxy(host, self.log) for host in ("h1", "h2")]
        model = ProxyModel("shop", 80, 443, (), tuple(Upstream(name) for name in APPS))
        serving = {name: {"1": endpoint(1)} for name in APPS}
        self.balancer = Balancer(self.proxies, model, serving, **options)

    def served(self, app: str) -> list[set[int]]:
        """The ports that each proxy serves an app from."""
        models = [proxy.served for proxy in self.proxies]
        return [{e.port for u in model.upstreams if u.app == app for e in u.endpoints} for model in models if model]

    def count(self, step: str) -> int:
        return sum(line.startswith(step) for line in self.log)


def endpoint(n: int) -> Endpoint:
    return Endpoint("10.0.0.1", 20000 + n)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("declare.execute.balancer.RELOAD_INTERVAL", 0.0)


@pytest.fixture
def stage():
    made = Stage(up_to_date=True)
    yield made
    made.balancer.close()


def test_the_wishes_of_several_apps_share_one_delivery(stage, monkeypatch):
    monkeypatch.setattr("declare.execute.balancer._GATHERING", 0.3)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda app: stage.balancer.publish(app, {"1": endpoint(1), "2": endpoint(2)}, drain=0), APPS))
    assert (stage.count("prepare"), stage.count("swap")) == (2, 2)
    assert [stage.served(app) for app in APPS] == [[{20001, 20002}] * 2] * 3


def test_nothing_is_delivered_when_nothing_changed(stage):
    stage.balancer.publish("a", {"1": endpoint(1)}, drain=5)
    stage.balancer.bring_up_to_date()
    assert stage.log == []


def test_a_new_proxy_or_route_is_delivered_though_no_replica_changed():
    stage = Stage(up_to_date=False)
    stage.balancer.bring_up_to_date()
    stage.balancer.bring_up_to_date()
    stage.balancer.close()
    assert stage.count("swap") == 2 and stage.served("a") == [{20001}] * 2


def test_a_refused_configuration_changes_no_host(stage):
    stage.proxies[1].failing["prepare"] = EngineError("h2", "unknown directive")
    with pytest.raises(ProxyUnconfirmed) as error:
        stage.balancer.publish("a", {"1": endpoint(2)}, drain=0)
    assert (error.value.host, error.value.reason, error.value.silent) == ("h2", "unknown directive", False)
    assert stage.count("swap") == 0 and stage.count("drain") == 0


def test_every_host_is_tested_before_one_serves(stage):
    stage.balancer.publish("a", {"1": endpoint(2)}, drain=0)
    assert [line.split()[0] for line in stage.log[:4]] == ["prepare", "prepare", "swap", "swap"]


def test_a_refusal_tells_more_than_a_silence(stage):
    stage.proxies[0].failing["prepare"] = Unreachable("h1", "no route")
    stage.proxies[1].failing["prepare"] = EngineError("h2", "unknown directive")
    with pytest.raises(ProxyUnconfirmed, match="unknown directive"):
        stage.balancer.publish("a", {"1": endpoint(1), "2": endpoint(2)}, drain=0)


@pytest.mark.parametrize("step", ["prepare", "swap"])
def test_a_silent_host_keeps_no_other_from_new_replicas(stage, step):
    stage.proxies[0].failing[step] = Unreachable("h1", "no route")
    stage.balancer.publish("a", {"1": endpoint(1), "2": endpoint(2)}, drain=0)
    assert stage.served("a") == [{20001, 20002}]
    with pytest.raises(ProxyUnconfirmed, match="h1"):
        stage.balancer.bring_up_to_date()


@pytest.mark.parametrize("step", ["prepare", "swap"])
def test_a_silent_host_may_still_use_what_leaves(stage, step):
    stage.proxies[0].failing[step] = Unreachable("h1", "no route")
    with pytest.raises(ProxyUnconfirmed, match="h1"):
        stage.balancer.publish("a", {"1": endpoint(2)}, drain=0)
    assert stage.served("a") == [{20002}] and stage.count("drain") == 0


def test_removed_endpoints_wait_until_all_are_drained(stage):
    stage.balancer.publish("a", {"1": endpoint(2)}, drain=7)
    assert sorted(stage.log[-2:]) == ["drain 7 h1", "drain 7 h2"]


def test_added_endpoints_wait_for_nothing(stage):
    stage.balancer.publish("a", {"1": endpoint(1), "2": endpoint(2)}, drain=7)
    assert stage.count("drain") == 0


def test_between_two_reloads_there_are_two_seconds(stage, monkeypatch):
    clock = SimpleNamespace(now=100.0, slept=[])

    def sleep(seconds: float) -> None:
        clock.slept.append(seconds)
        clock.now += seconds

    monkeypatch.setattr("declare.execute.balancer.RELOAD_INTERVAL", 2.0)
    monkeypatch.setattr("declare.execute.balancer._GATHERING", 0.03)
    fake = SimpleNamespace(monotonic=lambda: clock.now, sleep=sleep)
    monkeypatch.setattr("declare.execute.balancer.time", fake)
    for n in (2, 3):
        stage.balancer.publish("a", {"1": endpoint(n)}, drain=0)
    clock.now += 10
    stage.balancer.publish("a", {"1": endpoint(4)}, drain=0)
    assert clock.slept == [0.03, 2.0, 0.03]


def test_an_unexpected_error_reaches_everyone_who_waits(stage, monkeypatch):
    monkeypatch.setattr("declare.execute.balancer._GATHERING", 0.2)
    stage.proxies[0].failing["swap"] = RuntimeError("a bug")
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(stage.balancer.publish, app, {"1": endpoint(2)}, drain=0) for app in APPS]
        errors = [future.exception(timeout=10) for future in waiting]
    assert [str(error) for error in errors] == ["a bug"] * 3
    stage.proxies[0].failing.clear()
    stage.balancer.publish("a", {"1": endpoint(3)}, drain=0)
    assert stage.served("a") == [{20003}] * 2


def test_an_interrupt_is_no_fault_of_nginx(stage):
    stage.proxies[0].failing["prepare"] = Interrupted("interrupted")
    with pytest.raises(Interrupted):
        stage.balancer.publish("a", {"1": endpoint(2)}, drain=0)


def test_a_failed_delivery_is_tried_again_with_the_next(stage):
    stage.proxies[0].failing["swap"] = EngineError("h1", "not acknowledged")
    with pytest.raises(ProxyUnconfirmed):
        stage.balancer.publish("a", {"1": endpoint(2)}, drain=0)
    stage.proxies[0].failing.clear()
    stage.balancer.bring_up_to_date()
    assert stage.served("a") == [{20002}] * 2


def test_closing_leaves_no_thread(stage):
    stage.balancer.publish("a", {"1": endpoint(2)}, drain=0)
    stage.balancer.close()
    assert not any(thread.name == "balancer" for thread in threading.enumerate())


def test_without_proxies_a_wish_is_granted_at_once():
    balancer = Balancer([], None, {})
    balancer.publish("a", {"1": endpoint(1)}, drain=5)
    assert balancer.serving("a") == {"1": endpoint(1)}


# Through a whole apply


def deploy(world: World, image: str = "web:1", **more) -> None:
    world.declare({"web": routed(image, replicas=2)}, **PROXIES, **more)


def test_nginx_that_refuses_leaves_everything_as_it_served(world: World):
    deploy(world)
    world.apply()
    world.hosts["h2"].refuses = True
    served = {name: dict(host.served) for name, host in world.hosts.items()}
    deploy(world, "web:2")
    outcome = world.apply()
    assert outcome.exit_code == 3 and "unknown directive" in outcome.failures[0].reason
    assert {name: dict(host.served) for name, host in world.hosts.items()} == served
    assert {"shop-web-1-1", "shop-web-2-1"} <= set(world.running())
    world.hosts["h2"].refuses = False
    assert world.apply().exit_code == 0
    assert world.images("web") == ["web:2"] * 2 and world.is_settled()


def test_nginx_that_does_not_acknowledge_keeps_the_old_replicas_alive(world: World):
    deploy(world)
    world.apply()
    world.hosts["h2"].deaf = True
    deploy(world, "web:2")
    outcome = world.apply()
    assert outcome.exit_code == 3 and "were not stopped" in outcome.failures[0].result
    assert {"shop-web-1-1", "shop-web-2-1"} <= set(world.running()) and world.stopped() == []
    world.hosts["h2"].deaf = False
    assert world.apply().exit_code == 0
    assert world.images("web") == ["web:2"] * 2 and world.is_settled()


def test_a_dead_proxy_host_gets_no_replica_stopped_and_the_other_is_served(world: World):
    hosts = {f"h{n}": world.project.hosts[f"h{n}"] for n in (1, 2, 3)}
    web = routed(replicas=2, placement={"require": {"role": "app"}})
    hosts = {name: {**host, "labels": {"role": "edge" if name == "h2" else "app"}} for name, host in hosts.items()}
    world.declare({"web": web}, hosts=hosts, **PROXIES)
    world.apply()
    world.hosts["h2"].down = "no route to host"
    world.declare({"web": {**web, "replicas": 3}, "api": routed(host="api.org", placement=web["placement"])},
                  hosts=hosts, **PROXIES)  # fmt: skip
    outcome = world.apply()
    assert (outcome.exit_code, outcome.done) == (3, 2)
    assert [len(world.hosts["h1"].upstreams[name]) for name in ("web", "api")] == [3, 1]
    world.declare({"web": {**web, "image": "web:2", "replicas": 3}}, hosts=hosts, **PROXIES)
    assert world.apply().exit_code == 3
    assert world.images("web").count("web:1") == 3, "what the silent one may still use must run on"


def test_a_proxy_that_moves_serves_in_the_old_place_until_the_new_one_does(world: World):
    world.declare({"web": routed(replicas=2)}, proxies=["h1"])
    world.apply()
    world.declare({"web": routed(replicas=2)}, proxies=["h2"])

    def refuse(call: Call, done: bool) -> None:
        if not done and call.host == "h2" and call.name == "start_container":
            raise EngineError("h2", "no", status=500)

    world.watch = refuse
    assert world.apply().exit_code == 3
    assert [host.host for host in world.proxies()] == ["h1"] and len(world.served("web")) == 2
    world.watch = lambda *_: None
    assert world.apply().exit_code == 0
    assert [host.host for host in world.proxies()] == ["h2"] and len(world.served("web")) == 2


def test_an_edited_or_stopped_nginx_is_repaired(world: World):
    deploy(world)
    world.apply()
    (proxy,) = [c for c in world.hosts["h1"].containers.values() if c.name == "shop.proxy-1"]
    world.hosts["h1"].served[proxy.id] = world.hosts["h1"].served[proxy.id].replace("max_fails=0", "max_fails=9")
    proxy.files["/etc/nginx/declare/nginx.conf"] = world.hosts["h1"].served[proxy.id].encode()
    assert world.apply().exit_code == 0 and world.is_settled()
    proxy.state = "exited"
    assert world.apply().exit_code == 0 and world.is_settled() and len(world.served("web")) == 2


def test_one_apps_failure_takes_no_other_out_of_nginx(world: World):
    world.declare({"a": routed(host="a.org"), "b": routed(host="b.org")}, **PROXIES)
    world.apply()
    bad = {"healthy_within": "0.4s"}
    world.declare({"a": routed("sick:1", host="a.org", update=bad), "b": routed("web:2", host="b.org")}, **PROXIES)
    assert world.apply().exit_code == 3
    assert world.served("a") == ["shop-a-1-1"] and world.served("b") == ["shop-b-1-2"]
