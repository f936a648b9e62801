"""One picture of all hosts, taken at once: each call has its deadline, a dead host is named and delays no other."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from declare.fleet.record import TOKEN, find_record_container, newest, read_record
from declare.model import names
from declare.model.engine import EngineReader
from declare.model.errors import EngineError, HostError, NotFound, Unreachable
from declare.model.observed import Container, EngineInfo, Image, Observed, ObservedHost, ObservedProxy, Volume
from declare.model.record import Record

INSPECTION_LIMIT = 5000
"""Of all hosts together, in equal shares, so that the same containers are inspected each time."""

ReadProxy = Callable[[EngineReader, Container], ObservedProxy | None]
"""How the state of a proxy container is read; given by the proxy side."""


@dataclass(frozen=True, slots=True)
class Look:
    """What to look for besides containers: image references, whether to inspect beyond the limit, how to read nginx.

    `read_record`: False for whoever wrote it under the lock that is still held; of all replies it comes slowest.
    """

    project: str
    images: tuple[str, ...] = ()
    inspect_all: bool = False
    read_proxy: ReadProxy | None = None
    read_record: bool = True


def observe(engines: Mapping[str, EngineReader | Unreachable], look: Look) -> Observed:
    """All hosts in the order of their names. An engine that could not be opened is given as its Unreachable."""
    with ThreadPoolExecutor(max_workers=min(64, 6 * len(engines)), thread_name_prefix="observe") as pool:
        share = INSPECTION_LIMIT // max(1, len(engines))
        surveys = {name: _Survey(engine, look, pool, inspections=share) for name, engine in sorted(engines.items())}
        found = [survey.finish(name) for name, survey in surveys.items()]
    return Observed(
        hosts=tuple(host for host, _ in found),
        record=newest(record for _, record in found),
    )


class _Survey:
    """The calls to one host, started at once and gathered later."""

    def __init__(
        self, engine: EngineReader | Unreachable, look: Look, pool: ThreadPoolExecutor, *, inspections: int
    ) -> None:
        self._engine = engine
        self._look = look
        self._pool = pool
        self._inspections = inspections
        if not isinstance(engine, Unreachable):
            self._info: Future[EngineInfo] = pool.submit(engine.read_info)
            self._containers: Future[_Contents] = pool.submit(self._read_contents, engine)
            self._images: Future[Mapping[str, Image]] = pool.submit(_read_images, engine, look.images)
            self._volumes: Future[Mapping[str, Volume]] = pool.submit(engine.list_volumes)

    def _read_contents(self, engine: EngineReader) -> "_Contents":
        containers = engine.list_containers()
        limit = len(containers) if self._look.inspect_all else self._inspections
        wanted = [c for c in containers if _worth_inspecting(c, self._look.project)][:limit]
        return _Contents(
            containers,
            wanted,
            [self._pool.submit(self._inspect, engine, container) for container in wanted],
            self._read_proxy(engine, containers),
            self._read_record(engine, containers),
        )

    def _inspect(self, engine: EngineReader, container: Container) -> Container | None:
        self._info.result()  # an inspection needs it, and would ask for it again while it is on its way
        try:
            return engine.inspect_container(container.id)
        except NotFound:
            return None

    def _read_proxy(
        self, engine: EngineReader, containers: Sequence[Container]
    ) -> "Future[ObservedProxy | None] | None":
        proxy = current_proxy(containers, self._look.project)
        if proxy is None or self._look.read_proxy is None:
            return None
        return self._pool.submit(self._look.read_proxy, engine, proxy)

    def _read_record(self, engine: EngineReader, containers: Sequence[Container]) -> "Future[Record | None] | None":
        container = find_record_container(containers, self._look.project) if self._look.read_record else None
        return self._pool.submit(read_record, engine, container) if container else None

    def finish(self, name: str) -> tuple[ObservedHost, Record | None]:
        if isinstance(self._engine, Unreachable):
            return ObservedHost(name=name, reachable=False, reason=_say_why(self._engine)), None
        try:
            return self._gather(name, self._engine)
        except HostError as error:
            address = self._engine.address
            return ObservedHost(name=name, address=address, reachable=False, reason=_say_why(error)), None

    def _gather(self, name: str, engine: EngineReader) -> tuple[ObservedHost, Record | None]:
        contents = self._containers.result()
        record = contents.record.result() if contents.record else None
        identity = find_record_container(contents.listed, self._look.project)
        host = ObservedHost(
            name=name,
            address=engine.address,
            engine=self._info.result(),
            containers=contents.inspected(),
            images=self._images.result(),
            volumes=self._volumes.result(),
            token=identity.labels.get(TOKEN) if identity else None,
            proxy=contents.proxy.result() if contents.proxy else None,
        )
        return host, record


def _say_why(error: HostError) -> str:
    """The reason, and what to do about it, where that is known."""
    return f"{error.reason}; {error.help}" if error.help else error.reason


@dataclass(frozen=True, slots=True)
class _Contents:
    listed: Sequence[Container]
    inspecting: Sequence[Container]
    inspections: Sequence[Future[Container | None]]
    proxy: Future[ObservedProxy | None] | None
    record: Future[Record | None] | None

    def inspected(self) -> tuple[Container, ...]:
        """The containers with what inspection added; one that went away in between is left out."""
        known = {container.id: container for container in self.listed}
        for before, inspection in zip(self.inspecting, self.inspections, strict=True):
            container = inspection.result()
            if container is None:
                del known[before.id]
            else:
                known[before.id] = container
        return tuple(sorted(known.values(), key=lambda container: (container.name, container.id)))


def _worth_inspecting(container: Container, project: str) -> bool:
    if container.owner is None:
        return container.is_running
    return container.owner.project == project and container.owner.role in ("replica", "proxy")


def _read_images(engine: EngineReader, references: Sequence[str]) -> Mapping[str, Image]:
    """The images that the references name on one host; each is asked for, because a host may hold thousands."""
    found: dict[str, Image] = {}
    for reference in references:
        try:
            found[reference] = engine.inspect_image(reference)
        except NotFound:
            continue
    return found


def current_proxy(containers: Sequence[Container], project: str) -> Container | None:
    """The proxy container of a project on one host: a running one before a stopped one, then the newest."""
    proxies = [
        c
        for c in containers
        if c.owner
        and c.owner.project == project
        and c.owner.role == "proxy"
        and c.name == names.proxy_container(project, c.owner.generation)
    ]
    return max(proxies, key=lambda c: (c.is_running, c.owner.generation if c.owner else 0, c.id), default=None)


def resolve_digests(observed: Observed, engines: Mapping[str, EngineReader], references: Sequence[str]) -> Observed:
    """The picture with what the registry says now of these references, asked once through the first host that can.

    Raises the engine's own error of the last host, where none could ask.
    """
    digests = {reference: _resolve(reference, engines) for reference in sorted(references)}
    return replace(observed, digests=digests)


def _resolve(reference: str, engines: Mapping[str, EngineReader]) -> str:
    failure: HostError | None = None
    for name in sorted(engines):
        try:
            return engines[name].resolve_digest(reference)
        except EngineError as error:
            raise error
        except Unreachable as error:
            failure = error
    raise failure or Unreachable("registry", f"no host could ask for {reference}")
