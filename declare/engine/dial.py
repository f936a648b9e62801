"""Opens one stream to an engine, over a unix socket, TCP or verified TLS, within a deadline."""

import socket
from collections.abc import Callable
from typing import Any

from declare.engine.deadline import Deadline
from declare.model.app import TlsFiles

Dial = Callable[[Deadline], socket.socket]
"""Raises OSError in its kinds; the caller names the host."""


def dial_unix(path: str) -> Dial:
    def dial(deadline: Deadline) -> socket.socket:
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            stream.settimeout(deadline.left())
            stream.connect(path)
        except BaseException:
            stream.close()
            raise
        return stream

    return dial


def dial_tcp(host: str, port: int) -> Dial:
    # Text would first be spelled for the domain name system, by a codec that takes long to import.
    name: Any = host.encode() if host.isascii() else host

    def dial(deadline: Deadline) -> socket.socket:
        stream = socket.create_connection((name, port), timeout=deadline.left())
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return stream

    return dial


def dial_tls(host: str, port: int, *, ca: str | None, client: TlsFiles | None) -> Dial:
    """The engine's certificate must be signed by `ca` (the system's authorities without one) and name `host`."""
    import ssl

    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if client:
        context.load_cert_chain(client.cert, client.key)
    connect = dial_tcp(host, port)

    def dial(deadline: Deadline) -> socket.socket:
        stream = connect(deadline)
        try:
            stream.settimeout(deadline.left())
            return context.wrap_socket(stream, server_hostname=host)
        except BaseException:
            stream.close()
            raise

    return dial


def parse_host_port(location: str, default_port: int) -> tuple[str, int]:
    """The parts of "host:port", "host" or "[::1]:port". Raises ValueError."""
    host, colon, port = location.rpartition(":")
    if not colon or location.endswith("]"):
        host, port = location, ""
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f'"{location}" is ambiguous: write [ADDRESS]:PORT')
    number = int(port) if port else default_port
    if not host or not 0 < number < 65536:
        raise ValueError(f'"{location}" is not HOST:PORT')
    return host, number
