"""What gives an app power over its host, and so must be in the inventory's `allow` list."""

from dataclasses import dataclass

from declare.model.app import App, VolumeSpec
from declare.model.inventory import Allowance

_NAMESPACES = ("cgroup", "ipc", "network_mode", "pid", "userns_mode", "uts")
_SOCKETS = ("/var/run/docker.sock", "/run/docker.sock")
_DEVICE_FIELDS = ("device_cgroup_rules", "devices", "gpus")
_HARMLESS = ("no-new-privileges", "seccomp=builtin", "seccomp:builtin")
_FIRST_FREE_PORT = 1024


@dataclass(frozen=True, slots=True, order=True)
class Power:
    """A use of an allowance: `what` in a few words, the manifest's field that asks for it, and the value there."""

    allowance: Allowance
    what: str
    field: str
    value: str = ""


def powers(app: App) -> tuple[Power, ...]:
    """Every power over its host that an app uses, sorted."""
    found = [*_privileges(app), *_mounts(app), *_ports(app)]
    return tuple(sorted(found))


def allowances(app: App) -> tuple[Allowance, ...]:
    """The entries of `allow` that an app needs, sorted, each once."""
    return tuple(sorted({power.allowance for power in powers(app)}))


def volume_powers(volume: VolumeSpec) -> tuple[Power, ...]:
    """The powers that a volume's options give whoever mounts it: the local driver can bind a path, or mount a disk."""
    device = volume.driver_opts.get("device", "")
    if volume.driver != "local" or not device.startswith("/") or device.startswith("//"):
        return ()
    allowance: Allowance = "devices" if device.startswith("/dev/") else "host_paths"
    return (Power(allowance, f"the host's path {device}", "driver_opts", device),)


def _privileges(app: App) -> list[Power]:
    spec = app.spec
    found = [Power("privileged", "to be privileged", "privileged")] if spec.get("privileged") else []
    found += [
        Power("privileged", f"to run with {option}", "security_opt", option)
        for option in spec.get("security_opt", ())
        if not option.startswith(_HARMLESS)
    ]
    if "cgroup_parent" in spec:
        found.append(Power("privileged", "a control group of the host's", "cgroup_parent"))
    found += [Power("host_namespaces", f"{field}: host", field) for field in _NAMESPACES if spec.get(field) == "host"]
    found += [Power("devices", f"{field}", field) for field in _DEVICE_FIELDS if field in spec]
    found += [Power("capabilities", f"the capability {name}", "cap_add", name) for name in spec.get("cap_add", ())]
    return found


def _mounts(app: App) -> list[Power]:
    found = []
    for mount in app.volumes:
        if mount.kind == "bind" and mount.source in _SOCKETS:
            found.append(Power("docker_socket", "Docker's socket", "volumes", mount.source))
        elif mount.kind == "bind" and mount.source:
            found.append(Power("host_paths", f"the host's path {mount.source}", "volumes", mount.source))
    return found


def _ports(app: App) -> list[Power]:
    ports = sorted({port.host_port for port in app.publish if port.host_port < _FIRST_FREE_PORT})
    return [Power("low_ports", f"host port {port}", "publish", str(port)) for port in ports]
