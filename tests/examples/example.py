"""A copy of an example on hosts of a test fleet: its own files, but for engines, addresses and the image of nginx."""

import http.client
import os
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.fleet import Fleet, Host
from tests.images.catalog import BUSYBOX, NGINX, TCP, WEB

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples"
STAND_INS = {"shop/agent:1.0": BUSYBOX, "shop/db:1.0": TCP}
"""What runs for an image that is made up; for all others it is the test web server."""


@dataclass(frozen=True, slots=True)
class Example:
    folder: Path
    inventory: str
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def on(
        cls, fleet: Fleet, name: str, folder: Path, *, inventory: str = "inventory.yaml", tls: bool = False
    ) -> "Example":
        """The example's hosts, in the order of their names, become those of the fleet."""
        shutil.copytree(EXAMPLES / name, folder)
        written = yaml.safe_load((folder / inventory).read_text())
        chosen = dict(zip(sorted(written["hosts"]), fleet.hosts.values(), strict=False))
        for name_there, host in chosen.items():
            written["hosts"][name_there] |= {
                "engine": host.engine_tcp if tls else host.engine_ssh,
                "address": host.address,
            }
        if "image" in written.get("proxy", {}):
            written["proxy"]["image"] = NGINX
        (folder / inventory).write_text(yaml.safe_dump(written))
        for host in chosen.values():
            _tag(host, folder)
        return cls(folder, inventory, {**os.environ, **fleet.environment})

    def declare(self, *words: str, code: int = 0) -> str:
        """What the program prints; it must end with this exit code."""
        done = subprocess.run(
            [sys.executable, "-m", "declare", "-i", self.inventory, *words],
            cwd=self.folder,
            env=self.environment | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, f"declare {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def converge(self) -> None:
        """Planned, applied, and then there is nothing left to do."""
        self.declare("plan", "--detailed-exitcode", code=2)
        self.declare("apply", "--yes")
        assert "Nothing to do" in self.declare("plan", "--detailed-exitcode")


def ask(
    address: str, name: str, path: str = "/", *, port: int = 80, tls: ssl.SSLContext | None = None
) -> tuple[int, str]:
    """Status and body, or for a redirect where it leads."""
    connection = _Secure(address, port, name, tls) if tls else http.client.HTTPConnection(address, port, timeout=5)
    connection.request("GET", path, headers={"Host": name})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, answer.getheader("Location") or body


class _Secure(http.client.HTTPConnection):
    """HTTPS to an address, for a name."""

    def __init__(self, address: str, port: int, name: str, tls: ssl.SSLContext) -> None:
        super().__init__(address, port, timeout=5)
        self._name, self._tls = name, tls

    def connect(self) -> None:
        super().connect()
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name)


def images_of(folder: Path) -> Sequence[str]:
    """Every image that the manifests of an example name, in both versions where a variable chooses one."""
    found = {app["image"] for file in folder.glob("apps/*.yaml") for app in _apps(file).values()}
    return sorted({image.replace("${TAG}", version) for image in found for version in ("1.0", "1.1")})


def _apps(file: Path) -> dict[str, Any]:
    apps: dict[str, Any] = yaml.safe_load(file.read_text())["apps"]
    return apps


def _tag(host: Host, folder: Path) -> None:
    for image in images_of(folder):
        newer = bool(re.search(r":1\.1$", image))
        host.docker("tag", STAND_INS.get(image, WEB[newer]), image)
