"""A whole plan, carried out: images and volumes first, then all apps side by side, the proxies along with them."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from declare.execute.balancer import ProxyUnconfirmed
from declare.execute.execution import Execution
from declare.execute.interrupt import Interrupted
from declare.execute.prepare import create_volumes, pull_images
from declare.execute.rollout import AppResult, Rollout
from declare.model.errors import DeclareError, HostError
from declare.model.event import Failure, Outcome
from declare.model.plan import Action, AppChange, Existing, Plan, VolumeRemove

_APPS_AT_ONCE = 16


def execute(execution: Execution, plan: Plan) -> tuple[Outcome, Mapping[str, AppResult]]:
    """Carry the plan out; what failed is in the outcome and in each app's result.

    Raises only while nothing was changed: PullFailed, Interrupted, or the first host's error.
    """
    began = time.monotonic()
    pull_images(execution, plan.pulls)
    execution.interrupt.raise_if(1)
    create_volumes(execution, plan.volumes, lambda: execution.interrupt.raise_if(2))
    work = [app for app in plan.apps if _has_work(app)]
    try:
        results = _roll_out(execution, work)
        failures = [
            *_bring_proxies_up_to_date(execution),
            *_remove_leftovers(execution, plan.leftovers),
            *_remove_volumes(execution, plan.volume_removals),
        ]
    finally:
        execution.balancer.close()
    return _sum_up(plan, results, failures, time.monotonic() - began), {result.app: result for result in results}


def _has_work(app: AppChange) -> bool:
    return bool(app.failed) or any(replica.action is not Action.KEEP or replica.leftovers for replica in app.replicas)


def _roll_out(execution: Execution, apps: Sequence[AppChange]) -> list[AppResult]:
    """Apps that stay go first: what they free of nothing, apps that go may still serve until then."""
    if not apps:
        return []
    with ThreadPoolExecutor(max_workers=min(_APPS_AT_ONCE, len(apps)), thread_name_prefix="app") as pool:
        futures = [pool.submit(Rollout(execution, app, execution.desired.app(app.name)).run) for app in apps]
        return [future.result() for future in futures]


def _bring_proxies_up_to_date(execution: Execution) -> list[Failure]:
    try:
        execution.balancer.bring_up_to_date()
        execution.balancer.finish()
    except ProxyUnconfirmed as error:
        return [Failure("proxy", error.host, error.reason, result=error.kept)]
    except HostError as error:
        return [Failure("proxy", error.host, error.reason)]
    except DeclareError as error:
        return [] if isinstance(error, Interrupted) else [Failure("proxy", "", str(error))]
    return []


def _remove_leftovers(execution: Execution, leftovers: Sequence[Existing]) -> list[Failure]:
    failures = []
    for leftover in leftovers:
        try:
            execution.engines[leftover.host].remove_container(leftover.id, force=True)
            execution.tell(leftover.name, "removed", host=leftover.host, cause="left over from an earlier apply")
        except HostError as error:
            failures.append(Failure(leftover.name, error.host, error.reason))
    return failures


def _remove_volumes(execution: Execution, volumes: Sequence[VolumeRemove]) -> list[Failure]:
    failures = []
    for volume in volumes:
        try:
            execution.engines[volume.host].remove_volume(volume.name)
            execution.tell(f"volume {volume.name}", "removed", host=volume.host)
        except HostError as error:
            failures.append(Failure(f"volume {volume.name}", error.host, error.reason))
    return failures


def _sum_up(plan: Plan, results: Sequence[AppResult], failures: Sequence[Failure], seconds: float) -> Outcome:
    return Outcome(
        done=sum(len(result.done) for result in results),
        failed=sum(len(result.failed) for result in results) + len(failures),
        undone=sum(len(result.undone) for result in results),
        not_started=sum(len(result.not_started) for result in results),
        failures=tuple(failure for result in results for failure in result.failures) + tuple(failures),
        unreachable=tuple(host.name for host in plan.hosts if not host.reachable and not host.lost),
        interrupted=any(result.interrupted for result in results),
        seconds=seconds,
    )
