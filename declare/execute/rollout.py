"""One app from what runs to what was planned: repaired, created, replaced in batches, retired; or put back whole."""

from collections.abc import Sequence

from declare.execute.balancer import ProxyUnconfirmed
from declare.execute.containers import remove, stop
from declare.execute.execution import Execution
from declare.execute.interrupt import Interrupted
from declare.execute.progress import AppResult, Held, Progress
from declare.execute.undo import undo
from declare.model.app import App
from declare.model.errors import DeclareError, HostError
from declare.model.event import Failure
from declare.model.plan import Action, AppChange, Existing, ReplicaChange


class Rollout:
    """The rollout of one app; `app` is None where the app is only removed."""

    def __init__(self, execution: Execution, change: AppChange, app: App | None) -> None:
        self._execution = execution
        self._change = change
        self._progress = Progress(execution, change, app)
        self._result = self._progress.result

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
            self._progress.fail([Failure("proxy", error.host, error.reason, result=error.kept)])
        except _Stopped:
            pass
        except HostError as error:
            self._progress.fail([Failure(self._change.name, error.host, error.reason)])
        except DeclareError as error:
            self._progress.fail([Failure(self._change.name, "", str(error))])
        self._result.not_started += [str(replica) for replica in self._progress.pending]
        return self._result

    @property
    def _app(self) -> App:
        return self._progress.app

    def _take(self, *actions: Action) -> list[ReplicaChange]:
        return [replica for replica in self._progress.pending if replica.action in actions]

    # repairs and creations

    def _repair(self, replicas: Sequence[ReplicaChange]) -> None:
        if not replicas:
            return
        stopped = [
            (replica, replica.old)
            for replica in replicas
            if replica.old is not None and any(repair.verb == "start" for repair in replica.repairs)
        ]
        failures = self._progress.start_again(stopped)
        failed = {failure.subject for failure in failures}
        failures += self._progress.each([r for r in replicas if str(r) not in failed], self._repair_one)
        self._progress.finish(replicas, failures)
        self._progress.publish()

    def _repair_one(self, replica: ReplicaChange) -> None:
        existing = replica.old
        if existing is None:
            raise ValueError(f"{replica} has no container to repair")
        engine = self._execution.engines[existing.host]
        for repair in replica.repairs:
            if repair.verb == "unpause":
                engine.unpause_container(existing.id)
            elif repair.verb == "rename":
                engine.rename_container(existing.id, repair.detail)
            elif repair.verb == "set":
                engine.update_container(existing.id, repair.settings)
            self._execution.tell(str(replica), _PAST[repair.verb], host=existing.host, cause=replica.cause)

    def _confirm_newest(self) -> None:
        """Where an earlier apply was cut off, old and new run side by side: only a healthy new one may stay alone."""
        halves = [
            (replica, replica.old)
            for replica in self._change.replicas
            if replica.action in (Action.KEEP, Action.UPDATE)
            and replica.old is not None
            and any(old.running for old in replica.leftovers)
        ]
        self._give_up_on(self._progress.start_again(halves))
        if halves:
            self._execution.balancer.bring_up_to_date(drain=self._app.update.drain)

    def _create(self, replicas: Sequence[ReplicaChange]) -> None:
        """New replicas ignore parallelism and settle: nothing that serves is at stake."""
        if not replicas:
            return
        self._execution.interrupt.raise_if(1)
        started, failures = self._progress.start(replicas, settle=0.0)
        self._progress.publish()
        made = [new.change for new in started]
        self._give_up_on(self._progress.stop_old(made))
        self._progress.finish(made)
        self._give_up_on(failures)

    # replacing

    def _replace(self, replicas: Sequence[ReplicaChange]) -> None:
        size = max(1, self._change.parallelism)
        for at in range(0, len(replicas), size):
            self._execution.interrupt.raise_if(1)
            batch = replicas[at : at + size]
            failures = self._stop_first(batch) if self._change.order == "stop-first" else self._start_first(batch)
            if self._app.update.on_failure == "continue":
                self._progress.fail(failures)
            else:
                self._give_up_on(failures)

    def _start_first(self, batch: Sequence[ReplicaChange]) -> list[Failure]:
        started, failures = self._progress.start(batch, settle=self._app.update.settle)
        if failures and self._app.update.on_failure == "rollback":
            return failures
        self._progress.publish()
        replaced = [new.change for new in started]
        self._give_up_on(self._progress.stop_old(replaced))
        self._progress.finish(replaced)
        return failures

    def _stop_first(self, batch: Sequence[ReplicaChange]) -> list[Failure]:
        self._progress.withdraw(batch)
        self._progress.publish()
        self._give_up_on(self._progress.stop_old(batch))
        started, failures = self._progress.start(batch, settle=self._app.update.settle)
        if failures and self._app.update.on_failure == "rollback":
            return failures
        failures += self._bring_back({failure.subject for failure in failures})
        self._progress.publish()
        self._progress.finish([new.change for new in started])
        return failures

    def _bring_back(self, failed: set[str]) -> list[Failure]:
        """The old containers of failed replicas, where the others go on without them."""
        held = [item for item in self._progress.stopped if str(item[0]) in failed]
        self._progress.stopped = [item for item in self._progress.stopped if item not in held]
        ran = [(replica, old) for replica, old in held if replica.old and replica.old.running]
        return self._progress.start_again(ran)

    # retiring

    def _retire(self, replicas: Sequence[ReplicaChange]) -> None:
        """Take surplus replicas out of service, then remove all that the app's success makes superfluous."""
        if replicas:
            self._execution.interrupt.raise_if(1)
            self._progress.withdraw(replicas)
            self._progress.publish()
        surplus = [(replica, replica.old) for replica in replicas if replica.old is not None]
        self._progress.finish(replicas, self._progress.each(surplus, self._remove))
        if self._result.succeeded:
            leftovers = [(replica, old) for replica in self._change.replicas for old in replica.leftovers]
            self._progress.fail(self._progress.each([*self._progress.stopped, *leftovers], self._remove))
            failed = [(self._change.name, old) for old in self._change.failed]
            self._progress.fail(self._progress.each(failed, self._remove))

    def _remove(self, superfluous: Held | tuple[str, Existing]) -> None:
        subject, old = superfluous
        if old.running:
            stop(self._execution, str(subject), old)
        remove(self._execution, str(subject), old)

    # failing

    def _give_up_on(self, failures: Sequence[Failure]) -> None:
        """End the rollout if anything failed; a new version then goes back as a whole, more of the same stays."""
        if not failures:
            return
        self._progress.fail(failures)
        replaces = any(replica.action is Action.REPLACE for replica in self._change.replicas)
        if replaces and self._app.update.on_failure == "rollback":
            undo(self._progress)
        raise _Stopped


class _Stopped(Exception):
    """The rollout ends here; the result says how."""


_PAST = {"start": "started", "unpause": "unpaused", "rename": "renamed", "set": "set back"}
