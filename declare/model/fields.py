"""The manifest's fields of an app, in one table: what a change in each forces."""

from enum import Enum


class Forces(Enum):
    """What must happen when a field changes."""

    REPLACE = "replaces its containers"
    SCALE = "adds or removes replicas"
    PLACE = "may move replicas"
    PROXY = "reloads the proxy"
    RECORD = "changes no container"


FIELDS: dict[str, Forces] = {
    "image": Forces.REPLACE,
    "mode": Forces.SCALE,
    "replicas": Forces.SCALE,
    "port": Forces.REPLACE,
    "ports": Forces.REPLACE,
    "publish": Forces.REPLACE,
    "routes": Forces.PROXY,
    "proxy": Forces.PROXY,
    "healthcheck": Forces.RECORD,
    "environment": Forces.REPLACE,
    "env_file": Forces.REPLACE,
    "secrets": Forces.REPLACE,
    "volumes": Forces.REPLACE,
    "resources": Forces.REPLACE,
    "placement": Forces.PLACE,
    "update": Forces.RECORD,
    "pull_policy": Forces.RECORD,
}
"""Fields with a meaning of their own; `healthcheck` replaces the containers where it is a command (Docker's own)."""

PASSED_THROUGH = (
    "annotations", "blkio_config", "cap_add", "cap_drop", "cgroup", "cgroup_parent", "command", "cpu_period",
    "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpu_shares", "cpus", "cpuset", "device_cgroup_rules",
    "devices", "dns", "dns_opt", "dns_search", "domainname", "entrypoint", "extra_hosts", "gpus", "group_add",
    "hostname", "init", "ipc", "labels", "logging", "mac_address", "mem_limit", "mem_reservation",
    "mem_swappiness", "memswap_limit", "network_mode", "oom_kill_disable", "oom_score_adj", "pid", "pids_limit",
    "platform", "privileged", "read_only", "restart", "runtime", "security_opt", "shm_size", "stdin_open",
    "stop_grace_period", "stop_signal", "storage_opt", "sysctls", "tmpfs", "tty", "ulimits", "user",
    "userns_mode", "uts", "working_dir",
)  # fmt: skip
"""Fields that go to the engine as they are, under Compose's names."""

FIELDS.update(dict.fromkeys(PASSED_THROUGH, Forces.REPLACE))

CONTAINER_FIELDS = frozenset(name for name, forces in FIELDS.items() if forces is Forces.REPLACE) | {"healthcheck"}
"""Fields that a container carries in its label, because they can't change after it was created."""
