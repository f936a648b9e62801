"""Opens a host: the one place that knows which kinds of engine addresses there are."""

from declare.engine.dial import dial_tcp, dial_tls, dial_unix, parse_host_port
from declare.engine.read import Reader
from declare.engine.route import Route, Straight
from declare.engine.write import Writer
from declare.model.errors import Unreachable
from declare.model.inventory import EngineAddress, Host

OBSERVE_TIMEOUT = 5.0
READ_TIMEOUT = 15.0
WRITE_TIMEOUT = 60.0


def open_reader(host: Host, *, timeout: float = OBSERVE_TIMEOUT) -> Reader:
    """A reader of the host's engine; each of its calls ends within `timeout` seconds. Nothing is asked of it yet.

    Raises Unreachable where the inventory's words lead nowhere: an unknown name or context, an unreadable key.
    """
    route, address = _find(host)
    return Reader(host.name, route, address=address, timeout=timeout)


def open_writer(host: Host, *, timeout: float = READ_TIMEOUT, write_timeout: float = WRITE_TIMEOUT) -> Writer:
    """The same for writing, and more patient. `write_timeout` is for what changes the host, but for pulls and loads."""
    route, address = _find(host)
    return Writer(host.name, route, address=address, timeout=timeout, write_timeout=write_timeout)


def _find(host: Host) -> tuple[Route, str]:
    engine = host.engine
    if engine.scheme == "context":
        from declare.engine.context import read_context

        engine = read_context(host.name, engine)
    try:
        return _route(host, engine)
    except (OSError, ValueError) as error:
        raise Unreachable(host.name, f"{engine}: {getattr(error, 'strerror', None) or error}") from error


def _route(host: Host, engine: EngineAddress) -> tuple[Route, str]:
    if engine.scheme == "unix":
        return Straight(str(engine), dial_unix(engine.location)), host.address or "127.0.0.1"
    if engine.scheme == "ssh":
        from declare.engine.ssh import SshRoute, find_address

        return SshRoute(host.name, engine), host.address or find_address(engine)
    name, port = parse_host_port(engine.location, 2376 if engine.ca or engine.client else 2375)
    if engine.insecure and not (engine.ca or engine.client):
        return Straight(str(engine), dial_tcp(name, port)), host.address or _resolve(name)
    if not (engine.ca or engine.client):
        raise Unreachable(
            host.name,
            f"{engine} is plain TCP: whoever reaches that port owns the host",
            help="give it tls: {ca, cert, key}, use ssh://, or accept it with insecure: true",
        )
    dial = dial_tls(name, port, ca=engine.ca, client=engine.client)
    return Straight(str(engine), dial), host.address or _resolve(name)


def _resolve(name: str) -> str:
    import socket

    return str(socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)[0][4][0])
