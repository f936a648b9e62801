"""One writer at a time, by the names of containers on a majority of the hosts; no service, no common clock.

A host's engine lets one container have the lock's name, so a host belongs to one holder at most, and two majorities
share a host. The generation in the label is the fencing token. A holder is dead when its counter has not moved for
the expiry, by the monotonic clock of whoever watches it.
"""

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TypeVar

from declare.fleet.quorum import is_majority
from declare.model import labels, names
from declare.model.engine import ContainerRequest, EngineReader, EngineWriter, FileContent
from declare.model.errors import Conflict, HostError, LockHeld, LockLost, NotFound, Unreachable
from declare.model.observed import Container, Ownership

FOLDER = "/declare"
HOLDER = "declare.holder"
SINCE = "declare.since"
EXPIRY = 15.0
_POLL = 0.5

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Claim:
    """Who takes the lock. `id` is unique and is what `unlock` takes; `who` and `since` are for people."""

    project: str
    id: str
    who: str
    since: str

    def __str__(self) -> str:
        return f"{self.who}, since {self.since}, lock {self.id}"


@dataclass(slots=True)
class _Sighting:
    """When the counter of one lock container was last seen to move."""

    counter: bytes
    moved_at: float


class FleetLock:
    """The lock of one project over its hosts: `acquire`, then `check` before each writing call, then `release`.

    `engines` are the hosts that could be opened, `hosts` all of the inventory.
    """

    def __init__(
        self,
        engines: Mapping[str, EngineWriter],
        hosts: Iterable[str],
        claim: Claim,
        *,
        expiry: float = EXPIRY,
        waiting: Callable[[Claim], None] = lambda _: None,
    ) -> None:
        self.claim = claim
        self._engines = dict(engines)
        self._fleet = sorted(hosts)
        self._expiry = expiry
        self._waiting = waiting
        self._pool = ThreadPoolExecutor(max_workers=max(1, min(64, 2 * len(self._engines))), thread_name_prefix="lock")
        self._mine: dict[str, str] = {}
        self._sightings: dict[str, _Sighting] = {}
        self._stop = threading.Event()
        self._renewed_at = 0.0
        self._renewer: threading.Thread | None = None
        self._broken = ""

    def acquire(self, timeout: float) -> None:
        """Get the lock, or raise LockHeld after `timeout` seconds, Unreachable where no majority answers."""
        end = time.monotonic() + timeout
        try:
            while not self._try_once():
                holder = self._find_holder()
                if time.monotonic() >= end:
                    raise _held_by(holder)
                if holder:
                    self._waiting(holder)
                self._stop.wait(_POLL * random.uniform(0.5, 1.5))
        except BaseException:
            self.release()
            raise
        self._renewer = threading.Thread(target=self._renew_forever, name="lock-renewal", daemon=True)
        self._renewer.start()

    def check(self, host: str) -> None:
        """Raise LockLost unless our lock still stands on this host and was renewed on a majority in time."""
        if self._broken:
            raise LockLost(self._broken)
        if time.monotonic() - self._renewed_at > self._expiry:
            raise LockLost("the lock could not be renewed on a majority of the hosts; nothing more is written")
        if host not in self._mine:
            raise LockLost(f"{host}: the lock could not be taken on this host; nothing is written to it")
        try:
            self._engines[host].inspect_container(self._mine[host])
        except NotFound:
            self._broken = f"{host}: somebody broke the lock; nothing more is written"
            raise LockLost(self._broken) from None

    def release(self) -> None:
        """Give it up. On a host that does not answer now the container stays, and counts as dead after the expiry."""
        self._stop.set()
        if self._renewer:
            self._renewer.join()
        self._each(self._mine, lambda host: self._engines[host].remove_container(self._mine[host], force=True))
        self._mine.clear()
        self._pool.shutdown(wait=False)

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts on which it was taken; no other may be written to."""
        return frozenset(self._mine)

    def _try_once(self) -> bool:
        seen = self._each(self._engines, lambda host: find_lock(self._engines[host], self.claim.project))
        answered = {host: found for host, found in seen.items() if not isinstance(found, HostError)}
        if not is_majority(answered, self._fleet):
            raise _no_majority(self._fleet, seen)
        held = {host: container for host, container in answered.items() if container}
        dead = [host for host, container in held.items() if self._is_dead(host, container)]
        if len(dead) < len(held):
            return False
        self._each(dead, lambda host: self._engines[host].remove_container(held[host].id, force=True))
        return self._claim_on(answered, generation=1 + max(map(_generation, held.values()), default=0))

    def _claim_on(self, hosts: Iterable[str], *, generation: int) -> bool:
        owner = Ownership(self.claim.project, "lock", generation=generation, operation=self.claim.id)
        request = ContainerRequest(
            name=names.lock_container(self.claim.project),
            image=names.EMPTY_IMAGE,
            labels=labels.write_labels(owner) | {HOLDER: self.claim.who, SINCE: self.claim.since},
            spec={"command": ["-"], "network_mode": "none", "restart": "no"},
        )
        results = self._each(hosts, lambda host: _create(self._engines[host], request))
        self._mine = {host: made for host, made in results.items() if isinstance(made, str)}
        self._renewed_at = time.monotonic()
        if is_majority(self._mine, self._fleet):
            return True
        self._each(self._mine, lambda host: self._engines[host].remove_container(self._mine[host], force=True))
        self._mine.clear()
        return False

    def _is_dead(self, host: str, container: Container) -> bool:
        """Whether its counter stood still for the expiry while we watched it."""
        try:
            counter = self._engines[host].read_files(container.id, FOLDER).get("counter", b"")
        except HostError:
            counter = b""
        now = time.monotonic()
        sighting = self._sightings.get(container.id)
        if sighting is None or sighting.counter != counter:
            self._sightings[container.id] = _Sighting(counter, now)
            return False
        return now - sighting.moved_at >= self._expiry

    def _find_holder(self) -> Claim | None:
        seen = self._each(self._engines, lambda host: find_lock(self._engines[host], self.claim.project))
        return next((read_claim(c) for _, c in sorted(seen.items()) if isinstance(c, Container)), None)

    def _renew_forever(self) -> None:
        pending: dict[str, Future[None]] = {}
        count = 0
        while not self._stop.wait(self._expiry / 3):
            count += 1
            started = time.monotonic()
            pending = {host: future for host, future in pending.items() if not future.done()}
            fresh = {h: self._pool.submit(self._renew, h, count) for h in self._mine if h not in pending}
            pending |= fresh
            if self._confirmed(fresh):
                self._renewed_at = started

    def _renew(self, host: str, count: int) -> None:
        self._engines[host].write_files(self._mine[host], FOLDER, {"counter": FileContent(str(count).encode())})

    def _confirmed(self, renewals: Mapping[str, "Future[None]"]) -> bool:
        """Whether a majority was renewed, as soon as that is known: a host that hangs must not delay the others."""
        by_future = {future: host for host, future in renewals.items()}
        renewed: list[str] = []
        try:
            for future in as_completed(by_future, timeout=self._expiry):
                if future.exception() is None:
                    renewed.append(by_future[future])
                if is_majority(renewed, self._fleet):
                    return True
        except TimeoutError:
            pass
        return False

    def _each(self, hosts: Iterable[str], call: Callable[[str], T]) -> dict[str, T | HostError]:
        futures = {host: self._pool.submit(_settle, call, host) for host in sorted(hosts)}
        return {host: future.result() for host, future in futures.items()}


def find_lock(engine: EngineReader, project: str) -> Container | None:
    """The container that locks this host for a project, or None."""
    name = names.lock_container(project)
    return next((container for container in engine.list_containers() if container.name == name), None)


def read_claim(container: Container) -> Claim:
    """Who holds the lock, as its labels say."""
    owner = container.owner or Ownership("", "lock")
    who = container.labels.get(HOLDER, "somebody unknown")
    return Claim(owner.project, owner.operation, who, container.labels.get(SINCE, "an unknown time"))


def break_lock(engines: Mapping[str, EngineWriter], project: str, lock_id: str) -> list[str]:
    """Remove the lock with this id on every host that has it; their names. Raises LockHeld if another id holds it."""
    broken = []
    for host, engine in sorted(engines.items()):
        container = find_lock(engine, project)
        if container is None:
            continue
        claim = read_claim(container)
        if claim.id != lock_id:
            raise LockHeld(f"{host}: the lock that is there is not {lock_id} but {claim}")
        engine.remove_container(container.id, force=True)
        broken.append(host)
    return broken


def _settle(call: Callable[[str], T], host: str) -> T | HostError:
    try:
        return call(host)
    except HostError as error:
        return error


def _create(engine: EngineWriter, request: ContainerRequest) -> str | None:
    try:
        return engine.create_container(request)
    except Conflict:
        return None
    except NotFound:
        engine.import_empty_image(names.EMPTY_IMAGE)
        try:
            return engine.create_container(request)
        except Conflict:
            return None


def _generation(container: Container) -> int:
    return container.owner.generation if container.owner else 0


def _held_by(holder: Claim | None) -> LockHeld:
    if holder is None:
        return LockHeld("another run took the lock first", help="run it again, or wait longer with --lock-timeout")
    return LockHeld(
        f"this project is being changed by {holder}",
        help=f"wait longer with --lock-timeout, or if that run is dead: declare unlock {holder.id}",
    )


def _no_majority(fleet: list[str], seen: Mapping[str, object]) -> Unreachable:
    silent = sorted(set(fleet) - {host for host, found in seen.items() if not isinstance(found, HostError)})
    return Unreachable(
        ", ".join(silent),
        "no majority of the hosts answers, so nothing may be changed",
        help="bring a host back, or say which one is gone for good with --lost NAME",
    )
