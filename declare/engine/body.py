"""A container's spec in manifest terms, written as the body of the engine's create call: one table, a line a field.

Pure. A field without a line here is an error, so that none can be dropped in silence.
"""

import shlex
from collections.abc import Callable, Mapping
from typing import Any

from declare.model.canonical import Json
from declare.model.engine import ContainerRequest
from declare.model.errors import EngineError
from declare.model.fields import CONTAINER_FIELDS
from declare.model.quantity import parse_duration, parse_size
from declare.model.settings import BLKIO_WEIGHT, canonical_restart, parse_microseconds

Converter = Callable[[Json], Any]


def seconds(value: Json) -> int:
    """Whole seconds, rounded up: the engine knows no parts of them here."""
    return -int(-parse_duration(str(value)) // 1)


def nanoseconds(value: Json) -> int:
    return round(parse_duration(str(value)) * 1_000_000_000)


def size(value: Json) -> int:
    return -1 if str(value) == "-1" else parse_size(int(value) if isinstance(value, float) else value)


def words(value: Json) -> list[str]:
    """A command as Compose reads it: a text is split as a shell would."""
    return shlex.split(value) if isinstance(value, str) else [str(word) for word in value]


def entrypoint(value: Json) -> list[str]:
    # The engine takes [] for "not given"; one empty word is how it is told to forget the image's.
    return words(value) or [""]


def texts(value: Json) -> list[str]:
    return [value] if isinstance(value, str) else [str(item) for item in value]


def mapping(value: Json) -> dict[str, str]:
    """A map from "K=V" items or a map; a value of null is an empty text."""
    if isinstance(value, Mapping):
        return {str(key): text(item) for key, item in value.items()}
    return {key: rest for key, _, rest in (str(item).partition("=") for item in value)}


def text(value: Json) -> str:
    if value is None:
        return ""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def extra_hosts(value: Json) -> list[str]:
    if not isinstance(value, Mapping):
        return [":".join(_cut(str(item))) for item in value]
    return [f"{name}:{ip}" for name, ips in value.items() for ip in texts(ips)]


def _cut(item: str) -> tuple[str, str]:
    name, equals, ip = item.partition("=")
    if not equals:
        name, _, ip = item.partition(":")
    return name.strip(), ip.strip().removeprefix("[").removesuffix("]")


def restart(value: Json) -> dict[str, Any]:
    name, _, count = canonical_restart(value).partition(":")
    return {"Name": name, "MaximumRetryCount": int(count or 0)}


def ulimits(value: Json) -> list[dict[str, Any]]:
    return [
        {"Name": name, "Soft": limit["soft"], "Hard": limit["hard"]}
        if isinstance(limit, Mapping)
        else {"Name": name, "Soft": int(limit), "Hard": int(limit)}
        for name, limit in value.items()
    ]


def logging(value: Json) -> dict[str, Any]:
    return {"Type": value.get("driver", ""), "Config": mapping(value.get("options") or {})}


def tmpfs(value: Json) -> dict[str, str]:
    return {target: options for target, _, options in (item.partition(":") for item in texts(value))}


def device(value: Json) -> dict[str, str]:
    if isinstance(value, Mapping):
        source, target, permissions = value["source"], value.get("target"), value.get("permissions")
    else:
        source, target, permissions = ([*str(value).split(":"), None, None])[:3]
        if target and not target.startswith("/"):
            target, permissions = None, target
    return {"PathOnHost": source, "PathInContainer": target or source, "CgroupPermissions": permissions or "rwm"}


def gpus(value: Json) -> list[dict[str, Any]]:
    if value == "all":
        return [{"Count": -1, "Capabilities": [["gpu"]]}]
    return [
        {
            "Driver": gpu.get("driver", ""),
            "Count": 0 if gpu.get("device_ids") else -1 if gpu.get("count", "all") == "all" else int(gpu["count"]),
            "DeviceIDs": gpu.get("device_ids") or [],
            "Capabilities": [["gpu", *(gpu.get("capabilities") or ())]],
            "Options": mapping(gpu.get("options") or {}),
        }
        for gpu in value
    ]


def blkio(value: Json) -> dict[str, Any]:
    rates = {
        "device_read_bps": "BlkioDeviceReadBps",
        "device_read_iops": "BlkioDeviceReadIOps",
        "device_write_bps": "BlkioDeviceWriteBps",
        "device_write_iops": "BlkioDeviceWriteIOps",
    }
    limits: dict[str, Any] = {
        key: [{"Path": item["path"], "Rate": size(item["rate"])} for item in value[name]]
        for name, key in rates.items()
        if name in value
    }
    if "weight" in value:
        limits["BlkioWeight"] = int(value["weight"])
    if "weight_device" in value:
        limits["BlkioWeightDevice"] = [
            {"Path": item["path"], "Weight": int(item["weight"])} for item in value["weight_device"]
        ]
    return limits


def strings(value: Json) -> list[str]:
    return [text(item) for item in value]


MERGED = ""
"""As a key of the table: the converter's result is merged into the section."""

_CONFIG: dict[str, tuple[str, Converter]] = {
    "command": ("Cmd", words),
    "domainname": ("Domainname", str),
    "entrypoint": ("Entrypoint", entrypoint),
    "hostname": ("Hostname", str),
    "mac_address": ("MacAddress", str),
    "stdin_open": ("OpenStdin", bool),
    "stop_grace_period": ("StopTimeout", seconds),
    "stop_signal": ("StopSignal", str),
    "tty": ("Tty", bool),
    "user": ("User", str),
    "working_dir": ("WorkingDir", str),
}

_HOST: dict[str, tuple[str, Converter]] = {
    "annotations": ("Annotations", mapping),
    "blkio_config": (MERGED, blkio),
    "cap_add": ("CapAdd", strings),
    "cap_drop": ("CapDrop", strings),
    "cgroup": ("CgroupnsMode", str),
    "cgroup_parent": ("CgroupParent", str),
    "cpu_period": ("CpuPeriod", parse_microseconds),
    "cpu_quota": ("CpuQuota", parse_microseconds),
    "cpu_rt_period": ("CpuRealtimePeriod", parse_microseconds),
    "cpu_rt_runtime": ("CpuRealtimeRuntime", parse_microseconds),
    "cpu_shares": ("CpuShares", int),
    "cpus": ("NanoCpus", lambda value: round(float(value) * 1e9)),
    "cpuset": ("CpusetCpus", str),
    "device_cgroup_rules": ("DeviceCgroupRules", strings),
    "devices": ("Devices", lambda value: [device(item) for item in value]),
    "dns": ("Dns", texts),
    "dns_opt": ("DnsOptions", texts),
    "dns_search": ("DnsSearch", texts),
    "extra_hosts": ("ExtraHosts", extra_hosts),
    "gpus": ("DeviceRequests", gpus),
    "group_add": ("GroupAdd", strings),
    "init": ("Init", bool),
    "ipc": ("IpcMode", str),
    "logging": ("LogConfig", logging),
    "mem_limit": ("Memory", size),
    "mem_reservation": ("MemoryReservation", size),
    "mem_swappiness": ("MemorySwappiness", int),
    "memswap_limit": ("MemorySwap", size),
    "network_mode": ("NetworkMode", str),
    "oom_kill_disable": ("OomKillDisable", bool),
    "oom_score_adj": ("OomScoreAdj", int),
    "pid": ("PidMode", str),
    "pids_limit": ("PidsLimit", int),
    "privileged": ("Privileged", bool),
    "read_only": ("ReadonlyRootfs", bool),
    "restart": ("RestartPolicy", restart),
    "runtime": ("Runtime", str),
    "security_opt": ("SecurityOpt", strings),
    "shm_size": ("ShmSize", size),
    "storage_opt": ("StorageOpt", mapping),
    "sysctls": ("Sysctls", mapping),
    "tmpfs": ("Tmpfs", tmpfs),
    "ulimits": ("Ulimits", ulimits),
    "userns_mode": ("UsernsMode", str),
    "uts": ("UTSMode", str),
}

_WRITTEN_BELOW = frozenset(
    {"image", "environment", "env_file", "healthcheck", "labels", "platform", "resources", "volumes"}
)
_GIVEN_OTHERWISE = frozenset({"port", "ports", "publish", "secrets"})
"""These come as `bindings`, as `environment` and as files."""

MAPPED = frozenset({*_CONFIG, *_HOST, *_WRITTEN_BELOW, *_GIVEN_OTHERWISE})
SINCE_API = {"annotations": ((1, 43), "Docker 24.0")}
"""Fields that older engines would ignore without a word."""

SECRETS_FOLDER = "/run/secrets"


def build_body(host: str, request: ContainerRequest, api: tuple[int, int]) -> tuple[dict[str, Any], str]:
    """The create call's body, and the platform to ask for ("" for the engine's own).

    Raises EngineError naming `host` for a field that can't be given to an engine of this API version.
    """
    spec = request.spec
    _refuse_unmapped(host, spec, api)
    config: dict[str, Any] = {
        "Image": request.image,
        "Env": [f"{name}={value}" for name, value in sorted(_environment(request).items())],
        "Labels": {**mapping(spec.get("labels") or {}), **request.labels},
        **_convert(_CONFIG, spec),
    }
    limits = {"RestartPolicy": restart(None), **_resources(spec), **_convert(_HOST, spec), **_volumes(request)}
    if (check := spec.get("healthcheck")) and "command" in check:
        config["Healthcheck"] = _healthcheck(check)
    if request.secrets_volume:
        # PUT archive is refused for a read-only container's own file system, and works into a volume of it.
        config["Volumes"] = {SECRETS_FOLDER: {}}
    if request.bindings:
        config["ExposedPorts"] = {f"{b.container_port}/{b.protocol}": {} for b in request.bindings}
        limits["PortBindings"] = _port_bindings(request)
    return {**config, "HostConfig": limits}, str(spec.get("platform") or "")


def build_update(host: str, settings: Mapping[str, Json]) -> dict[str, Any]:
    """The body of an update call for settings by manifest name, as `Container.settings` has them."""
    body: dict[str, Any] = {}
    for name, value in settings.items():
        key, convert = ("BlkioWeight", int) if name == BLKIO_WEIGHT else _HOST.get(name, ("", str))
        if not key:
            raise EngineError(host, f"{name} can't be altered in place")
        body[key] = convert(value)
    if body.get("Memory") and "MemorySwap" not in body:
        # An engine sets the swap limit to twice the memory at create, and refuses memory above the swap limit here.
        body["MemorySwap"] = 2 * body["Memory"]
    return body


def _refuse_unmapped(host: str, spec: Mapping[str, Json], api: tuple[int, int]) -> None:
    for name in sorted(spec):
        if name in CONTAINER_FIELDS and name not in MAPPED:
            raise EngineError(host, f'the field "{name}" has no place in a container')
        since, version = SINCE_API.get(name, ((0, 0), ""))
        if api < since:
            raise EngineError(host, f'the field "{name}" needs an engine from {version} on', help="update its Docker")


def _convert(table: Mapping[str, tuple[str, Converter]], spec: Mapping[str, Json]) -> dict[str, Any]:
    section: dict[str, Any] = {}
    for name, (key, convert) in table.items():
        if (value := spec.get(name)) is not None:
            section |= convert(value) if key == MERGED else {key: convert(value)}
    return section


def _environment(request: ContainerRequest) -> dict[str, str]:
    """The environment wins over env_file, as in Compose, and what is given with the request over both."""
    found = {**mapping(request.spec.get("env_file") or {}), **mapping(request.spec.get("environment") or {})}
    return {**found, **request.environment}


def _resources(spec: Mapping[str, Json]) -> dict[str, Any]:
    resources = spec.get("resources") or {}
    limits: dict[str, Any] = {}
    if resources.get("memory"):
        limits["Memory"] = size(resources["memory"])
    if resources.get("cpus") and not ("cpu_quota" in spec or "cpu_period" in spec):
        limits["NanoCpus"] = round(float(resources["cpus"]) * 1e9)
    return limits


def _healthcheck(check: Mapping[str, Json]) -> dict[str, Any]:
    test = check["command"]
    if isinstance(test, str):
        test = ["CMD-SHELL", test]
    elif not test or test[0] not in ("CMD", "CMD-SHELL", "NONE"):
        test = ["CMD", *test]
    return {
        "Test": [str(word) for word in test],
        "Interval": nanoseconds(check.get("interval", "2s")),
        "Timeout": nanoseconds(check.get("timeout", "2s")),
        "Retries": int(check.get("retries", 3)),
        "StartPeriod": nanoseconds(check.get("start_period", "0s")),
    }


def _port_bindings(request: ContainerRequest) -> dict[str, list[dict[str, str]]]:
    bound: dict[str, list[dict[str, str]]] = {}
    for binding in sorted(request.bindings):
        held = {"HostIp": binding.host_ip, "HostPort": str(binding.host_port)}
        bound.setdefault(f"{binding.container_port}/{binding.protocol}", []).append(held)
    return bound


def _volumes(request: ContainerRequest) -> dict[str, Any]:
    from declare.engine.mounts import build_mounts

    return build_mounts(request.spec.get("volumes") or (), request.volumes)
