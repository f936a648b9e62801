"""The test web server on a host: started on a published port, and asked."""

import http.client
import urllib.request

from tests.fleet.errors import wait_until
from tests.fleet.host import Host
from tests.images.catalog import WEB

PORT = 10080  # outside of the range from which ports are allocated


def start_web(host: Host, name: str, *options: str, image: str = WEB[0], port: int = PORT) -> str:
    """The container's ID. It returns with its host."""
    published = f"{host.address}:{port}:8000"
    return host.docker("run", "-d", "--name", name, "--restart", "unless-stopped", "-p", published, *options, image)


def fetch(host: Host, target: str = "/", *, port: int = PORT, timeout: float = 2) -> str:
    with urllib.request.urlopen(f"http://{host.address}:{port}{target}", timeout=timeout) as reply:
        return str(reply.read(), "utf-8")


def serves(host: Host, *, port: int = PORT) -> bool:
    try:
        return "version" in fetch(host, port=port, timeout=0.5)
    except (OSError, http.client.HTTPException):
        return False


def wait_until_it_serves(host: Host, *, port: int = PORT) -> None:
    wait_until(lambda: serves(host, port=port), what=f"{host.name} serves on port {port}")
