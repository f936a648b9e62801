"""Where it is measured: three hosts, brought up when first asked for, and a project of one app with 30 replicas."""

import contextlib
import os
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType

from tests.bench.child import Spent, run_measured
from tests.bench.floor import PlainEngine
from tests.bench.installed import Installed
from tests.fleet import Fleet
from tests.fleet.errors import run

REPLICAS = 30

_MANIFEST = f"""\
apps:
  web:
    image: declare-test/web:1
    replicas: {REPLICAS}
    port: 8000
    update: {{settle: 0s}}
"""


class Scene(contextlib.AbstractContextManager["Scene"]):
    """Runs declare, and plain calls beside it. Takes down on leaving what it brought up."""

    def __init__(self, folder: Path, installed: Installed) -> None:
        self.folder = folder
        self.installed = installed
        self._stack = contextlib.ExitStack()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @cached_property
    def fleet(self) -> Fleet:
        fleet = Fleet.up(f"bench-{os.getpid()}", hosts=3, owned=True)
        self._stack.callback(fleet.down)
        return fleet

    @cached_property
    def engines(self) -> list[PlainEngine]:
        return [PlainEngine(host.address, host.engine_port) for host in self.fleet.hosts.values()]

    def project(self, *, engine: str) -> Path:
        """A folder with the inventory and the app."""
        folder = self.folder / engine
        (folder / "apps").mkdir(parents=True, exist_ok=True)
        (folder / "inventory.yaml").write_text(self.fleet.inventory(project="bench", engine=engine))
        (folder / "apps" / "web.yaml").write_text(_MANIFEST)
        return folder

    def declare(self, *arguments: str) -> Spent:
        return self._run(self.installed.words(*arguments))

    def python(self, code: str) -> Spent:
        return self._run(self.installed.python(code))

    def clean(self) -> None:
        """No container is left on any host."""
        self.at_once([engine.remove_all for engine in self.engines])

    def at_once(self, calls: Sequence[Callable[[], object]]) -> None:
        """All calls side by side; the first error is raised."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(max_workers=len(calls)) as pool:
            for future in [pool.submit(call) for call in calls]:
                future.result()

    def close_ssh(self) -> None:
        """Ends the connections that declare keeps open."""
        for control in self.runtime.glob("declare/*.ctl"):
            with contextlib.suppress(Exception):
                run(["ssh", "-S", control, "-O", "exit", "any"])

    @cached_property
    def runtime(self) -> Path:
        """A folder for declare's sockets: no connection of another run is used, and none is left."""
        runtime = self.folder / "run"
        runtime.mkdir(mode=0o700)
        self._stack.callback(self.close_ssh)
        return runtime

    def _run(self, words: Sequence[str | Path]) -> Spent:
        environment = self.installed.environment | {"XDG_RUNTIME_DIR": str(self.runtime)}
        if "fleet" in self.__dict__:
            environment["DECLARE_SSH_CONFIG"] = str(self.fleet.ssh_config)
        return run_measured(words, environment, output=self.folder / "output")
