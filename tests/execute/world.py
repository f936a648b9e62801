"""A project on three fake hosts, nginx included, with every call in the order in which it was made."""

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from declare.execute.guard import CHANGING, PREPARING
from declare.execute.interrupt import Interrupt
from declare.flow.apply import ApplyRequest, apply_plan, apply_planned
from declare.flow.plan import Planned, PlanRequest, plan_project
from declare.flow.project import Project as Opened
from declare.model.canonical import Json
from declare.model.event import Failure, Outcome, Transition
from declare.model.inventory import Host
from declare.model.labels import read_labels
from declare.model.record import Record
from declare.proxy.place import CONFIG, FOLDER
from tests.acceptance.project import Project
from tests.fake_engine import FakeContainer, FakeEngine, FakeImage, FakeReader, FakeWriter, Registry

QUICK: Mapping[str, Json] = {"settle": "0s", "drain": "0s", "healthy_within": "1s"}
NGINX = "nginx:1.28"
IMAGES = {
    "web:1": FakeImage("sha256:" + "a1" * 32),
    "web:2": FakeImage("sha256:" + "a2" * 32),
    "web:3": FakeImage("sha256:" + "a3" * 32),
    "sick:1": FakeImage("sha256:" + "c0" * 32),
    "broken:1": FakeImage("sha256:" + "c1" * 32, exit_code=1, log=("no database",)),
    NGINX: FakeImage("sha256:" + "e1" * 32, files={"/etc/nginx/nginx.conf": b""}),
}
SICK = IMAGES["sick:1"].id
_OK = b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"
_DOWN = b"HTTP/1.0 503 Unavailable\r\nContent-Length: 0\r\n\r\n"


def app(image: str = "web:1", **fields: Json) -> dict[str, Json]:
    """A quick app; `update` is laid over what makes it quick."""
    return {"image": image, **fields, "update": {**QUICK, **fields.get("update", {})}}


def routed(image: str = "web:1", *, host: str = "web.org", **fields: Json) -> dict[str, Json]:
    """An app with a route and an HTTP check."""
    return app(image, port=8000, routes=[host], **{"healthcheck": {"path": "/up", "interval": "0.01s"}, **fields})


@dataclass(frozen=True, slots=True)
class Call:
    """One call to one host; `about` is a container's name, where it is about one."""

    thread: int
    host: str
    name: str
    about: str = ""

    @property
    def changes(self) -> bool:
        return self.name in CHANGING

    @property
    def writes(self) -> bool:
        return self.name in CHANGING | PREPARING


class FakeHost(FakeEngine):
    """A fake engine whose proxy containers do what nginx does with a configuration.

    `refuses`: its test says no to every configuration. `deaf`: it ignores reloads.
    """

    refuses = False
    deaf = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.served: dict[str, str] = {}
        self.run = self.answer_command
        self.respond = self.answer_request

    def start(self, container: FakeContainer) -> None:
        super().start(container)
        if is_proxy(container):
            self.served[container.id] = container.files[f"{FOLDER}/{CONFIG}"].decode()

    def holder_of(self, port: int) -> FakeContainer | None:
        acks = (c for c in self.containers.values() if is_proxy(c) and c.is_running and _ack_port(c) == port)
        return next(acks, None) or super().holder_of(port)

    def answer_request(self, container: FakeContainer, _: bytes) -> bytes:
        if not is_proxy(container):
            return _DOWN if container.image.id == SICK else _OK
        body = re.search(r'return 200 "([0-9a-f]{64} \d+)\\n";', self.served[container.id])
        assert body
        return f"HTTP/1.0 200 OK\r\nContent-Length: {len(body[1])}\r\n\r\n{body[1]}".encode()

    def answer_command(self, container: FakeContainer, command: Sequence[str]) -> tuple[int, str]:
        if command[:2] == ["nginx", "-t"]:
            return (1, "nginx: [emerg] unknown directive") if self.refuses else (0, "")
        if "mv -f" in command[2]:
            candidate, live = command[3:5]
            container.files[live] = container.files.pop(candidate)
            if not self.deaf:
                self.served[container.id] = container.files[live].decode()
        return 0, ""

    @property
    def state(self) -> dict[str, Any]:
        """All that a host has on its disk or in its memory."""
        return {name: getattr(self, name) for name in ("containers", "volumes", "images", "made", "served")}

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    @property
    def upstreams(self) -> dict[str, set[str]]:
        """What the nginx that runs here sends requests to, by app."""
        running = [c for c in self.containers.values() if is_proxy(c) and c.is_running]
        text = self.served[running[-1].id] if running else ""
        found = re.findall(r"upstream (\S+) \{(.*?)\n    \}", text, re.DOTALL)
        return {name: set(re.findall(r"server (\S+:\d+)", body)) for name, body in found}


def is_proxy(container: FakeContainer) -> bool:
    return bool(_owner(container, "role") == "proxy")


def _ack_port(container: FakeContainer) -> int:
    owner = read_labels(container.request.labels)
    return owner.ports[0].host_port if owner else 0


def _owner(container: FakeContainer, name: str) -> Any:
    return getattr(read_labels(container.request.labels), name, None)


def sockets(container: FakeContainer) -> set[str]:
    return {f"{binding.host_ip}:{binding.host_port}" for binding in container.request.bindings}


Watch = Callable[[Call, bool], None]
"""Called for each call, before (False) and after (True) it has its effect; may raise."""


@dataclass(slots=True)
class World:
    """The project, its hosts, what was called on them and told of it.

    `dropped` are the replicas that were stopped while some nginx still sent requests to them.
    """

    project: Project
    hosts: dict[str, FakeHost]
    calls: list[Call] = field(default_factory=list)
    events: list[Transition | Failure] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    watch: Watch = lambda _, __: None
    interrupt: Interrupt = field(default_factory=Interrupt)

    @classmethod
    def build(cls, folder: Path, *, count: int = 3) -> "World":
        registry = Registry(dict(IMAGES))
        hosts = {
            f"h{n}": FakeHost(f"h{n}", f"127.0.0.{n}", f"ENGINE-{n}", images=dict(IMAGES), registry=registry)
            for n in range(1, count + 1)
        }
        return cls(Project.on_fakes(folder, *hosts.values(), name="shop"), hosts)

    def open_reader(self, host: Host) -> FakeReader:
        return FakeReader(self.hosts[host.name])

    def open_writer(self, host: Host) -> FakeWriter:
        return _Watched(self.hosts[host.name], self)

    # what the user does

    def declare(self, apps: Mapping[str, Json], *, proxies: Sequence[str] = (), **more: Any) -> None:
        """The manifest and the inventory as they are from now on; `more` are `volumes` and `secrets`, or the
        inventory's own keys.
        """
        outside = {name: more.pop(name) for name in ("volumes", "secrets") if name in more}
        proxy = {"proxy": {"hosts": list(proxies), "image": NGINX}} if proxies else {}
        self.project.write(apps=apps, inventory={**proxy, **more}, **outside)

    def open(self) -> Opened:
        return self.project.open()

    def plan(self, **options: Any) -> Planned:
        return plan_project(self.open(), PlanRequest(**options))

    def apply(self, *, approve: Callable[[Planned], bool] = lambda _: True, **options: Any) -> Outcome:
        """Plan and apply. `options` are those of a PlanRequest."""
        self._begin()
        return apply_plan(
            self.open(), ApplyRequest(PlanRequest(**options)), approve=approve, listener=self.events.append,
            interrupt=self.interrupt,
        )  # fmt: skip

    def execute(
        self, planned: Planned, *, approve: Callable[[Planned], bool] = lambda _: True, exactly: bool = False
    ) -> Outcome:
        """Apply a plan that was made before."""
        self._begin()
        return apply_planned(
            planned, ApplyRequest(planned.request), approve=approve, listener=self.events.append,
            interrupt=self.interrupt, exactly=exactly,
        )  # fmt: skip

    def _begin(self) -> None:
        self.calls.clear()
        self.events.clear()
        self.interrupt = Interrupt()

    def expire_locks(self) -> None:
        """What the next apply does, once it has seen for long enough that nobody renews them."""
        for host in self.hosts.values():
            host.containers = {k: c for k, c in host.containers.items() if _owner(c, "role") != "lock"}

    def remember(self) -> "Callable[[], None]":
        """What puts all hosts back to how they are now."""
        kept = {name: deepcopy(host.state) for name, host in self.hosts.items()}

        def put_back() -> None:
            for name, host in self.hosts.items():
                host.state = deepcopy(kept[name])

        return put_back

    # what there is to see

    def containers(self, role: str = "replica", app: str | None = None) -> dict[str, FakeContainer]:
        """Ours of a role by name; hosts share no names, unless something is wrong."""
        found = [c for host in self.hosts.values() for c in host.containers.values() if _owner(c, "role") == role]
        chosen = [c for c in found if app in (None, _owner(c, "app"))]
        assert len({c.name for c in chosen}) == len(chosen) or role in ("record", "lock", "proxy")
        return {c.name: c for c in sorted(chosen, key=lambda c: c.name)}

    def running(self, app: str | None = None) -> list[str]:
        return [name for name, c in self.containers(app=app).items() if c.is_running]

    def stopped(self, app: str | None = None) -> list[str]:
        return [name for name, c in self.containers(app=app).items() if not c.is_running]

    def images(self, app: str) -> list[str]:
        """The images of the running containers of an app."""
        return sorted(c.request.image for c in self.containers(app=app).values() if c.is_running)

    def host_of(self, name: str) -> str:
        return next(h for h, host in self.hosts.items() for c in host.containers.values() if c.name == name)

    def proxies(self) -> list[FakeHost]:
        return [host for host in self.hosts.values() if any(is_proxy(c) for c in host.containers.values())]

    def served(self, app: str) -> list[str]:
        """The names of the containers that every nginx sends an app's requests to, in their order."""
        served = [host.upstreams.get(app, set()) for host in self.proxies()]
        assert all(each == served[0] for each in served)
        names = {socket: c.name for c in self.containers().values() if c.is_running for socket in sockets(c)}
        return sorted(names.get(socket, f"nothing at {socket}") for socket in (served or [set()])[0])

    def record(self) -> Record:
        record = self.plan().record
        assert record
        return record

    def told(self, subject: str) -> list[str]:
        """The states that a subject was said to come into."""
        return [event.state for event in self.events if isinstance(event, Transition) and event.subject == subject]

    def changes(self, *names: str) -> list[str]:
        """The changing calls so far, as "call container", but for those of the lock; only of these names, if given."""
        calls = [call for call in self.calls if call.changes and call.about != "shop.lock"]
        return [f"{call.name} {call.about}" for call in calls if not names or call.name in names]

    def is_settled(self) -> bool:
        """Whether a plan finds nothing to do, and no container of ours is there beyond those that shall be."""
        return self.plan().plan.is_empty and not self.stopped() and not self.containers("lock")

    # what is noted on the way

    def note(self, host: FakeHost, name: str, about: str | None, *, done: bool) -> None:
        container = host.containers.get(about or "")
        call = Call(threading.get_ident(), host.host, name, container.name if container else about or "")
        if not done:
            self.calls.append(call)
            if container and name in ("stop_container", "remove_container") and container.is_running:
                self._check_unserved(container)
        self.watch(call, done)

    def _check_unserved(self, container: FakeContainer) -> None:
        if any(sockets(container) & set().union(*host.upstreams.values(), set()) for host in self.proxies()):
            self.dropped.append(container.name)


class _Watched(FakeWriter):
    def __init__(self, engine: FakeHost, world: World) -> None:
        super().__init__(engine)
        self._host = engine
        self._world = world

    @contextmanager
    def _call(self, name: str, about: str | None = None) -> Iterator[FakeEngine]:
        self._world.note(self._host, name, about, done=False)
        with super()._call(name, about) as engine:
            yield engine
        self._world.note(self._host, name, about, done=True)
