"""A container's spec, in the manifest's canonical form, as the body of the engine's create call: a line a field.

Pure. A field without a line here is an error, so that none can be dropped in silence.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from declare.model.canonical import Json
from declare.model.engine import ContainerRequest
from declare.model.errors import EngineError
from declare.model.fields import CONTAINER_FIELDS
from declare.model.quantity import parse_duration, parse_size
from declare.model.settings import BLKIO_WEIGHT, canonical_restart

Converter = Callable[[Json], Any]


def seconds(value: Json) -> int:
    """Whole seconds, rounded up: the engine knows no parts of them here."""
    return math.ceil(parse_duration(value))


def nanoseconds(value: Json) -> int:
    return round(parse_duration(value) * 1_000_000_000)


def size(value: Json) -> int:
    return parse_size(value)


def nano_cpus(value: Json) -> int:
    return round(float(value) * 1_000_000_000)


def as_is(value: Json) -> Any:
    return value


def entrypoint(value: Json) -> list[str]:
    # The engine takes [] for "not given"; one empty word is how it is told to forget the image's.
    return value or [""]


def extra_hosts(value: Json) -> list[str]:
    # NAME=ADDRESS is understood by newer engines only.
    return [item.replace("=", ":", 1) for item in value]


def restart(value: Json) -> dict[str, Any]:
    name, _, count = canonical_restart(value).partition(":")
    return {"Name": name, "MaximumRetryCount": int(count or 0)}


def ulimits(value: Json) -> list[dict[str, Any]]:
    pairs = {
        name: limit if isinstance(limit, dict) else {"soft": limit, "hard": limit} for name, limit in value.items()
    }
    return [{"Name": name, "Soft": pair["soft"], "Hard": pair["hard"]} for name, pair in pairs.items()]


def logging(value: Json) -> dict[str, Any]:
    return {"Type": value.get("driver", ""), "Config": value.get("options", {})}


def tmpfs(value: Json) -> dict[str, str]:
    return {target: options for target, _, options in (item.partition(":") for item in value)}


def devices(value: Json) -> list[dict[str, str]]:
    keys = ("PathOnHost", "PathInContainer", "CgroupPermissions")
    return [dict(zip(keys, item.split(":"), strict=True)) for item in value]


def gpus(value: Json) -> list[dict[str, Any]]:
    return [_gpu(gpu) for gpu in ([{}] if isinstance(value, str) else value)]


def _gpu(gpu: Mapping[str, Json]) -> dict[str, Any]:
    ids, count = gpu.get("device_ids", []), gpu.get("count", "all")
    return {
        "Driver": gpu.get("driver", ""),
        "Count": 0 if ids else -1 if count == "all" else count,
        "DeviceIDs": ids,
        "Capabilities": [["gpu", *(name for name in gpu.get("capabilities", ()) if name != "gpu")]],
        "Options": gpu.get("options", {}),
    }


_RATES = {
    "device_read_bps": "BlkioDeviceReadBps",
    "device_read_iops": "BlkioDeviceReadIOps",
    "device_write_bps": "BlkioDeviceWriteBps",
    "device_write_iops": "BlkioDeviceWriteIOps",
}


def blkio(value: Json) -> dict[str, Any]:
    limits: dict[str, Any] = {
        key: [{"Path": item["path"], "Rate": item["rate"]} for item in value[name]]
        for name, key in _RATES.items()
        if name in value
    }
    if "weight" in value:
        limits["BlkioWeight"] = value["weight"]
    if "weight_device" in value:
        limits["BlkioWeightDevice"] = [
            {"Path": item["path"], "Weight": item["weight"]} for item in value["weight_device"]
        ]
    return limits


MERGED = ""
"""As a key of the table: the converter's result is merged into the section."""

_CONFIG: dict[str, tuple[str, Converter]] = {
    "command": ("Cmd", as_is),
    "domainname": ("Domainname", as_is),
    "entrypoint": ("Entrypoint", entrypoint),
    "hostname": ("Hostname", as_is),
    "mac_address": ("MacAddress", as_is),
    "stdin_open": ("OpenStdin", as_is),
    "stop_grace_period": ("StopTimeout", seconds),
    "stop_signal": ("StopSignal", as_is),
    "tty": ("Tty", as_is),
    "user": ("User", as_is),
    "working_dir": ("WorkingDir", as_is),
}

_HOST: dict[str, tuple[str, Converter]] = {
    "annotations": ("Annotations", as_is),
    "blkio_config": (MERGED, blkio),
    "cap_add": ("CapAdd", as_is),
    "cap_drop": ("CapDrop", as_is),
    "cgroup": ("CgroupnsMode", as_is),
    "cgroup_parent": ("CgroupParent", as_is),
    "cpu_period": ("CpuPeriod", as_is),
    "cpu_quota": ("CpuQuota", as_is),
    "cpu_rt_period": ("CpuRealtimePeriod", as_is),
    "cpu_rt_runtime": ("CpuRealtimeRuntime", as_is),
    "cpu_shares": ("CpuShares", as_is),
    "cpus": ("NanoCpus", nano_cpus),
    "cpuset": ("CpusetCpus", as_is),
    "device_cgroup_rules": ("DeviceCgroupRules", as_is),
    "devices": ("Devices", devices),
    "dns": ("Dns", as_is),
    "dns_opt": ("DnsOptions", as_is),
    "dns_search": ("DnsSearch", as_is),
    "extra_hosts": ("ExtraHosts", extra_hosts),
    "gpus": ("DeviceRequests", gpus),
    "group_add": ("GroupAdd", as_is),
    "init": ("Init", as_is),
    "ipc": ("IpcMode", as_is),
    "logging": ("LogConfig", logging),
    "mem_limit": ("Memory", size),
    "mem_reservation": ("MemoryReservation", size),
    "mem_swappiness": ("MemorySwappiness", as_is),
    "memswap_limit": ("MemorySwap", size),
    "network_mode": ("NetworkMode", as_is),
    "oom_kill_disable": ("OomKillDisable", as_is),
    "oom_score_adj": ("OomScoreAdj", as_is),
    "pid": ("PidMode", as_is),
    "pids_limit": ("PidsLimit", as_is),
    "privileged": ("Privileged", as_is),
    "read_only": ("ReadonlyRootfs", as_is),
    "restart": ("RestartPolicy", restart),
    "runtime": ("Runtime", as_is),
    "security_opt": ("SecurityOpt", as_is),
    "shm_size": ("ShmSize", size),
    "storage_opt": ("StorageOpt", as_is),
    "sysctls": ("Sysctls", as_is),
    "tmpfs": ("Tmpfs", tmpfs),
    "ulimits": ("Ulimits", ulimits),
    "userns_mode": ("UsernsMode", as_is),
    "uts": ("UTSMode", as_is),
}

_WRITTEN_BELOW = frozenset(
    {"image", "environment", "env_file", "healthcheck", "labels", "platform", "resources", "volumes"}
)
_GIVEN_OTHERWISE = frozenset({"port", "ports", "publish", "secrets"})
"""These come as `bindings`, as `environment` and as files."""

MAPPED = frozenset({*_CONFIG, *_HOST, *_WRITTEN_BELOW, *_GIVEN_OTHERWISE})
SINCE_API = {"annotations": ((1, 43), "Docker 24.0"), "volumes.volume.subpath": ((1, 45), "Docker 26.0")}
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
        "Labels": {**spec.get("labels", {}), **request.labels},
        **_convert(_CONFIG, spec),
    }
    limits = {"RestartPolicy": restart(None), **_resources(spec), **_convert(_HOST, spec), **_volumes(request)}
    if check := _healthcheck(spec.get("healthcheck", {})):
        config["Healthcheck"] = check
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
        key, convert = ("BlkioWeight", as_is) if name == BLKIO_WEIGHT else _HOST.get(name, ("", str))
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
    for name, (since, version) in SINCE_API.items():
        if api < since and _has(spec, name.split(".")):
            raise EngineError(host, f'the field "{name}" needs an engine from {version} on', help="update its Docker")


def _has(inside: Json, path: list[str]) -> bool:
    """Whether a field is set, in any item of the lists on the way to it."""
    if not path:
        return True
    if isinstance(inside, list):
        return any(_has(item, path) for item in inside)
    return isinstance(inside, Mapping) and path[0] in inside and _has(inside[path[0]], path[1:])


def _convert(table: Mapping[str, tuple[str, Converter]], spec: Mapping[str, Json]) -> dict[str, Any]:
    section: dict[str, Any] = {}
    for name, (key, convert) in table.items():
        if (value := spec.get(name)) is not None:
            section |= convert(value) if key == MERGED else {key: convert(value)}
    return section


def _environment(request: ContainerRequest) -> dict[str, str]:
    """The environment wins over env_file, as in Compose, and what is given with the request over both."""
    found = {**request.spec.get("env_file", {}), **request.spec.get("environment", {})}
    return {**found, **request.environment}


def _resources(spec: Mapping[str, Json]) -> dict[str, Any]:
    resources = spec.get("resources", {})
    limits: dict[str, Any] = {}
    if resources.get("memory"):
        limits["Memory"] = size(resources["memory"])
    if resources.get("cpus") and not ("cpu_quota" in spec or "cpu_period" in spec):
        limits["NanoCpus"] = nano_cpus(resources["cpus"])
    return limits


def _healthcheck(check: Mapping[str, Json]) -> dict[str, Any]:
    """Docker's own health check; empty for declare's (path, tcp), which leave the image's as it is."""
    if check.get("disable"):
        return {"Test": ["NONE"]}
    if "command" not in check:
        return {}
    command = check["command"]
    return {
        "Test": ["CMD-SHELL", command] if isinstance(command, str) else ["CMD", *command],
        "Interval": nanoseconds(check.get("interval", "2s")),
        "Timeout": nanoseconds(check.get("timeout", "2s")),
        "Retries": check.get("retries", 3),
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

    return build_mounts(request.spec.get("volumes", ()), request.volumes)
