"""One app from what runs to what was planned: repaired, created, replaced in batches, retired; or put back whole."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as dc_replace
from typing import TypeVar

from declare.execute.balancer import ProxyUnconfirmed
from declare.execute.containers import (
    ReplicaFailed,
    Started,
    as_existing,
    remove,
    start_again,
    start_replica,
    stop,
)
from declare.execute.execution import Execution
from declare.execute.interrupt import Interrupted
from declare.model.app import App, UpdatePolicy
from declare.model.errors import DeclareError, HostError
from declare.model.event import Failure
from declare.model.plan import Action, AppChange, Existing, ReplicaChange

T = TypeVar("T")


@dataclass(slots=True)
class AppResult:
    """How one app ended: replica changes by their fate, and the evidence of what failed."""

    app: str
    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    not_started: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    interrupted: bool = False

    @property
    def succeeded(self) -> bool:
        return not (self.failed or self.undone or self.not_started or self.interrupted)


class Rollout:
    """The rollout of one app; `app` is None where the app is only removed."""

    def __init__(self, execution: Execution, change: AppChange, app: App | None) -> None:
        self._execution = execution
        self._change = change
        self._declared = app
        self._result = AppResult(change.name)
        self._original = execution.balancer.serving(change.name)
        self._serving = dict(self._original)
        self._started: list[Started] = []
        self._stopped: list[tuple[ReplicaChange, Existing]] = []
        self._pending = [replica for replica in change.replicas if replica.action is not Action.KEEP]

    def run(self) -> AppResult:
        """Carry the change out; every failure ends in the result, never in an exception."""
        try:
            self._repair(self._take(Action.UPDATE))
            self._confirm_newest()
            self._create(self._take(Action.CREATE, Action.MOVE))
            self._replace(self._take(Action.REPLACE))
            self._retire(self._take(Action.REMOVE))
        except Interrupted:
            self._result.interrupted = True
        except ProxyUnconfirmed as error:
            self._fail(Failure("proxy", error.host, error.reason, result=error.kept))
        except _Stopped:
            pass
        except HostError as error:
            self._fail(Failure(self._change.name, error.host, error.reason))
        except DeclareError as error:
            self._fail(Failure(self._change.name, "", str(error)))
        self._result.not_started += [str(replica) for replica in self._pending]
        return self._result

    @property
    def _app(self) -> App:
        if self._declared is None:
            raise ValueError(f"{self._change.name} is only removed")
        return self._declared

    def _take(self, *actions: Action) -> list[ReplicaChange]:
        return [replica for replica in self._pending if replica.action in actions]

    # repairs and creations

    def _confirm_newest(self) -> None:
        """Where an earlier apply was cut off, old and new run side by side: only a healthy new one may stay alone."""
        stays = [r for r in self._change.replicas if r.action in (Action.KEEP, Action.UPDATE)]
        halves = [replica for replica in stays if any(old.running for old in replica.leftovers)]
        failures = self._each(halves, self._confirm_one)
        if failures:
            self._give_up(failures)
        if halves:
            self._execution.balancer.bring_up_to_date(drain=self._app.update.drain)

    def _confirm_one(self, replica: ReplicaChange) -> None:
        if replica.old is not None:
            start_again(self._execution, self._app, str(replica), replica.old)

    def _repair(self, replicas: Sequence[ReplicaChange]) -> None:
        for failure in self._each(replicas, self._repair_one):
            self._fail(failure)
        if replicas:
            self._publish()

    def _repair_one(self, replica: ReplicaChange) -> None:
        existing = replica.old
        if existing is None:
            raise ValueError(f"{replica} has no container to repair")
        engine = self._execution.engines[existing.host]
        for repair in replica.repairs:
            if repair.verb == "start":
                endpoint = start_again(self._execution, self._app, str(replica), existing)
                if endpoint and self._app.routes:
                    self._serving[replica.replica] = endpoint
            elif repair.verb == "unpause":
                engine.unpause_container(existing.id)
            elif repair.verb == "rename":
                engine.rename_container(existing.id, repair.detail)
            else:
                engine.update_container(existing.id, repair.settings)
            self._execution.tell(str(replica), _PAST[repair.verb], host=existing.host, cause=replica.cause)
        self._finish(replica)

    def _create(self, replicas: Sequence[ReplicaChange]) -> None:
        """New replicas ignore parallelism and settle: nothing that serves is at stake."""
        if not replicas:
            return
        self._halt_if_asked(replicas)
        started, failures = self._start(replicas, settle=0.0)
        self._publish()
        self._stop_old([new.change for new in started])
        self._finish_all(started)
        if failures:
            self._give_up(failures)

    # replacing

    def _replace(self, replicas: Sequence[ReplicaChange]) -> None:
        size = max(1, self._change.parallelism)
        for at in range(0, len(replicas), size):
            batch = replicas[at : at + size]
            self._halt_if_asked(batch)
            failures = self._stop_first(batch) if self._change.order == "stop-first" else self._start_first(batch)
            if failures and self._app.update.on_failure == "continue":
                for failure in failures:
                    self._fail(failure)
            elif failures:
                self._give_up(failures)

    def _start_first(self, batch: Sequence[ReplicaChange]) -> list[Failure]:
        started, failures = self._start(batch, settle=self._app.update.settle)
        if failures and self._app.update.on_failure == "rollback":
            return failures
        self._publish()
        self._stop_old([new.change for new in started])
        self._finish_all(started)
        return failures

    def _stop_first(self, batch: Sequence[ReplicaChange]) -> list[Failure]:
        for replica in batch:
            self._serving.pop(replica.replica, None)
        self._publish()
        self._stop_old(batch)
        started, failures = self._start(batch, settle=self._app.update.settle)
        if failures and self._app.update.on_failure != "rollback":
            self._bring_back(batch, {failure.subject for failure in failures})
        self._publish()
        self._finish_all(started)
        return failures

    def _bring_back(self, batch: Sequence[ReplicaChange], failed: set[str]) -> None:
        for replica in batch:
            if str(replica) in failed and replica.old is not None:
                self._stopped = [(other, old) for other, old in self._stopped if other is not replica]
                endpoint = start_again(self._execution, self._app, str(replica), replica.old)
                if endpoint and self._app.routes:
                    self._serving[replica.replica] = endpoint

    def _stop_old(self, replicas: Sequence[ReplicaChange]) -> None:
        """Stop what was replaced, all at once; kept until the app has succeeded, so that it can be started again."""
        replaced = [(replica, replica.old) for replica in replicas if replica.old is not None]
        running = [(str(replica), old) for replica, old in replaced if old.running]
        failures = self._each(running, lambda item: stop(self._execution, *item))
        self._stopped += [(replica, dc_replace(old, running=False)) for replica, old in replaced]
        if failures:
            self._give_up(failures)

    # retiring

    def _retire(self, replicas: Sequence[ReplicaChange]) -> None:
        """Take surplus replicas out of service, then remove all that the app's success makes superfluous."""
        self._halt_if_asked(replicas)
        for replica in replicas:
            self._serving.pop(replica.replica, None)
        if replicas:
            self._publish()
        surplus = [(replica, replica.old) for replica in replicas if replica.old is not None]
        for failure in self._each(surplus, self._retire_one):
            self._fail(failure)
        if self._result.succeeded:
            leftovers = [(replica, old) for replica in self._change.replicas for old in replica.leftovers]
            failed = [(self._change.name, old) for old in self._change.failed]
            superfluous = [(str(r), old) for r, old in [*self._stopped, *leftovers]] + failed
            for failure in self._each(superfluous, self._remove_one):
                self._fail(failure)

    def _retire_one(self, surplus: tuple[ReplicaChange, Existing]) -> None:
        replica, old = surplus
        if old.running:
            stop(self._execution, str(replica), old)
        remove(self._execution, str(replica), old)
        self._finish(replica)

    def _remove_one(self, superfluous: tuple[str, Existing]) -> None:
        subject, old = superfluous
        if old.running:
            stop(self._execution, subject, old)
        remove(self._execution, subject, old)

    # failing

    def _give_up(self, failures: list[Failure]) -> None:
        for failure in failures:
            self._fail(failure)
        if self._must_undo:
            self._undo()
        raise _Stopped

    @property
    def _must_undo(self) -> bool:
        """A new version goes back as a whole; replicas that are merely more of the same stay."""
        replaces = any(replica.action is Action.REPLACE for replica in self._change.replicas)
        return replaces and self._app.update.on_failure == "rollback"

    def _undo(self) -> None:
        """Old ones first, then the new ones out of nginx, then the new ones away."""
        if self._change.order == "stop-first":
            for new in self._started:
                stop(self._execution, str(new.change), as_existing(new))
        failures = self._each(self._stopped, self._start_old)
        for failure in failures:
            self._fail(failure)
        down = {failure.subject for failure in failures}
        self._serving = {
            name: endpoint for name, endpoint in self._original.items() if f"{self._change.name}/{name}" not in down
        }
        self._publish()
        self._remove_started()
        self._tell_what_is_back()

    def _tell_what_is_back(self) -> None:
        back = ", ".join(str(replica) for replica, _ in self._stopped)
        result = f"{self._change.name} is as it was" + (f": {back} put back" if back else ": no old replica had left")
        self._result.failures = [
            dc_replace(failure, result=failure.result or result) for failure in self._result.failures
        ]

    def _start_old(self, stopped: tuple[ReplicaChange, Existing]) -> None:
        replica, old = stopped
        start_again(self._execution, self._app, str(replica), old)

    def _remove_started(self) -> None:
        for new in self._started:
            existing = as_existing(new)
            stop(self._execution, str(new.change), existing)
            remove(self._execution, str(new.change), existing)
            subject = str(new.change)
            if subject in self._result.done:
                self._result.done.remove(subject)
            self._result.undone.append(subject)
            if new.change in self._pending:
                self._pending.remove(new.change)

    # shared steps

    def _start(self, replicas: Sequence[ReplicaChange], *, settle: float) -> tuple[list[Started], list[Failure]]:
        futures = [self._execution.starts.submit(self._start_one, replica, settle) for replica in replicas]
        started, failures = [], []
        for future in futures:
            try:
                new = future.result()
            except ReplicaFailed as error:
                failures.append(error.failure)
                continue
            started.append(new)
            self._started.append(new)
            if new.endpoint and self._app.routes:
                self._serving[new.change.replica] = new.endpoint
        return started, failures

    def _start_one(self, replica: ReplicaChange, settle: float) -> Started:
        return start_replica(self._execution, self._change, self._app, replica, settle)

    def _each(self, items: Iterable[T], call: Callable[[T], None]) -> list[Failure]:
        futures = [(item, self._execution.starts.submit(call, item)) for item in items]
        failures = []
        for item, future in futures:
            try:
                future.result()
            except ReplicaFailed as error:
                failures.append(error.failure)
            except HostError as error:
                failures.append(Failure(_subject(item), error.host, error.reason))
        return failures

    def _publish(self) -> None:
        """Make nginx serve what serves now, and wait until every proxy host does and old connections are drained."""
        balancer = self._execution.balancer
        if self._declared is None:
            balancer.bring_up_to_date(drain=UpdatePolicy().drain)
        elif self._declared.routes:
            balancer.publish(self._change.name, self._serving, drain=self._declared.update.drain)

    def _halt_if_asked(self, replicas: Sequence[ReplicaChange]) -> None:
        if replicas:
            self._execution.interrupt.raise_if(1)

    def _finish_all(self, started: Sequence[Started]) -> None:
        for new in started:
            self._finish(new.change)

    def _finish(self, replica: ReplicaChange) -> None:
        self._pending.remove(replica)
        self._result.done.append(str(replica))

    def _fail(self, failure: Failure) -> None:
        self._result.failures.append(failure)
        self._result.failed.append(failure.subject)
        self._pending = [replica for replica in self._pending if str(replica) != failure.subject]


class _Stopped(Exception):
    """The rollout ends here; the result says how."""


_PAST = {"start": "started", "unpause": "unpaused", "rename": "renamed", "set": "set back"}


def _subject(item: object) -> str:
    return str(item[0]) if isinstance(item, tuple) else str(item)
