"""An nginx of this machine's own packages, run in a folder of its own on loopback."""

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

import pytest

from declare.model.app import TlsFiles
from declare.proxy.config import Certificate
from tests.proxy.models import TLS

T = TypeVar("T")

PROGRAM = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/opt/homebrew/bin")
version_of_nginx_missing = pytest.mark.skipif(PROGRAM is None, reason="nginx is not installed")


@cache
def nginx_version() -> tuple[int, ...]:
    if PROGRAM is None:
        return ()
    answer = subprocess.run([PROGRAM, "-v"], capture_output=True, text=True, check=True).stderr
    return tuple(int(part) for part in re.findall(r"nginx/([\d.]+)", answer)[0].split("."))


def certificates_in(folder: Path, name: str = "shop.example.com") -> dict[TlsFiles, Certificate]:
    """A throwaway certificate for that name."""
    cert, key = folder / "tls.crt", folder / "tls.key"
    subject = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command: list[str | Path] = [
        "openssl",
        "req",
        "-x509",
        "-nodes",
        "-days",
        "2",
        *curve,
        *subject,
        "-keyout",
        key,
        "-out",
        cert,
    ]
    subprocess.run(command, check=True, capture_output=True)
    return {TLS: Certificate(str(cert), str(key), "ab" * 32)}


def eventually(read: Callable[[], T], *, seconds: float = 10.0) -> T:
    """The first true value that `read` gives within the time."""
    deadline = time.monotonic() + seconds
    while not (value := read()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert value, "it never came true"
    return value


class Nginx:
    """One nginx process; its folder holds the configuration, the pid and all temporary files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "nginx.conf"
        self.process: subprocess.Popen[bytes] | None = None

    def test(self, text: str) -> str:
        """What nginx complains of; "" for nothing, warnings included."""
        self.write(text)
        done = subprocess.run(self.command("-t", "-q"), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def write(self, text: str) -> None:
        scratch = "".join(
            f"    {kind}_temp_path {self.folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")
        )
        text = text.replace("user nginx;\n", "").replace("/dev/stdout", f"{self.folder}/access.log")
        self.config.write_text(text.replace("http {\n", f"http {{\n{scratch}", 1))

    def command(self, *arguments: str) -> list[str]:
        assert PROGRAM is not None
        main = ["-g", f"pid {self.folder}/nginx.pid; daemon off;"]
        return [PROGRAM, "-p", str(self.folder), "-e", "stderr", "-c", str(self.config), *main, *arguments]

    def start(self, text: str) -> None:
        self.write(text)
        self._run()

    def start_exactly(self, text: str) -> None:
        """Without the folders of its own: what is served is the very text."""
        self.config.write_text(text)
        self._run()

    def _run(self) -> None:
        with (self.folder / "stderr").open("ab") as errors:
            self.process = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, stderr=errors)

    def reload(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=10)
