"""nginx in a container of declare's own: made beside whatever serves already, and retired without losing a request."""

from collections.abc import Mapping
from contextlib import suppress
from functools import partial

from declare.model.canonical import Json
from declare.model.engine import ContainerRequest, EngineWriter
from declare.model.errors import HostError, PortTaken
from declare.model.labels import write_labels
from declare.model.observed import Ownership, PortBinding
from declare.proxy.ask import answers_http
from declare.proxy.config import Acknowledgement, NginxConfig
from declare.proxy.deliver import ACK_TIMEOUT, await_config, write_config
from declare.proxy.failure import ProxyNotAcknowledged
from declare.proxy.place import CONFIG, FOLDER
from declare.proxy.read import read_complaint

SPEC: Mapping[str, Json] = {
    "entrypoint": ["nginx"],
    "command": ["-g", "daemon off;", "-c", f"{FOLDER}/{CONFIG}"],
    "network_mode": "host",
    "restart": "unless-stopped",
    "stop_signal": "SIGQUIT",
}
"""What a proxy container is made with, whatever the image's own defaults are."""


def proxy_owner(project: str, *, generation: int, ack: Acknowledgement, operation: str = "") -> Ownership:
    """What the labels of a proxy container say: all that others need to know of it is where it answers."""
    port = PortBinding(container_port=ack.port, host_port=ack.port, host_ip=ack.address or "", name="ack")
    return Ownership(project=project, role="proxy", generation=generation, ports=(port,), operation=operation)


def create_proxy(
    engine: EngineWriter, *, name: str, image: str, owner: Ownership, config: NginxConfig, beside: bool = False
) -> str:
    """A new nginx that serves `config`, acknowledged; the container's ID. `beside`: one of ours serves there already.

    Raises PortTaken if somebody else serves one of its ports, and ProxyNotAcknowledged if it does not come to serve;
    it is removed again then, as after any other failure.
    """
    if not beside:
        _refuse_taken_ports(engine, config)
    request = ContainerRequest(name=name, image=image, labels=write_labels(owner), spec=SPEC)
    container_id = engine.create_container(request)
    try:
        write_config(engine, container_id, config, name=CONFIG)
        engine.start_container(container_id)
        fell = partial(_has_fallen, engine, container_id)
        if not await_config(engine, container_id, config, seconds=ACK_TIMEOUT, is_hopeless=fell):
            complaint = read_complaint(engine, container_id)
            message = "the new nginx does not serve" + (f": {complaint}" if complaint else "")
            raise ProxyNotAcknowledged(engine.host, message, restored=True, help="it was removed again")
    except HostError:
        with suppress(HostError):
            engine.remove_container(container_id, force=True)
        raise
    return container_id


def _refuse_taken_ports(engine: EngineWriter, config: NginxConfig) -> None:
    # With reuseport the kernel would let two strangers share a port, and each would get half of the other's requests.
    for port in config.listens:
        if answers_http(engine, config.ack.address or engine.address, port):
            raise PortTaken(engine.host, f"something else answers on port {port}, which the proxy shall listen on")


def _has_fallen(engine: EngineWriter, container_id: str) -> bool:
    container = engine.inspect_container(container_id)
    return container.restart_count > 0 or not container.is_running


def retire_proxy(engine: EngineWriter, container_id: str, *, grace: float) -> None:
    """Let an nginx that another one stands in for end its requests, within `grace` seconds, and remove it."""
    engine.stop_container(container_id, grace=grace)
    engine.remove_container(container_id)
