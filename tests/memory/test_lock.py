"""The lock lets one writer in, whoever dies, stalls or is cut off."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from declare.fleet.lock import Claim, FleetLock, break_lock, find_lock
from declare.model.errors import LockHeld, LockLost, Unreachable
from tests.memory.conftest import Engines

EXPIRY = 2.0


def make_lock(engines: Engines, holder: str, *, hosts: tuple[str, ...] = ("h1", "h2", "h3")) -> FleetLock:
    return FleetLock(engines, hosts, Claim("shop", f"id-{holder}", holder, "noon"), expiry=EXPIRY)


@contextmanager
def held(lock: FleetLock, *, wait: float = 5.0) -> Iterator[FleetLock]:
    lock.acquire(wait)
    try:
        yield lock
    finally:
        lock.release()


def test_a_second_writer_must_be_told_who_holds_the_lock(engines: Engines) -> None:
    with held(make_lock(engines, "anna")), pytest.raises(LockHeld, match="anna, since noon, lock id-anna"):
        make_lock(engines, "ben").acquire(0.1)


def test_a_living_holder_must_keep_the_lock_beyond_its_expiry(engines: Engines) -> None:
    with held(make_lock(engines, "anna")) as lock:
        with pytest.raises(LockHeld):
            make_lock(engines, "ben").acquire(3 * EXPIRY)
        for host in engines:
            lock.check(host)


def test_a_released_lock_must_be_free_and_leave_nothing(engines: Engines) -> None:
    with held(make_lock(engines, "anna")):
        pass
    assert all(find_lock(engine, "shop") is None for engine in engines.values())
    with held(make_lock(engines, "ben"), wait=0):
        pass


def test_a_dead_holders_lock_must_be_taken_over(engines: Engines) -> None:
    dead = make_lock(engines, "anna")
    dead.acquire(1)
    dead._stop.set()
    with held(make_lock(engines, "ben"), wait=10 * EXPIRY), pytest.raises(LockLost):
        dead.check("h1")
    dead.release()


def test_a_holder_whose_lock_was_broken_must_not_write(engines: Engines) -> None:
    with held(make_lock(engines, "anna")) as lock:
        assert break_lock(engines, "shop", "id-anna") == ["h1", "h2", "h3"]
        with pytest.raises(LockLost, match="broke"):
            lock.check("h2")


def test_breaking_a_lock_must_name_the_right_one(engines: Engines) -> None:
    with held(make_lock(engines, "anna")) as lock, pytest.raises(LockHeld, match="not id-ben but anna"):
        break_lock(engines, "shop", "id-ben")
        lock.check("h1")


def test_a_minority_must_not_be_enough(engines: Engines) -> None:
    some = {"h1": engines["h1"]}
    with pytest.raises(Unreachable, match="no majority"):
        make_lock(some, "anna").acquire(0)


def test_a_majority_must_be_enough_and_the_rest_stay_unwritten(engines: Engines) -> None:
    some = {name: engines[name] for name in ("h1", "h3")}
    with held(make_lock(some, "anna")) as lock, pytest.raises(LockLost, match="h2"):
        lock.check("h2")


def test_in_an_even_fleet_the_first_host_must_decide(engines: Engines) -> None:
    pair = ("h1", "h2")
    with held(make_lock({"h1": engines["h1"]}, "anna", hosts=pair)):
        pass
    with pytest.raises(Unreachable):
        make_lock({"h2": engines["h2"]}, "ben", hosts=pair).acquire(0)


def test_two_projects_must_not_wait_for_each_other(engines: Engines) -> None:
    other = FleetLock(engines, engines, Claim("blog", "id-b", "ben", "noon"))
    with held(make_lock(engines, "anna")), held(other, wait=0):
        pass


def test_of_many_that_come_at_once_one_at_a_time_must_get_it(engines: Engines) -> None:
    inside: list[str] = []
    most: list[int] = []

    def enter(name: str) -> None:
        with held(make_lock(engines, name), wait=60):
            inside.append(name)
            most.append(len(inside))
            inside.remove(name)

    threads = [threading.Thread(target=enter, args=(f"writer{n}",)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 5
