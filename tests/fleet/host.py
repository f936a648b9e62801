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
from tests.fleet.disk import install
from tests.fleet.errors import FleetError, run, wait_until
from tests.fleet.place import Place
from tests.fleet.processes import Process, find_by_name

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Host(Place):
    """A host, and what can be done to it."""

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
        install(self, client_key=(self.folder / "ssh" / "authorized_keys").read_text().strip())

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
        self._deaf_to.write_text("".join(f"{one}\n" for one in [*self.deaf_to(), address]))

    def accept_from(self, address: str) -> None:
        self._raw_rule("-D", address)
        self._deaf_to.write_text("".join(f"{one}\n" for one in self.deaf_to() if one != address))

    def deaf_to(self) -> list[str]:
        return self._deaf_to.read_text().split() if self._deaf_to.exists() else []

    @property
    def _deaf_to(self) -> Path:
        """In the host's /run: like the rules themselves, it does not outlive a power loss."""
        return self.folder / "run" / "deaf-to"

    def _raw_rule(self, verb: str, address: str) -> None:
        # Before address translation: one rule for the engine, sshd and the containers' ports.
        self.exec("iptables", "-w", "-t", "raw", verb, "PREROUTING", "-s", address, "-j", "DROP")

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


def remove_tree(folder: Path) -> None:
    run(["rm", "-rf", "--one-file-system", folder], timeout=120)
