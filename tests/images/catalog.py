"""Which images there are and what they hold. Built once per state of their sources, then kept in a cache folder."""

import functools
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.images.archive import Entry, Image, Layer, folder, link, make_archive, make_layer

WEB = ("declare-test/web:1", "declare-test/web:2", "declare-test/web:3")
CHECKED = ("declare-test/checked:1", "declare-test/checked:2")
BROKEN = "declare-test/broken:1"
TCP = "declare-test/tcp:1"
OPINIONATED = "declare-test/opinionated:1"
BUSYBOX = "declare-test/busybox:1"
NGINX = "declare-test/nginx:1.22"
IMAGES = (*WEB, *CHECKED, BROKEN, TCP, OPINIONATED, BUSYBOX, NGINX)

HERE = Path(__file__).parent
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SECOND = 1_000_000_000


class MissingPrograms(Exception):
    """What the images are made from is not installed; the message names it."""


def build() -> Path:
    """The archive with all images, for `docker load`."""
    sources = {name: _find(name) for name in ("busybox", "gcc", "nginx")}
    archive = _cache() / f"images-{_fingerprint(sources)}.tar"
    if not archive.exists():
        _write_whole(archive, make_archive(_images(sources)))
    return archive


def _images(programs: dict[str, Path]) -> list[Image]:
    base = _base_layer(programs["busybox"])
    web = (base, make_layer([Entry("web", _compile(programs["gcc"]), mode=0o755)]))
    return [
        *(Image(name, web, _web_config(version=name[-1])) for name in WEB),
        *(Image(name, web, _web_config(version=name[-1]) | {"Healthcheck": _CHECK}) for name in CHECKED),
        Image(BROKEN, (base,), {"Env": [PATH], "Cmd": ["sh", "-c", "echo 'broken: cannot start' >&2; exit 1"]}),
        Image(TCP, web, _web_config(version="1") | {"Cmd": ["/web", "tcp"]}),
        Image(OPINIONATED, web, _web_config(version="1") | _OPINIONS),
        Image(BUSYBOX, (base,), {"Env": [PATH], "Cmd": ["sh"]}),
        Image(NGINX, (base, _nginx_layer(programs["nginx"])), _NGINX_CONFIG),
    ]


_CHECK = {"Test": ["CMD", "/web", "check"], "Interval": SECOND, "Timeout": 2 * SECOND, "Retries": 2}

# An image that sets every default an image can set, against which a manifest that sets none must show no difference.
_OPINIONS: dict[str, Any] = {
    "Cmd": ["-c", "exec /web"],
    "Entrypoint": ["/bin/sh"],
    "Env": [PATH, "VERSION=1", "FROM_IMAGE=yes"],
    "ExposedPorts": {"8000/tcp": {}, "9000/udp": {}},
    "Healthcheck": _CHECK,
    "Labels": {"from.image": "yes"},
    "StopSignal": "SIGINT",
    "User": "1000:1000",
    "Volumes": {"/data": {}},
    "WorkingDir": "/data",
}

_NGINX_CONFIG: dict[str, Any] = {
    "Cmd": ["nginx", "-g", "daemon off;"],
    "Env": [PATH, "NGINX_VERSION=1.22"],
    "ExposedPorts": {"80/tcp": {}},
    "StopSignal": "SIGQUIT",
}

_NGINX_CONF = b"""\
user nginx;
worker_processes auto;
error_log /var/log/nginx/error.log notice;
pid /run/nginx.pid;
events { worker_connections 1024; }
http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log /var/log/nginx/access.log;
    include /etc/nginx/conf.d/*.conf;
}
"""
_NGINX_DEFAULT = b"server { listen 80; location / { root /usr/share/nginx/html; } }\n"


def _web_config(*, version: str) -> dict[str, Any]:
    return {"Cmd": ["/web"], "Env": [PATH, f"VERSION={version}"], "ExposedPorts": {"8000/tcp": {}}}


def _base_layer(busybox: Path) -> Layer:
    applets = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split()
    return make_layer(
        [
            Entry("bin/busybox", busybox.read_bytes(), mode=0o755),
            *(link(f"bin/{name}", "busybox") for name in applets if name != "busybox"),
            Entry(
                "etc/passwd", b"root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\nnginx:x:101:101::/:/bin/false\n"
            ),
            Entry("etc/group", b"root:x:0:\napp:x:1000:\nnginx:x:101:\n"),
            folder("root", mode=0o700),
            folder("run"),
            folder("tmp", mode=0o1777),
            folder("data", owner=1000),
            link("var/run", "/run"),
        ]
    )


def _nginx_layer(nginx: Path) -> Layer:
    return make_layer(
        [
            Entry("usr/sbin/nginx", nginx.read_bytes(), mode=0o755),
            *(Entry(str(path).lstrip("/"), path.read_bytes(), mode=0o755) for path in _libraries(nginx)),
            Entry("etc/nginx/nginx.conf", _NGINX_CONF),
            Entry("etc/nginx/conf.d/default.conf", _NGINX_DEFAULT),
            Entry("etc/nginx/mime.types", Path("/etc/nginx/mime.types").read_bytes()),
            Entry("usr/share/nginx/html/index.html", b"nginx\n"),
            folder("var/lib/nginx", owner=101),
            folder("var/lock"),
            link("var/log/nginx/access.log", "/dev/stdout"),
            link("var/log/nginx/error.log", "/dev/stderr"),
        ]
    )


def _libraries(program: Path) -> list[Path]:
    listed = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    return [Path(path) for path in sorted(set(re.findall(r"(/\S+) \(0x", listed)))]


def _compile(gcc: Path) -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        command: list[str | Path] = [gcc, "-O2", "-Wall", "-static", "-pthread", "-s", "-o", "web", HERE / "web.c"]
        subprocess.run(command, check=True, cwd=scratch)
        return Path(scratch, "web").read_bytes()


@functools.cache
def _find(program: str) -> Path:
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin:/bin")
    if not found:
        raise MissingPrograms(f"{program} is not installed; run scripts/install-packages")
    return Path(found)


def _fingerprint(programs: dict[str, Path]) -> str:
    digest = hashlib.sha256()
    for source in sorted([*HERE.glob("*.py"), HERE / "web.c"]):
        digest.update(source.read_bytes())
    for program in programs.values():
        state = program.stat()
        digest.update(f"{program} {state.st_size} {state.st_mtime_ns}".encode())
    return digest.hexdigest()[:16]


def _cache() -> Path:
    fallback = "/var/cache/declare-fleet" if os.geteuid() == 0 else Path.home() / ".cache" / "declare-fleet"
    cache = Path(os.environ.get("DECLARE_FLEET_CACHE") or fallback)
    cache.mkdir(parents=True, exist_ok=True)
    return cache


def _write_whole(path: Path, content: bytes) -> None:
    """Two workers may build at once: each writes a file of its own, and the last rename wins."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
    Path(file.name).replace(path)
