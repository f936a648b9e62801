"""The canonical form of every field of an app: declare's defaults left out, one spelling for one meaning."""

import re
from collections.abc import Iterator, Mapping

from declare.load.document import Node
from declare.load.dotenv import parse_dotenv
from declare.load.forms import (
    Context,
    Form,
    byte_count,
    capabilities,
    command,
    duration,
    each,
    environment,
    fields,
    flag,
    image,
    integer,
    leave_out,
    list_of,
    microseconds,
    number,
    octal,
    pairs,
    read_pairs,
    record,
    size,
    text,
    text_set,
    texts,
)
from declare.load.health import healthcheck
from declare.load.mounts import volumes
from declare.load.problems import Mistake
from declare.load.publish import publish
from declare.load.routes import routes
from declare.load.text import decode, read_inside
from declare.model.app import ProxyRules, UpdatePolicy
from declare.model.canonical import Json
from declare.model.quantity import format_duration, format_size

_PERCENT = re.compile(r"(100|[1-9]?[0-9])%")
_EXTRA_HOST = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)[=:](\[?[0-9A-Fa-f.:]+\]?|host-gateway)")


def canonicalise(app: Node, context: Context, *, skip: frozenset[str] = frozenset()) -> dict[str, Json]:
    """The canonical spec of an app whose shape the schema accepted; fields in `skip` are left out, as are x- fields."""
    wanted = {name: form for name, form in FORMS.items() if name in app.mapping and name not in skip}
    spec = fields(app, wanted, context)
    if set(spec.get("ports", ())) == {"http"}:
        spec["port"] = spec.pop("ports")["http"]
    return {name: value for name, value in leave_out(spec, DEFAULTS).items() if value not in EMPTY.get(name, _NOTHING)}


def _ports(node: Node, context: Context) -> dict[str, Json]:
    if not isinstance(node.value, dict):
        raise Mistake("this must be a mapping", node.source)
    return {name: integer(entry, context) for name, entry in sorted(node.mapping.items())}


def _count(node: Node, context: Context) -> int | str:
    """How many, or a percentage."""
    if not node.text.endswith("%"):
        found = integer(node, context)
        if found >= 1:
            return found
    elif _PERCENT.fullmatch(node.text) and node.text not in ("0%", "00%"):
        return f"{int(node.text[:-1])}%"
    raise Mistake(f'"{node.text}" is not a number of at least 1 or a percentage such as "25%"', node.source)


def _env_file(node: Node, context: Context) -> dict[str, str]:
    """The variables of all files, the later ones winning; or what was read from them before."""
    if isinstance(node.value, dict) and "path" not in node.mapping:
        return pairs(node, context)
    found: dict[str, str] = {}
    for item in node.items or [node]:
        found |= _read_env_file(item, context)
    return found


def _read_env_file(item: Node, context: Context) -> dict[str, str]:
    path = item.mapping["path"] if isinstance(item.value, dict) else item
    required, form = item.get("required"), item.get("format")
    if context.root is None:
        raise Mistake("files can't be read here", item.source)
    try:
        content = decode(read_inside(context.root, path.text), path.text)
    except Mistake as mistake:
        if required and required.value is False and not (context.root / path.text).exists():
            return {}
        context.problems.add(mistake.summary, path.source, help=mistake.help)
        return {}
    file, raw = str(context.root / path.text), bool(form and form.text == "raw")
    return parse_dotenv(content, file, lookup=context.lookup, problems=context.problems, raw=raw)


def _secrets(node: Node, context: Context) -> list[Json]:
    return sorted(list_of(_secret)(node, context), key=lambda use: use if isinstance(use, str) else use["name"])


def _secret(item: Node, context: Context) -> Json:
    if not isinstance(item.value, dict):
        return item.text
    forms: dict[str, Form] = {"name": text, "env": text, "target": text, "mode": octal, "uid": integer, "gid": integer}
    use = fields(item, forms, context)
    use = leave_out(use, {"target": use.get("name"), "mode": "0444", "uid": 0, "gid": 0})
    if "env" in use and len(use) > 2:
        raise Mistake("a secret given as a variable has no target, mode, uid or gid", item.source)
    if "/" in str(use.get("target", "")):
        raise Mistake("target is a file name below /run/secrets, without a slash", item.mapping["target"].source)
    return use if len(use) > 1 else use["name"]


def _require(node: Node, context: Context) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for label, entry in node.mapping.items():
        values = text_set(entry, context)
        found[label] = values[0] if len(values) == 1 else values
    return found


def _extra_hosts(node: Node, context: Context) -> list[str]:
    """NAME=ADDRESS, sorted; an address may stand in brackets."""
    return sorted({host for item in _host_items(node, context) for host in each(item, _extra_host, context)})


def _host_items(node: Node, context: Context) -> Iterator[Node]:
    """The entries as texts, be they a list or a mapping of names to addresses."""
    if not isinstance(node.value, dict):
        yield node
    for name, entry in node.mapping.items():
        lines = [f"{name}={address}" for address in texts(entry, context)]
        yield Node([Node(line, entry.source, line, broken=entry.broken) for line in lines], entry.source)


def _extra_host(item: Node) -> str:
    match = _EXTRA_HOST.fullmatch(item.text)
    if match is None:
        raise Mistake(f'"{item.text}" is not NAME=ADDRESS', item.source, help="an IP address, or host-gateway")
    return f"{match.group(1)}={match.group(2).strip('[]')}"


def _devices(node: Node, context: Context) -> list[str]:
    """SOURCE:TARGET:PERMISSIONS, sorted."""
    return sorted(set(list_of(_device)(node, context)))


def _device(item: Node, _: Context) -> str:
    if isinstance(item.value, dict):
        parts = [item.mapping["source"].text]
        parts.append(target.text if (target := item.get("target")) else parts[0])
        parts.append(permissions.text if (permissions := item.get("permissions")) else "rwm")
    else:
        parts = item.text.split(":")
        if len(parts) == 2 and not parts[1].startswith("/"):
            parts.insert(1, parts[0])
        parts += [parts[0], "rwm"][len(parts) - 1 :]
    allowed = len(parts) == 3 and parts[0].startswith("/") and parts[1].startswith("/")
    if not allowed or not parts[2] or not set(parts[2]) <= set("rwm"):
        raise Mistake(f'"{item.text}" is not a device such as "/dev/ttyUSB0:/dev/ttyUSB0:rwm"', item.source)
    return ":".join(parts)


def _tmpfs(node: Node, context: Context) -> list[str]:
    """PATH[:OPTIONS], in the order of the paths, each once."""
    found: dict[str, str] = {}
    for item in node.items if isinstance(node.value, list) else [node]:
        path, _, options = item.text.partition(":")
        if not path.startswith("/") or path.rstrip("/") in found:
            again = path.startswith("/")
            context.problems.add(f'"{path}" is {"mounted twice" if again else "not an absolute path"}', item.source)
        path = path.rstrip("/") or "/"
        found[path] = f"{path}:{options}" if options else path
    return [found[path] for path in sorted(found)]


def _ulimits(node: Node, context: Context) -> dict[str, Json]:
    return {name: _ulimit(entry, context) for name, entry in sorted(node.mapping.items())}


def _ulimit(entry: Node, context: Context) -> Json:
    if not isinstance(entry.value, dict):
        return integer(entry, context)
    soft, hard = integer(entry.mapping["soft"], context), integer(entry.mapping["hard"], context)
    if 0 <= hard < soft or soft == -1 != hard:
        raise Mistake("the soft limit is above the hard one", entry.source)
    return soft if soft == hard else {"soft": soft, "hard": hard}


def _gpus(node: Node, context: Context) -> Json:
    return list_of(_gpu)(node, context) if isinstance(node.value, list) else node.text


def _gpu(item: Node, context: Context) -> Json:
    count: Form = lambda node, context: node.text if node.text == "all" else integer(node, context)  # noqa: E731
    forms = {"driver": text, "count": count, "device_ids": texts, "capabilities": text_set, "options": pairs}
    return fields(item, forms, context)


def _restart(node: Node, _: Context) -> str:
    return node.text.removesuffix(":0")


def _pull_policy(node: Node, _: Context) -> str:
    return "missing" if node.text == "if_not_present" else node.text


def labels(node: Node, context: Context) -> dict[str, str]:
    for key, _, place in read_pairs(node, context):
        if key.startswith("declare.") or key == "declare":
            context.problems.add(f'"{key}" is a label of declare\'s own', place.source, help="choose another prefix")
    return pairs(node, context)


def _security_opt(node: Node, context: Context) -> list[str]:
    for item in node.items:
        key, _, value = item.text.replace(":", "=", 1).partition("=")
        if key == "seccomp" and value not in ("unconfined", "builtin") and not value.startswith("{"):
            hint = "a profile's file does not travel to the hosts: write its JSON here, or unconfined"
            context.problems.add(f'"{item.text}" names a file', item.source, help=hint)
    return text_set(node, context)


def _name_of_path(entry: Json) -> object:
    return entry["path"]


_rates = list_of(record({"path": text, "rate": byte_count}), key=_name_of_path)
_weights = list_of(record({"path": text, "weight": integer}), key=_name_of_path)

_UPDATE = UpdatePolicy()
_PROXY = ProxyRules()

FORMS: Mapping[str, Form] = {
    "image": image,
    "mode": text,
    "replicas": integer,
    "port": integer,
    "ports": _ports,
    "publish": publish,
    "routes": routes,
    "proxy": record(
        {"read_timeout": duration, "max_body_size": size},
        {"read_timeout": format_duration(_PROXY.read_timeout), "max_body_size": format_size(_PROXY.max_body_size)},
    ),
    "healthcheck": healthcheck,
    "environment": environment,
    "env_file": _env_file,
    "secrets": _secrets,
    "volumes": volumes,
    "resources": record({"cpus": number, "memory": size}, {"cpus": 0, "memory": "0B"}),
    "placement": record({"require": _require, "spread": text, "max_per_host": integer}, {"require": {}}),
    "update": record(
        {
            "order": text,
            "parallelism": _count,
            "max_unavailable": _count,
            "settle": duration,
            "drain": duration,
            "on_failure": text,
            "healthy_within": duration,
        },
        {
            "parallelism": _UPDATE.parallelism,
            "settle": format_duration(_UPDATE.settle),
            "drain": format_duration(_UPDATE.drain),
            "on_failure": _UPDATE.on_failure,
            "healthy_within": format_duration(_UPDATE.healthy_within),
        },
    ),
    "pull_policy": _pull_policy,
    "annotations": pairs,
    "blkio_config": record(
        {
            "weight": integer,
            "weight_device": _weights,
            "device_read_bps": _rates,
            "device_read_iops": _rates,
            "device_write_bps": _rates,
            "device_write_iops": _rates,
        }
    ),
    "cap_add": capabilities,
    "cap_drop": capabilities,
    "command": command,
    "cpu_period": microseconds,
    "cpu_quota": integer,
    "cpu_rt_period": microseconds,
    "cpu_rt_runtime": microseconds,
    "cpu_shares": integer,
    "cpus": number,
    "device_cgroup_rules": text_set,
    "devices": _devices,
    "dns": texts,
    "dns_opt": text_set,
    "dns_search": texts,
    "entrypoint": command,
    "extra_hosts": _extra_hosts,
    "gpus": _gpus,
    "group_add": text_set,
    "init": flag,
    "labels": labels,
    "logging": record({"driver": text, "options": pairs}, {"options": {}}),
    "mem_limit": size,
    "mem_reservation": size,
    "mem_swappiness": integer,
    "memswap_limit": size,
    "oom_kill_disable": flag,
    "oom_score_adj": integer,
    "pids_limit": integer,
    "privileged": flag,
    "read_only": flag,
    "restart": _restart,
    "security_opt": _security_opt,
    "shm_size": size,
    "stdin_open": flag,
    "stop_grace_period": duration,
    "storage_opt": pairs,
    "sysctls": pairs,
    "tmpfs": _tmpfs,
    "tty": flag,
    "ulimits": _ulimits,
} | dict.fromkeys(
    (
        "cgroup", "cgroup_parent", "cpuset", "domainname", "hostname", "ipc", "mac_address", "network_mode", "pid",
        "platform", "runtime", "stop_signal", "user", "userns_mode", "uts", "working_dir",
    ),
    text,
)  # fmt: skip

DEFAULTS: Mapping[str, Json] = {
    "mode": "replicated",
    "replicas": 1,
    "restart": "unless-stopped",
    "pull_policy": "missing",
    "stop_grace_period": "10s",
    "privileged": False,
    "read_only": False,
    "tty": False,
    "stdin_open": False,
    "oom_kill_disable": False,
}
"""Values that mean the same as leaving the field out. `init: false` is none: the engine may have another default."""

_NOTHING: tuple[Json, ...] = ({}, [])
EMPTY: Mapping[str, tuple[Json, ...]] = {"command": (), "entrypoint": ()}
"""An empty mapping or list is as good as none, except where it takes away what the image has."""
