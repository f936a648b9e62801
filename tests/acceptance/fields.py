"""For every field of an app: a value, another one, and what a plan must say of them. A field without a line fails."""

from collections.abc import Mapping
from pathlib import Path

from declare.model.canonical import Json
from declare.model.fields import Forces
from tests.acceptance.cases import ABSENT, WEB, Case

_PORT = {"port": 8000}
_RECORD = Forces.RECORD
_REPLACE = Forces.REPLACE


def _tls(number: int) -> dict[str, Json]:
    return {"cert": f"certs/{number}.pem", "key": f"certs/{number}-key.pem"}


def _routed(host: str, **more: Json) -> list[Json]:
    return [{"host": host, **more}]


def _published(published: int, **more: Json) -> dict[str, Json]:
    return {"publish": [{"target": 8000, "published": published, **more}]}


def _mounted(kind: str, source: str | None, target: str = "/mounted", **more: Json) -> dict[str, Json]:
    return {"volumes": [{"type": kind, **({"source": source} if source else {}), "target": target, **more}]}


def _mount(kind: str, source: str | None, target: str = "/mounted", **more: Json) -> list[Json]:
    """The long form as a plan shows it."""
    mounts: list[Json] = _mounted(kind, source, target, **more)["volumes"]
    return mounts


_BLOCK, _OTHER_BLOCK = [
    *sorted(str(path) for path in Path("/dev").iterdir() if path.is_block_device()),
    "/dev/a",
    "/dev/b",
][:2]


def _rates(name: str, *rates: int) -> dict[str, Case]:
    path, rate = f"blkio_config.{name}[].path", f"blkio_config.{name}[].rate"

    def shown(device: str, number: int) -> list[Json]:
        return [{"path": device, "rate": number}]

    return {
        path: Case(
            _BLOCK,
            _OTHER_BLOCK,
            beside={"blkio_config": {name: [{"rate": rates[0]}]}},
            shows=(shown(_BLOCK, rates[0]), shown(_OTHER_BLOCK, rates[0])),
            name=f"blkio_config.{name}",
            required=True,
        ),
        rate: Case(
            rates[0],
            rates[1],
            beside={"blkio_config": {name: [{"path": _BLOCK}]}},
            shows=(shown(_BLOCK, rates[0]), shown(_BLOCK, rates[1])),
            name=f"blkio_config.{name}",
            required=True,
            same=(f"{rates[0] // 1024}k",),
        ),
    }


_GPU_WORDS = "could not select device driver"

_OWN: dict[str, Case] = {
    "image": Case(WEB, "declare-test/web:2", required=True, opinionated=ABSENT),
    "mode": Case("global", "replicated", shows=("global", None)),
    "replicas": Case(2, 3),
    "port": Case(8000, 8001),
    "ports": Case({"http": 8000, "admin": 9000}, {"http": 8000, "admin": 9001}),
    "publish": Case(
        ["15000:8000"],
        ["15001:8000"],
        same=([{"target": 8000, "published": 15000}], [{"target": "8000", "published": "15000", "protocol": "tcp"}],
              ["15000:8000/tcp"], ["15000-15000:8000-8000"]),
    ),
    "publish[].target": Case(
        8000, 8001, beside=_published(15010), shows=(["15010:8000"], ["15010:8001"]), required=True, same=("8000",)
    ),
    "publish[].published": Case(
        15020, 15021, beside=_published(15020), shows=(["15020:8000"], ["15021:8000"]), required=True, same=("15020",)
    ),
    "publish[].host_ip": Case(
        "127.0.0.1", "0.0.0.0", beside=_published(15030),
        shows=(["127.0.0.1:15030:8000"], ["0.0.0.0:15030:8000"], ["15030:8000"]),
    ),
    "publish[].protocol": Case(
        "udp", "tcp", beside=_published(15040), shows=(["15040:8000/udp"], ["15040:8000"], ["15040:8000"])
    ),
    "routes": Case(
        ["routes-1.test"], ["routes-2.test"], beside=_PORT, opinionated=["routes-3.test"],
        same=(_routed("routes-1.test"), ["routes-1.test/"], ["ROUTES-1.test"], _routed("routes-1.test", path="/")),
    ),
    "routes[].host": Case(
        "host-1.test", "host-2.test", beside=_PORT, shows=(["host-1.test"], ["host-2.test"]), required=True
    ),
    "routes[].path": Case(
        "/a", "/b", beside={**_PORT, "routes": _routed("path.test")}, same=("/a/",),
        shows=(["path.test/a"], ["path.test/b"], ["path.test"]),
    ),
    "routes[].strip_prefix": Case(
        True, False, beside={**_PORT, "routes": _routed("strip.test", path="/a")},
        shows=([{"host": "strip.test", "path": "/a", "strip_prefix": True}], ["strip.test/a"], ["strip.test/a"]),
    ),
    "routes[].tls.cert": Case(
        "certs/1.pem", "certs/2.pem", beside={**_PORT, "routes": _routed("cert.test", tls=_tls(1))}, required=True,
        shows=(_routed("cert.test", tls=_tls(1)), _routed("cert.test", tls={**_tls(1), "cert": "certs/2.pem"})),
    ),
    "routes[].tls.key": Case(
        "certs/1-key.pem", "certs/2-key.pem", beside={**_PORT, "routes": _routed("key.test", tls=_tls(1))},
        shows=(_routed("key.test", tls=_tls(1)), _routed("key.test", tls={**_tls(1), "key": "certs/2-key.pem"})),
        required=True,
    ),
    "routes[].redirect": Case(
        False, True, beside={**_PORT, "routes": _routed("redirect.test", tls=_tls(1))},
        shows=(_routed("redirect.test", tls=_tls(1), redirect=False), *([_routed("redirect.test", tls=_tls(1))] * 2)),
    ),
    "proxy.read_timeout": Case("120s", "90s", shows=("2m", "1m30s"), same=("2m", "1m60s")),
    "proxy.max_body_size": Case("2MiB", "3MiB", same=("2m", "2048k", 2097152, "2mb", "2 MiB")),
    "healthcheck.path": Case("/up", "/", beside=_PORT, forces=_RECORD),
    "healthcheck.tcp": Case(True, ABSENT, beside=_PORT, forces=_RECORD),
    "healthcheck.command": Case(
        ["/web", "check"], "/web check", forces=_REPLACE
    ),
    "healthcheck.test": Case(
        ["CMD", "/web", "check"], ["CMD-SHELL", "/web check"], name="healthcheck.command",
        shows=(["/web", "check"], "/web check"), forces=_REPLACE,
    ),
    "healthcheck.disable": Case(True, ABSENT, forces=_REPLACE),
    "healthcheck.port": Case(
        "admin", "http", beside={"ports": {"http": 8000, "admin": 8000}, "healthcheck": {"tcp": True}}, forces=_RECORD
    ),
    **{
        f"healthcheck.{name}{variant}": Case(
            value, changed, beside={**_PORT, "healthcheck": check}, forces=forces, same=same
        )
        for name, value, changed, same in (
            ("interval", "1s", "3s", ("1000ms",)), ("timeout", "3s", "4s", ("3000ms",)), ("retries", 4, 5, ()),
            ("start_period", "1s", "1m30s", ("0m1s",)),
        )
        for variant, check, forces in (
            ("", {"tcp": True}, _RECORD), ("@command", {"command": ["/web", "check"]}, _REPLACE),
        )
    },
    "environment": Case(
        {"A": "1", "B": "x"}, {"A": "2", "B": "x"}, same=(["A=1", "B=x"], ["B=x", "A=1"], {"B": "x", "A": 1}),
    ),
    "env_file": Case(
        "1.env", "2.env", shows=({"FILE": "1"}, {"FILE": "2"}), same=(["1.env"], [{"path": "1.env"}], {"FILE": "1"}),
    ),
    "env_file[].path": Case("1.env", "2.env", shows=({"FILE": "1"}, {"FILE": "2"}), required=True),
    "env_file[].required": Case(
        False, True, beside={"env_file": [{"path": "1.env"}]}, shows=({"FILE": "1"}, {"FILE": "1"}, {"FILE": "1"})
    ),
    "env_file[].format": Case(
        "raw", ABSENT, beside={"env_file": [{"path": "quoted.env"}]}, name="env_file",
        shows=({"QUOTED": "'1'"}, {"QUOTED": "1"}, {"QUOTED": "1"}),
    ),
    "secrets": Case(
        ["s1"], ["s2"], untold=True, shows=({"s1": "s1"}, {"s2": "s2"}),
        same=([{"name": "s1"}], [{"name": "s1", "target": "s1"}]),
    ),
    "secrets[].name": Case("s1", "s2", shows=({"s1": "s1"}, {"s2": "s2"}), required=True, untold=True),
    **{
        f"secrets[].{name}": Case(
            value, changed, beside={"secrets": [{"name": "s1"}]}, same=same,
            untold=True,
            shows=({"s1": {"name": "s1", name: value}}, {"s1": {"name": "s1", name: changed}}, {"s1": "s1"}),
        )
        for name, value, changed, same in (
            ("env", "SECRET_1", "SECRET_2", ()), ("target", "one", "two", ()),
            ("mode", "0440", "0400", ("440", "0o440")),
            ("uid", 1000, 1001, ("1000",)), ("gid", 1000, 1001, ("1000",)),
        )
    },
    "volumes": Case(
        ["volumes:/one"], ["volumes:/two"],
        same=(["volumes:/one:rw"], ["volumes:/one/"], _mount("volume", "volumes", "/one")),
    ),
    "volumes[].type": Case(
        "volume", "tmpfs", beside=_mounted("volume", None), shows=(["/mounted"], _mount("tmpfs", None)), required=True
    ),
    "volumes[].source": Case(
        "source-1", "source-2", beside=_mounted("volume", None),
        shows=(["source-1:/mounted"], ["source-2:/mounted"], ["/mounted"]),
    ),
    "volumes[].target": Case(
        "/one", "/two", beside=_mounted("volume", "target"), shows=(["target:/one"], ["target:/two"]), required=True
    ),
    "volumes[].read_only": Case(
        True, False, beside=_mounted("volume", "read-only"),
        shows=(["read-only:/mounted:ro"], ["read-only:/mounted"], ["read-only:/mounted"]),
    ),
    "volumes[].bind.propagation": Case(
        "private", "rprivate", beside=_mounted("bind", "/tmp"),
        shows=(_mount("bind", "/tmp", bind={"propagation": "private"}), ["/tmp:/mounted"], ["/tmp:/mounted"]),
    ),
    "volumes[].bind.create_host_path": Case(
        False, True, beside=_mounted("bind", "/tmp"),
        shows=(_mount("bind", "/tmp", bind={"create_host_path": False}), ["/tmp:/mounted"], ["/tmp:/mounted"]),
    ),
    "volumes[].bind.selinux": Case(
        "z", "Z", beside=_mounted("bind", "/tmp"),
        shows=(_mount("bind", "/tmp", bind={"selinux": "z"}), _mount("bind", "/tmp",
        bind={"selinux": "Z"}), ["/tmp:/mounted"]),
    ),
    "volumes[].volume.nocopy": Case(
        True, False, beside=_mounted("volume", "nocopy"),
        shows=(_mount("volume", "nocopy", volume={"nocopy": True}), ["nocopy:/mounted"], ["nocopy:/mounted"]),
    ),
    "volumes[].volume.subpath": Case(
        "a", "b", beside=_mounted("volume", "subpath"), refused="needs an engine from Docker 26.0 on",
        shows=(_mount("volume", "subpath", volume={"subpath": "a"}),
               _mount("volume", "subpath", volume={"subpath": "b"}),
               ["subpath:/mounted"]),
    ),
    "volumes[].tmpfs.size": Case(
        "1MiB", "2MiB", beside=_mounted("tmpfs", None), same=("1m", 1048576),
        shows=(_mount("tmpfs", None, tmpfs={"size": "1MiB"}), _mount("tmpfs", None, tmpfs={"size": "2MiB"}),
               _mount("tmpfs", None)),
    ),
    "volumes[].tmpfs.mode": Case(
        "1777", "0700", beside=_mounted("tmpfs", None),
        shows=(_mount("tmpfs", None, tmpfs={"mode": "1777"}), _mount("tmpfs", None, tmpfs={"mode": "0700"}),
               _mount("tmpfs", None)),
    ),
    "volumes[].consistency": Case(
        "cached", "delegated", beside=_mounted("volume", "consistency"), shows=(["consistency:/mounted"],) * 3
    ),
    "resources.cpus": Case(0.01, 0.02, same=("0.01", "0.010")),
    "resources.memory": Case("64MiB", "65MiB", same=("64m", "65536k", 67108864)),
    "placement.require": Case({"zone": "a"}, {"zone": ["a", "b"]}, same=({"zone": ["a"]},)),
    "placement.spread": Case("rack", "zone"),
    "placement.max_per_host": Case(1, 2),
    "update.order": Case("stop-first", "start-first"),
    "update.parallelism": Case(2, "50%"),
    "update.max_unavailable": Case(1, "25%"),
    "update.settle": Case("1s", "2s", shows=("1s", "2s"), same=("1000ms",)),
    "update.drain": Case("1s", "90s", shows=("1s", "1m30s")),
    "update.on_failure": Case("pause", "continue"),
    "update.healthy_within": Case("30s", "45s"),
    "pull_policy": Case("never", "missing", shows=("never", None)),
}  # fmt: skip

_PASSED: dict[str, Case] = {
    "annotations": Case(
        {"team": "a"}, {"team": "b"}, same=(["team=a"],), refused="needs an engine from Docker 24.0 on",
    ),
    # A kernel without weights is no error for an engine: it drops them, and says so in a warning.
    "blkio_config.weight": Case(300, 400, untold=True),
    "blkio_config.weight_device[].path": Case(
        _BLOCK, _OTHER_BLOCK, beside={"blkio_config": {"weight_device": [{"weight": 300}]}}, required=True, untold=True,
        name="blkio_config.weight_device", shows=([{"path": _BLOCK, "weight": 300}],
               [{"path": _OTHER_BLOCK, "weight": 300}]),
    ),
    "blkio_config.weight_device[].weight": Case(
        300, 400, beside={"blkio_config": {"weight_device": [{"path": _BLOCK}]}}, required=True, untold=True,
        name="blkio_config.weight_device", shows=([{"path": _BLOCK, "weight": 300}], [{"path": _BLOCK, "weight": 400}]),
    ),
    **_rates("device_read_bps", 2**20, 2**21),
    **_rates("device_read_iops", 1024, 2048),
    **_rates("device_write_bps", 2**20, 2**21),
    **_rates("device_write_iops", 1024, 2048),
    "cap_add": Case(
        ["NET_ADMIN", "SYS_TIME"], ["NET_ADMIN"], same=(["SYS_TIME", "NET_ADMIN"], ["CAP_SYS_TIME", "cap_net_admin"]),
    ),
    "cap_drop": Case(["MKNOD", "NET_RAW"], ["NET_RAW"], same=(["net_raw", "CAP_MKNOD"],)),
    "cgroup": Case("private", "host"),
    "cgroup_parent": Case("/declare-test-1", "/declare-test-2"),
    "command": Case(["/web"], ["/web", "tcp"], same=("/web", "'/web'"), opinionated=["-c", "exec /web tcp"]),
    "cpu_period": Case(50000, 100000, same=("50ms", "50000us", "0.05s")),
    "cpu_quota": Case(20000, 30000),
    "cpu_rt_period": Case(500000, 1000000, same=("500ms",)),
    "cpu_rt_runtime": Case(95000, 90000, same=("95ms",), refused="cpu.rt_runtime_us"),
    "cpu_shares": Case(512, 513),
    "cpus": Case(0.5, 0.25, same=("0.5", "0.50")),
    "cpuset": Case("0", "0-1"),
    "device_cgroup_rules": Case(["c 1:3 mr"], ["c 1:5 mr"]),
    "devices": Case(
        ["/dev/null:/dev/one:rwm"], ["/dev/null:/dev/two:rwm"],
        same=(["/dev/null:/dev/one"], [{"source": "/dev/null", "target": "/dev/one"}]),
    ),
    "devices[].source": Case("/dev/null", "/dev/zero", beside={"devices": [{"target": "/dev/it"}]}, required=True,
                             shows=(["/dev/null:/dev/it:rwm"], ["/dev/zero:/dev/it:rwm"])),
    "devices[].target": Case(
        "/dev/one", "/dev/two", beside={"devices": [{"source": "/dev/null"}]},
        shows=(["/dev/null:/dev/one:rwm"], ["/dev/null:/dev/two:rwm"], ["/dev/null:/dev/null:rwm"]),
    ),
    "devices[].permissions": Case("r", "rw", beside={"devices": [{"source": "/dev/null"}]},
                                  shows=tuple([f"/dev/null:/dev/null:{p}"] for p in ("r", "rw", "rwm"))),
    "dns": Case(["10.0.0.2"], ["10.0.0.3"], same=("10.0.0.2",)),
    "dns_opt": Case(["use-vc"], ["ndots:2"]),
    "dns_search": Case(["one.test"], ["two.test"], same=("one.test",)),
    "domainname": Case("one.test", "two.test"),
    "entrypoint": Case(["/web"], ["/bin/busybox", "env", "/web"], same=("/web",)),
    "extra_hosts": Case(
        ["db=10.0.0.9"], ["db=10.0.0.8"],
        same=({"db": "10.0.0.9"}, ["db:10.0.0.9"], {"db": ["10.0.0.9"]}, ["db=[10.0.0.9]"])
    ),
    "gpus": Case("all", ABSENT, refused=_GPU_WORDS),
    "gpus[].driver": Case("nvidia", "other", shows=([{"driver": "nvidia"}], [{"driver": "other"}]), refused=_GPU_WORDS),
    "gpus[].count": Case(1, "all", shows=([{"count": 1}], [{"count": "all"}]), same=("1",), refused=_GPU_WORDS),
    "gpus[].device_ids": Case(
        ["0"], ["1"], shows=([{"device_ids": ["0"]}], [{"device_ids": ["1"]}]), refused=_GPU_WORDS,
    ),
    "gpus[].capabilities": Case(
        ["gpu"], ["gpu", "utility"], refused=_GPU_WORDS, shows=([{"capabilities": ["gpu"]}],
               [{"capabilities": ["gpu", "utility"]}])
    ),
    "gpus[].options": Case({"a": "1"}, {"a": "2"}, shows=([{"options": {"a": "1"}}], [{"options": {"a": "2"}}]),
                           same=(["a=1"],), refused=_GPU_WORDS),
    "group_add": Case(["100"], ["101"], same=([100],)),
    "hostname": Case("one", "two"),
    "init": Case(True, False),
    "ipc": Case("shareable", "private"),
    "labels": Case({"team": "a"}, {"team": "b"}, same=(["team=a"],)),
    "logging.driver": Case("json-file", "local"),
    "logging.options": Case({"max-size": "1m"}, {"max-size": "2m"}, same=(["max-size=1m"],)),
    "mac_address": Case("02:42:0a:00:00:09", "02:42:0a:00:00:0a"),
    "mem_limit": Case("64MiB", "65MiB", same=("64m", 67108864, "64M", "64mb")),
    "mem_reservation": Case("32MiB", "33MiB", same=("32m",)),
    "mem_swappiness": Case(10, 20),
    "memswap_limit": Case("128MiB", -1, beside={"mem_limit": "64m"}, same=("128m",)),
    "network_mode": Case("none", "host"),
    "oom_kill_disable": Case(True, False, beside={"mem_limit": "64m"}, shows=(True, None)),
    "oom_score_adj": Case(100, 200),
    "pid": Case("host", ABSENT),
    "pids_limit": Case(100, -1),
    "platform": Case("linux/amd64", "linux", untold=True),
    "privileged": Case(True, False, shows=(True, None), refused="operation not permitted"),
    "read_only": Case(True, False, shows=(True, None)),
    "restart": Case("always", "on-failure:3"),
    "runtime": Case("runc", "io.containerd.runc.v2"),
    "security_opt": Case(["no-new-privileges"], ["seccomp=unconfined"]),
    "shm_size": Case("1MiB", "2MiB", same=("1m", "1024k", 1048576)),
    "stdin_open": Case(True, False, shows=(True, None)),
    "stop_grace_period": Case("5s", "90s", shows=("5s", "1m30s"), same=("5000ms",)),
    "stop_signal": Case("SIGTERM", "SIGINT"),
    "storage_opt": Case(
        {"size": "1G"}, {"size": "2G"}, same=(["size=1G"],), refused="--storage-opt is supported only for",
    ),
    "sysctls": Case({"net.core.somaxconn": "1024"}, {"net.core.somaxconn": "2048"},
                    same=(["net.core.somaxconn=1024"], {"net.core.somaxconn": 1024})),
    "tmpfs": Case(["/scratch"], ["/scratch:size=1m"], same=("/scratch",)),
    "tty": Case(True, False, shows=(True, None)),
    "ulimits": Case({"nofile": 1024}, {"nofile": 2048}, same=({"nofile": {"soft": 1024, "hard": 1024}},)),
    "ulimits.*.soft": Case(512, 513, at="ulimits.nofile.soft", beside={"ulimits": {"nofile": {"hard": 1024}}},
    required=True,
                           name="ulimits.nofile", shows=({"soft": 512, "hard": 1024}, {"soft": 513, "hard": 1024})),
    "ulimits.*.hard": Case(1024, 1025, at="ulimits.nofile.hard", beside={"ulimits": {"nofile": {"soft": 512}}},
    required=True,
                           name="ulimits.nofile", shows=({"soft": 512, "hard": 1024}, {"soft": 512, "hard": 1025})),
    "user": Case("0", "1000:1000", same=(0,)),
    "userns_mode": Case("host", ABSENT),
    "uts": Case("host", ABSENT),
    "working_dir": Case("/tmp", "/data"),
}  # fmt: skip

CASES: Mapping[str, Case] = _OWN | _PASSED
"""By path; what follows an @ makes several cases of one path."""
