"""One app from what runs to what was planned."""

import pytest

from tests.execute.world import World, app, routed


def test_a_first_deployment_starts_all_replicas_and_puts_them_behind_every_nginx(world: World):
    world.declare({"web": routed(replicas=3)}, proxies=["h1", "h2"])
    outcome = world.apply()
    assert (outcome.exit_code, outcome.done, outcome.changed) == (0, 3, True)
    assert world.running("web") == world.served("web") == ["shop-web-1-1", "shop-web-2-1", "shop-web-3-1"]
    assert world.is_settled()
