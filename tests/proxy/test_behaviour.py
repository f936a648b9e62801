"""What a client meets in front of a real nginx that runs on the rendered configuration."""

import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from declare.model.app import Route
from declare.model.proxy import Endpoint, ProxyModel, Upstream
from declare.proxy.config import Acknowledgement, NginxConfig, parse_answer
from declare.proxy.render import render
from tests.proxy.local import Nginx, certificates_in, eventually, nginx_version, version_of_nginx_missing
from tests.proxy.models import TLS, site
from tests.proxy.ports import free_ports, is_open
from tests.proxy.upstream_server import serve

pytestmark = version_of_nginx_missing


@dataclass
class Front:
    """nginx and how to ask it."""

    config: NginxConfig
    http: int
    https: int
    folder: Path

    def ask(self, host: str, path: str = "/", *, method: str = "GET", body: bytes | None = None,
            headers: dict[str, str] | None = None) -> HTTPResponse:  # fmt: skip
        connection = HTTPConnection("127.0.0.1", self.http, timeout=10)
        connection.request(method, path, body, {"Host": host, **(headers or {})})
        return connection.getresponse()

    def told(self, host: str, path: str = "/", **how: Any) -> dict[str, Any]:
        answer = self.ask(host, path, **how)
        assert answer.status == 200
        told: dict[str, Any] = json.loads(answer.read())
        return told

    def curl(self, url: str, *options: str) -> str:
        host = urlsplit(url).hostname
        command = ["curl", "--silent", "--noproxy", "*", "--cacert", f"{self.folder}/tls.crt", "--max-time", "10"]
        command += ["--resolve", f"{host}:{self.https}:127.0.0.1", *options, url]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("nginx")
    folder.chmod(0o755)
    folder.parent.chmod(0o755)
    http_port, https_port, ack_port, dead = free_ports(4)
    with ExitStack() as stack:
        web, other, admin, slow = (stack.enter_context(serve(name)) for name in ("web", "web", "admin", "slow"))
        sites = (
            site(Route("shop.org"), "web", max_body_size=1000),
            site(Route("shop.org", "/admin", strip_prefix=True), "admin"),
            site(Route("shop.org", "/admin/deep"), "web"),
            site(Route("*.shop.org"), "admin"),
            site(Route("empty.org"), "empty"),
            site(Route("part.org", "/only"), "web"),
            site(Route("half.org"), "half"),
            site(Route("slow.org"), "slow", read_timeout=1.0),
            site(Route("shop.example.com", tls=TLS), "web"),
            site(Route("shop.example.com", "/plain"), "admin"),
        )
        upstreams = (
            Upstream("web", (Endpoint("127.0.0.1", web), Endpoint("127.0.0.1", other))),
            Upstream("admin", (Endpoint("127.0.0.1", admin),)),
            Upstream("half", (Endpoint("127.0.0.1", dead), Endpoint("127.0.0.1", web))),
            Upstream("slow", (Endpoint("127.0.0.1", slow), Endpoint("127.0.0.1", web))),
            Upstream("empty"),
        )
        model = ProxyModel("shop", http_port, https_port, sites, upstreams)
        ack = Acknowledgement("127.0.0.1", ack_port)
        certificates = certificates_in(folder)
        config = render(model, ack=ack, version=nginx_version(), certificates=certificates, generation=3)
        nginx = Nginx(folder)
        stack.callback(nginx.stop)
        nginx.start(config.text)
        front = Front(config, http_port, https_port, folder)
        eventually(lambda: is_open(ack_port))
        yield front


@pytest.mark.parametrize(
    ("host", "path", "name", "arrives"),
    [
        ("shop.org", "/", "web", "/"),
        ("SHOP.org", "/x", "web", "/x"),
        ("shop.org:8080", "/x", "web", "/x"),
        ("shop.org", "/administrator", "web", "/administrator"),
        ("shop.org", "/admin", "admin", "/"),
        ("shop.org", "/admin?q=1", "admin", "/?q=1"),
        ("shop.org", "/admin/", "admin", "/"),
        ("shop.org", "/admin/users/7?q=%2F", "admin", "/users/7?q=%2F"),
        ("shop.org", "/admin/deep", "web", "/admin/deep"),
        ("shop.org", "/admin/deeper", "admin", "/deeper"),
        ("shop.org", "/a%2Fb//c", "web", "/a%2Fb//c"),
        ("any.shop.org", "/", "admin", "/"),
        ("part.org", "/only/this", "web", "/only/this"),
    ],
)
def test_a_request_goes_to_the_app_of_its_longest_route(
    front: Front, host: str, path: str, name: str, arrives: str
) -> None:
    told = front.told(host, path)
    assert (told["name"], told["path"]) == (name, arrives)


@pytest.mark.parametrize(("host", "path"), [("unknown.org", "/"), ("part.org", "/"), ("part.org", "/onlyx")])
def test_what_no_route_names_is_not_found(front: Front, host: str, path: str) -> None:
    assert front.ask(host, path).status == 404


def test_an_app_without_replicas_answers_503_and_when_to_come_back(front: Front) -> None:
    answer = front.ask("empty.org", "/any")
    assert (answer.status, answer.getheader("Retry-After")) == (503, "5")


def test_a_body_above_the_limit_is_refused(front: Front) -> None:
    assert front.told("shop.org", method="POST", body=b"x" * 1000)["size"] == 1000
    assert front.ask("shop.org", method="POST", body=b"x" * 1001).status == 413


def test_what_a_client_says_of_itself_is_overwritten(front: Front) -> None:
    forwarded = ("For", "Proto", "Host", "Port", "Prefix")
    lies = dict.fromkeys([f"X-Forwarded-{what}" for what in forwarded] + ["X-Real-IP", "Forwarded", "Proxy"], "6.6.6.6")
    headers = front.told("shop.org", headers=lies)["headers"]
    assert "6.6.6.6" not in headers.values()
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["host"] == headers["x-forwarded-host"] == "shop.org"


def test_a_stripped_prefix_is_told_to_the_app(front: Front) -> None:
    assert front.told("shop.org", "/admin/x")["headers"]["x-forwarded-prefix"] == "/admin"
    assert "x-forwarded-prefix" not in front.told("shop.org", "/x")["headers"]


def test_a_redirect_of_the_app_is_left_alone(front: Front) -> None:
    assert front.ask("shop.org", "/admin/moved").getheader("Location") == "/elsewhere"


def test_a_websocket_passes_both_ways(front: Front) -> None:
    with socket.create_connection(("127.0.0.1", front.http), timeout=10) as client:
        client.sendall(
            b"GET /ws HTTP/1.1\r\nHost: shop.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(1024)
        assert head.startswith(b"HTTP/1.1 101")
        client.sendall(b"\x81\x85aaaahello")
        assert client.recv(100) == b"\x81\x85aaaahello"


def test_a_replica_that_refuses_connections_costs_no_request(front: Front) -> None:
    answers = [front.ask("half.org", method=method).status for method in ("GET", "POST") * 10]
    assert answers == [200] * 20


def test_a_slow_url_fails_alone(front: Front) -> None:
    """No replica is marked down for it, and it is not tried again elsewhere."""
    slow: list[int] = []
    askers = [threading.Thread(target=lambda: slow.append(front.ask("slow.org", "/slow?3").status)) for _ in range(6)]
    for asker in askers:
        asker.start()
    quick = [front.ask("slow.org", "/", method=method).status for method in ("GET", "POST") * 20]
    for asker in askers:
        asker.join()
    assert quick == [200] * 40
    assert slow == [504] * 6
    assert front.ask("slow.org").status == 200


def test_plain_http_is_sent_to_https(front: Front) -> None:
    answer = front.ask("shop.example.com", "/a?b=c", method="POST")
    assert (answer.status, answer.getheader("Location")) == (308, f"https://shop.example.com:{front.https}/a?b=c")
    assert front.told("shop.example.com", "/plain")["name"] == "admin"


def test_https_speaks_http2_and_says_so_to_the_app(front: Front) -> None:
    url = f"https://shop.example.com:{front.https}/x"
    assert front.curl(url, "--http2", "--output", "/dev/null", "--write-out", "%{http_code} %{http_version}") == "200 2"
    assert json.loads(front.curl(url))["headers"]["x-forwarded-proto"] == "https"
    assert json.loads(front.curl(f"{url}/../plain"))["name"] == "admin"


def test_an_unknown_name_gets_no_certificate(front: Front) -> None:
    assert front.curl(f"https://unknown.org:{front.https}/", "--insecure", "--write-out", "%{http_code}") == "000"


def test_the_hash_in_service_is_answered_on_the_private_port_only(front: Front) -> None:
    connection = HTTPConnection("127.0.0.1", front.config.ack.port, timeout=5)
    connection.request("GET", front.config.ack.path)
    answer = parse_answer(connection.getresponse().read().decode())
    assert answer is not None
    assert (answer.hash, answer.generation) == (front.config.hash, 3)
    assert front.ask("shop.org", "/.declare/config").read() != f"{front.config.hash} 3\n".encode()
    assert front.ask("127.0.0.1", "/.declare/config").status == 404


def test_the_access_log_tells_upstream_and_status_as_json(front: Front) -> None:
    front.told("shop.org", '/logged?"quoted"')
    log = front.folder / "access.log"
    lines = eventually(lambda: [line for line in log.read_text().splitlines() if "/logged" in line])
    entry = json.loads(lines[0])
    assert (entry["app"], entry["status"], entry["upstream_status"]) == ("web", 200, "200")
    assert entry["upstream"].startswith("127.0.0.1:")
