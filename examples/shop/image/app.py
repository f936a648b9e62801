"""What the shop's images run: says over HTTP who answered, or with KIND=tcp sends back what it is sent."""

import json
import os
import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"version": os.environ["VERSION"], "hostname": socket.gethostname()}).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Echo(StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(line)


# The first process of a container gets no signal that it has not asked for.
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
everywhere = ("", int(os.environ.get("PORT", "8000")))
kind = os.environ.get("KIND")
with ThreadingTCPServer(everywhere, Echo) if kind == "tcp" else ThreadingHTTPServer(everywhere, Answer) as server:
    server.daemon_threads = True
    server.serve_forever()
