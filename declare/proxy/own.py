"""An nginx of the user's own: its file, and the user's commands that test and reload it, run here without a shell."""

import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from urllib.parse import urlsplit

from declare.model.errors import InputError
from declare.model.inventory import FileProxy
from declare.model.problem import Problem
from declare.proxy.ask import ask_over
from declare.proxy.check import is_address
from declare.proxy.config import Acknowledgement, Answer, NginxConfig, hash_text
from declare.proxy.failure import ProxyNotAcknowledged, ProxyRefused
from declare.proxy.read import find_complaint

HOST = "proxy"  # stands for the host's name in failures
ACK_TIMEOUT = 10.0
_COMMAND_TIMEOUT = 30.0
_OUTPUT_LIMIT = 64 * 1024
_POLL = 0.05
_SETTLE = 0.5


@dataclass(frozen=True, slots=True)
class ObservedFile:
    """Hashes of the file that is there and of what nginx answers; None where there is none or it can't be asked."""

    file_hash: str | None
    served_hash: str | None


def parse_ack(url: str) -> Acknowledgement:
    """Where the user's nginx shall answer its hash. Raises InputError unless it is plain http without a query."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 80
    except ValueError as error:
        raise InputError([Problem(f"proxy.ack: {error}")]) from error
    if parts.scheme != "http" or not host or parts.query or parts.fragment or "@" in parts.netloc:
        summary = f"proxy.ack: {url!r} is not a URL such as http://127.0.0.1:8081/.declare/config"
        raise InputError([Problem(summary)])
    path = parts.path or "/"
    return Acknowledgement(host, port, path) if is_address(host) else Acknowledgement(None, port, path, name=host)


def read_own(form: FileProxy, *, root: str) -> ObservedFile:
    """What lies in the file and what nginx serves; runs none of the user's commands."""
    text = _read(Path(root) / form.config)
    answer = _ask(parse_ack(form.ack))
    return ObservedFile(hash_text(text) if text is not None else None, answer.hash if answer else None)


def deliver_own(form: FileProxy, config: NginxConfig, *, root: str, drain: float, seconds: float = ACK_TIMEOUT) -> None:
    """Test a candidate beside the file, rename it over, reload, and wait until nginx answers the new hash.

    Then waits `drain` seconds: the workers of before can't be seen from here. Raises ProxyRefused if the test fails,
    with nothing changed, and ProxyNotAcknowledged, after the file of before was put back and reloaded.
    """
    file = (Path(root) / form.config).absolute()
    previous = _read(file)
    _test(form, config.text, file=file, root=root)
    _candidate(file).replace(file)
    complaint = _reload(form, file=file, root=root)
    if not complaint and _await(config.ack, config.hash, seconds=seconds):
        time.sleep(drain)
        return
    restored = _put_back(form, previous, config.ack, file=file, root=root, seconds=seconds)
    raise ProxyNotAcknowledged(
        HOST,
        "nginx did not take over the new configuration" + (f": {complaint}" if complaint else ""),
        restored=restored,
        help="the file of before is back in service" if restored else f"look at {form.config} and at nginx's own log",
    )


def _test(form: FileProxy, text: str, *, file: Path, root: str) -> None:
    candidate = _candidate(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    candidate.write_text(text, encoding="utf-8")
    if complaint := _run(form.test, config=candidate, root=root):
        candidate.unlink(missing_ok=True)
        raise ProxyRefused(HOST, f"the new configuration is refused: {complaint}", help="nothing was changed")


def _reload(form: FileProxy, *, file: Path, root: str) -> str:
    return _run(form.reload, config=file, root=root)


def _put_back(
    form: FileProxy, previous: str | None, ack: Acknowledgement, *, file: Path, root: str, seconds: float
) -> bool:
    """Whether nginx answers the hash of before; where there was no file, there is none again."""
    if previous is None:
        file.unlink(missing_ok=True)
        return False
    candidate = _candidate(file)
    candidate.write_text(previous, encoding="utf-8")
    candidate.replace(file)
    return not _reload(form, file=file, root=root) and _await(ack, hash_text(previous), seconds=seconds)


def _candidate(file: Path) -> Path:
    return file.with_name(f"{file.name}.candidate")


def _run(command: Sequence[str], *, config: Path, root: str) -> str:
    """Why the command failed, in its own words; "" if it did not."""
    words = [word.replace("{config}", str(config)) for word in command]
    # Into a file: a command that starts nginx leaves a daemon which would hold a pipe open for ever.
    with TemporaryFile() as said:
        complaint = _call(words, root, said)
        said.seek(0)
        output = said.read(_OUTPUT_LIMIT).decode("utf-8", "replace")
    if complaint is None:
        return ""
    return find_complaint(output) or output.strip().rpartition("\n")[2] or complaint


def _call(words: Sequence[str], root: str, said: IO[bytes]) -> str | None:
    """Why it failed, as far as its end tells; None if it did not."""
    try:
        done = subprocess.run(
            words, cwd=root, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
            timeout=_COMMAND_TIMEOUT, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"{words[0]} did not end within {_COMMAND_TIMEOUT:.0f} s"
    except (OSError, ValueError) as error:
        return f"{words[0]} can't be run: {error}"
    return None if done.returncode == 0 else f"{words[0]} exited {done.returncode}"


def _await(ack: Acknowledgement, wanted: str, *, seconds: float) -> bool:
    """Whether nginx comes to answer that hash, and goes on to: for a moment old and new workers answer in turn."""
    deadline = time.monotonic() + seconds
    since: float | None = None
    while (left := deadline - time.monotonic()) > 0 or since is not None:
        answer = _ask(ack, timeout=min(2.0, max(left, _SETTLE)))
        if answer is None or answer.hash != wanted:
            since = None
        elif since is None:
            since = time.monotonic()
        elif time.monotonic() - since >= _SETTLE:
            return True
        time.sleep(_POLL)
    return False


def _ask(ack: Acknowledgement, *, timeout: float = 2.0) -> Answer | None:
    target = (ack.address or ack.name or "localhost", ack.port)
    return ask_over(lambda: socket.create_connection(target, timeout=timeout), ack, timeout=timeout)


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
