"""Where a host is, on this machine and on its network, and under which URLs its engine is reached."""

from dataclasses import dataclass
from pathlib import Path

from tests.fleet.network import Network


@dataclass(frozen=True, slots=True)
class Place:
    """`tls`: its engine listens on 2376 and asks for certificates, instead of plain TCP on 2375."""

    name: str
    index: int
    folder: Path
    network: Network
    tls: bool = False

    @property
    def address(self) -> str:
        return self.network.address(self.index)

    @property
    def engine_port(self) -> int:
        return 2376 if self.tls else 2375

    @property
    def engine_tcp(self) -> str:
        return f"tcp://{self.address}:{self.engine_port}"

    @property
    def engine_ssh(self) -> str:
        return f"ssh://root@{self.address}"

    @property
    def socket(self) -> Path:
        """The engine's unix socket, seen from the controlling machine: it answers even while the host is cut off."""
        return self.folder / "run" / "docker.sock"

    @property
    def engine_unix(self) -> str:
        return f"unix://{self.socket}"

    @property
    def certificates(self) -> Path:
        """The client's `ca.pem`, `cert.pem` and `key.pem` (TLS hosts only)."""
        return self.folder.parent / "certificates"

    @property
    def cgroup(self) -> str:
        """The parent of all its containers' cgroups."""
        return f"/declare-{self.folder.parent.name}-{self.name}"

    @property
    def daemon_json(self) -> Path:
        """The engine reads it at its start, as /etc/docker/daemon.json."""
        return self.folder / "etc-docker" / "daemon.json"
