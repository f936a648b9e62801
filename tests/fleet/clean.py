"""Puts a host back to how a test wants to find it: on, connected, and empty but for what is foreign."""

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from tests.fleet.engine_api import call
from tests.fleet.errors import FleetError
from tests.fleet.fleet import Fleet
from tests.fleet.host import Host
from tests.images import IMAGES, build

FOREIGN = "foreign"  # the label of what no test and no program under test may touch


def clean(fleet: Fleet) -> None:
    fleet.each(heal)
    fleet.each(clear)
    fleet.renew_known_hosts()


def heal(host: Host) -> None:
    """Undoes every fault that the host's verbs can cause."""
    if not host.is_on():
        host.boot()
    if host.is_cut():
        host.mend()
    for address in host.deaf_to():
        host.accept_from(address)
    if not host.has_engine():
        host.start_engine()
    host.resume()
    host.wait_until_ready()


def clear(host: Host) -> None:
    """Removes containers, volumes, networks and image names, except foreign ones, the test images (which are put back
    where they lack) and the engine's own."""
    labelled = {"label": [FOREIGN]}
    foreign = {item["Id"] for item in _list(host, "/containers/json?all=1", labelled)}
    for container in _list(host, "/containers/json?all=1"):
        if container["Id"] not in foreign:
            _delete(host, f"/containers/{container['Id']}?force=1&v=1")
    foreign = {item["Name"] for item in _volumes(host, labelled)}
    _delete_all(host, "/volumes", (volume["Name"] for volume in _volumes(host) if volume["Name"] not in foreign))
    networks = _list(host, "/networks", {"type": ["custom"]})
    _delete_all(host, "/networks", (network["Id"] for network in networks if FOREIGN not in network["Labels"]))
    names = [name for image in _list(host, "/images/json") for name in _names(image)]
    _delete_all(host, "/images", (name for name in names if name not in IMAGES))
    # An image without a name may be one of the tests' own, whose name was given to another: loading takes it back.
    if not set(IMAGES) <= set(names) or any(name.startswith("sha256:") for name in names):
        host.load_images(build())


def _names(image: dict[str, Any]) -> list[str]:
    """What an image is called; one that lost its name to another is "<none>:<none>", and can be deleted by its ID."""
    return [name for name in image["RepoTags"] or [] if name != "<none>:<none>"] or [image["Id"]]


def _volumes(host: Host, filters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    return json.loads(call(host.socket, "GET", f"/volumes?filters={_encode(filters)}"))["Volumes"] or []


def _list(host: Host, target: str, filters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    separator = "&" if "?" in target else "?"
    found: list[dict[str, Any]] = json.loads(call(host.socket, "GET", f"{target}{separator}filters={_encode(filters)}"))
    return found


def _encode(filters: dict[str, Any] | None) -> str:
    return quote(json.dumps(filters or {}))


def _delete_all(host: Host, target: str, names: Iterable[str]) -> None:
    for name in names:
        _delete(host, f"{target}/{quote(name, safe='')}?force=1")


def _delete(host: Host, target: str) -> None:
    try:
        call(host.socket, "DELETE", target)
    except FleetError as error:
        # Gone between list and delete, or an image whose last name went with another, or that a stranger runs.
        if " 404 " not in str(error) and "is being used by running container" not in str(error):
            raise
