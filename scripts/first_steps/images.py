"""The shop's images on one engine: made from this machine's own programs, or else from images of the registry."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fleet.engine_api import load_images
from tests.images import IMAGES
from tests.images.catalog import BUSYBOX, NGINX, TCP, WEB, MissingPrograms, build

SHOP = {
    "shop/web:1.0": WEB[0],
    "shop/web:1.1": WEB[1],
    "shop/api:1.0": WEB[0],
    "shop/api:1.1": WEB[1],
    "shop/db:1.0": TCP,
    "shop/agent:1.0": BUSYBOX,
}
"""Images of the shop, and the test images that stand in for them."""

NGINX_PULLED = "nginx:1.28"
SOURCE = Path(__file__).parent.parent.parent / "examples" / "shop" / "image"


def build_on(engine: Path, say: Callable[[str], None]) -> str:
    """Every image of the shop; the nginx that goes with them. Raises NoGround."""
    client = _client(engine)
    try:
        archive = build()
    except (MissingPrograms, OSError):
        _build_from_registry(client, say)
        return NGINX_PULLED
    load_images(engine, archive)
    for name, source in SHOP.items():
        client.images.get(source).tag(name)
    say("images made from this machine's gcc, busybox and nginx")
    return NGINX


def remove_from(engine: Path) -> None:
    """What `build_on` made. What it pulled may be somebody's else's by now, and stays."""
    client = _client(engine)
    for name in (*SHOP, *IMAGES):
        if client.images.list(name=name):
            client.images.remove(name, force=True)


def _build_from_registry(client: Any, say: Callable[[str], None]) -> None:
    from docker.errors import DockerException

    from scripts.first_steps.ground import NoGround

    say("images made from python:3-alpine and nginx of the registry")
    try:
        if not client.images.list(name=NGINX_PULLED):
            client.images.pull(NGINX_PULLED)
        for name in SHOP:
            arguments = {"VERSION": name.rpartition(":")[2], "KIND": "tcp" if "/db:" in name else "http"}
            client.images.build(path=str(SOURCE), tag=name, buildargs=arguments, rm=True)
    except DockerException as error:
        raise NoGround(f"an image could not be made: {error}") from error


def _client(engine: Path) -> Any:
    import docker

    return docker.DockerClient(base_url=f"unix://{engine}", timeout=300)
