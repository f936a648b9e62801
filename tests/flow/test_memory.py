"""What an apply leaves behind for the next one."""

import pytest

from declare.fleet.record import FOLDER, TOKEN
from declare.model.engine import ContainerRequest
from declare.model.errors import DeclareError, EngineError, Unreachable
from tests.execute.world import Call, World, app, routed

PATIENT = {"healthy_within": "0.4s"}


def history(world: World, name: str = "web") -> list[tuple[int, str]]:
    return [(revision.number, revision.result) for revision in world.record().apps[name].revisions]


def fields(world: World, name: str = "web") -> list[str]:
    (change,) = [change for change in world.plan().plan.apps if change.name == name]
    return [field.path for field in change.fields]


def test_every_host_gets_an_identity_that_the_record_knows(world: World):
    world.declare({"web": app(replicas=3)})
    world.apply()
    tokens = {name: host.named("shop.record").request.labels[TOKEN] for name, host in world.hosts.items()}
    known = world.record().hosts
    assert {name: host.token for name, host in known.items()} == tokens and len(set(tokens.values())) == 3
    assert {name: host.engine_id for name, host in known.items()} == {f"h{n}": f"ENGINE-{n}" for n in (1, 2, 3)}


def test_the_key_is_made_once_and_written_before_the_first_container(world: World):
    world.project.environment["PW"] = "hunter2"
    world.declare({"web": app(secrets=["password"])}, secrets={"password": {"env": "PW"}})
    world.apply()
    changes = world.changes("create_container", "write_files")
    first = changes.index("create_container shop-web-1-1")
    assert changes[:first].count("write_files shop.record") == 3
    key = world.record().key
    world.declare({"web": app("web:2", secrets=["password"])}, secrets={"password": {"env": "PW"}})
    world.apply()
    assert world.record().key == key


def test_a_new_host_is_met_and_remembered_beside_the_known_ones(world: World):
    two = {name: world.project.hosts[name] for name in ("h1", "h2")}
    world.declare({"web": app(replicas=2)}, hosts=two)
    world.apply()
    before = world.record().hosts
    world.declare({"web": app(replicas=3)}, hosts=world.project.hosts)
    world.apply()
    assert set(before.items()) < set(world.record().hosts.items()) and "h3" in world.record().hosts


def test_a_lost_host_is_forgotten_with_its_placements(world: World):
    world.declare({"web": app(replicas=3)})
    world.apply()
    world.hosts["h3"].down = "no route"
    assert world.apply(lost=("h3",)).exit_code == 0
    record = world.plan(lost=("h3",)).record
    assert record and set(record.hosts) == {"h1", "h2"}
    assert sorted(placed.host for placed in record.placements) in (["h1", "h1", "h2"], ["h1", "h2", "h2"])


def test_a_silent_hosts_placements_are_kept_as_they_were(world: World):
    world.declare({"web": app(replicas=3)})
    world.apply()
    before = world.record().placements
    world.hosts["h3"].down = "no route"
    world.declare({"web": app(replicas=3), "more": app()})
    assert world.apply().exit_code == 3
    assert [placed for placed in world.record().placements if placed.app == "web"] == list(before)


def test_a_success_makes_one_revision_with_who_and_when(world: World):
    world.declare({"web": app()})
    world.apply()
    (revision,) = world.record().apps["web"].revisions
    assert (revision.number, revision.result) == (1, "succeeded") and "@" in revision.applied_by
    assert revision.applied_at.endswith(" UTC") and revision.spec["image"] == "web:1"


def test_a_change_names_its_cause_and_counts_on(world: World):
    for image in ("web:1", "web:2", "web:3"):
        world.declare({"web": app(image)})
        world.apply()
    assert history(world) == [(1, "succeeded"), (2, "succeeded"), (3, "succeeded")]
    assert [revision.cause for revision in world.record().apps["web"].revisions] == ["", "image", "image"]


def test_scaling_makes_no_revision_and_is_remembered(world: World):
    world.declare({"web": app()})
    world.apply()
    world.declare({"web": app(replicas=3)})
    world.apply()
    assert history(world) == [(1, "succeeded")] and world.record().apps["web"].spec["replicas"] == 3


def test_what_only_the_record_knows_is_no_difference_after_an_apply(world: World):
    world.declare({"web": app()})
    world.apply()
    world.declare({"web": app(update={"parallelism": 2})})
    assert fields(world) == ["update.parallelism"]
    assert world.apply().exit_code == 0 and fields(world) == [] and world.is_settled()


@pytest.mark.parametrize("image", ["sick:1", "nobody:1"])
def test_after_a_failed_apply_the_next_plan_still_shows_the_change(world: World, image: str):
    world.declare({"web": routed(update=PATIENT)})
    world.apply()
    world.declare({"web": routed(image, update={**PATIENT, "parallelism": 3})})
    if image == "nobody:1":
        assert world.apply().exit_code == 1 and history(world) == [(1, "succeeded")]
    else:
        assert world.apply().exit_code == 3 and history(world) == [(1, "succeeded"), (2, "failed")]
    assert world.record().apps["web"].spec["image"] == "web:1"
    assert fields(world) == ["image", "update.parallelism"] if image == "sick:1" else True


def test_a_failed_first_apply_of_an_app_is_a_first_deployment_again(world: World):
    world.declare({"web": routed("sick:1", update=PATIENT)})
    world.apply()
    assert history(world) == [(1, "failed")]
    world.declare({"web": routed("web:1", update=PATIENT)})
    (change,) = world.plan().plan.apps
    assert change.action.value == "create"
    world.apply()
    assert history(world) == [(1, "failed"), (2, "succeeded")]


def test_what_was_taken_back_is_said_to_be(world: World):
    world.declare({"web": routed(replicas=2, update=PATIENT)})
    world.apply()
    world.declare({"web": routed("web:2", replicas=2, update=PATIENT)})
    host = world.hosts[world.host_of("shop-web-2-1")]
    good = host.answer_request
    host.respond = lambda c, r: b"HTTP/1.0 500 No\r\n\r\n" if c.name == "shop-web-2-2" else good(c, r)
    assert world.apply().undone == 1
    assert history(world) == [(1, "succeeded"), (2, "rolled back")]
    assert "not healthy" in world.record().apps["web"].revisions[-1].cause


def test_an_app_that_an_interrupt_left_untouched_has_no_new_revision(world: World):
    world.declare({"web": app()})
    world.apply()
    world.declare({"web": app("web:2", volumes=["data:/data"])})

    def stop(call: Call, done: bool) -> None:
        if done and call.name == "create_volume":
            world.interrupt.request()

    world.watch = stop
    assert world.apply().exit_code == 130
    assert world.images("web") == ["web:1"] and history(world) == [(1, "succeeded")]


def test_failures_never_push_out_what_one_can_go_back_to(world: World):
    world.declare({"web": app()})
    world.apply()
    for n in range(25):
        world.declare({"web": app("broken:1", environment={"N": str(n)}, update={"healthy_within": "0s"})})
        assert world.apply().failed == 1
    assert history(world)[0] == (1, "succeeded") and len(history(world)) == 21


def test_a_removed_app_is_forgotten(world: World):
    world.declare({"web": app(), "api": app()})
    world.apply()
    world.declare({"api": app()})
    world.apply()
    assert set(world.record().apps) == {"api"}


def test_an_app_that_could_not_be_removed_is_remembered(world: World):
    world.declare({"web": app(), "api": app()})
    world.apply()
    world.declare({"api": app()})

    def refuse(call: Call, done: bool) -> None:
        if not done and call.name == "remove_container" and "-web-" in call.about:
            raise EngineError(call.host, "busy", status=500)

    world.watch = refuse
    assert world.apply().exit_code == 3
    assert set(world.record().apps) == {"api", "web"}


def test_destroy_forgets_everything_even_on_hosts_it_only_just_met(world: World):
    world.declare({"web": app()}, hosts={"h1": world.project.hosts["h1"]})
    world.apply()
    world.declare({"web": app()}, hosts=world.project.hosts)
    assert world.apply(destroy=True).exit_code == 0
    assert not any(host.containers for host in world.hosts.values())


def test_a_lost_record_is_rebuilt_from_the_labels(world: World):
    world.declare({"web": routed(replicas=3), "db": app(volumes=["data:/data"])}, proxies=["h1"])
    world.apply()
    placements = world.record().placements
    for host in world.hosts.values():
        host.containers = {k: c for k, c in host.containers.items() if c.name != "shop.record"}
    assert world.plan().plan.is_empty
    world.declare({"web": routed(replicas=3), "db": app(volumes=["data:/data"]), "new": app()}, proxies=["h1"])
    assert world.apply().exit_code == 0
    assert {*placements} < {*world.record().placements} and world.is_settled()


def test_a_record_that_can_not_be_written_on_one_host_is_on_the_others(world: World):
    world.declare({"web": app(replicas=3)})

    def refuse(call: Call, done: bool) -> None:
        if not done and call.host == "h1" and (call.name, call.about) == ("write_files", "shop.record"):
            raise EngineError(call.host, "no space left", status=500)

    world.watch = refuse
    assert world.apply().exit_code == 0
    world.watch = lambda *_: None
    assert not world.hosts["h1"].named("shop.record").files
    assert all(f"{FOLDER}/record-0.json" in world.hosts[name].named("shop.record").files for name in ("h2", "h3"))
    assert world.is_settled()


def test_without_any_record_nothing_is_changed(world: World):
    world.declare({"web": app(replicas=3)})

    def refuse(call: Call, done: bool) -> None:
        if not done and (call.name, call.about) == ("write_files", "shop.record"):
            raise EngineError(call.host, "no space left", status=500)

    world.watch = refuse
    with pytest.raises(DeclareError):
        world.apply()
    assert world.containers() == {} and world.containers("lock") == {}


def test_a_record_that_can_not_be_written_in_the_end_is_no_success(world: World):
    world.declare({"web": app(replicas=3)})

    def refuse(call: Call, done: bool) -> None:
        late = len(world.running()) == 3
        if not done and late and (call.name, call.about) == ("write_files", "shop.record"):
            raise EngineError(call.host, "no space left", status=500)

    world.watch = refuse
    outcome = world.apply()
    assert (outcome.exit_code, outcome.done) == (3, 3)
    assert [(failure.subject, failure.reason) for failure in outcome.failures] == [("record", "no space left")]


def test_a_host_that_falls_silent_when_it_is_met_stops_no_other(world: World):
    def die(call: Call, done: bool) -> None:
        if not done and call.host == "h2" and (call.name, call.about) == ("create_container", "shop.record"):
            world.hosts["h2"].down = "no route to host"
            raise Unreachable("h2", "no route to host")

    world.declare({"web": app(replicas=3)})
    world.watch = die
    outcome = world.apply()
    assert outcome.exit_code == 3 and outcome.done == 2
    world.hosts["h2"].down, world.watch = "", lambda *_: None
    world.expire_locks()
    assert world.apply().exit_code == 0 and set(world.record().hosts) == {"h1", "h2", "h3"}


def test_somebody_elses_container_under_the_records_name_is_left_alone(world: World):
    stranger = world.hosts["h1"].add(ContainerRequest("shop.record", "web:1", spec={"restart": "no"}))
    world.declare({"web": app(replicas=3)})
    with pytest.raises(DeclareError, match=r"shop\.record"):
        world.apply()
    assert stranger.is_running and world.containers() == {}
