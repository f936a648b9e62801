"""Requests to one engine and their replies: every reply is checked, and every failure names the host.

Nothing is guessed from a reply that is cut, is not the engine's, or comes too late; redirects are not followed.
"""

import http.client
import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

from declare.engine.deadline import Deadline
from declare.engine.message import escape
from declare.engine.pool import Connection, Pool
from declare.model.canonical import Json
from declare.model.errors import Conflict, EngineError, HostError, NotFound, Unreachable

OLDEST_API = (1, 41)
NEWEST_API = (1, 47)

_PIECE = 64 * 1024
_ERROR_LIMIT = 64 * 1024
_BODY_LIMIT = 64 * 1024 * 1024
_STALE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


class Reply:
    """The status line and headers of one answer; the body is read once, with `read` or `pieces`."""

    def __init__(self, pool: Pool, connection: Connection, response: http.client.HTTPResponse) -> None:
        self._pool = pool
        self._connection: Connection | None = connection
        self._response = response
        self.status = response.status

    def header(self, name: str) -> str:
        return self._response.headers.get(name, "")

    def read(self, limit: int = _BODY_LIMIT) -> bytes:
        pieces, size = [], 0
        for piece in self.pieces():
            size += len(piece)
            if size > limit:
                raise http.client.HTTPException(f"a reply of more than {limit} bytes")
            pieces.append(piece)
        return b"".join(pieces)

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes. A body that ends before its announced length raises IncompleteRead."""
        while piece := self._response.read1(_PIECE):
            yield piece
        missing = self._response.length
        if missing:
            raise http.client.IncompleteRead(b"", missing)
        self._finish()

    def _finish(self) -> None:
        connection, self._connection = self._connection, None
        assert connection is not None, "a body is read once"
        self._response.close()
        if self._response.will_close:
            self._pool.drop(connection)
        else:
            self._pool.give_back(connection)

    def close(self) -> None:
        """Free the connection; one with an unread rest can't be used again."""
        self._response.close()
        if self._connection is not None:
            self._pool.drop(self._connection)
            self._connection = None


class Exchange:
    """Calls to one engine under the newest API version that both sides speak. Refuses methods it was not given."""

    def __init__(self, host: str, where: str, pool: Pool, *, methods: frozenset[str]) -> None:
        self.host = host
        self._where = where
        self._pool = pool
        self._methods = methods
        self._version: tuple[int, int] | None = None
        self._negotiating = threading.Lock()

    def version(self, deadline: Deadline) -> tuple[int, int]:
        """The API version to speak, asked once."""
        if self._version is not None:
            return self._version
        with self.naming(deadline):
            if not self._negotiating.acquire(timeout=deadline.left()):
                raise TimeoutError
        try:
            self._version = self._version or self._negotiate(deadline)
            return self._version
        finally:
            self._negotiating.release()

    def _negotiate(self, deadline: Deadline) -> tuple[int, int]:
        with self.naming(deadline):
            reply = self._send("GET", "/_ping", None, {}, deadline)
            reply.read(_ERROR_LIMIT)
        answer = reply.header("Api-Version")
        major, _, minor = answer.partition(".")
        if reply.status != 200 or not (major.isdecimal() and minor.isdecimal()):
            raise Unreachable(self.host, f"what answers at {self._where} is no Docker engine (HTTP {reply.status})")
        newest = (int(major), int(minor))
        if newest < OLDEST_API:
            raise EngineError(self.host, f"its engine is too old (API {answer}); Docker 20.10 is the first that works")
        return min(newest, NEWEST_API)

    def read_json(
        self, path: str, *, deadline: Deadline, query: Mapping[str, str] | None = None, method: str = "GET",
        body: Json = None, headers: Mapping[str, str] | None = None,
    ) -> Any:  # fmt: skip
        """The parsed body of a successful reply; None if it has none (204, 304)."""
        with self.open(path, deadline=deadline, query=query, method=method, body=body, headers=headers) as reply:
            content = reply.read()
        if reply.status in (204, 304):
            return None
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise Unreachable(self.host, f"its reply to {method} {path} is not whole, or not JSON") from None

    @contextmanager
    def open(
        self, path: str, *, deadline: Deadline, query: Mapping[str, str] | None = None, method: str = "GET",
        body: Json = None, headers: Mapping[str, str] | None = None,
    ) -> Iterator[Reply]:  # fmt: skip
        """A successful reply whose body is still to be read. `body`: bytes, an iterable of bytes, or JSON."""
        if method not in self._methods:
            raise AssertionError(f"{method} through a client that may not write")
        major, minor = self.version(deadline)
        target = f"/v{major}.{minor}{path}" + (f"?{urlencode(query)}" if query else "")
        with self.naming(deadline):
            reply = self._send(method, target, *_encode(body, headers or {}), deadline)
            try:
                self._check(reply, method, path)
                yield reply
            finally:
                reply.close()

    def _send(
        self,
        method: str,
        target: str,
        body: bytes | Iterable[bytes] | None,
        headers: dict[str, str],
        deadline: Deadline,
    ) -> Reply:
        while True:
            connection = self._pool.take(deadline)
            kept = connection.requests > 0
            try:
                connection.requests += 1
                connection.request(method, target, body=body, headers=headers)
                return Reply(self._pool, connection, connection.getresponse())
            except _STALE:
                self._pool.drop(connection)
                # An engine that was restarted ends its kept connections; asking again is harmless for a reading call.
                if not (kept and method in ("GET", "HEAD")):
                    raise
                self._pool.close_idle()
            except BaseException:
                self._pool.drop(connection)
                raise

    def _check(self, reply: Reply, method: str, path: str) -> None:
        if reply.status < 300 or reply.status == 304:
            return
        if reply.status < 400:
            raise Unreachable(self.host, f"answered {method} {path} with a redirect, which is not followed")
        raise _engine_error(self.host, reply.status, reply.read(_ERROR_LIMIT))

    @contextmanager
    def naming(self, deadline: Deadline, *, where: str = "") -> Iterator[None]:
        """Turns what goes wrong on the way into Unreachable with the host's name."""
        try:
            yield
        except HostError:
            raise
        except (OSError, http.client.HTTPException) as error:
            raise explain(self.host, where or self._where, error, deadline.seconds) from error


def segment(text: str) -> str:
    """A text as one segment of a path."""
    return quote(text, safe="")


def explain(host: str, where: str, error: Exception, seconds: float) -> Unreachable:
    """The failure of a connection as one line for the user."""
    help = None
    match error:
        case TimeoutError():
            text = f"no answer from {where} within {seconds:g} s"
        case ConnectionRefusedError():
            text = f"nothing listens at {where} (connection refused)"
        case FileNotFoundError():
            text = f"there is no socket at {where}"
        case PermissionError():
            text = f"this user may not use {where}"
            help = "add the user to the group that owns the socket (usually docker)"
        case http.client.RemoteDisconnected() | ConnectionResetError() | BrokenPipeError():
            text = f"the connection to {where} was closed without an answer"
            help = "may this user use the engine's socket there?" if where.startswith("ssh://") else None
        case http.client.HTTPException():
            text = f"the reply from {where} is not whole, or not an engine's ({_describe(error)})"
        case OSError() if type(error).__name__ == "SSLCertVerificationError":
            text = f"the certificate of {where} is refused: {escape(getattr(error, 'verify_message', ''))}"
            help = "check tls.ca, and that the certificate names the host as the inventory does"
        case OSError() if type(error).__module__ == "ssl":
            text = f"no TLS connection with {where}: {escape(str(error))}"
        case OSError() if type(error).__name__ == "gaierror":
            text = f"the name in {where} is not known"
        case _:
            text = f"{where}: {escape(getattr(error, 'strerror', None) or str(error))}"
    return Unreachable(host, text, help=help)


def _describe(error: Exception) -> str:
    return escape(str(error) or type(error).__name__, limit=100)


def _encode(body: Json, headers: Mapping[str, str]) -> tuple[bytes | Iterable[bytes] | None, dict[str, str]]:
    if body is None or not isinstance(body, (dict, list)):
        return body, dict(headers)
    return json.dumps(body).encode(), {"Content-Type": "application/json", **headers}


def _engine_error(host: str, status: int, content: bytes) -> HostError:
    try:
        message = escape(str(json.loads(content)["message"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return Unreachable(host, f"answered HTTP {status} with something that is not an engine's")
    kinds: dict[int, type[EngineError]] = {404: NotFound, 409: Conflict}
    return kinds.get(status, EngineError)(host, message, status=status)
