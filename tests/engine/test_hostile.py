"""An engine that hangs, lies or is none: the host is named, in time, and nothing is ever taken for empty."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from declare.engine.connect import open_reader, open_writer
from declare.engine.write import Writer
from declare.model.engine import ContainerRequest, EngineReader
from declare.model.errors import EngineError, HostError, NotFound, PortTaken, Unreachable
from declare.model.inventory import EngineAddress, Host
from tests.engine.scripted import PING, reply, serve

HTML = reply(b"<html>502 Bad Gateway</html>", status="502 Bad Gateway")
FOREIGN = b'[{"Id":"1","Names":["/x"],"State":"running","ImageID":"i","Labels":null,"Ports":[]}]'

REPLIES: dict[str, bytes] = {
    "hangs up": b"",
    "truncated JSON, right length": reply(b'[{"Id": "1", '),
    "truncated body": reply(b"[]", length=100),
    "a length too short": reply(b"[1, 2, 3]", length=4),
    "truncated chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]",
    "broken chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n0\r\n\r\n",
    "a proxy's error page": HTML,
    "an HTML page": reply(b"<html>welcome</html>"),
    "garbage": b"\x15\x03\x01\x00\x02\x02\x50" * 20 + b"\r\n\r\n",
    "an object for a list": reply(b"{}"),
    "null for a list": reply(b"null"),
    "entries without what they must have": reply(b'[{"Id": "1"}]'),
    "a huge header": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 10_000_000 + b"\r\n\r\n[]",
    "endless headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n[]",
    "deeply nested JSON": reply(b"[" * 200_000),
    "a redirect": reply(b"", status="302 Found", headers="Location: http://127.0.0.1:1/\r\n"),
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "not modified": b"HTTP/1.1 304 Not Modified\r\n\r\n",
    "an error without a message": reply(b"{}", status="500 Internal Server Error"),
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
}


@pytest.mark.parametrize("kind", REPLIES)
def test_a_list_that_can_t_be_trusted_is_unreachable_never_empty(kind: str) -> None:
    with serve(lambda _: REPLIES[kind], once=True) as server:
        reader = open_reader(server.host, timeout=2)
        with pytest.raises(HostError, match=r"^h1: ") as caught:
            reader.list_containers()
        assert isinstance(caught.value, Unreachable)
        assert "\x15" not in str(caught.value) and "\n" not in str(caught.value)


def test_an_engine_that_accepts_and_never_answers_costs_no_more_than_the_deadline() -> None:
    with serve(lambda _: None, ping=False) as server:
        begun = time.monotonic()
        with pytest.raises(Unreachable, match=r"no answer from .* within 0\.3 s"):
            open_reader(server.host, timeout=0.3).list_containers()
        assert time.monotonic() - begun < 1


def test_a_trickle_of_bytes_does_not_stretch_the_deadline() -> None:
    import socket
    import threading

    listener = socket.create_server(("127.0.0.1", 0))

    def trickle() -> None:
        stream, _ = listener.accept()
        with stream, listener:
            stream.recv(65536)
            stream.sendall(b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nX: ")
            try:
                for _ in range(200):
                    stream.sendall(b"a")
                    time.sleep(0.02)
            except OSError:
                return

    threading.Thread(target=trickle, daemon=True).start()
    host = Host("h1", EngineAddress("tcp", f"127.0.0.1:{listener.getsockname()[1]}", insecure=True))
    begun = time.monotonic()
    with pytest.raises(Unreachable):
        open_reader(host, timeout=0.3).list_containers()
    assert time.monotonic() - begun < 1.5


def test_what_answers_without_an_api_version_is_no_engine() -> None:
    with serve(lambda _: reply(b"OK"), ping=False) as server, pytest.raises(Unreachable, match="no Docker engine"):
        open_reader(server.host).list_containers()


@pytest.mark.parametrize(("version", "asked"), [("1.41", "v1.41"), ("1.44", "v1.44"), ("1.99", "v1.47")])
def test_the_newest_api_that_both_know_is_spoken(version: str, asked: str) -> None:
    ping = PING.replace(b"1.41", version.encode())
    with serve(lambda line: ping if "_ping" in line else reply(b"[]"), ping=False) as server:
        assert open_reader(server.host).list_containers() == ()
        assert f"/{asked}/" in server.requests[1]


def test_an_engine_that_is_too_old_is_refused() -> None:
    with (
        serve(lambda _: PING.replace(b"1.41", b"1.40"), ping=False) as server,
        pytest.raises(EngineError, match=r"too old.*20\.10"),
    ):
        open_reader(server.host).list_containers()


def test_a_redirect_is_not_followed() -> None:
    with serve(lambda _: reply(b"[]")) as other:
        location = f"Location: http://127.0.0.1:{other.port}/x\r\n"
        with serve(lambda _: reply(b"", status="307 Temporary Redirect", headers=location)) as server:
            with pytest.raises(Unreachable, match="redirect"):
                open_reader(server.host).list_containers()
            assert other.requests == []


def test_a_reading_call_is_repeated_on_a_connection_that_went_stale() -> None:
    lists: list[str] = []

    def answer(line: str) -> bytes:
        lists.append(line)
        return b"" if len(lists) == 2 else reply(FOREIGN)

    with serve(answer) as server:
        reader = open_reader(server.host)
        assert [len(reader.list_containers()) for _ in range(2)] == [1, 1]
        assert len(lists) == 3


def test_a_writing_call_is_never_repeated() -> None:
    with serve(lambda line: b"" if "POST" in line else reply(FOREIGN)) as server:
        writer = open_writer(server.host)
        writer.list_containers()
        with pytest.raises(Unreachable):
            writer.start_container("x")
        assert len(server.about("POST")) == 1


def test_a_reader_can_t_send_anything_but_get() -> None:
    with serve(lambda _: reply(b"{}")) as server:
        reader = open_reader(server.host)
        assert not [name for name in dir(reader) if name in ("create_container", "remove_container", "run_command")]
        with pytest.raises(AssertionError, match="may not write"):
            reader._exchange.read_json("/containers/create", method="POST", deadline=reader._deadline())
        assert server.requests == []


def test_an_engine_s_message_can_t_write_to_the_terminal() -> None:
    body = b'{"message": "no \\u001b[31msuch\\r\\u202e thing\\u0007 %s"}' % (b"x" * 50_000)
    with serve(lambda _: reply(body, status="404 Not Found")) as server:
        with pytest.raises(NotFound) as caught:
            open_reader(server.host).inspect_container("x")
        text = str(caught.value)
        assert text.isprintable() and "no \\x1b[31msuch" in text and len(text) < 3000


@pytest.mark.parametrize(
    "message",
    [
        "driver failed: Bind for 10.0.0.1:80 failed: port is already allocated",
        "listen tcp4 10.0.0.1:80: bind: address already in use",
        "failed to bind host port 0.0.0.0:80/tcp: address already in use",
    ],
)
def test_a_start_that_meets_a_held_port_says_so(message: str) -> None:
    body = f'{{"message": "{message}"}}'.encode()
    with (
        serve(lambda _: reply(body, status="500 Internal Server Error")) as server,
        pytest.raises(PortTaken, match="h1"),
    ):
        open_writer(server.host).start_container("x")


def test_a_port_on_an_address_that_the_host_lacks_is_not_taken() -> None:
    body = b'{"message": "listen tcp4 10.9.9.9:80: bind: cannot assign requested address"}'
    with serve(lambda _: reply(body, status="500 Internal Server Error")) as server:
        with pytest.raises(EngineError) as caught:
            open_writer(server.host).start_container("x")
        assert not isinstance(caught.value, PortTaken)


def test_a_removal_that_is_under_way_is_waited_for() -> None:
    busy = reply(b'{"message": "removal of container x is already in progress"}', status="409 Conflict")
    gone = reply(b'{"message": "No such container: x"}', status="404 Not Found")
    looks: list[str] = []

    def answer(line: str) -> bytes:
        if line.startswith("DELETE"):
            return busy
        looks.append(line)
        return reply(b"{}") if len(looks) < 3 else gone

    with serve(answer) as server:
        open_writer(server.host).remove_container("x")
    assert len(looks) == 3


def test_an_error_inside_a_successful_pull_is_raised() -> None:
    body = b'{"status":"Pulling"}\n{"errorDetail":{"message":"toomanyrequests"},"error":"toomanyrequests"}\n'
    seen: list[str] = []
    with serve(lambda _: reply(body)) as server:
        with pytest.raises(EngineError, match="toomanyrequests"):
            open_writer(server.host).pull_image("a.example/b:1", progress=seen.append)
        assert seen == ["Pulling"]


def test_a_pull_that_is_cut_is_no_success() -> None:
    with (
        serve(lambda _: reply(b'{"status":"Pulling"}\n', length=1000), once=True) as server,
        pytest.raises(Unreachable),
    ):
        open_writer(server.host, write_timeout=2).pull_image("a.example/b:1")


def test_a_pull_by_digest_is_pinned_then_tagged() -> None:
    with serve(lambda _: reply(b"")) as server:
        open_writer(server.host).pull_image("a.example:5000/b/c:1", digest="sha256:00", platform="linux/arm64")
        pull, tag = server.requests[1:]
        assert "fromImage=a.example%3A5000%2Fb%2Fc&tag=sha256%3A00&platform=linux%2Farm64" in pull
        assert "/images/a.example:5000/b/c@sha256:00/tag?repo=a.example%3A5000%2Fb%2Fc&tag=1 " in tag


def test_names_can_t_leave_their_place_in_a_path() -> None:
    with serve(lambda _: reply(b"", status="404 Not Found")) as server:
        with pytest.raises(HostError):
            open_writer(server.host).stop_container("../images/x?force=1", grace=1)
        assert "/containers/..%2Fimages%2Fx%3Fforce%3D1/stop?t=1 " in server.requests[-1]


def test_plain_tcp_is_refused_unless_accepted() -> None:
    with serve(lambda _: reply(b"[]")) as server:
        with pytest.raises(Unreachable, match="plain TCP") as caught:
            open_reader(Host("h1", EngineAddress("tcp", f"127.0.0.1:{server.port}")))
        assert "insecure: true" in (caught.value.help or "")
        assert server.requests == []


def test_the_environment_s_proxies_and_docker_host_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "ALL_PROXY", "DOCKER_HOST"):
        monkeypatch.setenv(name, "tcp://127.0.0.1:1")
    with serve(lambda _: reply(b"[]")) as server:
        assert open_reader(server.host).list_containers() == ()


def test_a_container_of_somebody_else_with_strange_labels_is_just_not_ours() -> None:
    body = (
        b'[{"Id":"1","Names":["/a/alias","/x"],"State":"running","ImageID":"i","Ports":[],"Labels":'
        b'{"declare.format":"1","declare.role":"replica","declare.project":"p","declare.generation":"-x"}},'
        b'{"Id":"2","Names":null,"State":"removing","ImageID":"i","Ports":null,"Labels":null}]'
    )
    with serve(lambda _: reply(body)) as server:
        nameless, strange = open_reader(server.host).list_containers()
        assert (nameless.name, strange.name, strange.owner) == ("", "x", None)


def test_nothing_listening_and_a_missing_socket_are_told_apart() -> None:
    for address, text in (
        (EngineAddress("tcp", "127.0.0.1:1", insecure=True), "nothing listens"),
        (EngineAddress("unix", "/nowhere/docker.sock"), "no socket"),
        (EngineAddress("tcp", "nosuch.invalid:1", insecure=True), "nosuch.invalid"),
    ):
        with pytest.raises(Unreachable, match=text):
            open_reader(Host("h1", address, address="127.0.0.1")).list_containers()


def test_the_create_call_s_reply_must_have_an_id() -> None:
    with serve(lambda _: reply(b"{}", status="201 Created")) as server, pytest.raises(Unreachable):
        open_writer(server.host).create_container(ContainerRequest("x", "y"))


@pytest.mark.parametrize("output", [b"\x01\0\0\0\0\0\0\x05ab", b"\x09garbage", b"\x01\0\0\0\xff\xff\xff\xff"])
def test_a_log_that_is_not_made_of_whole_frames_is_unreachable(output: bytes) -> None:
    config = reply(b'{"Config": {"Tty": false}}')
    with (
        serve(lambda line: reply(output) if "/logs" in line else config) as server,
        pytest.raises(Unreachable, match="h1: "),
    ):
        open_reader(server.host).read_logs("x")


def test_threads_that_wait_for_a_hung_engine_give_up_together() -> None:
    with serve(lambda _: None, ping=False) as server, ThreadPoolExecutor(8) as threads:
        reader = open_reader(server.host, timeout=0.5)
        begun = time.monotonic()
        failed = list(threads.map(lambda _: _fails(reader), range(8)))
        assert all(failed) and time.monotonic() - begun < 1.5


def _fails(reader: EngineReader) -> bool:
    try:
        reader.list_containers()
    except Unreachable:
        return True
    return False


def test_a_write_takes_no_kept_connection_that_has_been_closed_meanwhile() -> None:
    with serve(lambda line: reply(b"[]" if "GET" in line else b""), once=True) as server:
        writer = open_writer(server.host)
        for _ in range(3):
            writer.list_containers()
            eventually_closed(writer)
            writer.start_container("x")
        assert len(server.about("POST")) == 3


def eventually_closed(writer: Writer) -> None:
    end = time.monotonic() + 5
    while any(connection.is_quiet() for connection in writer._pool._idle):
        assert time.monotonic() < end
        time.sleep(0.01)
