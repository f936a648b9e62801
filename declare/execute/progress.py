"""How far one app's rollout has come: what serves, what was started and stopped, how each replica ended."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as dc_replace
from typing import TypeVar

from declare.execute.containers import ReplicaFailed, Started, start_again, start_replica, stop
from declare.execute.execution import Execution
from declare.model.app import App, UpdatePolicy
from declare.model.errors import HostError
from declare.model.event import Failure
from declare.model.plan import Action, AppChange, Existing, ReplicaChange
from declare.model.proxy import Endpoint

T = TypeVar("T")
R = TypeVar("R")

Held = tuple[ReplicaChange, Existing]
"""A replica with a container of it."""


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


class Progress:
    """One app between what ran and what was planned. Only the rollout's own thread changes it.

    `serving` are the endpoints by replica that nginx shall use, `original` those of the start. `stopped` are the
    containers that were replaced, `started` the new ones, `pending` the changes without a fate yet.
    """

    def __init__(self, execution: Execution, change: AppChange, declared: App | None) -> None:
        self.execution = execution
        self.change = change
        self.result = AppResult(change.name)
        self.original = execution.balancer.serving(change.name)
        self.serving = dict(self.original)
        self.started: list[Started] = []
        self.stopped: list[Held] = []
        self.pending = [replica for replica in change.replicas if replica.action is not Action.KEEP]
        self._declared = declared

    @property
    def app(self) -> App:
        if self._declared is None:
            raise ValueError(f"{self.change.name} is only removed")
        return self._declared

    def publish(self) -> None:
        """Make nginx serve what serves now, and wait until every proxy host does and old connections are drained."""
        balancer = self.execution.balancer
        if self._declared is None:
            balancer.bring_up_to_date(drain=UpdatePolicy().drain)
        elif self._declared.routes:
            balancer.publish(self.change.name, self.serving, drain=self._declared.update.drain)

    def start(self, replicas: Sequence[ReplicaChange], *, settle: float) -> tuple[list[Started], list[Failure]]:
        """Start new containers, all at once; those that became healthy serve with the next `publish`."""

        def start_one(replica: ReplicaChange) -> Started:
            return start_replica(self.execution, self.change, self.app, replica, settle)

        started, failures = self._all_at_once(replicas, start_one)
        for new in started:
            self.started.append(new)
            self._serve(new.change, new.endpoint)
        return started, failures

    def start_again(self, held: Iterable[Held]) -> list[Failure]:
        """Start containers of before, all at once; those that became healthy serve with the next `publish`."""

        def start_one(item: Held) -> tuple[ReplicaChange, Endpoint | None]:
            replica, old = item
            return replica, start_again(self.execution, self.app, str(replica), old)

        started, failures = self._all_at_once(held, start_one)
        for replica, endpoint in started:
            self._serve(replica, endpoint)
        return failures

    def stop_old(self, replicas: Iterable[ReplicaChange]) -> list[Failure]:
        """Stop what is replaced, all at once; kept until the app has succeeded, so that it can be started again."""
        replaced = [(replica, replica.old) for replica in replicas if replica.old is not None]
        running = [(replica, old) for replica, old in replaced if old.running]
        failures = self.each(running, lambda item: stop(self.execution, str(item[0]), item[1]))
        self.stopped += [(replica, dc_replace(old, running=False)) for replica, old in replaced]
        return failures

    def each(self, items: Iterable[T], call: Callable[[T], None]) -> list[Failure]:
        """Make the call for all items at once; what failed."""
        return self._all_at_once(items, call)[1]

    def withdraw(self, replicas: Iterable[ReplicaChange]) -> None:
        """Let them serve no more from the next `publish` on."""
        for replica in replicas:
            self.serving.pop(replica.replica, None)

    def finish(self, replicas: Iterable[ReplicaChange], failures: Sequence[Failure] = ()) -> None:
        """Count those as done that are not among the failures, which are counted as such."""
        failed = {failure.subject for failure in failures}
        for replica in replicas:
            if str(replica) not in failed and replica in self.pending:
                self.pending.remove(replica)
                self.result.done.append(str(replica))
        self.fail(failures)

    def fail(self, failures: Iterable[Failure]) -> None:
        for failure in failures:
            self.result.failures.append(failure)
            if failure.subject not in self.result.failed:
                self.result.failed.append(failure.subject)
            self.pending = [replica for replica in self.pending if str(replica) != failure.subject]

    def undone(self, replica: ReplicaChange) -> None:
        """What had been done for it was taken back."""
        subject = str(replica)
        if subject in self.result.done:
            self.result.done.remove(subject)
        if replica in self.pending:
            self.pending.remove(replica)
        self.result.undone.append(subject)

    def _serve(self, replica: ReplicaChange, endpoint: Endpoint | None) -> None:
        if endpoint and self.app.routes:
            self.serving[replica.replica] = endpoint

    def _all_at_once(self, items: Iterable[T], call: Callable[[T], R]) -> tuple[list[R], list[Failure]]:
        futures = [(item, self.execution.starts.submit(call, item)) for item in items]
        results, failures = [], []
        for item, future in futures:
            try:
                results.append(future.result())
            except ReplicaFailed as error:
                failures.append(error.failure)
            except HostError as error:
                failures.append(Failure(_subject(item), error.host, error.reason))
        return results, failures


def _subject(item: object) -> str:
    return str(item[0]) if isinstance(item, tuple) else str(item)
