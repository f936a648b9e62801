"""What an apply leaves behind for the next one: identities of the hosts, applied specs, placements, history."""

import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

from declare.execute.progress import AppResult
from declare.fleet.record import find_record_container, leave_identity, write_record
from declare.flow.plan import Planned, make_key
from declare.model import names
from declare.model.engine import EngineWriter
from declare.model.errors import NotFound, Unreachable
from declare.model.observed import Observed
from declare.model.plan import Action, AppChange
from declare.model.record import AppRecord, KnownHost, PlacedReplica, Record, Revision

KEPT_REVISIONS = 3
_KEPT_HISTORY = 20
_AT_ONCE = 64

Result = Literal["succeeded", "failed", "rolled back"]


@dataclass(frozen=True, slots=True)
class Run:
    """Who applies, when, at which git commit, in which CI run; for the history."""

    who: str
    at: str
    git: str
    run: str


class Memory:
    """The record of one apply: begun before anything is changed, finished with what was observed afterwards.

    `engines` are those that the lock was taken on.
    """

    def __init__(self, planned: Planned, engines: Mapping[str, EngineWriter], run: Run) -> None:
        self._planned = planned
        self._engines = engines
        self._run = run
        self._hosts = [host for host in planned.observed.hosts if host.reachable and host.name in engines]
        self._record = planned.record or Record(planned.inventory.project, 0, planned.key or make_key())

    def begin(self) -> None:
        """Leave an identity on hosts that have none, and write the key before any label is made with it."""
        new = [host for host in self._hosts if host.token is None or host.name not in self._record.hosts]
        with ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="identity") as pool:
            tokens = pool.map(lambda host: host.token or self._leave_identity(host.name), new)
            known = {
                host.name: KnownHost(host.engine.id, token)
                for host, token in zip(new, tokens, strict=True)
                if host.engine is not None and token is not None
            }
        if known or self._planned.record is None:
            self._write(replace(self._record, hosts=dict(sorted({**self._record.hosts, **known}.items()))))

    def finish(self, after: Observed, results: Mapping[str, AppResult]) -> Record:
        """Write what is there now, and how each app's change ended; the record as written."""
        apps = dict(self._record.apps)
        declared = {app.name: app for app in self._planned.desired.apps}
        for change in self._planned.plan.apps:
            result = results.get(change.name)
            if change.action is Action.REMOVE:
                if result is None or result.succeeded:
                    apps.pop(change.name, None)
            elif change.name in declared and _has_begun(change, result):
                spec = declared[change.name].spec
                apps[change.name] = self._record_app(change, apps.get(change.name), dict(spec), result)
        placements = tuple(sorted(_read_placements(after, self._planned)))
        hosts = {name: host for name, host in self._record.hosts.items() if name not in self._planned.request.lost}
        apps = dict(sorted(apps.items()))
        self._write(replace(self._record, hosts=hosts, apps=apps, placements=placements, routes=self._routes()))
        return self._record

    def forget(self) -> None:
        """Remove the record from every host: the project is gone."""
        for host in self._hosts:
            engine = self._engines[host.name]
            container = find_record_container(engine.list_containers(), self._planned.inventory.project)
            if container:
                engine.remove_container(container.id, force=True)

    def _leave_identity(self, host: str) -> str | None:
        """The token that counts on this host; None if the host fell silent: the next apply leaves it one."""
        engine, token = self._engines[host], uuid.uuid4().hex
        try:
            try:
                return leave_identity(engine, self._planned.inventory.project, token)
            except NotFound:
                engine.import_empty_image(names.EMPTY_IMAGE)
                return leave_identity(engine, self._planned.inventory.project, token)
        except Unreachable:
            return None

    def _record_app(
        self, change: AppChange, before: AppRecord | None, spec: Mapping[str, object], result: AppResult | None
    ) -> AppRecord:
        """What failed keeps the spec of before, so that the next plan still shows the change."""
        revisions = before.revisions if before else ()
        if result and not result.succeeded:
            outcome: Result = "rolled back" if result.undone else "failed"
            failed = self._revision(change, spec, outcome, result.failures[0].reason if result.failures else "")
            return AppRecord(before.spec if before else {}, _trim((*revisions, failed)))
        last = revisions[-1] if revisions else None
        if last is None or last.number != change.revision or last.result != "succeeded":
            cause = ", ".join(field.path for field in change.fields)
            revisions = (*revisions, self._revision(change, spec, "succeeded", cause))
        return AppRecord(spec, _trim(revisions))

    def _revision(self, change: AppChange, spec: Mapping[str, object], outcome: Result, cause: str) -> Revision:
        return Revision(
            number=change.revision,
            spec=spec,
            image_id=change.image_id or "",
            digest=change.digest or "",
            applied_at=self._run.at,
            applied_by=self._run.who,
            git=self._run.git,
            run=self._run.run,
            result=outcome,
            cause=cause,
        )

    def _routes(self) -> dict[str, tuple[str, ...]]:
        proxy = self._planned.plan.proxy
        if proxy is None:
            return {}
        changed = {route.route: route.replicas for route in proxy.routes}
        routes = {**self._record.routes, **changed}
        declared = {str(site.route) for site in proxy.model.sites}
        return {route: replicas for route, replicas in sorted(routes.items()) if route in declared}

    def _write(self, record: Record) -> None:
        self._record = replace(record, sequence=record.sequence + 1)
        write_record(self._engines, self._hosts, self._record)


def _has_begun(change: AppChange, result: AppResult | None) -> bool:
    """Whether anything came of the change: an app that was not begun leaves no trace."""
    if result is None:
        return change.action is not Action.KEEP
    return result.succeeded or bool(result.done or result.failed or result.undone)


def _trim(revisions: tuple[Revision, ...]) -> tuple[Revision, ...]:
    """The newest ones, and of those that succeeded as many as one can go back to, however many failed since."""
    good = [at for at, revision in enumerate(revisions) if revision.result == "succeeded"][-KEPT_REVISIONS:]
    recent = len(revisions) - _KEPT_HISTORY
    return tuple(revision for at, revision in enumerate(revisions) if at >= recent or at in good)


def _read_placements(after: Observed, planned: Planned) -> list[PlacedReplica]:
    """Every replica that was observed; on hosts that do not answer, what the record said before."""
    silent = {host.name for host in after.hosts if not host.reachable} - set(planned.request.lost)
    kept = [placed for placed in (planned.record.placements if planned.record else ()) if placed.host in silent]
    found = []
    for host in after.hosts:
        for container in host.containers:
            owner = container.owner
            if owner is None or owner.project != planned.inventory.project or owner.role != "replica":
                continue
            if container.is_running and container.name == names.replica_container(
                owner.project, owner.app, owner.replica, owner.generation
            ):
                found.append(
                    PlacedReplica(
                        app=owner.app,
                        replica=owner.replica,
                        host=host.name,
                        container=container.name,
                        ports=tuple((b.name, b.host_port) for b in owner.ports if b.name),
                        published=tuple((b.host_port, b.host_ip, b.protocol) for b in owner.ports if not b.name),
                    )
                )
    return [*kept, *found]
