"""How differences are named."""

from declare.decide.diff import VOLUME_NAMES, diff_container
from declare.model.canonical import Json


def named(old: dict[str, Json], new: dict[str, Json]) -> dict[str, tuple[Json, Json]]:
    return {change.path: (change.old, change.new) for change in diff_container(old, new)}


def test_an_entry_has_one_name_whether_it_is_changed_or_set_or_removed() -> None:
    some: dict[str, Json] = {"logging": {"options": {"max-size": "1m"}}}
    other: dict[str, Json] = {"logging": {"options": {"max-size": "2m"}}}
    assert named(some, other) == {"logging.options.max-size": ("1m", "2m")}
    assert named({}, some) == {"logging.options.max-size": (None, "1m")}
    assert named(some, {}) == {"logging.options.max-size": ("1m", None)}


def test_a_mapping_that_becomes_a_number_is_named_as_a_whole() -> None:
    limits: Json = {"soft": 1, "hard": 2}
    assert named({"ulimits": {"nofile": limits}}, {"ulimits": {"nofile": 3}}) == {"ulimits.nofile": (limits, 3)}


def test_a_volume_that_is_called_otherwise_is_named_by_its_own_field() -> None:
    assert named({}, {VOLUME_NAMES: {"data": "shop-data"}}) == {"volumes.data.name": (None, "shop-data")}
    assert named({VOLUME_NAMES: {"data": "shop-data"}}, {}) == {"volumes.data.name": ("shop-data", None)}
