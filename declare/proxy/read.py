"""What a proxy container serves and would start with, read without executing anything in it."""

from declare.model.engine import EngineReader
from declare.model.errors import HostError, NotFound
from declare.model.observed import Container, ObservedProxy
from declare.proxy.ask import ask_config
from declare.proxy.config import Acknowledgement, hash_text
from declare.proxy.place import CONFIG, FOLDER

_MARKS = ("[emerg]", "[alert]", "[crit]")
_SUMMARY = "still could not bind()"  # follows the lines that say which port


def read_proxy(engine: EngineReader, container: Container) -> ObservedProxy | None:
    """Both hashes of a proxy container; None if its labels don't say where it answers."""
    if (ack := read_ack(engine, container)) is None:
        return None
    answer = ask_config(engine, ack) if container.is_running else None
    text = read_configs(engine, container.id).get(CONFIG)
    return ObservedProxy(
        container=container,
        ack_port=ack.port,
        file_hash=hash_text(text) if text is not None else None,
        served_hash=answer.hash if answer else None,
    )


def read_ack(engine: EngineReader, container: Container) -> Acknowledgement | None:
    """Where that container answers its hash, by its labels."""
    ports = container.owner.ports if container.owner else ()
    port = next((port for port in ports if port.name == "ack"), None)
    return Acknowledgement(port.host_ip or engine.address, port.host_port) if port else None


def read_configs(engine: EngineReader, container_id: str) -> dict[str, str]:
    """The texts in the configuration's folder by file name; empty if there is no such folder."""
    try:
        files = engine.read_files(container_id, FOLDER)
    except NotFound:
        return {}
    return {name: content.decode("utf-8", "replace") for name, content in files.items()}


def read_complaint(engine: EngineReader, container_id: str) -> str:
    """nginx's last own word from the container's log on why it did not do something; "" if there is none."""
    try:
        return find_complaint("\n".join(engine.read_logs(container_id, tail=30)))
    except HostError:
        return ""


def find_complaint(output: str) -> str:
    """The last line that nginx marks as fatal, without its time and process; "" if there is none."""
    for line in reversed(output.splitlines()):
        for mark in _MARKS:
            if mark in line and _SUMMARY not in line:
                said = line.partition(mark)[2].strip()
                return said.partition(": ")[2] if said.partition(": ")[0].replace("#", "").isdigit() else said
    return ""
