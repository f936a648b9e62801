"""What lies on a host's disk before it is first switched on: keys, sshd's configuration, how the engine is started."""

from pathlib import Path

from tests.fleet.errors import run
from tests.fleet.keys import make_server_certificate, make_ssh_key
from tests.fleet.place import Place

_SSHD_CONFIG = """\
HostKey {folder}/ssh/host_key
AuthorizedKeysFile {folder}/ssh/authorized_keys
PidFile none
UsePAM no
UseDNS no
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 100
PrintMotd no
Subsystem sftp internal-sftp
"""


def install(place: Place, *, client_key: str) -> str:
    """Everything that outlives a power loss. Returns the line for known_hosts."""
    for name in ("data", "run", "etc-docker", "ssh"):
        (place.folder / name).mkdir(parents=True, exist_ok=True)
    public = make_ssh_key(place.folder / "ssh" / "host_key")
    (place.folder / "ssh" / "authorized_keys").write_text(f"{client_key}\n")
    (place.folder / "ssh" / "sshd_config").write_text(_SSHD_CONFIG.format(folder=place.folder))
    # A machine whose root account is locked would refuse the key as well.
    (place.folder / "ssh" / "shadow").write_text("root:*:19000:0:99999:7:::\n")
    if place.tls:
        key, certificate = place.folder / "ssh" / "tls-key.pem", place.folder / "ssh" / "tls-cert.pem"
        make_server_certificate(
            place.certificates, key=key, certificate=certificate, name=place.name, address=place.address
        )
    write_engine(place)
    return f"{place.address},{place.name} {public}"


def write_engine(place: Place, *options: str) -> None:
    """How the engine is started from now on; `options` are added for dockerd."""
    command = " \\\n    ".join([*_engine_command(place), *options])
    script = place.folder / "engine"
    script.write_text(f"#!/bin/sh\nexec {command}\n")
    script.chmod(0o755)


def _engine_command(place: Place) -> list[str]:
    keys = place.folder / "ssh"
    secured = [
        "--tlsverify",
        f"--tlscacert {place.certificates}/ca.pem",
        f"--tlscert {keys}/tls-cert.pem",
        f"--tlskey {keys}/tls-key.pem",
    ]
    return [
        "dockerd",
        "--host unix:///run/docker.sock",
        f"--host {place.engine_tcp}",
        *(secured if place.tls else ["--tls=false"]),
        f"--data-root {place.folder}/data",
        "--exec-root /run/docker",
        "--pidfile /run/docker.pid",
        f"--cgroup-parent {place.cgroup}",
        "--exec-opt native.cgroupdriver=cgroupfs",
        f"--storage-driver {_storage_driver(place.folder)}",
        "--insecure-registry 10.213.0.0/16",
    ]


def _storage_driver(folder: Path) -> str:
    """overlay2 can't lie on another overlay, which is what a container's own disk is."""
    return "vfs" if run(["stat", "-f", "-c", "%T", folder]).strip() == "overlayfs" else "overlay2"
