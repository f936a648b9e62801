"""The load generator counts honestly: what failed, what was served, and what was served twice."""

import socketserver
import threading
from collections.abc import Iterator

import pytest

from tests.fleet import Fleet, Host
from tests.fleet.errors import wait_until
from tests.fleet.load import Load, Served, Witness
from tests.fleet.web import PORT, start_web, wait_until_it_serves


@pytest.fixture
def witness(fleet: Fleet) -> Iterator[Witness]:
    with Witness(fleet.network.gateway) as witness:
        yield witness


@pytest.fixture
def serving(clean_fleet: Fleet, witness: Witness) -> Host:
    host = clean_fleet.hosts["h1"]
    start_web(host, "web", *(f"--env={name}={value}" for name, value in witness.environment.items()))
    wait_until_it_serves(host)
    return host


def test_a_healthy_app_serves_every_request_once(serving: Host, witness: Witness) -> None:
    with Load((serving.address, PORT), host="web.test", rate=200, count=200) as load:
        wait_until(lambda: len(load.outcomes) == 200, what="all requests are sent")
    load.check()
    sent = {outcome.id for outcome in load.outcomes}
    wait_until(lambda: {one.id for one in witness.served} == sent, what="all are reported", seconds=5)
    assert {(outcome.method, outcome.kept) for outcome in load.outcomes} == {
        (method, kept) for method in ("GET", "POST") for kept in (False, True)
    }
    assert witness.doubles() == []


def test_every_failure_is_counted(serving: Host) -> None:
    with Load((serving.address, PORT), host="web.test", rate=100) as load:
        wait_until(lambda: len(load.outcomes) >= 20, what="the load runs")
        serving.docker("rm", "-f", "web")
        wait_until(lambda: len(load.failures) >= 20, what="requests fail")
    with pytest.raises(AssertionError, match="requests failed"):
        load.check()
    assert sum(load.statuses.values()) == len(load.outcomes)


def test_a_load_ends_by_itself(serving: Host) -> None:
    with Load((serving.address, PORT), host="web.test", rate=50, seconds=0.5) as load:
        wait_until(lambda: not any(thread.is_alive() for thread in load._threads), what="it has ended", seconds=5)
    assert 20 <= len(load.outcomes) <= 26


class ClosesIdleConnections(socketserver.StreamRequestHandler):
    """Promises to keep the connection after its first reply, and closes it."""

    def handle(self) -> None:
        length = 0
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            if line.startswith(b"Content-Length:"):
                length = int(line.partition(b":")[2])
        self.rfile.read(length)
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture
def closing_server() -> Iterator[tuple[str, int]]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), ClosesIdleConnections) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield "127.0.0.1", server.server_address[1]
        server.shutdown()


def test_a_kept_connection_that_was_closed_meanwhile_is_no_failure(closing_server: tuple[str, int]) -> None:
    with Load(closing_server, host="web.test", rate=200, count=40, post_path="/") as load:
        wait_until(lambda: len(load.outcomes) == 40, what="all requests are sent")
    load.check()


def test_a_post_served_twice_is_noticed(witness: Witness) -> None:
    witness.served += [Served("POST", "/echo", "a", "1", "x"), Served("POST", "/echo", "a", "1", "y")]
    assert witness.doubles() == ["a"]
