"""What was done to containers by hand: the plan names it, apply repairs it, and then there is nothing left to plan.

One run alters one app for each way there is; each way is then a test of its own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from declare.flow.plan import Planned
from declare.model.canonical import Json
from declare.model.event import Outcome
from declare.model.plan import Action
from declare.model.settings import declared_settings
from tests.acceptance.cases import BASE
from tests.acceptance.project import EVERYTHING, Project
from tests.fleet import Fleet, Host
from tests.fleet.clean import clean
from tests.fleet.foreign import check_foreigners, settle_foreigners


@dataclass(frozen=True, slots=True)
class Hand:
    """What a hand does to an app's container: words for Docker's client, in which NAME is the container.

    `found` is what the plan must say; "" for what is none of its business. `kept`: it stays the same container.
    """

    words: tuple[str, ...]
    found: str
    app: Mapping[str, Json] = field(default_factory=dict)
    kept: bool = True


def do(*words: str) -> tuple[str, ...]:
    return (*words, "NAME")


def update(*options: str) -> tuple[str, ...]:
    return do("update", *options)


HANDS: Mapping[str, Hand] = {
    "stop": Hand(do("stop", "--time", "1"), "stopped by hand"),
    "kill": Hand(do("kill"), "stopped by hand"),
    "kill-once": Hand(do("kill"), "exited with code 137", {"restart": "no"}),
    "pause": Hand(do("pause"), "paused by hand"),
    "rename": Hand(("rename", "NAME", "some-other-name"), "renamed by hand to some-other-name"),
    "rename-back": Hand(("rename", "NAME", "drift-web-1-9"), "renamed by hand to drift-web-1-9"),
    "remove": Hand(do("rm", "--force"), "removed by hand", kept=False),
    "restart-policy": Hand(update("--restart", "no"), "altered by hand: restart"),
    "restart-count": Hand(update("--restart", "on-failure:9"), "altered by hand: restart", {"restart": "on-failure:3"}),
    "memory": Hand(
        update("--memory", "96m", "--memory-swap", "192m"), "altered by hand: mem_limit", {"mem_limit": "64m"}
    ),
    "memory-down": Hand(update("--memory", "32m"), "altered by hand: mem_limit", {"mem_limit": "64m"}),
    "reserved-memory": Hand(
        update("--memory", "96m", "--memory-swap", "192m"), "altered by hand: mem_limit",
        {"resources": {"memory": "64m"}},
    ),
    "swap": Hand(
        update("--memory-swap", "-1"), "altered by hand: memswap_limit", {"mem_limit": "64m", "memswap_limit": "128m"}
    ),
    "memory-and-swap": Hand(
        update("--memory", "256m", "--memory-swap", "512m"), "altered by hand: mem_limit, memswap_limit",
        {"mem_limit": "64m", "memswap_limit": "128m"},
    ),
    "reservation": Hand(
        update("--memory-reservation", "48m"), "altered by hand: mem_reservation", {"mem_reservation": "32m"}
    ),
    "cpus": Hand(update("--cpus", "1.5"), "altered by hand: cpus", {"cpus": 0.5}),
    "reserved-cpus": Hand(update("--cpus", "1.5"), "altered by hand: cpus", {"resources": {"cpus": 0.01}}),
    "cpu-quota": Hand(update("--cpu-quota", "30000"), "altered by hand: cpu_quota", {"cpu_quota": 20000}),
    "cpu-period": Hand(update("--cpu-period", "60000"), "altered by hand: cpu_period", {"cpu_period": 50000}),
    "cpu-shares": Hand(update("--cpu-shares", "2"), "altered by hand: cpu_shares", {"cpu_shares": 512}),
    "cpuset": Hand(update("--cpuset-cpus", "0-1"), "altered by hand: cpuset", {"cpuset": "0"}),
    "pids": Hand(update("--pids-limit", "200"), "altered by hand: pids_limit", {"pids_limit": 100}),
    "pids-unlimited": Hand(update("--pids-limit", "200"), "altered by hand: pids_limit", {"pids_limit": -1}),
    "several": Hand(
        update("--cpu-shares", "2", "--restart", "no"), "altered by hand: cpu_shares, restart", {"cpu_shares": 512}
    ),
    "what-is-not-declared": Hand(update("--cpu-shares", "2", "--memory", "64m", "--memory-swap", "64m"), ""),
    "restart-it": Hand(do("restart", "--time", "1"), ""),
}  # fmt: skip


@dataclass(slots=True)
class Run:
    """The plan after the hands were at work, its apply, the plan after that, and the containers before and after."""

    seen: Planned
    outcome: Outcome
    then: Planned
    before: dict[str, str]
    after: dict[str, str]


@pytest.fixture(scope="module")
def run(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    clean(fleet)
    foreigners = settle_foreigners(fleet)
    project = Project.on_fleet(fleet, tmp_path_factory.mktemp("drift"), name="drift")
    project.write(apps={name: {**BASE, **hand.app} for name, hand in HANDS.items()}, inventory={"allow": EVERYTHING})
    assert project.apply().reached
    before = {app: container for host in fleet.hosts.values() for app, container in containers_of(host).items()}
    fleet.each(lay_hands)
    seen, outcome, then = project.plan(), project.apply(), project.plan()
    after = {app: container for host in fleet.hosts.values() for app, container in containers_of(host).items()}
    yield Run(seen, outcome, then, before, after)
    clean(fleet)
    check_foreigners(fleet, foreigners)


def containers_of(host: Host) -> dict[str, str]:
    """The IDs of the containers on a host, by app."""
    shown = ("--all", "--no-trunc", "--filter", "label=declare.role=replica")
    lines = host.docker("ps", *shown, "--format", '{{.Label "declare.app"}} {{.ID}}').splitlines()
    return {line.partition(" ")[0]: line.partition(" ")[2] for line in lines}


def lay_hands(host: Host) -> None:
    for app, container in containers_of(host).items():
        host.docker(*(container if word == "NAME" else word for word in HANDS[app].words))


@pytest.mark.parametrize("name", HANDS)
def test_what_a_hand_did_is_named(run: Run, name: str) -> None:
    found = [drift.found for drift in run.seen.plan.drift if drift.subject.partition("/")[0] == name]
    assert found == ([HANDS[name].found] if HANDS[name].found else [])


@pytest.mark.parametrize("name", HANDS)
def test_what_a_hand_did_is_repaired_in_place_where_it_can_be(run: Run, name: str) -> None:
    assert [failure for failure in run.outcome.failures if failure.subject.startswith(f"{name}/")] == []
    assert (run.after[name] == run.before[name]) is HANDS[name].kept
    change = next(change for change in run.then.plan.apps if change.name == name)
    assert (change.action, change.fields) == (Action.KEEP, ())


def test_after_the_repair_there_is_nothing_to_plan(run: Run) -> None:
    assert run.outcome.reached
    assert run.then.plan.is_empty
    assert run.then.plan.drift == ()


def test_every_setting_that_can_be_altered_has_a_hand_at_it() -> None:
    specs: list[Mapping[str, Json]] = [hand.app for hand in HANDS.values()]
    altered = {name for spec in specs for name in declared_settings(spec)}
    everything = dict.fromkeys(EVERY_SETTING, 1) | {"blkio_config": {"weight": 300}}
    needing_a_kernel = {"blkio_config.weight", "cpu_rt_period", "cpu_rt_runtime"}
    assert set(declared_settings(everything)) == altered | needing_a_kernel


EVERY_SETTING = (
    "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpu_shares", "cpus", "cpuset", "pids_limit",
    "mem_limit", "mem_reservation", "memswap_limit",
)  # fmt: skip
