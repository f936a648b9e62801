"""A plan as text."""

import re

import pytest

from declare.show.lines import columns
from declare.show.plan import Header, apply_hint, render_plan, render_plan_text
from declare.show.terminal import paint
from tests.show.golden import assert_golden
from tests.show.plans import EVERYDAY, FIRST, HOSTILE, MANY, NOTHING, NOTHING_SEEN, SITUATIONS

HEADER = Header("0.1.0", "inventory.yaml", "4f2c1aa")
COLOUR = re.compile("\x1b\\[[0-9;]*m")


@pytest.mark.parametrize("name", SITUATIONS)
def test_each_situation_reads_as_its_golden_text(name):
    text = render_plan_text(SITUATIONS[name], header=HEADER, apply_command=apply_hint(saved="plan.json"))
    assert_golden(f"{name}.txt", text)


@pytest.mark.parametrize("name", SITUATIONS)
@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(name, width):
    text = render_plan_text(SITUATIONS[name], header=HEADER, width=width)
    assert max(columns(row) for row in text.splitlines()) <= width


def test_a_narrow_terminal_folds_below_the_value_it_continues():
    assert_golden("narrow.txt", render_plan_text(EVERYDAY, width=60))


def test_colour_adds_nothing_to_the_words():
    painted = paint(render_plan(EVERYDAY, header=HEADER), width=None)
    assert COLOUR.sub("", painted) == render_plan_text(EVERYDAY, header=HEADER, width=None)
    assert painted != COLOUR.sub("", painted)


def test_markup_in_a_value_is_not_read_by_the_painter():
    painted = paint(render_plan(HOSTILE), width=None)
    assert COLOUR.sub("", painted) == render_plan_text(HOSTILE, width=None)


def test_nothing_from_outside_reaches_the_terminal_as_a_control_character():
    text = render_plan_text(HOSTILE, width=None)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e]", text)
    assert "\\e]52" in text and "\\u202e" in text


def test_a_changed_secret_shows_that_it_changed_and_no_more():
    assert "db_password  (secret changed)\n" in render_plan_text(HOSTILE, width=None)


def test_a_text_that_became_a_number_is_quoted():
    assert 'PORT   "80" → 80' in render_plan_text(HOSTILE, width=None)


def test_a_long_value_is_shown_around_its_difference():
    rows = [row for row in render_plan_text(HOSTILE, width=None).splitlines() if "BIG" in row]
    assert "…aaaaaaaaaaaab → …aaaaaaaaaaaac" in rows[0]


def test_a_silent_host_is_named_before_anything_else_and_at_the_end():
    lines = render_plan_text(NOTHING_SEEN, width=None).splitlines()
    assert lines[0].startswith("  ! web-2  UNREACHABLE: connection timed out")
    assert lines[-1].endswith("Incomplete: web-2 did not answer.")


def test_the_last_line_is_the_command_to_type():
    last = render_plan_text(EVERYDAY, apply_command=apply_hint(options=" -i prod.yaml")).splitlines()[-1]
    assert last == "To apply: declare apply -i prod.yaml"


def test_an_empty_plan_names_no_command():
    text = render_plan_text(NOTHING, apply_command=apply_hint())
    assert text == "Nothing to do: 10 apps are as declared, on 3 hosts.\n"


def test_equal_plans_give_equal_bytes():
    assert render_plan_text(MANY, width=80) == render_plan_text(MANY, width=80)


def test_what_needs_the_inventorys_permission_is_named():
    assert "uses host_paths: /srv (allowed by the inventory)" in render_plan_text(FIRST)
