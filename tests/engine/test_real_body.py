"""A real engine keeps what the create body tells it, field by field."""

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from declare.engine.connect import open_writer
from declare.engine.write import Writer
from declare.model.canonical import Json
from declare.model.engine import ContainerRequest
from tests.engine.conftest import PREFIX, sweep, tcp_host
from tests.fleet import Fleet

pytestmark = pytest.mark.fleet

# (field, canonical value, path in the inspection, what must stand there)
KEPT: list[tuple[str, Json, str, Any]] = [
    ("blkio_config", {"device_read_bps": [{"path": "/dev/loop0", "rate": 1024}]}, "HostConfig.BlkioDeviceReadBps",
     [{"Path": "/dev/loop0", "Rate": 1024}]),
    ("cap_add", ["NET_ADMIN"], "HostConfig.CapAdd", ["NET_ADMIN"]),
    ("cap_drop", ["ALL"], "HostConfig.CapDrop", ["ALL"]),
    ("cgroup", "host", "HostConfig.CgroupnsMode", "host"),
    ("cgroup_parent", "/x", "HostConfig.CgroupParent", "/x"),
    ("command", ["a", "b c"], "Config.Cmd", ["a", "b c"]),
    ("device_cgroup_rules", ["c 1:3 mr"], "HostConfig.DeviceCgroupRules", ["c 1:3 mr"]),
    ("devices", ["/dev/null:/dev/zilch:rw"], "HostConfig.Devices",
     [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/zilch", "CgroupPermissions": "rw"}]),
    ("dns", ["10.0.0.53"], "HostConfig.Dns", ["10.0.0.53"]),
    ("dns_opt", ["ndots:1"], "HostConfig.DnsOptions", ["ndots:1"]),
    ("dns_search", ["example.com"], "HostConfig.DnsSearch", ["example.com"]),
    ("domainname", "example.com", "Config.Domainname", "example.com"),
    ("entrypoint", ["/web", "tcp"], "Config.Entrypoint", ["/web", "tcp"]),
    ("env_file", {"A": "b"}, "Config.Env", ["A=b"]),
    ("environment", {"A": "x=y\nz"}, "Config.Env", ["A=x=y\nz"]),
    ("extra_hosts", ["db=10.0.0.1", "six=fd00::1"], "HostConfig.ExtraHosts", ["db:10.0.0.1", "six:fd00::1"]),
    ("gpus", "all", "HostConfig.DeviceRequests.0.Capabilities", [["gpu"]]),
    ("group_add", ["1000"], "HostConfig.GroupAdd", ["1000"]),
    ("healthcheck", {"command": ["/web", "check"], "retries": 5}, "Config.Healthcheck",
     {"Test": ["CMD", "/web", "check"], "Interval": 2 * 10**9, "Timeout": 2 * 10**9, "Retries": 5}),
    ("hostname", "box", "Config.Hostname", "box"),
    ("init", False, "HostConfig.Init", False),
    ("ipc", "host", "HostConfig.IpcMode", "host"),
    ("labels", {"a": "b"}, "Config.Labels", {"a": "b"}),
    ("logging", {"driver": "local", "options": {"max-size": "1m"}}, "HostConfig.LogConfig",
     {"Type": "local", "Config": {"max-size": "1m"}}),
    ("mac_address", "02:42:ac:11:00:99", "Config.MacAddress", "02:42:ac:11:00:99"),
    ("mem_swappiness", 10, "HostConfig.MemorySwappiness", 10),
    ("network_mode", "none", "HostConfig.NetworkMode", "none"),
    ("oom_kill_disable", True, "HostConfig.OomKillDisable", True),
    ("oom_score_adj", 500, "HostConfig.OomScoreAdj", 500),
    ("pid", "host", "HostConfig.PidMode", "host"),
    ("privileged", True, "HostConfig.Privileged", True),
    ("read_only", True, "HostConfig.ReadonlyRootfs", True),
    ("restart", "on-failure:5", "HostConfig.RestartPolicy", {"Name": "on-failure", "MaximumRetryCount": 5}),
    ("runtime", "runc", "HostConfig.Runtime", "runc"),
    ("security_opt", ["no-new-privileges=true"], "HostConfig.SecurityOpt", ["no-new-privileges=true"]),
    ("shm_size", "128MiB", "HostConfig.ShmSize", 128 * 2**20),
    ("stdin_open", True, "Config.OpenStdin", True),
    ("stop_grace_period", "1m500ms", "Config.StopTimeout", 61),
    ("stop_signal", "SIGINT", "Config.StopSignal", "SIGINT"),
    ("sysctls", {"net.core.somaxconn": "1024"}, "HostConfig.Sysctls", {"net.core.somaxconn": "1024"}),
    ("tmpfs", ["/tmp:size=64m"], "HostConfig.Tmpfs", {"/tmp": "size=64m"}),
    ("tty", True, "Config.Tty", True),
    ("ulimits", {"nofile": {"soft": 1000, "hard": 2000}}, "HostConfig.Ulimits",
     [{"Name": "nofile", "Soft": 1000, "Hard": 2000}]),
    ("user", "1000:1000", "Config.User", "1000:1000"),
    ("userns_mode", "host", "HostConfig.UsernsMode", "host"),
    ("uts", "host", "HostConfig.UTSMode", "host"),
    ("volumes", ["data:/data:ro"], "Mounts.0.Name", f"{PREFIX}data"),
    ("volumes", ["data:/data:ro"], "Mounts.0.RW", False),
    ("volumes", ["/anonymous"], "Mounts.0.Destination", "/anonymous"),
    ("volumes", ["/srv/made:/srv"], "HostConfig.Binds", ["/srv/made:/srv:rw"]),
    ("volumes", [{"type": "tmpfs", "target": "/t", "tmpfs": {"size": "1MiB"}}], "HostConfig.Mounts.0.TmpfsOptions",
     {"SizeBytes": 2**20}),
    ("working_dir", "/tmp", "Config.WorkingDir", "/tmp"),
]  # fmt: skip


@pytest.fixture
def writer(fleet: Fleet) -> Iterator[Writer]:
    writer = open_writer(tcp_host(fleet, "h1"))
    sweep(writer)
    yield writer
    sweep(writer)
    writer.close()


@pytest.mark.parametrize(("field", "value", "path", "kept"), KEPT, ids=lambda value: str(value)[:40])
def test_an_engine_keeps_a_field(writer: Writer, fleet: Fleet, field: str, value: Json, path: str, kept: Any) -> None:
    request = ContainerRequest(
        f"{PREFIX}body", "declare-test/web:1", spec={field: value}, volumes={"data": f"{PREFIX}data"}
    )
    found = inspect(fleet, writer.create_container(request))
    for part in path.split("."):
        found = found[int(part)] if part.isdecimal() else found[part]
    if path == "Config.Env":
        assert set(kept) <= set(found)
    else:
        assert found == kept


def inspect(fleet: Fleet, container_id: str) -> Any:
    connection = http.client.HTTPConnection(fleet.hosts["h1"].address, 2375, timeout=5)
    connection.request("GET", f"/containers/{container_id}/json")
    return json.loads(connection.getresponse().read())


def test_a_secret_has_its_mode_and_owner_in_the_container(writer: Writer) -> None:
    from declare.model.engine import FileContent

    spec = {"command": ["sleep", "60"], "init": True, "read_only": True}
    request = ContainerRequest(f"{PREFIX}secret", "declare-test/busybox:1", spec=spec, secrets_volume=True)
    container_id = writer.create_container(request)
    writer.write_files(container_id, "/run/secrets", {"key": FileContent(b"s3cret", mode=0o440, uid=1000, gid=1001)})
    writer.start_container(container_id)
    code, shown = writer.run_command(container_id, ["stat", "-c", "%a %u %g", "/run/secrets/key"])
    assert (code, shown) == (0, "440 1000 1001\n")


def test_a_log_is_followed_line_by_line(writer: Writer) -> None:
    spec = {"command": ["sh", "-c", "echo one; echo two >&2; sleep 0.2; echo three"], "restart": "no"}
    container_id = writer.create_container(ContainerRequest(f"{PREFIX}log", "declare-test/busybox:1", spec=spec))
    writer.start_container(container_id)
    assert sorted(writer.follow_logs(container_id)) == ["one", "three", "two"]


def test_a_terminal_s_log_has_no_frames(writer: Writer) -> None:
    spec = {"command": ["echo", "one"], "restart": "no", "tty": True}
    container_id = writer.create_container(ContainerRequest(f"{PREFIX}log", "declare-test/busybox:1", spec=spec))
    writer.start_container(container_id)
    assert list(writer.follow_logs(container_id)) == ["one"]
