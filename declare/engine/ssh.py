"""An engine behind ssh: the system's own client, one connection a host, kept open and shared by all commands of a user.

The engine's socket is forwarded to a socket here, and a second one is a way to every port behind it: a command that
finds the connection open starts no process.
"""

import hashlib
import os
import re
import socket
from contextlib import suppress
from pathlib import Path

from declare.engine.deadline import Deadline
from declare.engine.dial import dial_unix
from declare.engine.socks import request_stream
from declare.engine.ssh_errors import explain_ssh
from declare.engine.ssh_folder import find_folder, locked
from declare.model.errors import Unreachable
from declare.model.inventory import EngineAddress

PERSIST = 300
"""Seconds that an unused connection stays open."""

_LOCATION = re.compile(
    r"(?:([A-Za-z0-9_][A-Za-z0-9_.-]*)@)?([A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9a-fA-F:.%]+\])(?::(\d+))?"
)
_ALIVE = 2
_EXIT_TIMEOUT = 2.0


def ssh_command(engine: EngineAddress, *options: str) -> list[str]:
    """The words of an ssh call to the host of an engine. Raises ValueError for what is no USER@HOST:PORT.

    `DECLARE_SSH_CONFIG` names a configuration file to use instead of the user's.
    """
    match = _LOCATION.fullmatch(engine.location)
    if not match:
        raise ValueError(f'"{engine.location}" is not USER@HOST or USER@HOST:PORT')
    user, host, port = match.groups()
    config = os.environ.get("DECLARE_SSH_CONFIG")
    return [
        "ssh",
        *(("-F", config) if config else ()),
        *(("-l", user) if user else ()),
        *(("-p", port) if port else ()),
        *options,
        "--",  # no host name is ever read as an option
        host.strip("[]"),
    ]


def find_address(engine: EngineAddress) -> str:
    """The IP address of the host, as ssh itself would reach it. Raises OSError or ValueError."""
    import subprocess

    answer = subprocess.run(
        ssh_command(engine, "-G"), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=5, check=False
    )
    names = [line.partition(" ")[2] for line in answer.stdout.splitlines() if line.startswith("hostname ")]
    if not names:
        raise OSError(f"ssh can't tell the address: {answer.stderr.strip()}")
    return str(socket.getaddrinfo(names[0], None, type=socket.SOCK_STREAM)[0][4][0])


class SshRoute:
    """The way to one engine through ssh. Safe to share among threads and among processes of one user."""

    limit = 8

    def __init__(self, host: str, engine: EngineAddress) -> None:
        self.where = str(engine)
        self._host = host
        self._engine = engine
        self._command = ssh_command(engine)
        key = "\0".join([*self._command, engine.remote_socket, str(os.getuid())])
        self._stem = find_folder() / hashlib.sha256(key.encode()).hexdigest()[:12]
        self._control = f"{self._stem}.ctl"
        self._socket = f"{self._stem}.sock"
        self._proxy = f"{self._stem}.proxy"

    def dial(self, deadline: Deadline) -> socket.socket:
        return self._open(self._socket, deadline)

    def connect(self, address: str, port: int, deadline: Deadline) -> socket.socket:
        # A proxy on the open connection costs a millisecond a stream; `ssh -W` and `-O forward` a process each.
        stream = self._open(self._proxy, deadline)
        try:
            request_stream(stream, address, port, deadline)
        except BaseException:
            stream.close()
            raise
        return stream

    def close(self) -> None:
        """The connection stays open for the next command, until nobody has used it for a while."""

    def _open(self, path: str, deadline: Deadline) -> socket.socket:
        try:
            return dial_unix(path)(deadline)
        except (FileNotFoundError, ConnectionRefusedError):
            self._start(deadline)
            return dial_unix(path)(deadline)

    def _start(self, deadline: Deadline) -> None:
        """Open the connection, unless another process did so while we waited for our turn."""
        with locked(f"{self._stem}.lock", deadline):
            try:
                for path in (self._socket, self._proxy):
                    dial_unix(path)(deadline).close()
            except (FileNotFoundError, ConnectionRefusedError):
                self._end_leftover()
                forward = f"{self._socket}:{self._engine.remote_socket}"
                self._run(["-f", "-N", "-M", "-L", forward, "-D", self._proxy, *_options(deadline)], deadline)

    def _end_leftover(self) -> None:
        """A control socket without its forward would make ssh open a second connection that nobody ends."""
        if Path(self._control).exists():
            with suppress(OSError, Unreachable):
                self._run(["-O", "exit"], Deadline(_EXIT_TIMEOUT))
            Path(self._control).unlink(missing_ok=True)

    def _run(self, options: list[str], deadline: Deadline) -> None:
        """One call of ssh. Its errors go to a file: the connection that stays behind would hold a pipe open."""
        import subprocess
        import tempfile

        command = ssh_command(self._engine, "-S", self._control, "-o", "BatchMode=yes", *options)
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True
            )
            try:
                code = process.wait(timeout=deadline.left())
            except (subprocess.TimeoutExpired, TimeoutError):
                _kill(process.pid)
                process.wait()
                raise TimeoutError from None
            except BaseException:
                _kill(process.pid)
                process.wait()
                raise
            if code != 0:
                errors.seek(0)
                raise explain_ssh(self._host, self._engine, errors.read(65536).decode(errors="replace"))


def _options(deadline: Deadline) -> list[str]:
    options = {
        "StrictHostKeyChecking": "yes",
        "ConnectTimeout": str(max(1, round(deadline.left()))),
        "ControlPersist": str(PERSIST),
        "ServerAliveInterval": "5",
        "ServerAliveCountMax": str(_ALIVE),
        "ExitOnForwardFailure": "yes",
        "StreamLocalBindUnlink": "yes",
        "StreamLocalBindMask": "0177",
        "ForwardAgent": "no",
        "ForwardX11": "no",
        "PermitLocalCommand": "no",
        "RequestTTY": "no",
        "RemoteCommand": "none",
        "SessionType": "none",
    }
    return [word for name, value in options.items() for word in ("-o", f"{name}={value}")]


def _kill(pid: int) -> None:
    import signal

    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
