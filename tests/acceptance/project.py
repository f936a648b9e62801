"""A project in a folder, run as its user would run it: written, planned, applied; in this process, or as a program."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from declare.execute.interrupt import Interrupt
from declare.flow.apply import ApplyRequest, apply_plan
from declare.flow.plan import Planned, PlanRequest, plan_project
from declare.flow.project import Project as Opened
from declare.flow.project import ProjectOptions, open_project
from declare.model.canonical import Json
from declare.model.event import Failure, Outcome, Transition
from declare.model.inventory import Host
from tests.fake_engine import FakeEngine, FakeReader, FakeWriter
from tests.fleet import Fleet

ROOT = Path(__file__).parent.parent.parent
EVERYTHING = [
    "privileged", "host_namespaces", "devices", "host_paths", "docker_socket", "capabilities", "low_ports",
]  # fmt: skip
"""For an inventory's `allow`."""


@dataclass(frozen=True, slots=True)
class Completed:
    """How a run of the program ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


@dataclass(slots=True)
class Project:
    """One project on some hosts. `events` are those of the last apply in this process."""

    folder: Path
    hosts: dict[str, Json]
    name: str = "test"
    environment: dict[str, str] = field(default_factory=dict)
    fakes: Mapping[str, FakeEngine] | None = None
    events: list[Transition | Failure] = field(default_factory=list)

    @classmethod
    def on_fleet(cls, fleet: Fleet, folder: Path, *, name: str = "test") -> "Project":
        """On real hosts, over plain TCP."""
        hosts: dict[str, Json] = {
            host.name: {"engine": host.engine_tcp, "address": host.address, "insecure": True}
            for host in fleet.hosts.values()
        }
        return cls(folder, hosts, name, dict(fleet.environment))

    @classmethod
    def on_fakes(cls, folder: Path, *fakes: FakeEngine, name: str = "test") -> "Project":
        """On fake engines, which only this process can see."""
        hosts: dict[str, Json] = {
            fake.host: {"engine": "tcp://127.0.0.1:1", "address": fake.address, "insecure": True} for fake in fakes
        }
        return cls(folder, hosts, name, fakes={fake.host: fake for fake in fakes})

    def write(
        self,
        *,
        apps: Mapping[str, Json] | None = None,
        volumes: Json = None,
        secrets: Json = None,
        inventory: Mapping[str, Json] | None = None,
    ) -> None:
        """What is given anew; no apps: no change to the manifest. `inventory` is laid over hosts and project."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if inventory is not None or not self.inventory.exists():
            self._dump(self.inventory, {"project": self.name, "hosts": self.hosts, **(inventory or {})})
        if apps is not None:
            more = {"volumes": volumes, "secrets": secrets}
            self._dump(self.manifest, {"apps": apps} | {key: value for key, value in more.items() if value})

    def _dump(self, path: Path, document: Json) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(document, indent=2))  # which YAML reads as well

    @property
    def inventory(self) -> Path:
        return self.folder / "inventory.yaml"

    @property
    def manifest(self) -> Path:
        return self.folder / "apps" / "apps.yaml"

    def open(self) -> Opened:
        return open_project(ProjectOptions(inventory=str(self.inventory), environment=self.environment))

    def plan(self, **options: Any) -> Planned:
        """`options` are those of a PlanRequest."""
        with self._engines():
            return plan_project(self.open(), PlanRequest(**options))

    def apply(self, **options: Any) -> Outcome:
        """Plan and apply, approved unseen."""
        self.events.clear()
        with self._engines():
            return apply_plan(
                self.open(),
                ApplyRequest(PlanRequest(**options)),
                approve=lambda _: True,
                listener=self.events.append,
                interrupt=Interrupt(),
            )

    def run(self, *words: str, timeout: float = 120, **environment: str) -> Completed:
        """The program itself, in the project's folder, with these variables beside the project's own."""
        process = self.start(*words, **environment)
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        finally:
            process.kill()
        return Completed(process.returncode, stdout, stderr)

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """The program, running; for tests that disturb it."""
        return subprocess.Popen(
            [sys.executable, "-m", "declare", *words],
            cwd=self.folder,
            env={**os.environ, **self.environment, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @contextmanager
    def _engines(self) -> Iterator[None]:
        fakes = self.fakes
        if fakes is None:
            with nullcontext():
                yield
            return

        def open_reader(host: Host) -> FakeReader:
            return FakeReader(fakes[host.name])

        def open_writer(host: Host) -> FakeWriter:
            return FakeWriter(fakes[host.name])

        with (
            patch("declare.engine.connect.open_reader", open_reader),
            patch("declare.engine.connect.open_writer", open_writer),
        ):
            yield
