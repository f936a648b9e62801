"""nginx on each proxy host as the balancer drives it: made, fed, replaced and retired."""

from collections.abc import Callable

from declare.execute.guard import Ledger
from declare.model.engine import EngineWriter
from declare.model.errors import Unreachable
from declare.model.event import Listener, Transition
from declare.model.inventory import FileProxy
from declare.model.plan import Existing, Placed, ProxyHostChange
from declare.model.proxy import ProxyModel
from declare.proxy.config import NginxConfig
from declare.proxy.container import create_proxy, proxy_owner, retire_proxy
from declare.proxy.deliver import Prepared, Swapped, await_workers, prepare, swap
from declare.proxy.failure import ProxyRefused
from declare.proxy.own import deliver_own

Render = Callable[[ProxyModel, str, int], NginxConfig]
"""The configuration of a model for one proxy host ("" for the user's own nginx) with its acknowledging port."""

_LAST_REQUESTS = 10.0


class HostProxy:
    """nginx in a container on one host; created or replaced with the first configuration that it gets."""

    def __init__(
        self,
        change: ProxyHostChange,
        engine: EngineWriter | None,
        *,
        project: str,
        image: str,
        operation: str,
        render: Render,
        listener: Listener,
    ) -> None:
        self.host = change.host
        self._change = change
        self._engine = engine
        self._project = project
        self._image = image
        self._operation = operation
        self._render = render
        self._listener = listener
        self._to_create = change.new
        self._container_id = change.old.id if change.old and change.new is None else None
        self._config: NginxConfig | None = None
        self._prepared: Prepared | None = None
        self._swapped: Swapped | None = None

    def prepare(self, model: ProxyModel) -> None:
        """Let nginx test the model; raises a DeclareError, with nothing changed, when it refuses."""
        if self._engine is None:
            raise Unreachable(self.host, "the proxy host does not answer")
        self._config = self._render(model, self.host, self._change.ack_port)
        if self._container_id is not None:
            self._prepared = prepare(self._engine, self._container_id, self._config)

    def swap(self) -> None:
        """Serve what was prepared; raises a DeclareError when that is not acknowledged."""
        if self._engine is None or self._config is None:
            raise ValueError("nothing was prepared")
        if self._to_create is not None:
            self._create(self._engine, self._to_create, self._config)
        elif self._prepared is not None:
            self._swapped = swap(self._prepared)
            self._tell("reloaded")

    def wait_drained(self, seconds: float) -> None:
        """Return when the workers of before have ended, at the latest after so many seconds."""
        if self._swapped is not None and await_workers(self._swapped, drain=seconds):
            self._swapped = None

    def finish(self) -> None:
        """Nothing is left to do."""

    def _create(self, engine: EngineWriter, placed: Placed, config: NginxConfig) -> None:
        owner = proxy_owner(self._project, generation=placed.generation, ack=config.ack, operation=self._operation)
        beside = self._change.old is not None and self._change.old.running
        self._container_id = create_proxy(
            engine, name=placed.name, image=self._image, owner=owner, config=config, beside=beside
        )
        self._to_create = None
        self._tell("created", self._change.cause)
        if self._change.old is not None:
            retire_proxy(engine, self._change.old.id, grace=_LAST_REQUESTS)
            self._tell("replaced", self._change.cause)

    def _tell(self, state: str, cause: str = "") -> None:
        self._listener(Transition("proxy", state, self.host, cause=cause))


class RetiredProxy:
    """nginx on a host that shall have none any more; it serves on until everything else is done."""

    def __init__(self, host: str, old: Existing, engine: EngineWriter | None, listener: Listener) -> None:
        self.host = host
        self._old = old
        self._engine = engine
        self._listener = listener

    def prepare(self, model: ProxyModel) -> None:
        """It keeps what it serves: nobody is sent to it any more."""

    def swap(self) -> None:
        """Nothing was prepared."""

    def wait_drained(self, seconds: float) -> None:
        """Nothing was changed here."""

    def finish(self) -> None:
        """Let it end its last requests, and remove it."""
        if self._engine is not None:
            retire_proxy(self._engine, self._old.id, grace=_LAST_REQUESTS)
            self._listener(Transition("proxy", "removed", self.host))


class OwnProxy:
    """An nginx of the user's own, tested and reloaded by the user's commands."""

    host = ""

    def __init__(self, form: FileProxy, *, root: str, render: Render, listener: Listener, ledger: Ledger) -> None:
        self._form = form
        self._root = root
        self._ledger = ledger
        self._render = render
        self._listener = listener
        self._config: NginxConfig | None = None

    def prepare(self, model: ProxyModel) -> None:
        """Render it; the user's own test runs when it is swapped."""
        self._config = self._render(model, self.host, 0)

    def swap(self) -> None:
        """Serve what was prepared; raises a DeclareError when that is not acknowledged."""
        if self._config is None:
            raise ValueError("nothing was prepared")
        before, self._ledger.changed = self._ledger.changed, True
        try:
            deliver_own(self._form, self._config, root=self._root, drain=0.0)
        except ProxyRefused:
            self._ledger.changed = before
            raise
        self._listener(Transition("proxy", "reloaded"))

    def wait_drained(self, seconds: float) -> None:
        """Its workers can't be seen from here: wait as long as requests may take to end."""
        from time import sleep

        sleep(seconds)

    def finish(self) -> None:
        """Nothing is left to do."""
