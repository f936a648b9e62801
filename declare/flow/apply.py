"""From a plan to the fleet: approval, lock, a second look under the lock, execution, and what the record keeps."""

import getpass
import os
import socket
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from declare.execute.balancer import Balancer
from declare.execute.execution import Execution, PortKeeper, one_at_a_time
from declare.execute.executor import execute
from declare.execute.guard import Ledger, guard
from declare.execute.interrupt import Interrupt
from declare.execute.prepare import NotPrepared
from declare.execute.progress import AppResult
from declare.execute.serving import find_serving
from declare.fleet.lock import EXPIRY, Claim, FleetLock
from declare.flow.engines import Engines, open_writers
from declare.flow.memory import Memory, Run
from declare.flow.plan import Planned, PlanRequest, decide, look, make_key, plan_project
from declare.flow.project import Project
from declare.flow.proxies import open_proxies, present_model, serve_already
from declare.model.engine import EngineWriter
from declare.model.errors import DeclareError, HostError, NotAllowed, PlanStale
from declare.model.event import Failure, Listener, Outcome, Transition
from declare.model.observed import Observed
from declare.model.plan import Action, Plan

LOCK_TIMEOUT = 60.0
_STARTS_A_HOST = 8  # an engine is busy with some ten, and sshd allows ten sessions on a connection

Approve = Callable[[Planned], bool]
"""Shows a plan and asks; False is a no."""


@dataclass(frozen=True, slots=True)
class ApplyRequest:
    """How to apply. `command` is what the lock tells others that we do. `run` names the CI run, if there is one."""

    plan: PlanRequest = field(default_factory=PlanRequest)
    lock_timeout: float = LOCK_TIMEOUT
    lock_expiry: float = EXPIRY
    command: str = "apply"
    run: str = ""


def apply_plan(
    project: Project, request: ApplyRequest, *, approve: Approve, listener: Listener, interrupt: Interrupt
) -> Outcome:
    """Plan, ask, execute; the outcome says what happened. Raises a DeclareError only while nothing was changed.

    Without work nothing is asked and nothing is locked.
    """
    first = plan_project(project, request.plan)
    if first.plan.is_empty:
        return Outcome(unreachable=_silent(first.plan))
    return apply_planned(first, request, approve=approve, listener=listener, interrupt=interrupt)


def apply_planned(
    planned: Planned,
    request: ApplyRequest,
    *,
    approve: Approve,
    listener: Listener,
    interrupt: Interrupt,
    exactly: bool = False,
) -> Outcome:
    """Ask for and execute a plan that has work. `exactly`: if the fleet moved meanwhile, refuse instead of asking."""
    if not approve(planned):
        raise NotAllowed("not approved; nothing was changed")
    project, listener = planned.project, one_at_a_time(listener)
    silent = {host.name: host.reason for host in planned.observed.unreachable}
    with open_writers(project.inventory, silent=silent) as engines:
        lock = _take_lock(engines, planned, request, listener)
        try:
            current = _look_again(planned, engines, approve=approve, exactly=exactly)
            if current.plan.is_empty:
                return Outcome(unreachable=_silent(current.plan))
            return _Apply(current, request, engines, lock, listener, interrupt).run()
        finally:
            lock.release()


def _take_lock(
    engines: Engines[EngineWriter], planned: Planned, request: ApplyRequest, listener: Listener
) -> FleetLock:
    lost = set(planned.request.lost)
    hosts = [host.name for host in planned.inventory.hosts if host.name not in lost]
    claim = Claim(planned.inventory.project, uuid.uuid4().hex[:12], f"{who_runs()} ({request.command})", _now())
    told: set[str] = set()

    def tell_once(holder: Claim) -> None:
        if holder.id not in told:
            told.add(holder.id)
            listener(Transition("lock", "waiting", detail=f"held by {holder}"))

    writers = {name: engine for name, engine in engines.reachable.items() if name not in lost}
    lock = FleetLock(writers, hosts, claim, expiry=request.lock_expiry, waiting=tell_once)
    lock.acquire(request.lock_timeout)
    if told:
        listener(Transition("lock", "held"))
    return lock


def _look_again(planned: Planned, engines: Engines[EngineWriter], *, approve: Approve, exactly: bool) -> Planned:
    """The plan for the fleet as it is under the lock; asked for again if it is not the one that was approved."""
    observed = look(planned.project, engines.all, inspect_all=planned.request.inspect_all)
    again = decide(planned.project, planned.request, observed, planned.values, key=planned.key)
    if again.plan != planned.plan:
        if exactly:
            raise PlanStale("the fleet has changed since this plan was made", help="make a new plan and look at it")
        if not again.plan.is_empty and not approve(again):
            raise NotAllowed("not approved; nothing was changed")
    if again.key is None:
        return decide(planned.project, planned.request, observed, planned.values, key=make_key())
    return again


class _Apply:
    """One execution under the lock, with the record written before and after it."""

    def __init__(
        self,
        planned: Planned,
        request: ApplyRequest,
        engines: Engines[EngineWriter],
        lock: FleetLock,
        listener: Listener,
        interrupt: Interrupt,
    ) -> None:
        self._planned = planned
        self._request = request
        self._lock = lock
        self._listener = listener
        self._interrupt = interrupt
        self._ledger = Ledger()
        self._all = engines.all
        writers = engines.reachable
        self._engines = {name: guard(engine, self._before_write, self._ledger) for name, engine in writers.items()}
        self._memory = Memory(
            planned,
            {name: guard(engine, lock.check, Ledger()) for name, engine in writers.items() if name in lock.hosts},
            Run(who_runs(), _now(), planned.project.git or "", request.run),
        )

    def run(self) -> Outcome:
        self._memory.begin()
        with ThreadPoolExecutor(max_workers=self._starts_at_once(), thread_name_prefix="start") as starts:
            execution = self._prepare(starts)
            try:
                outcome, results = execute(execution, self._planned.plan)
            except NotPrepared as error:
                return replace(_not_prepared(self._planned.plan, error), changed=self._ledger.changed)
        return self._finish(replace(outcome, changed=self._ledger.changed), results)

    def _before_write(self, host: str) -> None:
        self._interrupt.raise_if(2)
        self._lock.check(host)

    def _starts_at_once(self) -> int:
        return max(_STARTS_A_HOST, min(64, _STARTS_A_HOST * len(self._engines)))

    def _prepare(self, starts: ThreadPoolExecutor) -> Execution:
        planned = self._planned
        addresses = {host.name: host.address for host in planned.observed.hosts}
        serving = {
            change.name: find_serving(change, planned.desired.app(change.name), addresses)
            for change in planned.plan.apps
        }
        proxy = planned.plan.proxy
        return Execution(
            project=planned.inventory.project,
            operation=self._lock.claim.id,
            engines=self._engines,
            desired=planned.desired,
            secrets=planned.values,
            ports=PortKeeper(planned.inventory.ports, _held_ports(planned)),
            balancer=Balancer(
                open_proxies(
                    planned.plan,
                    planned.inventory,
                    self._engines,
                    addresses=addresses,
                    operation=self._lock.claim.id,
                    listener=self._listener,
                    ledger=self._ledger,
                ),
                proxy.model if proxy else None,
                serving,
                up_to_date=serve_already(
                    present_model(planned.plan, planned.desired, addresses),
                    planned.plan,
                    planned.inventory,
                    planned.observed,
                ),
            ),
            listener=self._listener,
            interrupt=self._interrupt,
            starts=starts,
            addresses=addresses,
        )

    def _finish(self, outcome: Outcome, results: Mapping[str, AppResult]) -> Outcome:
        """Look once more: only what was observed is written down, and only that counts as reached."""
        request = self._planned.request
        try:
            if request.destroy and not request.apps and outcome.reached:
                self._memory.forget()
                return outcome
            after = look(self._planned.project, self._all, read_record=False, inspect_all=request.inspect_all)
            record = self._memory.finish(after, results)
            return self._confirm(outcome, replace(after, record=record)) if outcome.reached else outcome
        except DeclareError as error:
            self._listener(Transition("record", "not written", detail=str(error)))
            if not outcome.reached:
                return outcome
            return replace(outcome, failed=1, failures=(_describe("record", error),))

    def _confirm(self, outcome: Outcome, after: Observed) -> Outcome:
        """Reached means observed: a plan over what is there now must find nothing left to do."""
        planned = self._planned
        if planned.request.destroy:
            return self._confirm_gone(outcome, after)
        request = replace(planned.request, restart=())
        left = decide(planned.project, request, after, planned.values).plan
        if left.is_empty:
            return replace(outcome, unreachable=_silent(left))
        differing = [app.name for app in left.apps if app.action is not Action.KEEP] or ["proxy"]
        reason = "was changed by something else meanwhile, or did not come out as planned"
        return _not_as_planned(outcome, differing, reason)

    def _confirm_gone(self, outcome: Outcome, after: Observed) -> Outcome:
        """An app that is gone can't be planned any more: what was to go must not be there."""
        project = self._planned.inventory.project
        owners = (container.owner for host in after.hosts for container in host.containers)
        there = {owner.app for owner in owners if owner and owner.project == project and owner.role == "replica"}
        left = [change.name for change in self._planned.plan.apps if change.name in there]
        return _not_as_planned(outcome, left, "is still there, or there again") if left else outcome


def _not_as_planned(outcome: Outcome, names: Sequence[str], reason: str) -> Outcome:
    failures = tuple(Failure(name, "", reason, next_command="declare plan") for name in names)
    return replace(outcome, failed=len(failures), failures=failures)


def _describe(subject: str, error: DeclareError) -> Failure:
    if isinstance(error, HostError):
        return Failure(subject, error.host, error.reason)
    return Failure(subject, "", str(error))


def _held_ports(planned: Planned) -> dict[str, set[int]]:
    held: dict[str, set[int]] = {}
    for host in planned.observed.hosts:
        bindings = [binding for container in host.containers for binding in container.bindings]
        held[host.name] = {binding.host_port for binding in bindings}
    for app in planned.plan.apps:
        for replica in app.replicas:
            if replica.new:
                held[replica.new.host] |= {binding.host_port for binding in replica.new.bindings}
    for proxy in planned.plan.proxy.hosts if planned.plan.proxy else ():
        if proxy.host:
            held[proxy.host].add(proxy.ack_port)
    return held


def _not_prepared(plan: Plan, error: NotPrepared) -> Outcome:
    waiting = sum(replica.action is not Action.KEEP for app in plan.apps for replica in app.replicas)
    return Outcome(failed=len(error.failures), not_started=waiting, failures=error.failures)


def _silent(plan: Plan) -> tuple[str, ...]:
    return tuple(host.name for host in plan.hosts if not host.reachable and not host.lost)


def who_runs() -> str:
    """The user and machine, for people."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
