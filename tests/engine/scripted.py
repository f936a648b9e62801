"""A server that answers each request with bytes of the test's choosing: what an engine should never do."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from declare.model.inventory import EngineAddress, Host

Answer = Callable[[str], bytes | None]
"""The reply to a request line; None never answers, b"" hangs up."""

PING = b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK"


def reply(body: bytes, *, status: str = "200 OK", length: int | None = None, headers: str = "") -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {size}\r\n\r\n".encode() + body


@dataclass(slots=True)
class Scripted:
    port: int
    requests: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)

    @property
    def host(self) -> Host:
        return Host("h1", EngineAddress("tcp", f"127.0.0.1:{self.port}", insecure=True))

    def about(self, path: str) -> list[str]:
        return [request for request in self.requests if path in request]


@contextmanager
def serve(
    answer: Answer, *, ping: bool = True, once: bool = False, tls: ssl.SSLContext | None = None
) -> Iterator[Scripted]:
    """With `ping`, the server passes for an engine until it is asked for more; with `once`, it then hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))
    scripted = Scripted(listener.getsockname()[1])
    closing = threading.Event()
    streams: list[socket.socket] = []

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                stream, _ = listener.accept()
                streams.append(stream)
                threading.Thread(target=talk, args=(stream,), daemon=True).start()

    def talk(stream: socket.socket) -> None:
        with contextlib.suppress(OSError):
            wrapped = tls.wrap_socket(stream, server_side=True) if tls else stream
            with wrapped:
                while head := _read_head(wrapped):
                    request = head.split("\r\n", 1)[0]
                    scripted.requests.append(request)
                    scripted.heads.append(head)
                    content = PING if ping and "/_ping" in request else answer(request)
                    if content is None:
                        closing.wait()
                        return
                    if not content:
                        return
                    wrapped.sendall(content)
                    if once and "/_ping" not in request:
                        return

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield scripted
    finally:
        closing.set()
        listener.close()
        for stream in streams:
            stream.close()


def _read_head(stream: socket.socket) -> str:
    head = b""
    while b"\r\n\r\n" not in head:
        piece = stream.recv(65536)
        if not piece:
            return ""
        head += piece
    return head.decode("latin-1")
