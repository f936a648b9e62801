"""A fleet: a name, some hosts on a network of their own, and all that is recorded of it in one folder."""

import contextlib
import fcntl
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tests.fleet.disk import install
from tests.fleet.errors import FleetError, why_no_fleet
from tests.fleet.host import Host, remove_tree
from tests.fleet.keys import make_authority, make_ssh_key
from tests.fleet.network import Network, choose_network
from tests.fleet.processes import Process
from tests.fleet.registry import Registry
from tests.images import build

# One for the machine, wherever fleets keep their folders: they share its network.
LOCK = Path("/run/lock/declare-fleet.lock")
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?")

T = TypeVar("T")

_SSH_CONFIG = """\
Host *
    User root
    IdentityFile {folder}/id_ed25519
    IdentitiesOnly yes
    UserKnownHostsFile {folder}/known_hosts
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
"""


@dataclass(frozen=True, slots=True)
class Fleet:
    name: str
    folder: Path
    network: Network
    hosts: dict[str, Host]
    registry: Registry | None = None

    @classmethod
    def up(
        cls,
        name: str,
        *,
        hosts: int | Sequence[str] = 3,
        tls: bool | Sequence[str] = False,
        registry: bool = False,
        registry_auth: bool = False,
        images: bool = True,
        owned: bool = False,
        base_dir: Path | None = None,
    ) -> "Fleet":
        """A new fleet of hosts h1, h2, … (or of the names given), ready to use. What had this name is taken down first.

        `tls`: all hosts, or those named, ask for certificates. `images` are loaded on every host.
        `owned`: it belongs to this process, and the next fleet that comes up removes it if this process is dead.
        """
        if reason := why_no_fleet():
            raise FleetError(reason)
        if not NAME.fullmatch(name):
            raise FleetError(f"{name!r} is no name for a fleet: use a-z, 0-9 and -, at most 30")
        names = [f"h{n + 1}" for n in range(hosts)] if isinstance(hosts, int) else list(hosts)
        if not names:
            raise FleetError("a fleet has at least one host")
        secured = names if tls is True else list(tls or ())
        base = find_base(base_dir)
        base.mkdir(parents=True, exist_ok=True)
        archive = build() if images else None
        with _lock():
            _remove_abandoned(base)
            if (base / name).exists():
                cls.load(name, base_dir=base).down()
            record = {
                "name": name,
                "number": choose_network(name).number,
                "hosts": [{"name": host, "tls": host in secured} for host in names],
                "registry": {"auth": registry_auth} if registry or registry_auth else None,
                "owner": _own_process() if owned else None,
            }
            _write_record(base / name, record)
            fleet = cls.load(name, base_dir=base)
            fleet.network.create()
        fleet._start(archive)
        return fleet

    @classmethod
    def load(cls, name: str, *, base_dir: Path | None = None) -> "Fleet":
        """The fleet of this name that some process brought up, in whatever state it is."""
        folder = find_base(base_dir) / name
        try:
            record = json.loads((folder / "fleet.json").read_text())
        except OSError:
            raise FleetError(f"there is no fleet named {name!r} in {folder.parent}") from None
        network = Network(record["number"])
        hosts = {
            host["name"]: Host(host["name"], index, folder / host["name"], network, host["tls"])
            for index, host in enumerate(record["hosts"])
        }
        registry = Registry(folder / "registry", network.gateway, **record["registry"]) if record["registry"] else None
        return cls(name, folder, network, hosts, registry)

    def down(self) -> None:
        """Nothing is left: processes, network, cgroups, files. Works on a fleet that is half up, or half down."""
        self.each(Host.kill)
        if self.registry:
            self.registry.stop()
        self.network.remove()
        remove_tree(self.folder)

    def is_up(self) -> bool:
        return all(host.is_on() for host in self.hosts.values())

    def _start(self, archive: Path | None) -> None:
        self.home.mkdir()
        for folder in (".ssh", ".docker"):
            (self.home / folder).mkdir(mode=0o700)
        client_key = make_ssh_key(self.home / ".ssh" / "id_ed25519")
        self.ssh_config.write_text(_SSH_CONFIG.format(folder=self.home / ".ssh") + self._ssh_names())
        self._write_ssh_door()
        if any(host.tls for host in self.hosts.values()):
            make_authority(self.folder / "certificates")
        if self.registry:
            self.registry.start()

        def start(host: Host) -> str:
            known = install(host, client_key=client_key)
            host.boot()
            if archive:
                host.load_images(archive)
            return known

        self._write_known_hosts(self.each(start))

    @property
    def home(self) -> Path:
        """Laid out like a user's home: `.ssh` and `.docker`."""
        return self.folder / "home"

    @property
    def ssh_config(self) -> Path:
        """For `ssh -F`; the hosts go by their names and by their addresses."""
        return self.home / ".ssh" / "config"

    @property
    def environment(self) -> dict[str, str]:
        """Lets a program reach the hosts by ssh. Its `ssh` is first in PATH and reads `ssh_config`.

        HOME alone does not do it: OpenSSH takes the home folder from the system's user table.
        """
        path = f"{self.folder / 'bin'}:{os.environ.get('PATH', '/usr/bin:/bin')}"
        return {"PATH": path, "HOME": str(self.home), "DECLARE_SSH_CONFIG": str(self.ssh_config)}

    def inventory(self, *, project: str = "test", engine: str = "tcp", through: Mapping[str, str] | None = None) -> str:
        """An inventory of all hosts. `engine`: tcp, ssh or unix; `through`: other engine URLs, by host."""
        lines = [f"project: {project}", "hosts:"]
        for host in self.hosts.values():
            url = (through or {}).get(host.name) or getattr(host, f"engine_{engine}")
            fields = [f"engine: {url}", f"address: {host.address}"]
            if engine == "tcp":
                fields.append(_describe_tls(host))
            lines += [f"  {host.name}:", *(f"    {field}" for field in fields)]
        return "\n".join(lines) + "\n"

    def renew_known_hosts(self) -> None:
        """After a host was wiped: trust its new key, as an operator would."""
        self._write_known_hosts(
            [
                f"{host.address},{host.name} {(host.folder / 'ssh' / 'host_key.pub').read_text().strip()}"
                for host in self.hosts.values()
            ]
        )

    def each(self, act: Callable[[Host], T]) -> list[T]:
        """All hosts at once; the answers in the hosts' order. The first error is raised after all have ended."""
        with ThreadPoolExecutor(max_workers=len(self.hosts)) as pool:
            return list(pool.map(act, self.hosts.values()))

    def _write_known_hosts(self, lines: list[str]) -> None:
        (self.home / ".ssh" / "known_hosts").write_text("".join(f"{line}\n" for line in lines))

    def _ssh_names(self) -> str:
        return "".join(f"Host {host.name}\n    HostName {host.address}\n" for host in self.hosts.values())

    def _write_ssh_door(self) -> None:
        door = self.folder / "bin" / "ssh"
        door.parent.mkdir()
        real = shutil.which("ssh") or "/usr/bin/ssh"
        door.write_text(f'#!/bin/sh\nexec {real} -F {self.ssh_config} "$@"\n')
        door.chmod(0o755)


def list_fleets(base_dir: Path | None = None) -> list[str]:
    return sorted(record.parent.name for record in find_base(base_dir).glob("*/fleet.json"))


def find_base(base_dir: Path | None = None) -> Path:
    """The folder of all fleets: given, or $DECLARE_FLEET_DIR, or the machine's."""
    return Path(base_dir or os.environ.get("DECLARE_FLEET_DIR") or "/var/lib/declare-fleet").absolute()


def remove_abandoned(base_dir: Path | None = None) -> None:
    """Takes down the fleets that belonged to a process that is dead."""
    with _lock():
        _remove_abandoned(find_base(base_dir))


def _remove_abandoned(base: Path) -> None:
    for name in list_fleets(base):
        # Its owner may be taking it down at this moment.
        with contextlib.suppress(FileNotFoundError):
            owner = json.loads((base / name / "fleet.json").read_text())["owner"]
            if owner and not Process(owner["pid"], owner["start"]).is_alive():
                Fleet.load(name, base_dir=base).down()


def _describe_tls(host: Host) -> str:
    if not host.tls:
        return "insecure: true"
    folder = host.certificates
    return f"tls: {{ca: {folder}/ca.pem, cert: {folder}/cert.pem, key: {folder}/key.pem}}"


def _own_process() -> dict[str, Any]:
    process = Process.of(os.getpid())
    if process is None:
        raise FleetError("/proc does not show this process")
    return {"pid": process.pid, "start": process.start}


def _write_record(folder: Path, record: dict[str, Any]) -> None:
    folder.mkdir()
    (folder / "fleet.json.new").write_text(json.dumps(record, indent=2))
    (folder / "fleet.json.new").replace(folder / "fleet.json")


@contextmanager
def _lock() -> Iterator[None]:
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with LOCK.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
