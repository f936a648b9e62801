"""Whether a new replica can take work: every kind of check, on a clock that only the waiting moves."""

import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace

import pytest

from declare.execute.health import Patient, Unhealthy, probe, wait_healthy
from declare.execute.interrupt import Interrupt, Interrupted
from declare.load.app import parse_app
from declare.model.canonical import Json
from declare.model.engine import ContainerRequest
from declare.model.errors import Unreachable
from declare.model.observed import Container, PortBinding
from declare.model.proxy import Endpoint
from tests.execute.world import World, app, routed
from tests.fake_engine import FakeContainer, FakeEngine, FakeImage, FakeReader

PORT = 20001


class Clock(Interrupt):
    """Time that passes only while somebody waits. `at` are things that happen at their time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.at: dict[float, Callable[[], None]] = {}

    def monotonic(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds
        for time in sorted(time for time in self.at if time <= self.now):
            self.at.pop(time)()
        self.raise_if(2)


class Ward:
    """One started container on one fake host, and its patient."""

    def __init__(self, spec: Mapping[str, Json], *, has_healthcheck: bool = False) -> None:
        image = FakeImage("sha256:" + "a" * 64, has_healthcheck=has_healthcheck)
        self.engine = FakeEngine("h1", images={"web:1": image})
        binding = PortBinding(8000, PORT, "127.0.0.1", name="http")
        self.container = self.engine.add(ContainerRequest("c", "web:1", spec=spec, bindings=(binding,)))
        self.container.health = "starting" if has_healthcheck else None
        self.app = parse_app("web", {"image": "web:1", "port": 8000, **spec})
        self.patient = Patient(FakeReader(self.engine), self.container.id, self.app, Endpoint("127.0.0.1", PORT))
        self.asked: list[bytes] = []
        self.engine.respond = self.answer

    status = 200

    def answer(self, _: FakeContainer, request: bytes) -> bytes:
        self.asked.append(request)
        return f"HTTP/1.0 {self.status} X\r\nContent-Length: 0\r\n\r\n".encode()

    def wait(self, clock: Clock, *, settle: float = 0.0) -> None:
        wait_healthy(self.patient, settle=settle, interrupt=clock)


@pytest.fixture
def clock(monkeypatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("declare.execute.health.time", SimpleNamespace(monotonic=made.monotonic))
    monkeypatch.setattr("declare.execute.health._STILL_OPEN", 0.05)
    return made


HTTP = {"healthcheck": {"path": "/up"}}
TCP = {"healthcheck": {"tcp": True}}


@pytest.mark.parametrize(("status", "good"), [(200, True), (204, True), (302, True), (404, False), (503, False)])
def test_http_is_healthy_with_2xx_and_3xx(clock, status, good):
    ward = Ward(HTTP)
    ward.status = status
    if good:
        ward.wait(clock)
    else:
        with pytest.raises(Unhealthy):
            ward.wait(clock)


def test_http_needs_two_good_answers_to_its_path(clock):
    ward = Ward(HTTP)
    ward.wait(clock)
    assert len(ward.asked) == 2 and ward.asked[0].startswith(b"GET /up HTTP/1.1\r\nHost: 127.0.0.1\r\n")


def test_http_counts_only_good_answers_in_a_row(clock):
    ward = Ward(HTTP)
    answers = iter([200, 503, 200, 200])
    good = ward.answer

    def answer(container: FakeContainer, request: bytes) -> bytes:
        ward.status = next(answers)
        return good(container, request)

    ward.engine.respond = answer
    ward.wait(clock)
    assert len(ward.asked) == 4


def test_a_slow_start_within_its_time_is_healthy_and_retries_do_not_count(clock):
    ward = Ward(HTTP)
    ward.status = 503
    clock.at[55.0] = lambda: setattr(ward, "status", 200)
    ward.wait(clock)
    assert 55 <= clock.now <= 60 and len(ward.asked) > 20


def test_one_that_never_gets_healthy_is_told_with_what_it_said_last(clock):
    ward = Ward(HTTP)
    ward.status = 503
    with pytest.raises(Unhealthy) as error:
        ward.wait(clock)
    assert (error.value.reason, error.value.check) == (
        "was not healthy after 1m", f"GET http://127.0.0.1:{PORT}/up → 503"
    )  # fmt: skip
    assert 60 <= clock.now < 63


def test_one_that_nobody_can_reach_is_told_with_why(clock):
    ward = Ward({**HTTP, "update": {"healthy_within": "5s"}})
    ward.patient = replace(ward.patient, endpoint=Endpoint("127.0.0.1", PORT + 1))
    with pytest.raises(Unhealthy) as error:
        ward.wait(clock)
    assert "nothing listens" in error.value.check and error.value.reason == "was not healthy after 5s"


def test_what_is_not_http_is_unhealthy(clock):
    ward = Ward({**HTTP, "update": {"healthy_within": "1s"}})
    ward.engine.respond = lambda *_: b"SSH-2.0-dropbear\r\n"
    with pytest.raises(Unhealthy, match="not healthy"):
        ward.wait(clock)


def test_the_time_between_questions_grows_to_the_interval(clock):
    ward = Ward({"healthcheck": {"path": "/", "interval": "7s"}, "update": {"healthy_within": "100s"}})
    ward.status = 503
    with pytest.raises(Unhealthy):
        ward.wait(clock)
    assert 20 <= len(ward.asked) <= 30


def test_tcp_is_healthy_when_it_stays_open(clock):
    ward = Ward(TCP)
    ward.engine.respond = None
    ward.wait(clock)


def test_tcp_is_healthy_when_it_speaks_first(clock, monkeypatch):
    ward = Ward(TCP)

    def speak(*_, **__) -> socket.socket:
        ours, theirs = socket.socketpair()
        theirs.sendall(b"220 ready")
        return ours

    monkeypatch.setattr(FakeReader, "connect", speak)
    ward.wait(clock)


def test_tcp_is_unhealthy_when_it_is_closed_at_once(clock, monkeypatch):
    def hang_up(*_, **__) -> socket.socket:
        ours, theirs = socket.socketpair()
        theirs.close()
        return ours

    monkeypatch.setattr(FakeReader, "connect", hang_up)
    with pytest.raises(Unhealthy) as error:
        Ward({**TCP, "update": {"healthy_within": "1s"}}).wait(clock)
    assert error.value.check.endswith("closed at once")


@pytest.mark.parametrize("spec", [{"healthcheck": {"command": ["ok"]}}, {}])
def test_dockers_own_check_is_waited_for(clock, spec):
    ward = Ward(spec, has_healthcheck=True)
    clock.at[4.0] = lambda: setattr(ward.container, "health", "healthy")
    ward.wait(clock)
    assert 4 <= clock.now < 6 and ward.asked == []


def test_dockers_own_check_that_fails_is_told(clock):
    ward = Ward({"update": {"healthy_within": "3s"}}, has_healthcheck=True)
    ward.container.health = "unhealthy"
    with pytest.raises(Unhealthy) as error:
        ward.wait(clock)
    assert error.value.check == "the container's own health check → unhealthy"


def test_without_any_check_it_must_run_for_settle(clock):
    ward = Ward({"update": {"settle": "3s"}})
    ward.wait(clock, settle=3.0)
    assert 3 <= clock.now < 4


def test_without_any_check_a_restart_begins_the_count_anew(clock):
    ward = Ward({"update": {"settle": "3s"}})
    clock.at[2.0] = lambda: setattr(ward.container, "restart_count", 1)
    ward.wait(clock, settle=3.0)
    assert 5 <= clock.now < 7


def test_a_disabled_check_is_none(clock):
    ward = Ward({"healthcheck": {"disable": True}, "update": {"settle": "3s"}}, has_healthcheck=True)
    ward.wait(clock, settle=3.0)
    assert 3 <= clock.now < 4


def test_a_healthy_one_must_stay_up_for_settle(clock):
    ward = Ward(HTTP)
    ward.wait(clock, settle=30.0)
    assert 30 <= clock.now < 32


def test_a_crash_while_it_settles_is_unhealthy(clock):
    ward = Ward(HTTP)
    clock.at[20.0] = lambda: setattr(ward.container, "restart_count", 1)
    with pytest.raises(Unhealthy, match="crashed after it was healthy"):
        ward.wait(clock, settle=30.0)


def test_a_crash_loop_is_given_up_early(clock):
    ward = Ward(HTTP)
    ward.status = 503
    for n in range(1, 10):
        clock.at[n * 1.0] = lambda n=n: ward.container.__setattr__("restart_count", n)
    ward.container.exit_code = 3
    with pytest.raises(Unhealthy) as error:
        ward.wait(clock)
    assert error.value.reason in [f"crashed {n} times, last with code 3" for n in (5, 6, 7)]
    assert 5 <= clock.now < 8 and error.value.container


def test_crashes_of_an_earlier_time_do_not_count(clock):
    ward = Ward({"update": {"settle": "3s"}})
    ward.container.restart_count = 40
    ward.patient = replace(ward.patient, restarts=40)
    ward.wait(clock)
    assert clock.now < 4


@pytest.mark.parametrize("state", ["exited", "dead"])
def test_one_that_ended_is_given_up_at_once(clock, state):
    ward = Ward(HTTP)
    ward.container.state, ward.container.exit_code = state, 137
    with pytest.raises(Unhealthy, match="exited with code 137"):
        ward.wait(clock)
    assert clock.now == 0


def test_one_that_was_removed_is_told(clock):
    ward = Ward(HTTP)
    ward.engine.containers.clear()
    with pytest.raises(Unhealthy, match="was removed"):
        ward.wait(clock)


def test_a_host_that_falls_silent_is_an_error_of_its_own(clock):
    ward = Ward(HTTP)
    ward.status = 503
    clock.at[1.0] = lambda: setattr(ward.engine, "down", "no route")
    with pytest.raises(Unreachable):
        ward.wait(clock)


def test_two_interrupts_end_the_wait(clock):
    ward = Ward(HTTP)
    ward.status = 503
    clock.at[1.0] = lambda: (clock.request(), clock.request())[0] and None
    with pytest.raises(Interrupted):
        ward.wait(clock)


def test_a_running_replica_is_asked_once_and_nobody_waits(clock):
    ward = Ward(HTTP)
    container: Container = ward.patient.engine.inspect_container(ward.container.id)
    assert probe(ward.patient, container).good and len(ward.asked) == 1
    ward.status = 500
    assert probe(ward.patient, container).text.endswith("/up → 500") and clock.now == 0


def test_a_check_may_have_a_port_of_its_own(world: World):
    ports = {"http": 8000, "admin": 9000}
    world.declare({"web": app(ports=ports, routes=["web.org"], healthcheck={"path": "/up", "port": "admin"})},
                  proxies=["h1"])  # fmt: skip
    assert world.apply().exit_code == 0
    (container,) = world.containers(app="web").values()
    named = {binding.container_port: binding.host_port for binding in container.request.bindings}
    assert world.proxies()[0].upstreams["web"] == {
        f"{world.hosts[world.host_of(container.name)].address}:{named[8000]}"
    }


def test_a_failure_carries_all_its_evidence(world: World):
    world.declare({"web": routed("sick:1", update={"healthy_within": "0.4s"})})
    for host in world.hosts.values():
        host.images["sick:1"] = replace(host.images["sick:1"], log=tuple(f"line {n}" for n in range(30)))
    (failure,) = world.apply().failures
    assert (failure.subject, failure.reason) == ("web/1", "was not healthy after 400ms")
    assert failure.check.startswith("GET http://127.0.0.") and failure.check.endswith("/up → 503")
    assert failure.log_lines == tuple(f"line {n}" for n in range(20, 30)) and failure.exit_code is None
