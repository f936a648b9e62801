"""One contract, for the fake engine and for real ones: what the other rooms may rely on."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from declare.model.app import Resources
from declare.model.canonical import Json
from declare.model.engine import ContainerRequest, EngineWriter, FileContent
from declare.model.errors import Conflict, EngineError, NotFound, PortTaken, Unreachable
from declare.model.labels import write_labels
from declare.model.observed import Container, Ownership, PortBinding
from declare.model.settings import declared_settings
from tests.engine.conftest import PREFIX

WEB = "declare-test/web:1"
NAME = f"{PREFIX}web"


def make(
    engine: EngineWriter, name: str = NAME, *, image: str = WEB, spec: Mapping[str, Json] | None = None, port: int = 0
) -> str:
    bindings = (PortBinding(8000, port, engine.address),) if port else ()
    return engine.create_container(ContainerRequest(name, image, spec=spec or {}, bindings=bindings))


def make_running(engine: EngineWriter, name: str = NAME, **options: object) -> str:
    container_id = make(engine, name, **options)  # type: ignore[arg-type]
    engine.start_container(container_id)
    return container_id


def listed(engine: EngineWriter, container_id: str) -> Container:
    return next(container for container in engine.list_containers() if container.id == container_id)


def eventually(holds: Callable[[], bool], *, within: float = 10.0) -> None:
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.05)


def owner(**fields: object) -> Ownership:
    known = Ownership("contract", "replica", "web", "1", 3, 2, {"resources": {"cpus": 0.5, "memory": "64MiB"}})
    return replace(known, **fields)  # type: ignore[arg-type]


def test_an_engine_tells_who_it_is_and_what_it_has(engine: EngineWriter) -> None:
    info = engine.read_info()
    assert info.id and info.version and info.cpus > 0 and info.memory > 2**20
    assert abs(info.clock_offset) < 2
    assert info == replace(engine.read_info(), clock_offset=info.clock_offset)


def test_a_created_container_is_listed_but_does_not_run(engine: EngineWriter) -> None:
    found = listed(engine, make(engine))
    assert (found.name, found.state, found.is_running, found.image) == (NAME, "created", False, WEB)
    assert found.owner is None
    assert found.settings is None and found.exit_code is None


def test_labels_bring_back_the_owner_with_its_spec_and_ports(engine: EngineWriter) -> None:
    wanted = owner(ports=(PortBinding(8000, 21001, engine.address, name="http"),), operation="op")
    container_id = engine.create_container(ContainerRequest(NAME, WEB, labels=write_labels(wanted)))
    for found in (listed(engine, container_id), engine.inspect_container(container_id)):
        assert found.owner == wanted
        assert found.bindings == wanted.ports
        assert found.reserved == Resources(0.5, 64 * 2**20)


def test_a_taken_name_is_a_conflict_and_leaves_the_first_alone(engine: EngineWriter) -> None:
    first = make(engine)
    with pytest.raises(Conflict, match=r"h1: .*already in use"):
        make(engine)
    assert listed(engine, first).state == "created"


def test_a_missing_image_is_not_found(engine: EngineWriter) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        make(engine, image="declare-test/nowhere:1")


def test_starting_is_no_error_for_a_running_container(engine: EngineWriter) -> None:
    container_id = make_running(engine)
    engine.start_container(container_id)
    found = engine.inspect_container(container_id)
    assert (found.state, found.restart_count, bool(found.started_at)) == ("running", 0, True)


def test_a_running_container_shows_the_ports_that_it_holds(engine: EngineWriter) -> None:
    container_id = make_running(engine, port=21002)
    held = (PortBinding(8000, 21002, engine.address),)
    assert listed(engine, container_id).bindings == held
    assert engine.inspect_container(container_id).bindings == held


def test_a_port_on_all_addresses_is_held_once(engine: EngineWriter) -> None:
    binding = PortBinding(8000, 21008, "0.0.0.0")
    container_id = engine.create_container(ContainerRequest(NAME, WEB, bindings=(binding,)))
    engine.start_container(container_id)
    assert listed(engine, container_id).bindings == (binding,)
    assert engine.inspect_container(container_id).bindings == (binding,)


def test_an_inspected_stopped_container_shows_the_ports_it_would_hold(engine: EngineWriter) -> None:
    assert engine.inspect_container(make(engine, port=21003)).bindings == (PortBinding(8000, 21003, engine.address),)


def test_two_containers_with_one_host_port_clash_when_the_second_starts(engine: EngineWriter) -> None:
    make_running(engine, port=21004)
    second = make(engine, f"{PREFIX}second", port=21004)
    with pytest.raises(PortTaken):
        engine.start_container(second)
    assert not listed(engine, second).is_running
    engine.remove_container(second)


def test_a_published_port_is_reached_through_the_engine(engine: EngineWriter) -> None:
    make_running(engine, port=21005)

    def answers() -> bool:
        try:
            with engine.connect(engine.address, 21005, timeout=2) as stream:
                stream.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return b" 200 " in stream.recv(100)
        except (Unreachable, ConnectionResetError):
            return False

    eventually(answers)


def test_a_port_that_nobody_holds_is_unreachable(engine: EngineWriter) -> None:
    with pytest.raises(Unreachable):
        engine.connect(engine.address, 21006, timeout=2)


def test_a_stopped_container_keeps_its_exit_code_and_frees_its_port(engine: EngineWriter) -> None:
    first = make_running(engine, port=21007, spec={"stop_grace_period": "5s"})
    engine.stop_container(first)
    found = engine.inspect_container(first)
    assert (found.state, found.exit_code, found.is_running) == ("exited", 0, False)
    engine.stop_container(first, grace=1)
    make_running(engine, f"{PREFIX}second", port=21007)


def test_a_crashed_container_tells_its_exit_code(engine: EngineWriter) -> None:
    container_id = make_running(engine, image="declare-test/broken:1", spec={"restart": "no"})
    eventually(lambda: engine.inspect_container(container_id).state == "exited")
    assert engine.inspect_container(container_id).exit_code == 1


def test_a_crashing_container_is_restarted_and_counted(engine: EngineWriter) -> None:
    container_id = make_running(engine, image="declare-test/broken:1")
    eventually(lambda: engine.inspect_container(container_id).restart_count > 0)


def test_a_health_check_of_the_image_becomes_the_health(engine: EngineWriter) -> None:
    container_id = make_running(engine, image="declare-test/checked:1")
    eventually(lambda: listed(engine, container_id).health == "healthy")
    assert engine.inspect_container(container_id).health == "healthy"


def test_a_command_check_and_no_check_replace_the_image_s(engine: EngineWriter) -> None:
    spec = {"healthcheck": {"command": ["/web", "check"], "interval": "250ms"}}
    checked = make_running(engine, spec=spec)
    unchecked = make_running(
        engine, f"{PREFIX}second", image="declare-test/checked:1", spec={"healthcheck": {"disable": True}}
    )
    eventually(lambda: listed(engine, checked).health == "healthy")
    assert engine.inspect_container(unchecked).health is None


def test_removing_a_running_container_needs_force(engine: EngineWriter) -> None:
    container_id = make_running(engine)
    with pytest.raises(Conflict):
        engine.remove_container(container_id)
    engine.remove_container(container_id, force=True)
    with pytest.raises(NotFound):
        engine.inspect_container(container_id)


def test_removing_what_is_gone_is_no_error(engine: EngineWriter) -> None:
    engine.remove_container("0" * 64)


def test_a_container_takes_a_free_name_and_no_other(engine: EngineWriter) -> None:
    first, second = make(engine), make(engine, f"{PREFIX}second")
    with pytest.raises(Conflict):
        engine.rename_container(second, NAME)
    engine.rename_container(first, f"{NAME}.failed")
    assert listed(engine, first).name == f"{NAME}.failed"


def test_files_go_into_a_never_started_container_and_come_back(engine: EngineWriter) -> None:
    container_id = make(engine)
    engine.write_files(container_id, "/declare/box", {"a": FileContent(b"one"), "b": FileContent(b"\0two", mode=0o400)})
    engine.write_files(container_id, "/declare/box", {"a": FileContent(b"newer")})
    assert engine.read_files(container_id, "/declare/box") == {"a": b"newer", "b": b"\0two"}


def test_a_missing_folder_and_a_missing_container_are_not_found(engine: EngineWriter) -> None:
    container_id = make(engine)
    for where, folder in ((container_id, "/nowhere"), ("0" * 64, "/etc")):
        with pytest.raises(NotFound):
            engine.read_files(where, folder)


def test_secrets_reach_a_read_only_container_through_a_volume(engine: EngineWriter) -> None:
    spec = {"read_only": True}
    request = ContainerRequest(NAME, WEB, spec=spec, secrets_volume=True)
    container_id = engine.create_container(request)
    engine.write_files(container_id, "/run/secrets", {"key": FileContent(b"s3cret", mode=0o400)})
    assert engine.read_files(container_id, "/run/secrets") == {"key": b"s3cret"}
    with pytest.raises(EngineError):
        engine.write_files(container_id, "/etc", {"key": FileContent(b"")})


def test_settings_are_as_declared_and_can_be_put_back(engine: EngineWriter) -> None:
    spec = {"resources": {"cpus": 0.5, "memory": "64MiB"}, "restart": "on-failure:3"}
    container_id = make(engine, spec=spec)
    wanted = declared_settings(spec)
    assert wanted.items() <= (engine.inspect_container(container_id).settings or {}).items()
    engine.update_container(container_id, {"restart": "no", "mem_limit": "256MiB", "cpus": 1.5})
    assert not wanted.items() <= (engine.inspect_container(container_id).settings or {}).items()
    engine.update_container(container_id, wanted)
    assert wanted.items() <= (engine.inspect_container(container_id).settings or {}).items()


def test_a_command_runs_in_a_running_container_only(engine: EngineWriter) -> None:
    container_id = make(engine, image="declare-test/busybox:1", spec={"command": ["sleep", "60"], "init": True})
    with pytest.raises(Conflict):
        engine.run_command(container_id, ["true"])
    engine.start_container(container_id)
    code, _ = engine.run_command(container_id, ["true"])
    assert code == 0


def test_the_log_s_last_lines_can_be_read(engine: EngineWriter) -> None:
    container_id = make_running(engine)
    eventually(lambda: engine.read_logs(container_id, tail=1) == ("listening on 8000, version 1",))


def test_a_signal_ends_a_running_container_and_conflicts_with_a_stopped_one(engine: EngineWriter) -> None:
    container_id = make_running(engine, spec={"restart": "no"})
    engine.signal_container(container_id, "SIGKILL")
    eventually(lambda: engine.inspect_container(container_id).state == "exited")
    with pytest.raises(Conflict):
        engine.signal_container(container_id, "SIGHUP")


def test_a_volume_is_made_with_its_first_container_and_outlives_it(engine: EngineWriter) -> None:
    request = ContainerRequest(NAME, WEB, spec={"volumes": ["data:/data"]}, volumes={"data": f"{PREFIX}data"})
    container_id = engine.create_container(request)
    assert f"{PREFIX}data" in engine.list_volumes()
    with pytest.raises(Conflict):
        engine.remove_volume(f"{PREFIX}data")
    engine.remove_container(container_id)
    assert f"{PREFIX}data" in engine.list_volumes()
    engine.remove_volume(f"{PREFIX}data")
    engine.remove_volume(f"{PREFIX}data")
    assert f"{PREFIX}data" not in engine.list_volumes()


def test_a_volume_can_be_made_twice(engine: EngineWriter) -> None:
    for _ in range(2):
        engine.create_volume(f"{PREFIX}data", driver="local", driver_opts={}, labels={"a": "b"})
    assert f"{PREFIX}data" in engine.list_volumes()


def test_images_are_found_by_reference_and_by_id(engine: EngineWriter) -> None:
    found = engine.inspect_image("declare-test/checked:1")
    assert found.has_healthcheck and "declare-test/checked:1" in found.tags
    assert engine.inspect_image(found.id).id == found.id
    assert found.id in {image.id for image in engine.list_images()}
    assert engine.inspect_image(WEB).has_healthcheck is False
    with pytest.raises(NotFound):
        engine.inspect_image("declare-test/nowhere:1")


def test_a_saved_image_loads_with_the_same_id(engine: EngineWriter) -> None:
    before = engine.inspect_image("declare-test/tcp:1" if _has(engine, "declare-test/tcp:1") else WEB)
    engine.load_image(list(engine.save_image(before.tags[0])))
    assert engine.inspect_image(before.tags[0]).id == before.id


def test_an_empty_image_holds_containers_that_never_start(engine: EngineWriter) -> None:
    engine.import_empty_image("declare-test.local/empty:1")
    container_id = make(engine, image="declare-test.local/empty:1", spec={"command": ["-"]})
    engine.write_files(container_id, "/declare", {"record": FileContent(b"{}")})
    assert engine.read_files(container_id, "/declare") == {"record": b"{}"}


def _has(engine: EngineWriter, reference: str) -> bool:
    return any(reference in image.tags for image in engine.list_images())
