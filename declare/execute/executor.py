"""A whole plan, carried out: images and volumes first, then all apps side by side, the proxies along with them."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from declare.execute.balancer import Balancer, ProxyUnconfirmed
from declare.execute.execution import Execution
from declare.execute.interrupt import Interrupted
from declare.execute.prepare import create_volumes, pull_images
from declare.execute.progress import AppResult
from declare.execute.rollout import Rollout
from declare.model.errors import DeclareError, HostError
from declare.model.event import Failure, Outcome
from declare.model.plan import Action, AppChange, Existing, Plan, VolumeRemove

_APPS_AT_ONCE = 16


def execute(execution: Execution, plan: Plan) -> tuple[Outcome, Mapping[str, AppResult]]:
    """Carry the plan out; what failed is in the outcome and in each app's result.

    Raises only while no app was touched: NotPrepared, Interrupted, or the first host's error.
    """
    began = time.monotonic()
    pull_images(execution, plan.pulls)
    execution.interrupt.raise_if(1)
    create_volumes(execution, plan.volumes)
    work = [app for app in plan.apps if _has_work(app)]
    try:
        results = _roll_out(execution, work)
        failures, interrupted = _finish_up(execution, plan)
    finally:
        execution.balancer.close()
    outcome = _sum_up(plan, results, failures)
    outcome = replace(outcome, interrupted=outcome.interrupted or interrupted, seconds=time.monotonic() - began)
    return outcome, {result.app: result for result in results}


def _has_work(app: AppChange) -> bool:
    return bool(app.failed) or any(replica.action is not Action.KEEP or replica.leftovers for replica in app.replicas)


def _roll_out(execution: Execution, apps: Sequence[AppChange]) -> list[AppResult]:
    if not apps:
        return []
    with ThreadPoolExecutor(max_workers=min(_APPS_AT_ONCE, len(apps)), thread_name_prefix="app") as pool:
        futures = [pool.submit(Rollout(execution, app, execution.desired.app(app.name)).run) for app in apps]
        return [future.result() for future in futures]


def _finish_up(execution: Execution, plan: Plan) -> tuple[list[Failure], bool]:
    """What belongs to no app: what failed of it, and whether the user stopped it."""
    failures: list[Failure] = []
    for subject, step in _last_steps(execution, plan):
        try:
            step()
        except Interrupted:
            return failures, True
        except ProxyUnconfirmed as error:
            failures.append(Failure(subject, error.host, error.reason, result=error.kept))
        except HostError as error:
            failures.append(Failure(subject, error.host, error.reason))
        except DeclareError as error:
            failures.append(Failure(subject, "", str(error)))
    return failures, False


def _last_steps(execution: Execution, plan: Plan) -> Iterator[tuple[str, Callable[[], None]]]:
    yield "proxy", partial(_finish_proxies, execution.balancer)
    for leftover in plan.leftovers:
        yield leftover.name, partial(_remove_leftover, execution, leftover)
    for volume in plan.volume_removals:
        yield f"volume {volume.name}", partial(_remove_volume, execution, volume)


def _finish_proxies(balancer: Balancer) -> None:
    """Only once those that stay are up to date may others go."""
    balancer.bring_up_to_date()
    balancer.finish()


def _remove_leftover(execution: Execution, leftover: Existing) -> None:
    execution.engines[leftover.host].remove_container(leftover.id, force=True)
    execution.tell(leftover.name, "removed", host=leftover.host, cause="left over from an earlier apply")


def _remove_volume(execution: Execution, volume: VolumeRemove) -> None:
    execution.engines[volume.host].remove_volume(volume.name)
    execution.tell(f"volume {volume.name}", "removed", host=volume.host)


def _sum_up(plan: Plan, results: Sequence[AppResult], failures: Sequence[Failure]) -> Outcome:
    return Outcome(
        done=sum(len(result.done) for result in results),
        failed=sum(len(result.failed) for result in results) + len(failures),
        undone=sum(len(result.undone) for result in results),
        not_started=sum(len(result.not_started) for result in results),
        failures=tuple(failure for result in results for failure in result.failures) + tuple(failures),
        unreachable=tuple(host.name for host in plan.hosts if not host.reachable and not host.lost),
        interrupted=any(result.interrupted for result in results),
    )
