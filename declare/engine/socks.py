"""The few bytes of SOCKS 5 with which an open ssh connection is asked for a stream to an address behind it."""

import socket

from declare.engine.deadline import Deadline

_GREETING = b"\x05\x01\x00"
_NAME_LIMIT = 255


def request_stream(proxy: socket.socket, address: str, port: int, deadline: Deadline) -> None:
    """Turn a connection with the proxy into one with `address`. Raises ConnectionRefusedError where nothing answers."""
    _send(proxy, _GREETING, deadline)
    _receive(proxy, 2, deadline)
    _send(proxy, b"\x05\x01\x00" + _encode(address) + port.to_bytes(2, "big"), deadline)
    if _receive(proxy, 10, deadline)[1] != 0:
        raise ConnectionRefusedError


def _encode(address: str) -> bytes:
    for family, kind in ((socket.AF_INET, b"\x01"), (socket.AF_INET6, b"\x04")):
        try:
            return kind + socket.inet_pton(family, address)
        except OSError:
            continue
    name = address.encode("ascii")
    if len(name) > _NAME_LIMIT:
        raise ValueError("a name of more than 255 bytes")
    return b"\x03" + bytes([len(name)]) + name


def _send(proxy: socket.socket, content: bytes, deadline: Deadline) -> None:
    proxy.settimeout(deadline.left())
    proxy.sendall(content)


def _receive(proxy: socket.socket, size: int, deadline: Deadline) -> bytes:
    found = b""
    while len(found) < size:
        proxy.settimeout(deadline.left())
        piece = proxy.recv(size - len(found))
        if not piece:
            # ssh answers a stream that it could not open with nothing at all.
            raise ConnectionRefusedError
        found += piece
    return found
