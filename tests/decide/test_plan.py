"""What a plan says, rule by rule."""

from dataclasses import replace

import pytest

from declare.decide.plan import PlanError
from declare.model.inventory import ContainerProxy, PortRange, ProxySettings
from declare.model.observed import Image, Volume
from declare.model.plan import Action, Plan
from tests.decide.world import (
    World,
    actions,
    change_of,
    foreign,
    hosts_of,
    image_id,
    make_app,
    make_host,
    make_inventory,
    make_observed,
    replica_container,
    replica_of,
    three_hosts,
)


def refusal(world: World, **options: object) -> str:
    """The problems of a plan that can't be made, as text."""
    with pytest.raises(PlanError) as caught:
        world.plan(**options)
    return "\n".join(f"{problem.summary}\n  hint: {problem.help}" for problem in caught.value.problems)


def test_a_first_plan_creates_every_replica_spread_over_the_hosts() -> None:
    plan = World(None, make_app(replicas=3, port=8000)).plan()
    assert hosts_of(plan, "web") == {"1": "h1", "2": "h2", "3": "h3"}
    assert change_of(plan, "web").action is Action.CREATE
    assert change_of(plan, "web").revision == 1


def test_a_plan_after_apply_is_empty() -> None:
    world = World(None, make_app(replicas=3, port=8000, publish=["5432:5432"]), make_app("db", volumes=["data:/d"]))
    world.apply()
    assert world.plan().is_empty
    assert not world.plan().drift


def test_a_changed_field_is_named_with_old_and_new() -> None:
    world = World(None, make_app(environment={"LOG_LEVEL": "info", "A": "b"}, replicas=2))
    world.apply()
    world.declare(make_app(environment={"LOG_LEVEL": "debug", "A": "b"}, replicas=2))
    change = change_of(world.plan(), "web")
    assert [(f.path, f.old, f.new) for f in change.fields] == [("environment.LOG_LEVEL", "info", "debug")]
    assert {replica.cause for replica in change.replicas} == {"environment changed"}
    assert change.revision == 2


def test_a_replacement_gets_the_next_free_port_and_stays_on_its_host() -> None:
    world = World(None, make_app(port=8000))
    world.apply()
    world.declare(make_app(port=8000, image="web:2"))
    change = replica_of(world.plan(), "web/1")
    assert change.old and change.new
    assert change.action is Action.REPLACE
    assert change.new.host == change.old.host
    assert change.new.bindings[0].host_port == change.old.bindings[0].host_port + 1
    assert change.new.name == "shop-web-1-2"


def test_a_stop_first_replacement_keeps_its_port() -> None:
    world = World(None, make_app(port=8000, update={"order": "stop-first"}))
    world.apply()
    world.declare(make_app(port=8000, update={"order": "stop-first"}, image="web:2"))
    change = replica_of(world.plan(), "web/1")
    assert change.old and change.new
    assert change.new.bindings == change.old.bindings


def test_a_written_volume_is_replaced_stop_first_on_its_host() -> None:
    world = World(None, make_app("db", volumes=["pgdata:/d"]))
    first = world.apply()
    assert [(volume.name, volume.host) for volume in first.volumes] == [("shop_pgdata", "h1")]
    world.declare(make_app("db", image="db:2", volumes=["pgdata:/d"]))
    change = change_of(world.plan(), "db")
    assert (change.order, change.order_cause, change.gap) == ("stop-first", "it owns volume pgdata on h1", 4.0)


def test_scaling_down_removes_the_highest_numbers() -> None:
    world = World(None, make_app(replicas=12))
    world.apply()
    world.declare(make_app(replicas=2))
    plan = world.plan()
    assert actions(plan) == {f"web/{n}": "remove" for n in range(3, 13)}
    assert change_of(plan, "web").revision == 1


def test_a_lost_host_moves_only_its_own_replicas() -> None:
    world = World(None, make_app(replicas=6), make_app("api", replicas=6))
    world.apply()
    there = {f"{app}/{n}" for app in ("web", "api") for n, host in world.places(app).items() if host == "h2"}
    world.cut("h2")
    plan = world.plan(lost=frozenset({"h2"}))
    assert actions(plan) == dict.fromkeys(there, "move")
    assert {r.cause for a in plan.apps for r in a.replicas if r.action is Action.MOVE} == {"h2 is lost"}
    assert all(r.new.generation == 2 for a in plan.apps for r in a.replicas if r.new)


def test_what_the_record_places_on_an_unreachable_host_counts_and_is_left_alone() -> None:
    inventory = three_hosts(proxy=ProxySettings(ContainerProxy(("h1",), "nginx:1")))
    world = World(inventory, make_app(replicas=3, port=8000, routes=["shop.example.com"]))
    world.apply()
    world.cut("h2")
    plan = world.plan()
    assert plan.is_empty
    assert not plan.complete
    assert plan.proxy and len(plan.proxy.model.upstreams[0].endpoints) == 3


def test_an_unreachable_replica_with_a_new_image_is_named_as_waiting() -> None:
    world = World(None, make_app(replicas=3))
    world.apply()
    world.cut("h2")
    world.declare(make_app(replicas=3, image="web:2"))
    change = change_of(world.plan(), "web")
    assert actions(world.plan()) == {"web/1": "replace", "web/3": "replace"}
    assert change.warnings[-1] == "web/2 keeps its old settings until h2 can be reached"


def test_a_drained_host_is_emptied_and_a_cordoned_one_is_not() -> None:
    world = World(None, make_app(replicas=3))
    world.apply()
    world.set_state("h1", "cordoned")
    world.set_state("h2", "drained")
    world.declare(make_app(replicas=4))
    plan = world.plan()
    assert actions(plan) == {"web/2": "move", "web/4": "create"}
    assert hosts_of(plan, "web") == {"1": "h1", "2": "h3", "3": "h3", "4": "h3"}


def test_a_label_that_a_host_lost_moves_its_replicas() -> None:
    ssd = {"disk": "ssd"}
    world = World(make_inventory(make_host("h1", labels=ssd), make_host("h2", labels=ssd)),
                  make_app(replicas=2, placement={"require": ssd}))  # fmt: skip
    world.apply()
    world.inventory = make_inventory(make_host("h1"), make_host("h2", labels=ssd))
    plan = world.plan()
    assert actions(plan) == {"web/1": "move"}
    assert replica_of(plan, "web/1").cause == "h1 lacks label disk=ssd"


def test_no_host_can_take_it_names_every_hosts_reason_and_all_apps() -> None:
    inventory = make_inventory(
        make_host("h1"), make_host("h2", labels={"disk": "ssd"}, memory="100MiB"), make_host("h3"),
        make_host("h4", labels={"disk": "ssd"}, state="cordoned"),
    )  # fmt: skip
    app = make_app(resources={"memory": "256MiB"}, placement={"require": {"disk": "ssd"}})
    text = refusal(World(inventory, app, make_app("huge", resources={"cpus": 64})))
    assert text == (
        "no host can take huge/1\n"
        "  3 hosts have no cpus left   (h1: 4 free, 64 asked; h2: 4 free, 64 asked; h3: 4 free, 64 asked)\n"
        "  1 host is cordoned          (h4)\n"
        "  hint: add a host, or ask for less in resources at apps/huge.yaml:3\n"
        "no host can take web/1\n"
        "  2 hosts lack label disk=ssd   (h1, h3)\n"
        "  1 host has no memory left     (h2: 100 MiB free, 256 MiB asked)\n"
        "  1 host is cordoned            (h4)\n"
        "  hint: add a host with label disk=ssd, or loosen placement at apps/web.yaml:3"
    )


def test_foreign_containers_count_for_capacity_and_ports_and_are_left_alone() -> None:
    world = World(make_inventory("h1", "h2"), make_app(publish=["80:80"]))
    world.add(foreign("h1", port=80))
    plan = world.plan()
    assert hosts_of(plan, "web") == {"1": "h2"}
    assert "theirs" not in str(plan)


def test_a_foreign_container_with_the_name_is_an_error() -> None:
    world = World(make_inventory("h1"), make_app())
    world.add(foreign("h1", "shop-web-1-1"))
    assert "web/1: h1 has a container named shop-web-1-1 that is not declare's" in refusal(world)


def test_copied_labels_are_not_adopted() -> None:
    app = make_app()
    world = World(None, app)
    world.apply()
    world.add(replace(replica_container("h2", app, "1", 7), name="copy", id="copy"))
    plan = world.plan()
    assert plan.is_empty
    assert [problem.summary for problem in plan.warnings] == ["copy on h2 has copied labels"]


def test_a_full_port_range_is_an_error_that_names_it() -> None:
    world = World(make_inventory("h1", ports=PortRange(20000, 20001)), make_app(replicas=3, port=80))
    assert "web/3: no free port on h1 in 20000-20001" in refusal(world)


@pytest.mark.parametrize(
    ("fields", "found", "repairs"),
    [
        ({"state": "exited"}, "stopped by hand", ["start"]),
        ({"state": "exited", "exit_code": 137, "oom_killed": True}, "exited with code 137 (out of memory)", ["start"]),
        ({"state": "paused"}, "paused by hand", ["unpause"]),
        ({"name": "mine"}, "renamed by hand to mine", ["rename"]),
        ({"settings": {"restart": "no"}}, "altered by hand: restart", ["set"]),
    ],
)
def test_what_was_altered_by_hand_is_drift_and_repaired_in_place(
    fields: dict[str, object], found: str, repairs: list[str]
) -> None:
    world = World(None, make_app(replicas=2))
    world.apply()
    world.alter(world.container("web", "2"), **fields)
    plan = world.apply()
    assert [(d.subject, d.host, d.found) for d in plan.drift] == [("web/2", "h2", found)]
    assert [repair.verb for repair in replica_of(plan, "web/2").repairs] == repairs
    assert actions(plan) == {"web/2": "update"}
    assert world.plan().is_empty


def test_a_container_that_must_not_restart_names_its_exit_code() -> None:
    world = World(None, make_app(restart="no"))
    world.apply()
    world.alter(world.container("web"), state="exited", exit_code=3)
    assert world.plan().drift[0].found == "exited with code 3"


def test_a_container_removed_by_hand_comes_back_where_it_was() -> None:
    world = World(None, make_app(replicas=3))
    world.apply()
    world.drop(world.container("web", "3"))
    plan = world.plan()
    assert actions(plan) == {"web/3": "create"}
    assert hosts_of(plan, "web")["3"] == "h3"
    assert plan.drift[0].found == "removed by hand"
    assert [replica.new.generation for replica in change_of(plan, "web").replicas if replica.new] == [2]


def test_a_returned_hosts_old_container_is_a_leftover() -> None:
    world = World(None, make_app(replicas=3))
    world.apply()
    before = world.host("h2")
    world.cut("h2")
    world.apply(lost=frozenset({"h2"}))
    world.set_host("h2", **{name: getattr(before, name) for name in before.__slots__ if name != "name"})
    plan = world.plan()
    moved = replica_of(plan, "web/2")
    assert [leftover.name for leftover in moved.leftovers] == ["shop-web-2-1"]
    assert moved.old and moved.old.generation == 2


def test_a_created_container_is_never_current_but_a_leftover() -> None:
    app = make_app()
    world = World(make_inventory("h1"), app)
    world.add(replica_container("h1", app, "1", 1, state="created"))
    change = replica_of(world.plan(), "web/1")
    assert change.action is Action.CREATE
    assert [leftover.generation for leftover in change.leftovers] == [1]
    assert change.new and change.new.generation == 2


def test_a_failed_container_is_no_difference() -> None:
    app = make_app()
    world = World(make_inventory("h1"), app)
    world.apply()
    world.add(replica_container("h1", app, "1", 2, state="exited", name="shop-web-1-2.failed", id="f"))
    assert world.plan().is_empty
    world.declare(make_app(image="web:2"))
    change = change_of(world.plan(), "web")
    assert [failed.id for failed in change.failed] == ["f"]
    assert change.replicas[0].new and change.replicas[0].new.generation == 3


def test_a_global_app_has_one_replica_on_each_host_that_it_may_use() -> None:
    world = World(make_inventory("h1", "h2", make_host("h3", state="drained")), make_app("agent", mode="global"))
    world.apply()
    assert world.places("agent") == {"h1": "h1", "h2": "h2"}
    world.set_state("h1", "drained")
    world.set_state("h2", "cordoned")
    world.set_state("h3", "active")
    assert actions(world.plan()) == {"agent/h1": "remove", "agent/h3": "create"}


def test_undeclared_apps_go_only_by_a_plan_over_all_manifests() -> None:
    world = World(None, make_app(), make_app("api"), make_app("old"))
    world.apply()
    world.declare(make_app(), make_app("api"))
    assert actions(world.plan()) == {"old/1": "remove"}
    kept = world.plan(prune=False)
    assert kept.is_empty
    assert kept.warnings[0].summary == "old runs on h2, and is not declared"


def test_removing_more_than_half_of_the_apps_must_be_allowed() -> None:
    world = World(None, make_app(), make_app("api"), make_app("old"))
    world.apply()
    world.declare(make_app())
    assert "this would remove 2 of the project's 3 apps: api, old" in refusal(world)
    assert actions(world.plan(allow_removal=2)) == {"api/1": "remove", "old/1": "remove"}


def test_destroy_removes_everything_and_the_proxy() -> None:
    world = World(three_hosts(proxy=ProxySettings(ContainerProxy(("h1",), "nginx:1"))), make_app(replicas=2))
    world.apply()
    plan = world.plan(destroy=True)
    assert actions(plan) == {"web/1": "remove", "web/2": "remove"}
    assert plan.proxy and [host.action for host in plan.proxy.hosts] == [Action.REMOVE]


def test_a_plan_for_one_app_leaves_the_others_alone_and_in_nginx() -> None:
    inventory = three_hosts(proxy=ProxySettings(ContainerProxy(("h1",), "nginx:1")))
    web, api = make_app(port=80, routes=["w.example.com"]), make_app("api", port=80, routes=["a.example.com"])
    world = World(inventory, web, api)
    world.apply()
    world.declare(make_app(port=80, routes=["w.example.com"], image="web:2"), make_app("api", image="api:2"))
    plan = world.plan(apps=("web",))
    assert actions(plan) == {"web/1": "replace"}
    assert plan.proxy and [site.route.host for site in plan.proxy.model.sites] == ["a.example.com", "w.example.com"]
    assert plan.proxy and all(upstream.endpoints for upstream in plan.proxy.model.upstreams)


def test_hosts_whose_tag_means_different_images_are_an_error() -> None:
    world = World(None, make_app(replicas=3))
    world.set_host("h2", images={"web:1": Image("sha256:other0000000000")})
    assert "web: web:1 is not the same image on all hosts: " in refusal(world)


def test_an_image_that_no_registry_has_is_copied_from_a_host() -> None:
    world = World(None, make_app(replicas=3))
    world.set_host("h2", images={})
    assert [(p.hosts, p.copy_from, p.digest) for p in world.plan().pulls] == [(("h2",), "h1", None)]


def test_an_image_with_a_digest_is_pulled_by_it() -> None:
    world = World(None, make_app(replicas=2))
    world.set_host("h1", images={"web:1": Image("sha256:a", digests=("web@sha256:d",))})
    world.set_host("h2", images={})
    world.set_host("h3", images={})
    assert [(p.hosts, p.copy_from, p.digest) for p in world.plan().pulls] == [(("h2",), None, "sha256:d")]


def test_a_tag_that_moved_replaces_with_the_short_ids() -> None:
    world = World(None, make_app(replicas=2))
    world.apply()
    for name in ("h1", "h2", "h3"):
        world.set_host(name, images={"web:1": Image("sha256:0123456789abcdef", has_healthcheck=False)})
    [change] = change_of(world.plan(), "web").fields
    assert (change.path, change.old, change.new) == ("image", image_id("web:1")[:19], "sha256:0123456789ab")


def test_a_pinned_digest_that_no_host_has_is_pulled_everywhere() -> None:
    world = World(None, make_app(replicas=2, pull_policy="always"))
    world.observed = replace(world.observed, digests={"web:1": "sha256:new"})
    world.apply()
    assert world.plan().is_empty
    world.observed = replace(world.observed, digests={"web:1": "sha256:newer"})
    plan = world.plan()
    assert actions(plan) == {"web/1": "replace", "web/2": "replace"}
    assert [(pull.digest, pull.hosts) for pull in plan.pulls] == [("sha256:newer", ("h1", "h2"))]


def test_never_pull_and_no_image_is_an_error() -> None:
    world = World(None, make_app(pull_policy="never"))
    world.set_host("h1", images={})
    world.set_host("h2", images={})
    world.set_host("h3", images={})
    assert "image web:1 is not on h1, and pull_policy is never" in refusal(world)


def test_a_changed_secret_shows_neither_value() -> None:
    world = World(None, make_app(secrets=["db_password"]))
    world.fingerprints = {"db_password": "aaaa"}
    world.apply()
    assert world.plan().is_empty
    world.fingerprints = {"db_password": "bbbb"}
    [field] = change_of(world.plan(), "web").fields
    assert (field.path, field.secret, field.old, field.new) == ("secrets.db_password", True, None, None)
    world.fingerprints = {}
    assert world.plan().is_empty


def test_fields_that_no_label_has_change_no_container() -> None:
    world = World(None, make_app(port=80, healthcheck={"path": "/up"}, update={"parallelism": 1}))
    world.apply()
    world.declare(make_app(port=80, healthcheck={"path": "/ready"}, update={"parallelism": 2}))
    change = change_of(world.plan(), "web")
    assert [(f.path, f.old, f.new) for f in change.fields] == [
        ("healthcheck.path", "/up", "/ready"),
        ("update.parallelism", None, 2),
    ]
    assert change.action is Action.UPDATE
    assert change.revision == 2
    assert actions(world.plan()) == {}
    world.apply()
    assert world.plan().is_empty


def test_a_host_that_was_swapped_is_not_trusted() -> None:
    world = World(None, make_app(replicas=3))
    world.apply()
    engine = world.host("h2").engine
    assert engine
    world.set_host("h2", engine=replace(engine, id="another"))
    assert "h2: engine identity changed: its ID was id-h2, and is another" in refusal(world)


def test_an_engine_that_says_it_is_empty_is_not_believed() -> None:
    world = World(None, make_app(replicas=3))
    world.apply()
    world.set_host("h2", containers=(), token=None)
    assert "h2: engine identity changed: nothing is left of what was placed there" in refusal(world)


def test_data_is_never_left_behind_by_a_drain() -> None:
    world = World(None, make_app("db", volumes=["pgdata:/d"]))
    world.apply()
    world.set_state("h1", "drained")
    text = refusal(world)
    assert "no host can take db/1" in text
    assert "2 hosts do not have volume shop_pgdata   (h2, h3)" in text


def test_a_replica_goes_where_its_data_is() -> None:
    world = World(None, make_app("db", volumes=["pgdata:/d"]))
    world.set_host("h3", volumes={"shop_pgdata": Volume("shop")})
    assert hosts_of(world.plan(), "db") == {"1": "h3"}


def test_apps_that_share_a_volume_share_a_host() -> None:
    world = World(None, make_app("a", volumes=["data:/d"]), make_app("b", volumes=["data:/d:ro"]), make_app("c"))
    plan = world.apply()
    assert hosts_of(plan, "a")["1"] == hosts_of(plan, "b")["1"]
    world.declare(*world.desired.apps, make_app("d", volumes=["data:/d"]))
    assert hosts_of(world.plan(), "d")["1"] == hosts_of(plan, "a")["1"]


def test_data_on_a_lost_host_is_given_up_only_with_a_warning() -> None:
    world = World(None, make_app("db", volumes=["pgdata:/d"]))
    world.apply()
    world.cut("h1")
    assert world.plan().is_empty
    plan = world.plan(lost=frozenset({"h1"}))
    assert actions(plan) == {"db/1": "move"}
    assert "db/1 starts without its data: volume shop_pgdata stays on h1" in change_of(plan, "db").warnings


def test_replicas_spread_over_zones_first() -> None:
    hosts = [make_host(f"h{n}", labels={"zone": "a" if n < 4 else "b"}) for n in range(1, 6)]
    plan = World(make_inventory(*hosts), make_app(replicas=4)).plan()
    assert sorted(hosts_of(plan, "web").values()) == ["h1", "h2", "h4", "h5"]


def test_max_per_host_is_hard() -> None:
    world = World(None, make_app(replicas=3, placement={"max_per_host": 1}))
    world.apply()
    world.declare(make_app(replicas=4, placement={"max_per_host": 1}))
    assert "3 hosts have max_per_host 1 of web already" in refusal(world)


def test_tight_fleets_are_filled_by_pushing_new_replicas_aside() -> None:
    inventory = make_inventory(make_host("h1", memory="6GiB"), make_host("h2", memory="5GiB"))
    apps = [make_app(f"a{n}", resources={"memory": f"{size}GiB"}) for n, size in enumerate((4, 3, 2, 2))]
    plan = World(inventory, *apps).plan()
    used: dict[str, int] = {}
    for app in apps:
        host = hosts_of(plan, app.name)["1"]
        used[host] = used.get(host, 0) + app.resources.memory
    assert used == {"h1": 6 * 2**30, "h2": 5 * 2**30}


def test_restart_replaces_all_replicas_without_a_new_revision() -> None:
    world = World(None, make_app(replicas=2), make_app("api"))
    world.apply()
    plan = world.plan(restart=frozenset({"web"}))
    assert actions(plan) == {"web/1": "replace", "web/2": "replace"}
    assert change_of(plan, "web").revision == 1


def test_a_crash_between_two_containers_leaves_one_and_a_leftover() -> None:
    app = make_app()
    world = World(make_inventory("h1"), app)
    world.apply()
    newer = make_app(image="web:1", environment={"A": "b"})
    world.add(replica_container("h1", newer, "1", 2))
    world.declare(newer)
    change = replica_of(world.plan(), "web/1")
    assert change.action is Action.UPDATE
    assert change.old and change.old.generation == 2
    assert [leftover.generation for leftover in change.leftovers] == [1]


def routes_of(plan: Plan) -> dict[str, tuple[str, ...]]:
    assert plan.proxy
    return {route.route: route.replicas for route in plan.proxy.routes}


def test_routes_name_the_replicas_behind_them_and_the_proxy_is_reloaded() -> None:
    inventory = three_hosts(proxy=ProxySettings(ContainerProxy(("h1", "h2"), "nginx:1")))
    world = World(inventory, make_app(replicas=2, port=80, routes=["shop.example.com"]))
    plan = world.apply()
    assert plan.proxy and [host.action for host in plan.proxy.hosts] == [Action.CREATE, Action.CREATE]
    assert routes_of(plan) == {"shop.example.com": ("web/1", "web/2")}
    assert world.plan().is_empty
    world.declare(make_app(replicas=3, port=80, routes=["shop.example.com"]))
    plan = world.plan()
    assert plan.proxy and [host.cause for host in plan.proxy.hosts] == ["configuration changed"] * 2
    assert routes_of(plan) == {"shop.example.com": ("web/1", "web/2", "web/3")}


def test_the_proxys_own_ports_are_never_given_out() -> None:
    proxy = ProxySettings(ContainerProxy(("h1",), "nginx:1"), http=20000, https=None)
    inventory = make_inventory("h1", ports=PortRange(20000, 20003), proxy=proxy)
    world = World(inventory, make_app(port=80, replicas=2))
    plan = world.plan()
    ports = [binding.host_port for r in change_of(plan, "web").replicas if r.new for binding in r.new.bindings]
    assert plan.proxy
    assert sorted([*ports, plan.proxy.hosts[0].ack_port]) == [20001, 20002, 20003]


def test_a_fixed_port_in_the_range_is_never_allocated() -> None:
    inventory = make_inventory("h1", ports=PortRange(20000, 20001))
    first = World(inventory, make_app("a", port=80), make_app("b", publish=["20000:80"])).plan()
    assert [b.host_port for b in replica_of(first, "a/1").new.bindings] == [20001]  # type: ignore[union-attr]
    world = World(inventory, make_app("a", port=80))
    world.apply()
    held = world.container("a").bindings[0].host_port
    world.declare(make_app("a", port=80), make_app("b", publish=[f"{held}:80"]))
    assert f"1 host has port {held} taken   (h1: by a/1)" in refusal(world)


def test_without_a_record_a_silent_host_may_run_what_is_missing() -> None:
    world = World(None, make_app(replicas=3))
    world.apply()
    world.cut("h2")
    world.observed = replace(world.observed, record=None)
    assert "web/2 may run on h2: it can't be reached" in refusal(world)
    assert actions(world.plan(lost=frozenset({"h2"}))) == {"web/2": "create"}


def test_a_host_that_left_the_inventory_is_named_and_its_replicas_are_placed_again() -> None:
    world = World(None, make_app(replicas=3))
    world.apply()
    world.inventory = make_inventory("h1", "h3")
    plan = world.plan()
    assert actions(plan) == {"web/2": "move"}
    assert plan.warnings[0].summary == "h2 is not in the inventory any more, and still has containers of shop"


def test_a_host_with_a_new_address_gets_new_containers() -> None:
    world = World(make_inventory("h1"), make_app(port=80, publish=["53:53/udp", "127.0.0.1:8080:80"]))
    world.apply()
    world.set_host("h1", address="10.9.9.9")
    change = replica_of(world.plan(), "web/1")
    assert (change.action, change.cause) == (Action.REPLACE, "bound to 10.0.0.2, h1 is 10.9.9.9 now")


def test_the_replica_that_asks_for_more_is_the_one_to_leave() -> None:
    world = World(
        make_inventory(make_host("h1", memory="4GiB")), *(make_app(n, resources={"memory": "2GiB"}) for n in "ab")
    )
    world.apply()
    world.inventory = make_inventory(make_host("h1", memory="4GiB"), make_host("h2", memory="4GiB"))
    world.observed = replace(world.observed, hosts=(*world.observed.hosts, make_observed(world.inventory).hosts[1]))
    world.set_host("h2", images=world.host("h1").images)
    world.declare(make_app("a", resources={"memory": "3GiB"}), make_app("b", resources={"memory": "2GiB"}))
    plan = world.plan()
    assert actions(plan) == {"a/1": "move"}
    assert replica_of(plan, "a/1").cause == "h1 has no memory left"


def test_a_nearly_full_fleet_is_filled_where_first_fit_fails() -> None:
    sizes = ((3200, 400), (400, 3200), (300, 300), (2000, 1900), (1900, 2000), (1500, 2500), (2400, 1400))
    apps = [
        make_app(f"a{n}", resources={"cpus": cpus / 1000, "memory": f"{memory}MiB"})
        for n, (cpus, memory) in enumerate(sizes)
    ]
    hosts = (make_host(f"h{n}", cpus=4, memory="4000MiB") for n in range(3))
    assert not World(make_inventory(*hosts), *apps).plan().is_empty


def test_a_fleet_that_is_too_small_is_refused_at_once() -> None:
    world = World(three_hosts(), make_app(replicas=40, resources={"cpus": 0.5}))
    assert "no host can take web/25, web/26, web/27 and 13 more" in refusal(world)


def test_a_plan_says_which_containers_nobody_looked_at_closely() -> None:
    world = World(None, make_app(replicas=2))
    world.apply()
    unread = tuple(
        replace(host, containers=tuple(replace(container, settings=None) for container in host.containers))
        for host in world.observed.hosts
    )
    world.observed = replace(world.observed, hosts=unread)
    assert [warning.summary[:31] for warning in world.plan().warnings] == ["2 containers were not inspected"]
    assert world.plan().is_empty
