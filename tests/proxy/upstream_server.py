"""A small HTTP server to stand behind nginx: it tells what reached it."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def serve(name: str) -> Iterator[int]:
    """The port on loopback where `name` answers every request with what it was; /slow?S answers after S seconds."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Named", (_Teller,), {"name": name}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


class _Teller(BaseHTTPRequestHandler):
    name = ""
    protocol_version = "HTTP/1.1"

    def _tell(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self._echo_bytes()
            return
        if self.path.startswith("/slow?"):
            time.sleep(float(self.path.partition("?")[2]))
        told = {"name": self.name, "method": self.command, "path": self.path, "size": len(body)}
        told["headers"] = {key.lower(): value for key, value in self.headers.items()}
        answer = json.dumps(told).encode()
        self.send_response(200)
        if self.path.startswith("/moved"):
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _echo_bytes(self) -> None:
        token = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(token.encode()).digest()).decode()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept)
        self.end_headers()
        self.wfile.flush()
        while data := self.connection.recv(1024):
            self.connection.sendall(data)
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = _tell  # noqa: N815

    def log_message(self, format: str, *values: object) -> None:
        pass
