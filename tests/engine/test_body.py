"""The create body: every field of a container spec has its place, and no engine sees a field twice or not at all."""

import json
from typing import Any

import pytest

from declare.engine.body import MAPPED, build_body, build_update
from declare.model.canonical import Json
from declare.model.engine import ContainerRequest
from declare.model.errors import EngineError
from declare.model.fields import CONTAINER_FIELDS, PASSED_THROUGH
from declare.model.observed import PortBinding
from declare.model.settings import declared_settings

API = (1, 47)


def body(spec: dict[str, Json] | None = None, **request: Any) -> dict[str, Any]:
    return build_body("h1", ContainerRequest("web", "web:1", spec=spec or {}, **request), API)[0]


def test_every_field_of_a_container_has_a_place_in_the_body() -> None:
    assert CONTAINER_FIELDS == MAPPED
    assert set(PASSED_THROUGH) <= MAPPED


def test_a_field_without_a_place_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("declare.engine.body.MAPPED", MAPPED - {"user"})
    with pytest.raises(EngineError, match='h1: the field "user"'):
        body({"user": "1000"})


def test_a_field_that_an_older_engine_would_ignore_is_refused() -> None:
    request = ContainerRequest("web", "web:1", spec={"annotations": {"a": "b"}})
    with pytest.raises(EngineError, match=r"Docker 24\.0"):
        build_body("h1", request, (1, 41))
    assert build_body("h1", request, API)[0]["HostConfig"]["Annotations"] == {"a": "b"}


def test_so_is_an_option_inside_of_a_field() -> None:
    mount = {"type": "volume", "source": "data", "target": "/data", "volume": {"subpath": "a"}}
    request = ContainerRequest("web", "web:1", spec={"volumes": ["other:/other", mount]})
    with pytest.raises(EngineError, match=r"volumes\.volume\.subpath.* Docker 26\.0"):
        build_body("h1", request, (1, 44))
    assert build_body("h1", request, API)[0]["HostConfig"]["Mounts"][1]["VolumeOptions"]["Subpath"] == "a"


# (field, canonical value, section, what the engine is told)
PLACES: list[tuple[str, Json, str, dict[str, Any]]] = [
    ("blkio_config", {"weight": 300, "device_read_bps": [{"path": "/dev/sda", "rate": 1024}]}, "HostConfig",
     {"BlkioWeight": 300, "BlkioDeviceReadBps": [{"Path": "/dev/sda", "Rate": 1024}]}),
    ("command", ["a", "b c"], "", {"Cmd": ["a", "b c"]}),
    ("cpus", 1.5, "HostConfig", {"NanoCpus": 1_500_000_000}),
    ("devices", ["/dev/a:/dev/b:rw"], "HostConfig",
     {"Devices": [{"PathOnHost": "/dev/a", "PathInContainer": "/dev/b", "CgroupPermissions": "rw"}]}),
    ("entrypoint", [], "", {"Entrypoint": [""]}),
    ("extra_hosts", ["db=10.0.0.1", "six=::1"], "HostConfig", {"ExtraHosts": ["db:10.0.0.1", "six:::1"]}),
    ("gpus", "all", "HostConfig",
     {"DeviceRequests": [{"Driver": "", "Count": -1, "DeviceIDs": [], "Capabilities": [["gpu"]], "Options": {}}]}),
    ("healthcheck", {"command": "curl x", "interval": "1m30s"}, "",
     {"Healthcheck": {"Test": ["CMD-SHELL", "curl x"], "Interval": 90 * 10**9, "Timeout": 2 * 10**9, "Retries": 3,
                      "StartPeriod": 0}}),
    ("healthcheck", {"command": ["CMD", "x"]}, "",
     {"Healthcheck": {"Test": ["CMD", "CMD", "x"], "Interval": 2 * 10**9, "Timeout": 2 * 10**9, "Retries": 3,
                      "StartPeriod": 0}}),
    ("healthcheck", {"disable": True}, "", {"Healthcheck": {"Test": ["NONE"]}}),
    ("labels", {"a": "b"}, "", {"Labels": {"a": "b"}}),
    ("logging", {"driver": "local", "options": {"max-size": "1m"}}, "HostConfig",
     {"LogConfig": {"Type": "local", "Config": {"max-size": "1m"}}}),
    ("memswap_limit", -1, "HostConfig", {"MemorySwap": -1}),
    ("resources", {"cpus": 0.25, "memory": "64MiB"}, "HostConfig", {"Memory": 64 * 2**20, "NanoCpus": 250_000_000}),
    ("restart", "on-failure:5", "HostConfig", {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 5}}),
    ("stop_grace_period", "1m500ms", "", {"StopTimeout": 61}),
    ("tmpfs", ["/run", "/tmp:size=64m"], "HostConfig", {"Tmpfs": {"/run": "", "/tmp": "size=64m"}}),
    ("ulimits", {"nofile": {"soft": 1, "hard": 2}, "nproc": 3}, "HostConfig",
     {"Ulimits": [{"Name": "nofile", "Soft": 1, "Hard": 2}, {"Name": "nproc", "Soft": 3, "Hard": 3}]}),
    ("volumes", ["/anon", "/srv:/srv:ro", "data:/data", {"type": "tmpfs", "target": "/t", "tmpfs": {"mode": "1777"}}],
     "HostConfig",
     {"Binds": ["/srv:/srv:ro"],
      "Mounts": [
          {"Type": "volume", "Target": "/anon", "ReadOnly": False, "Source": "", "VolumeOptions": {"NoCopy": False}},
          {"Type": "volume", "Target": "/data", "ReadOnly": False, "Source": "shop_data",
           "VolumeOptions": {"NoCopy": False}},
          {"Type": "tmpfs", "Target": "/t", "ReadOnly": False, "TmpfsOptions": {"Mode": 0o1777}},
      ]}),
    ("volumes", [{"type": "volume", "source": "data", "target": "/data", "bind": {"selinux": "z"}}], "HostConfig",
     {"Binds": ["shop_data:/data:rw,z"]}),
    ("volumes", [{"type": "bind", "source": "/a", "target": "/b", "bind": {"create_host_path": False}}], "HostConfig",
     {"Mounts": [{"Type": "bind", "Target": "/b", "ReadOnly": False, "Source": "/a",
                  "BindOptions": {"Propagation": "rprivate"}}]}),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "section", "told"), PLACES)
def test_a_field_is_told_to_the_engine_in_its_words(
    field: str, value: Json, section: str, told: dict[str, Any]
) -> None:
    made = body({field: value}, volumes={"data": "shop_data"})
    found = made[section] if section else made
    assert {key: found.get(key) for key in told} == told


def test_what_is_not_set_is_not_sent() -> None:
    assert body() == {
        "Image": "web:1", "Env": [], "Labels": {},
        "HostConfig": {"RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0}},
    }  # fmt: skip


def test_the_environment_wins_over_env_file_and_what_is_given_wins_over_both() -> None:
    spec = {"env_file": {"A": "file", "B": "file", "C": "file"}, "environment": {"B": "spec", "C": "spec"}}
    assert body(spec, environment={"C": "given"})["Env"] == ["A=file", "B=spec", "C=given"]


def test_declare_s_labels_win_over_the_user_s() -> None:
    assert body({"labels": {"declare.app": "x"}}, labels={"declare.app": "web"})["Labels"] == {"declare.app": "web"}


def test_a_port_is_bound_to_its_address() -> None:
    bindings = (PortBinding(8000, 20001, "10.0.0.1"), PortBinding(53, 53, "10.0.0.1", "udp"))
    made = body(bindings=bindings)
    assert made["ExposedPorts"] == {"8000/tcp": {}, "53/udp": {}}
    assert made["HostConfig"]["PortBindings"]["8000/tcp"] == [{"HostIp": "10.0.0.1", "HostPort": "20001"}]


def test_a_limit_of_its_own_overrides_the_one_of_resources() -> None:
    limits = body({"resources": {"cpus": 1, "memory": "1GiB"}, "mem_limit": "2GiB", "cpu_quota": 5000})["HostConfig"]
    assert (limits["Memory"], "NanoCpus" in limits, limits["CpuQuota"]) == (2 * 2**30, False, 5000)


def test_the_platform_goes_beside_the_body() -> None:
    made, platform = build_body("h1", ContainerRequest("web", "web:1", spec={"platform": "linux/amd64"}), API)
    assert platform == "linux/amd64" and "linux" not in json.dumps(made)


def test_memory_put_back_takes_its_swap_limit_with_it() -> None:
    assert build_update("h1", {"mem_limit": "64MiB"}) == {"Memory": 64 * 2**20, "MemorySwap": 128 * 2**20}
    assert build_update("h1", {"mem_limit": "64MiB", "memswap_limit": -1}) == {"Memory": 64 * 2**20, "MemorySwap": -1}


def test_what_can_t_be_altered_in_place_is_refused() -> None:
    with pytest.raises(EngineError, match="hostnam"):
        build_update("h1", {"hostnam": "x"})


def test_settings_are_declared_only_where_the_spec_sets_them() -> None:
    assert declared_settings({}) == {"restart": "unless-stopped"}
    spec = {"resources": {"cpus": 2, "memory": "1GiB"}, "cpu_quota": 1, "blkio_config": {"weight": 10}, "pids_limit": 0}
    assert declared_settings(spec) == {
        "restart": "unless-stopped", "blkio_config.weight": 10, "cpu_quota": 1, "mem_limit": "1GiB", "pids_limit": -1,
    }  # fmt: skip
