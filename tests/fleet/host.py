"""One host: it can be switched off and on, cut off, and its engine stopped, paused or restarted.

What it is lies in its folder; what runs of it is found through the recorded process, so any process may act on it.
"""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.fleet import engine_api
from tests.fleet.cgroups import remove_cgroups
from tests.fleet.errors import FleetError, run, wait_until
from tests.fleet.keys import make_server_certificate, make_ssh_key
from tests.fleet.network import Network
from tests.fleet.processes import Process, find_by_name

HERE = Path(__file__).parent

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


@dataclass(frozen=True, slots=True)
class Host:
    """`tls`: its engine listens on 2376 and asks for certificates, instead of plain TCP on 2375."""

    name: str
    index: int
    folder: Path
    network: Network
    tls: bool = False

    # -- where it is -------------------------------------------------------------------------------------------------

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

    # -- power -------------------------------------------------------------------------------------------------------

    def prepare(self, *, client_key: str) -> str:
        """Everything that outlives a power loss. Returns the line for known_hosts."""
        for name in ("data", "run", "etc-docker", "ssh"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        public = make_ssh_key(self.folder / "ssh" / "host_key")
        (self.folder / "ssh" / "authorized_keys").write_text(f"{client_key}\n")
        (self.folder / "ssh" / "sshd_config").write_text(_SSHD_CONFIG.format(folder=self.folder))
        # A machine whose root account is locked would refuse the key as well.
        (self.folder / "ssh" / "shadow").write_text("root:*:19000:0:99999:7:::\n")
        if self.tls:
            key, certificate = self.folder / "ssh" / "tls-key.pem", self.folder / "ssh" / "tls-cert.pem"
            make_server_certificate(
                self.certificates, key=key, certificate=certificate, name=self.name, address=self.address
            )
        self.write_engine()
        return f"{self.address},{self.name} {public}"

    def write_engine(self, *options: str) -> None:
        """How the engine is started from now on; `options` are added for dockerd."""
        command = " \\\n    ".join([*self._engine_command(), *options])
        script = self.folder / "engine"
        script.write_text(f"#!/bin/sh\nexec {command}\n")
        script.chmod(0o755)

    def boot(self, *, wait: bool = True) -> None:
        """On (again), with the same disk. An empty /run, as on any machine that starts."""
        if self.is_on():
            raise FleetError(f"{self.name} is on already")
        remove_tree(self.folder / "run")
        (self.folder / "run").mkdir()
        (self.folder / "power.pid").unlink(missing_ok=True)
        self.network.drop_cable(self.index)
        with (self.folder / "console.log").open("ab") as log:
            words: list[str | Path] = [HERE / "boot.sh", self.folder, self.name, self.address, self.network.gateway]
            subprocess.run(
                ["setsid", "--fork", "/bin/bash", *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=True,
                cwd="/",
            )
        wait_until(self.init, what=f"{self.name} has a first process (see {self.folder}/console.log)")
        self.network.plug_new(self.index, into=self._init().pid)
        if wait:
            self.wait_until_ready()

    def kill(self) -> None:
        """Power loss: nothing says goodbye. First the network, or dying processes would still send their resets."""
        self.network.drop_cable(self.index)
        if init := self.init():
            init.kill()
        if power := Process.recorded(self.folder / "power.pid"):
            power.kill()
        remove_cgroups(self.cgroup)

    def wipe(self) -> None:
        """Reinstalled: off, with an empty disk, another engine ID and another ssh host key."""
        self.kill()
        remove_tree(self.folder / "data")
        remove_tree(self.folder / "etc-docker")
        for key in (self.folder / "ssh").glob("host_key*"):
            key.unlink()
        self.prepare(client_key=(self.folder / "ssh" / "authorized_keys").read_text().strip())

    def init(self) -> Process | None:
        """The host's first process, if it is on."""
        power = Process.recorded(self.folder / "power.pid")
        own = Process(os.getpid(), "").pid_namespace()
        for child in power.children() if power and power.is_alive() else ():
            # Until it is `unshare`, the recorded process has short-lived children in our own namespace.
            if child.pid_namespace() not in (own, None):
                return child
        return None

    def is_on(self) -> bool:
        power = Process.recorded(self.folder / "power.pid")
        return power is not None and power.is_alive()

    # -- network -----------------------------------------------------------------------------------------------------

    def cut(self) -> None:
        """Off the network, both ways and for everyone; the host itself goes on."""
        self.network.unplug(self.index)

    def mend(self) -> None:
        self.network.plug(self.index)

    def is_cut(self) -> bool:
        return self.is_on() and not self.network.is_plugged(self.index)

    def drop_from(self, address: str) -> None:
        """Silently drops what comes from `address` (or a subnet), published ports included: a black hole one way."""
        self._raw_rule("-I", address)

    def accept_from(self, address: str) -> None:
        self._raw_rule("-D", address)

    def _raw_rule(self, verb: str, address: str) -> None:
        # Before address translation: one rule for the engine, sshd and the containers' ports.
        self.exec("iptables", "-w", "-t", "raw", verb, "PREROUTING", "-s", address, "-j", "DROP")

    # -- engine ------------------------------------------------------------------------------------------------------

    def pause(self) -> None:
        """The engine hangs: its ports accept, and nothing answers."""
        self._engine().signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._engine().signal(signal.SIGCONT)

    def stop_engine(self, *, kill: bool = False) -> None:
        engine = self._engine()
        engine.signal(signal.SIGKILL if kill else signal.SIGTERM)
        wait_until(lambda: not engine.is_alive(), what=f"the engine of {self.name} has ended", seconds=60)

    def start_engine(self, *, wait: bool = True) -> None:
        self._init().signal(signal.SIGUSR1)
        if wait:
            self.wait_until_ready()

    def restart_engine(self, *, kill: bool = False) -> None:
        self.stop_engine(kill=kill)
        self.start_engine()

    def wait_until_ready(self) -> None:
        """The engine and sshd answer."""
        wait_until(
            lambda: engine_api.answers(self.socket),
            what=f"the engine of {self.name} answers (see {self.folder}/engine.log)",
            seconds=60,
        )
        if not self.is_cut():
            for port in (self.engine_port, 22):
                wait_until(partial(self._accepts, port), what=f"{self.name} listens on port {port}")

    def engine_answers(self) -> bool:
        return engine_api.answers(self.socket)

    def docker(self, *arguments: str, check: bool = True, text: str | None = None, timeout: float = 120) -> str:
        """Standard output of Docker's own client, speaking TCP with this host's engine, without the last newline."""
        client = shutil.which("docker") or "/usr/bin/docker"
        environment = {**os.environ, **self.docker_environment()}
        done = subprocess.run(
            [client, *arguments],
            input=text,
            capture_output=True,
            text=True,
            timeout=timeout,
            env=environment,
            check=False,
        )
        if check and done.returncode:
            raise FleetError(f"{self.name}: docker {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout.rstrip("\n")

    def docker_environment(self) -> dict[str, str]:
        """What makes any Docker client speak with this host."""
        config = str(self.folder.parent / "home" / ".docker")
        plain = {"DOCKER_HOST": self.engine_tcp, "DOCKER_CONFIG": config, "DOCKER_CONTEXT": ""}
        return plain | ({"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(self.certificates)} if self.tls else {})

    def load_images(self, archive: Path) -> None:
        engine_api.load_images(self.socket, archive)

    def exec(self, *command: str, timeout: float = 60) -> str:
        """Standard output of a command run as root on the host itself."""
        return run([*self.enter(), *command], timeout=timeout)

    def enter(self) -> Sequence[str]:
        """The words that, before a command, run it on the host."""
        return ["nsenter", "--target", str(self._init().pid), "--net", "--mount", "--uts", "--ipc", "--pid", "--"]

    def engine_process(self) -> Process | None:
        return next(iter(find_by_name("dockerd", like=self._init())), None)

    def has_engine(self) -> bool:
        return self.engine_process() is not None

    def _engine(self) -> Process:
        engine = self.engine_process()
        if engine is None:
            raise FleetError(f"{self.name} runs no engine")
        return engine

    def _init(self) -> Process:
        init = self.init()
        if init is None:
            raise FleetError(f"{self.name} is off")
        return init

    def _accepts(self, port: int) -> bool:
        try:
            socket.create_connection((self.address, port), timeout=1).close()
        except OSError:
            return False
        return True

    def _engine_command(self) -> list[str]:
        keys = self.folder / "ssh"
        secured = [
            "--tlsverify",
            f"--tlscacert {self.certificates}/ca.pem",
            f"--tlscert {keys}/tls-cert.pem",
            f"--tlskey {keys}/tls-key.pem",
        ]
        return [
            "dockerd",
            "--host unix:///run/docker.sock",
            f"--host {self.engine_tcp}",
            *(secured if self.tls else ["--tls=false"]),
            f"--data-root {self.folder}/data",
            "--exec-root /run/docker",
            "--pidfile /run/docker.pid",
            f"--cgroup-parent {self.cgroup}",
            "--exec-opt native.cgroupdriver=cgroupfs",
            f"--storage-driver {_storage_driver(self.folder)}",
            "--insecure-registry 10.213.0.0/16",
        ]


def _storage_driver(folder: Path) -> str:
    """overlay2 can't lie on another overlay, which is what a container's own disk is."""
    return "vfs" if run(["stat", "-f", "-c", "%T", folder]).strip() == "overlayfs" else "overlay2"


def remove_tree(folder: Path) -> None:
    run(["rm", "-rf", "--one-file-system", folder], timeout=120)
