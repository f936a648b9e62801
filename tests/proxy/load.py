"""Clients that ask all the while, each request on a new connection, half GET and half POST; every failure is kept."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

CLIENTS = 4


@dataclass
class Load:
    requests: int = 0
    failures: list[str] = field(default_factory=list)


@contextmanager
def load(address: str, port: int, *, host: str) -> Iterator[Load]:
    """Asks from entering to leaving."""
    counted, done = Load(), threading.Event()

    def ask_on() -> None:
        turn = 0
        while not done.wait(0.005):
            turn += 1
            failure = _ask(address, port, host, "GET" if turn % 2 else "POST")
            counted.requests += 1
            if failure:
                counted.failures.append(failure)

    clients = [threading.Thread(target=ask_on) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield counted
    finally:
        done.set()
        for client in clients:
            client.join()


def _ask(address: str, port: int, host: str, method: str) -> str:
    connection = http.client.HTTPConnection(address, port, timeout=15)
    try:
        connection.request(method, "/", b"x" * 100 if method == "POST" else None, {"Host": host})
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        return f"{method} {type(error).__name__}: {error}"
    finally:
        connection.close()
    return "" if answer.status == 200 else f"{method} {answer.status}"
