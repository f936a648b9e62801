"""What nginx shall serve while apps change side by side: their wishes gathered, one reload for all of them.

A wish is granted when every proxy host has acknowledged a configuration that contains it.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

from declare.execute.interrupt import Interrupted
from declare.model.errors import DeclareError, Unreachable
from declare.model.proxy import Endpoint, ProxyModel, Upstream

RELOAD_INTERVAL = 2.0
_GATHERING = 0.03


class Proxy(Protocol):
    """nginx on one host, or the user's own."""

    host: str

    def prepare(self, model: ProxyModel) -> None:
        """Have the model tested; raise a DeclareError, with nothing changed, when it is refused."""
        ...

    def swap(self) -> None:
        """Serve what was prepared; return when that is acknowledged, raise a DeclareError when it is not."""
        ...

    def wait_drained(self, seconds: float) -> None:
        """Return when no worker with an older configuration is left, at the latest after so many seconds."""
        ...

    def finish(self) -> None:
        """What is left to do when everything else is done."""
        ...


class ProxyUnconfirmed(DeclareError):
    """A proxy host did not acknowledge; it may still send requests to what should have left.

    `silent`: it only did not answer, and all hosts that did serve the new configuration.
    """

    def __init__(self, host: str, reason: str, *, silent: bool = False) -> None:
        super().__init__(f"nginx on {host or 'this machine'} did not take the new configuration: {reason}")
        self.host = host
        self.reason = reason
        self.silent = silent
        self.kept = "it may still use the old replicas, so they were not stopped"


def with_endpoints(model: ProxyModel, serving: Mapping[str, Mapping[str, Endpoint]]) -> ProxyModel:
    """The model before these endpoints, by app and replica; an app that is not among them keeps the model's own."""
    upstreams = tuple(
        Upstream(upstream.app, tuple(sorted(set(serving[upstream.app].values()))))
        if upstream.app in serving
        else upstream
        for upstream in model.upstreams
    )
    return replace(model, upstreams=upstreams)


class Balancer:
    """All proxies of a project. `model` is what they shall serve in the end; `serving` is what each app's replicas
    answer on at the start, by app and replica. `up_to_date` says that all of them serve just that already.
    """

    def __init__(
        self,
        proxies: Sequence[Proxy],
        model: ProxyModel | None,
        serving: Mapping[str, Mapping[str, Endpoint]],
        *,
        up_to_date: bool = False,
    ) -> None:
        self._proxies = proxies
        self._model = model
        self._serving = {app: dict(endpoints) for app, endpoints in serving.items()}
        self._delivered = self._current_model() if up_to_date else None
        self._changed = threading.Condition()
        self._wished = 0
        self._granted = 0
        self._failures: dict[int, BaseException] = {}
        self._closed = False
        self._last_reload = float("-inf")
        self._thread: threading.Thread | None = None

    def serving(self, app: str) -> dict[str, Endpoint]:
        """The endpoints of an app by replica, as last wished."""
        with self._changed:
            return dict(self._serving.get(app, {}))

    def publish(self, app: str, endpoints: Mapping[str, Endpoint], *, drain: float) -> None:
        """Make these the app's endpoints; returns when all proxies acknowledged and, where some left, are drained.

        Where none leaves, a proxy host that does not answer is no obstacle: `bring_up_to_date` tells of it.
        """
        with self._changed:
            before = self._serving.get(app, {})
            self._serving[app] = dict(endpoints)
            if before == endpoints or not self._proxies:
                return
            leaving = set(before.values()) - set(endpoints.values())
            try:
                self._wait_for_wish()
            except ProxyUnconfirmed as error:
                if leaving or not error.silent:
                    raise
        if leaving:
            self._drain(drain)

    def bring_up_to_date(self, *, drain: float = 0.0) -> None:
        """Deliver what is wished, if it was not yet: new routes, a new proxy, drift on it, an app that goes."""
        with self._changed:
            if not self._proxies or self._current_model() == self._delivered:
                return
            self._wait_for_wish()
        if drain:
            self._drain(drain)

    def finish(self) -> None:
        """Once all serve nothing but the newest, retire what shall not serve. Raises the first DeclareError."""
        if self._proxies:
            self._drain(0.0)
        for proxy in self._proxies:
            proxy.finish()

    def close(self) -> None:
        """End the delivering thread after what it has in hand."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread:
            self._thread.join()

    def _wait_for_wish(self) -> None:
        self._wished += 1
        mine = self._wished
        if self._thread is None:
            self._thread = threading.Thread(target=self._grant_forever, name="balancer", daemon=True)
            self._thread.start()
        self._changed.notify_all()
        self._changed.wait_for(lambda: self._granted >= mine or mine in self._failures)
        if mine in self._failures:
            raise self._failures.pop(mine)

    def _grant_forever(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._wished > self._granted)
                if self._closed:
                    return
            time.sleep(max(_GATHERING, self._last_reload + RELOAD_INTERVAL - time.monotonic()))
            with self._changed:
                first, last = self._granted + 1, self._wished
                model = self._current_model()
            failure = self._try_to_deliver(model) if model else None
            self._last_reload = time.monotonic()
            with self._changed:
                if failure:
                    self._failures |= dict.fromkeys(range(first, last + 1), failure)
                self._delivered = None if failure else model
                self._granted = last
                self._changed.notify_all()

    def _try_to_deliver(self, model: ProxyModel) -> BaseException | None:
        """Whatever goes wrong is for those who wait: left in this thread, it would let them wait for ever."""
        try:
            self._deliver(model)
        except BaseException as error:
            return error
        return None

    def _current_model(self) -> ProxyModel | None:
        if self._model is None:
            return None
        return with_endpoints(self._model, self._serving)

    def _deliver(self, model: ProxyModel) -> None:
        """Tested on every host before it is served on any: one refusal leaves all of them as they were.

        A host that does not answer keeps none of the others from what is new.
        """
        failed = self._on_all(self._proxies, lambda proxy: proxy.prepare(model))
        if all(isinstance(error, Unreachable) for error in failed.values()):
            ready = [proxy for proxy in self._proxies if proxy.host not in failed]
            failed |= self._on_all(ready, lambda proxy: proxy.swap())
        if failed:
            # The one that said no tells more than the one that said nothing.
            host = min(failed, key=lambda host: (isinstance(failed[host], Unreachable), host))
            error = failed[host]
            raise ProxyUnconfirmed(
                host, getattr(error, "reason", str(error)), silent=isinstance(error, Unreachable)
            ) from error

    def _on_all(self, proxies: Sequence[Proxy], step: Callable[[Proxy], None]) -> dict[str, DeclareError]:
        """What each host failed with, by host."""
        with ThreadPoolExecutor(max_workers=max(1, len(proxies))) as pool:
            futures = {proxy.host: pool.submit(step, proxy) for proxy in proxies}
        failed = {}
        for host, future in futures.items():
            error = future.exception()
            if isinstance(error, DeclareError) and not isinstance(error, Interrupted):
                failed[host] = error
            elif error is not None:
                raise error
        return failed

    def _drain(self, seconds: float) -> None:
        with ThreadPoolExecutor(max_workers=len(self._proxies)) as pool:
            list(pool.map(lambda proxy: proxy.wait_drained(seconds), self._proxies))
