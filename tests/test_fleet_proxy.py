"""The recording proxy passes everything on, notes it, and fails exactly where it was told to, before a real engine."""

import http.client
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet import Fleet
from tests.fleet.errors import wait_until
from tests.fleet.faults import At, Call, Hang, Raw, Reply, Reset, Slow, Truncate
from tests.fleet.fronts import Fronts
from tests.fleet.proxy import Proxy

pytestmark = pytest.mark.fleet


@pytest.fixture
def front(clean_fleet: Fleet) -> Iterator[Proxy]:
    host = clean_fleet.hosts["h1"]
    with Proxy((host.address, host.engine_port), host="h1") as proxy:
        yield proxy


def docker(front: Proxy, *words: str, text: str | None = None) -> "subprocess.CompletedProcess[str]":
    command = ["docker", "-H", front.url, *words]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=30, check=False)


def ask(
    front: Proxy, method: str = "GET", path: str = "/info", *, body: str = "", timeout: float = 5
) -> tuple[int, str]:
    connection = http.client.HTTPConnection(front.url.removeprefix("tcp://"), timeout=timeout)
    try:
        connection.request(method, path, body=body, headers={"Content-Type": "application/json"} if body else {})
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    finally:
        connection.close()


CREATE = ("POST", "/containers/create?name=web")
WEB = json.dumps({"Image": "declare-test/web:1"})


def has_web(fleet: Fleet) -> bool:
    return "web" in fleet.hosts["h1"].docker("ps", "--all", "--format", "{{.Names}}").split()


def test_the_proxy_records_what_passes_through_it(front: Proxy) -> None:
    assert docker(front, "create", "--name", "web", "declare-test/web:1").returncode == 0
    assert docker(front, "start", "web").returncode == 0
    assert docker(front, "ps").stdout.count("declare-test/web:1") == 1
    assert [request.method for request in front.writes] == ["POST", "POST"]
    assert "/containers/create" in front.writes[0].path
    assert b"declare-test/web:1" in front.writes[0].body
    assert [request.number for request in front.requests] == list(range(1, len(front.requests) + 1))


def test_streams_and_uploads_pass_through_the_proxy(front: Proxy, tmp_path: Path) -> None:
    run = ["run", "--rm", "-i", "--name", "cat", "declare-test/busybox:1", "cat"]
    assert docker(front, *run, text="through and back\n").stdout == "through and back\n"
    assert docker(front, "run", "-d", "--name", "web", "declare-test/web:1").returncode == 0
    assert docker(front, "exec", "web", "sh", "-c", "echo $VERSION").stdout == "1\n"
    (tmp_path / "big").write_bytes(b"x" * 3_000_000)
    assert docker(front, "cp", str(tmp_path / "big"), "web:/tmp/big").returncode == 0
    assert docker(front, "exec", "web", "wc", "-c", "/tmp/big").stdout.split()[0] == "3000000"
    assert "listening" in docker(front, "logs", "web").stdout


def test_a_fault_before_keeps_the_request_from_the_engine(front: Proxy, clean_fleet: Fleet) -> None:
    front.journal.fail(Reset(), write=1)
    with pytest.raises(ConnectionError):
        ask(front, *CREATE, body=WEB)
    assert not has_web(clean_fleet)


def test_a_fault_after_sending_leaves_the_outcome_unknown(front: Proxy, clean_fleet: Fleet) -> None:
    front.journal.fail(Reset(), at=At.AFTER_SEND, write=1)
    with pytest.raises(ConnectionError):
        ask(front, *CREATE, body=WEB)
    wait_until(lambda: has_web(clean_fleet), what="the engine has made the container")


def test_a_fault_after_the_reply_leaves_the_reply_whole(front: Proxy) -> None:
    happened = threading.Event()
    front.journal.fail(Call(happened.set), at=At.AFTER_REPLY, write=1)
    assert ask(front, *CREATE, body=WEB)[0] == 201
    assert happened.wait(5)


def test_a_hang_outlasts_the_clients_patience(front: Proxy) -> None:
    front.journal.fail(Hang(), number=1)
    with pytest.raises(TimeoutError):
        ask(front, timeout=0.3)
    assert ask(front)[0] == 200


@pytest.mark.parametrize("at", [At.BEFORE, At.AFTER_SEND])
def test_a_reply_can_be_replaced(front: Proxy, clean_fleet: Fleet, at: At) -> None:
    front.journal.fail(Reply(409, b"taken"), at=at, method="POST")
    assert ask(front, *CREATE, body=WEB) == (409, "taken")
    if at is At.AFTER_SEND:
        wait_until(lambda: has_web(clean_fleet), what="the engine has made the container")
    else:
        assert not has_web(clean_fleet)


def test_a_slow_reply_comes_late_and_whole(front: Proxy) -> None:
    front.journal.fail(Slow(0.3), at=At.AFTER_SEND, path="^/info")
    begun = time.monotonic()
    assert ask(front)[0] == 200
    assert time.monotonic() - begun >= 0.3


def test_a_truncated_reply_ends_in_the_middle(front: Proxy) -> None:
    front.journal.fail(Truncate(20), at=At.AFTER_SEND)
    with pytest.raises(http.client.IncompleteRead):
        ask(front)


def test_garbage_reaches_the_client_as_it_is(front: Proxy) -> None:
    front.journal.fail(Raw(b"no HTTP\r\n\r\n"))
    with pytest.raises(http.client.BadStatusLine):
        ask(front)


def test_a_fault_that_makes_no_sense_is_refused(front: Proxy) -> None:
    with pytest.raises(ValueError, match="not possible after-reply"):
        front.journal.fail(Truncate(1), at=At.AFTER_REPLY)


def test_fronts_number_the_requests_of_all_hosts_in_one_order(clean_fleet: Fleet) -> None:
    with Fronts(clean_fleet) as fronts:
        for proxy in fronts.proxies.values():
            ask(proxy)
        assert [(it.number, it.host) for it in fronts.journal.requests] == [(1, "h1"), (2, "h2"), (3, "h3")]
        assert all(proxy.url in fronts.inventory() for proxy in fronts.proxies.values())
