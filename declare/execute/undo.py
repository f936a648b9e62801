"""A rollout that failed, taken back as a whole: what was replaced is started again, what was new goes."""

from collections.abc import Sequence
from dataclasses import replace

from declare.execute.containers import Started, as_existing, remove, stop
from declare.execute.progress import Held, Progress
from declare.model.event import Failure


def undo(progress: Progress) -> None:
    """Bring the app back to where it was; what can't be brought back is among the failures."""
    progress.stopped = [(replica, old) for replica, old in progress.stopped if replica.old and replica.old.running]
    put_back = list(progress.stopped)
    failures = _swap_back(progress) if progress.change.order == "stop-first" else _start_old(progress, put_back)
    progress.fail(failures)
    down = {failure.subject for failure in failures}
    progress.serving = {
        replica: endpoint
        for replica, endpoint in progress.original.items()
        if f"{progress.change.name}/{replica}" not in down
    }
    progress.publish()
    progress.fail(_remove_new(progress))
    _tell_what_is_back(progress, [item for item in put_back if str(item[0]) not in down])


def _start_old(progress: Progress, held: Sequence[Held]) -> list[Failure]:
    failures = progress.start_again(held)
    progress.stopped = [item for item in progress.stopped if item not in held]
    return failures


def _swap_back(progress: Progress) -> list[Failure]:
    """Where old and new can't run at once: as many at once as were replaced at once, each out of nginx before it
    stops. Those that have no new one come first: they are missing.
    """
    size = max(1, progress.change.parallelism)
    started = list(progress.started)
    failures = _start_old(progress, _held_by(progress, without=started))
    for at in range(0, len(started), size):
        batch = started[at : at + size]
        progress.withdraw(new.change for new in batch)
        progress.publish()
        failures += progress.each(batch, lambda new: _stop_new(progress, new))
        failures += _start_old(progress, _held_by(progress, of=batch))
    return failures


def _held_by(progress: Progress, *, of: Sequence[Started] = (), without: Sequence[Started] = ()) -> list[Held]:
    renewed = [new.change for new in (of or without)]
    return [item for item in progress.stopped if (item[0] in renewed) == bool(of)]


def _stop_new(progress: Progress, new: Started) -> None:
    stop(progress.execution, str(new.change), as_existing(new))


def _remove_new(progress: Progress) -> list[Failure]:
    def remove_one(new: Started) -> None:
        _stop_new(progress, new)
        remove(progress.execution, str(new.change), as_existing(new))

    failures = progress.each(progress.started, remove_one)
    failed = {failure.subject for failure in failures}
    for new in progress.started:
        if str(new.change) not in failed:
            progress.undone(new.change)
    return failures


def _tell_what_is_back(progress: Progress, put_back: Sequence[Held]) -> None:
    back = ", ".join(str(replica) for replica, _ in put_back)
    result = f"{progress.change.name} is as it was" + (f": {back} put back" if back else ": no old replica had left")
    progress.result.failures = [
        replace(failure, result=failure.result or result) for failure in progress.result.failures
    ]
