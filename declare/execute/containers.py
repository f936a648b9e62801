"""One replica's containers: started until healthy, stopped, put back, kept for their logs; failures with evidence."""

from contextlib import suppress
from dataclasses import dataclass, replace

from declare.execute.execution import Execution
from declare.execute.health import Patient, Unhealthy, wait_healthy
from declare.execute.request import build_request, secret_files
from declare.execute.serving import find_endpoint
from declare.model.app import App
from declare.model.engine import EngineWriter
from declare.model.errors import Conflict, EngineError, HostError, NotFound, PortTaken, Unreachable
from declare.model.event import Failure
from declare.model.names import failed_container
from declare.model.observed import PortBinding
from declare.model.plan import AppChange, Existing, Placed, ReplicaChange
from declare.model.proxy import Endpoint

_LOG_LINES = 10
_PORTS_TRIED = 20


@dataclass(frozen=True, slots=True)
class Started:
    """A container that this execution made and that became healthy."""

    change: ReplicaChange
    container_id: str
    placed: Placed
    endpoint: Endpoint | None


class ReplicaFailed(Exception):
    """A replica did not come up; the evidence."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class _Doors:
    """Where a replica's check is asked, and where nginx sends its requests; None for either it does not have."""

    check: Endpoint | None
    route: Endpoint | None


def _find_doors(execution: Execution, app: App, host: str, bindings: tuple[PortBinding, ...]) -> _Doors:
    address = execution.addresses.get(host, "")
    check_port = app.healthcheck.port if app.healthcheck else None
    return _Doors(find_endpoint(app, address, bindings, port=check_port), find_endpoint(app, address, bindings))


def start_replica(execution: Execution, change: AppChange, app: App, replica: ReplicaChange, settle: float) -> Started:
    """Create, start and wait until healthy; raises ReplicaFailed, its container then stopped and kept for its logs."""
    if replica.new is None:
        raise ValueError(f"{replica} has no new placement")
    container_id: str | None = None
    try:
        container_id, placed = _create_and_start(execution, change, app, replica, replica.new)
        doors = _find_doors(execution, app, placed.host, placed.bindings)
        engine = execution.engines[placed.host]
        wait_healthy(Patient(engine, container_id, app, doors.check), settle=settle, interrupt=execution.interrupt)
    except Unhealthy as error:
        failure = _keep_failed(execution, replica.new, container_id, error)
        raise ReplicaFailed(replace(failure, subject=str(replica))) from error
    except HostError as error:
        _set_aside(execution, replica.new, container_id)
        raise ReplicaFailed(Failure(str(replica), replica.new.host, error.reason)) from error
    execution.tell(str(replica), "healthy", host=placed.host)
    return Started(replica, container_id, placed, doors.route)


def _create_and_start(
    execution: Execution, change: AppChange, app: App, replica: ReplicaChange, placed: Placed
) -> tuple[str, Placed]:
    engine = execution.engines[placed.host]
    for _ in range(_PORTS_TRIED):
        execution.interrupt.raise_if(2)
        container_id = _create(execution, change, app, replica, placed)
        try:
            for folder, files in secret_files(execution, app).items():
                engine.write_files(container_id, folder, files)
            _start(engine, container_id)
        except PortTaken as error:
            engine.remove_container(container_id, force=True)
            placed = _move_ports(execution, placed, error)
            continue
        except EngineError:
            engine.remove_container(container_id, force=True)
            raise
        execution.tell(str(replica), "started", host=placed.host, detail=_say_ports(placed), cause=replica.cause)
        return container_id, placed
    raise PortTaken(placed.host, f"no port could be bound after {_PORTS_TRIED} tries")


def _create(execution: Execution, change: AppChange, app: App, replica: ReplicaChange, placed: Placed) -> str:
    engine = execution.engines[placed.host]
    request = build_request(execution, change, app, replica.replica, placed)
    try:
        return engine.create_container(request)
    except (Unreachable, Conflict) as error:
        # A lost reply leaves the outcome unknown: the operation in the label tells whether it was ours.
        for container in engine.list_containers():
            if container.name == placed.name and container.owner and container.owner.operation == execution.operation:
                return container.id
        if isinstance(error, Conflict):
            help = "rename or remove that container; declare never touches what it did not make"
            raise Conflict(placed.host, f"the name {placed.name} is taken", status=409, help=help) from error
        raise


def _start(engine: EngineWriter, container_id: str) -> None:
    try:
        engine.start_container(container_id)
    except Unreachable:
        # Only the reply may be lost: then it runs.
        if not engine.inspect_container(container_id).is_running:
            raise


def _move_ports(execution: Execution, placed: Placed, error: PortTaken) -> Placed:
    """The same placement with each allocated port replaced by the next free one; fixed ports can't move."""
    if not any(binding.name for binding in placed.bindings):
        raise error
    moved = []
    for binding in placed.bindings:
        port = execution.ports.take_next(placed.host, binding.host_port) if binding.name else binding.host_port
        if port is None:
            raise error
        moved.append(replace(binding, host_port=port))
    return replace(placed, bindings=tuple(moved))


def _say_ports(placed: Placed) -> str:
    return " ".join(f":{binding.host_port}" for binding in placed.bindings)


def _keep_failed(execution: Execution, placed: Placed, container_id: str | None, error: Unhealthy) -> Failure:
    """The evidence; the container is stopped and kept beside it."""
    container = error.container
    lines: tuple[str, ...] = ()
    ended = container is not None and container.state != "running"
    if container_id:
        with suppress(HostError):
            lines = execution.engines[placed.host].read_logs(container_id, tail=_LOG_LINES)
        _set_aside(execution, placed, container_id)
    return Failure(
        subject="",
        host=placed.host,
        reason=error.reason,
        check=error.check,
        exit_code=container.exit_code if container and ended else None,
        oom_killed=bool(container and container.oom_killed),
        log_lines=lines,
    )


def _set_aside(execution: Execution, placed: Placed, container_id: str | None) -> None:
    """Stop a container that failed, and rename it, so that it stands for no replica; as far as its host answers."""
    if container_id:
        engine = execution.engines[placed.host]
        with suppress(HostError):
            engine.stop_container(container_id)
            engine.rename_container(container_id, failed_container(placed.name))


def stop(execution: Execution, subject: str, existing: Existing) -> None:
    """Stop a container with its own grace period; it keeps its ports and can be started again."""
    try:
        execution.engines[existing.host].stop_container(existing.id)
    except NotFound:
        return
    execution.tell(subject, "stopped", host=existing.host)


def remove(execution: Execution, subject: str, existing: Existing) -> None:
    """Remove a container by its ID; one that is gone is no error."""
    execution.engines[existing.host].remove_container(existing.id, force=True)
    execution.tell(subject, "removed", host=existing.host)


def start_again(execution: Execution, app: App, subject: str, existing: Existing) -> Endpoint | None:
    """Start a stopped container of an earlier time and wait until it is healthy; raises ReplicaFailed."""
    engine = execution.engines[existing.host]
    doors = _find_doors(execution, app, existing.host, existing.bindings)
    try:
        engine.start_container(existing.id)
        # One that ran on may have crashed long ago: only what it does from now on counts.
        restarts = engine.inspect_container(existing.id).restart_count
        patient = Patient(engine, existing.id, app, doors.check, restarts)
        wait_healthy(patient, settle=0.0, interrupt=execution.interrupt)
    except Unhealthy as error:
        raise ReplicaFailed(Failure(subject, existing.host, error.reason, error.check)) from error
    except HostError as error:
        raise ReplicaFailed(Failure(subject, existing.host, error.reason)) from error
    execution.tell(subject, "healthy" if existing.running else "started again", host=existing.host)
    return doors.route


def as_existing(started: Started) -> Existing:
    """A started replica as a container that later steps can stop or remove."""
    placed = started.placed
    return Existing(started.container_id, placed.name, placed.host, placed.generation, True, placed.bindings)
