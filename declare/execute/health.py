"""Whether a new replica can take work, asked from outside until it can or its time is up."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from declare.execute.interrupt import Interrupt
from declare.model.app import App, CommandCheck, HttpCheck, TcpCheck
from declare.model.engine import EngineReader
from declare.model.errors import HostError, NotFound
from declare.model.observed import Container
from declare.model.proxy import Endpoint
from declare.model.quantity import format_duration
from declare.proxy.ask import get

RESTARTS_GIVEN_UP = 5
_FIRST_PAUSE = 0.1
_STILL_OPEN = 0.25


class Unhealthy(Exception):
    """It did not become healthy: `reason` says what happened, `check` what was asked and answered last."""

    def __init__(self, reason: str, check: str = "", container: Container | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.check = check
        self.container = container


@dataclass(frozen=True, slots=True)
class Patient:
    """A started replica. `endpoint` is where its check is asked; None if it has no allocated port.

    `restarts` is how often it had crashed before it was started this time.
    """

    engine: EngineReader
    container_id: str
    app: App
    endpoint: Endpoint | None
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What one question came to; `text` is the question with its answer."""

    good: bool
    text: str


def wait_healthy(patient: Patient, *, settle: float, interrupt: Interrupt) -> None:
    """Return when it is healthy and has stayed up for `settle` seconds; raise Unhealthy, or the engine's own error."""
    policy = patient.app.update
    end = time.monotonic() + policy.healthy_within
    container = _inspect(patient)
    check = _choose_check(patient, container)
    good, pause, last = 0, _FIRST_PAUSE, ""
    while True:
        _require_alive(patient, container, last)
        answer = check.ask(container)
        good, last = (good + 1 if answer.good else 0), answer.text
        if good >= check.wanted:
            break
        if time.monotonic() >= end:
            within = format_duration(policy.healthy_within)
            raise Unhealthy(f"was not healthy after {within}", last, container)
        interrupt.wait(pause)
        pause = min(pause * 1.5, max(_FIRST_PAUSE, check.interval))
        container = _inspect(patient)
    if check.settles and settle > 0:
        _require_settled(patient, settle, interrupt, last)


def probe(patient: Patient, container: Container) -> Answer:
    """Ask a running replica once, by the check that it declares."""
    return _choose_check(patient, container).ask(container)


@dataclass(frozen=True, slots=True)
class _Check:
    ask: Callable[[Container], Answer]
    wanted: int = 1
    interval: float = 2.0
    settles: bool = True


def _choose_check(patient: Patient, container: Container) -> _Check:
    declared = patient.app.healthcheck
    if declared and patient.endpoint and isinstance(declared.check, HttpCheck | TcpCheck):
        endpoint, timeout, kind = patient.endpoint, declared.timeout, declared.check
        if isinstance(kind, HttpCheck):
            return _Check(lambda _: _ask_http(patient, endpoint, kind.path, timeout), 2, declared.interval)
        return _Check(lambda _: _ask_tcp(patient, endpoint, timeout), 1, declared.interval)
    disabled = declared is not None and isinstance(declared.check, CommandCheck) and declared.check.test == ("NONE",)
    if container.health is not None and not disabled:
        return _Check(_ask_engine, 1, 0.5)
    return _Check(_RunningCheck(patient.app.update.settle, container.restart_count), 1, 0.5, settles=False)


def _ask_http(patient: Patient, endpoint: Endpoint, path: str, timeout: float) -> Answer:
    url = f"GET http://{endpoint.address}:{endpoint.port}{path}"
    try:
        with patient.engine.connect(endpoint.address, endpoint.port, timeout=timeout) as connection:
            status = get(connection, host=endpoint.address, path=path, timeout=timeout).status
    except (OSError, ValueError, HostError) as error:
        return Answer(False, f"{url} → {_say(error)}")
    return Answer(200 <= status < 400, f"{url} → {status}")


def _ask_tcp(patient: Patient, endpoint: Endpoint, timeout: float) -> Answer:
    target = f"TCP {endpoint.address}:{endpoint.port}"
    try:
        with patient.engine.connect(endpoint.address, endpoint.port, timeout=timeout) as connection:
            connection.settimeout(_STILL_OPEN)
            if connection.recv(1) == b"":
                return Answer(False, f"{target} → closed at once")
    except TimeoutError:
        return Answer(True, f"{target} → open")
    except (OSError, HostError) as error:
        return Answer(False, f"{target} → {_say(error)}")
    return Answer(True, f"{target} → open")


def _say(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, HostError):
        return error.reason
    return str(error) or type(error).__name__


def _ask_engine(container: Container) -> Answer:
    return Answer(container.health == "healthy", f"the container's own health check → {container.health}")


class _RunningCheck:
    """Running for so many seconds without a restart; each restart begins the count anew."""

    def __init__(self, settle: float, restarts: int) -> None:
        self._settle = settle
        self._restarts = restarts
        self._since = time.monotonic()

    def __call__(self, container: Container) -> Answer:
        if container.state != "running" or container.restart_count != self._restarts:
            self._restarts, self._since = container.restart_count, time.monotonic()
        good = container.state == "running" and time.monotonic() - self._since >= self._settle
        return Answer(good, f"running for {format_duration(self._settle)} → {container.state}")


def _inspect(patient: Patient) -> Container:
    try:
        return patient.engine.inspect_container(patient.container_id)
    except NotFound:
        raise Unhealthy("was removed while it started") from None


def _require_alive(patient: Patient, container: Container, last: str) -> None:
    if container.state in ("exited", "dead"):
        raise Unhealthy(f"exited with code {container.exit_code}", last, container)
    times = container.restart_count - patient.restarts
    if times >= RESTARTS_GIVEN_UP:
        raise Unhealthy(f"crashed {times} times, last with code {container.exit_code}", last, container)


def _require_settled(patient: Patient, settle: float, interrupt: Interrupt, last: str) -> None:
    before = _inspect(patient).restart_count
    end = time.monotonic() + settle
    while (left := end - time.monotonic()) > 0:
        interrupt.wait(min(0.5, left))
        container = _inspect(patient)
        _require_alive(patient, container, last)
        if container.restart_count != before:
            raise Unhealthy("crashed after it was healthy", last, container)
