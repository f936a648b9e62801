"""A plan as a pull request comment."""

import re

import pytest

from declare.show.markdown import LIMIT, render_markdown
from declare.show.plan import Header
from tests.show.golden import assert_golden
from tests.show.plans import EVERYDAY, HOSTILE, MANY, NOTHING, SITUATIONS

HEADER = Header("0.1.0", "inventory.yaml", "4f2c1aa")


def test_an_everyday_release_reads_as_its_golden_comment():
    assert_golden("everyday.md", render_markdown(EVERYDAY, header=HEADER))


def test_nothing_to_do_is_said_without_a_fold():
    text = render_markdown(NOTHING, header=HEADER)
    assert "Nothing to do" in text and "<details>" not in text


def test_a_huge_plan_stays_below_githubs_limit_and_counts_what_it_left_out():
    text = render_markdown(MANY, header=HEADER)
    shown = text.count("<details>")
    assert len(text.encode()) < LIMIT
    assert f"**{400 - shown} more apps** did not fit" in text and shown > 50


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_fence_and_fold_is_closed(name):
    text = render_markdown(SITUATIONS[name], header=HEADER)
    outside = re.sub(r"^(`{3,})diff\n.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert "```" not in outside
    assert outside.count("<details>") == outside.count("</details>")


def test_values_can_not_break_out_of_their_fence():
    text = render_markdown(HOSTILE)
    fences = re.findall(r"^(`{3,})", text, flags=re.MULTILINE)
    assert fences and all(len(fence) > 3 for fence in fences[:2])
    assert "\x1b" not in text and "\u202e" not in text


def test_text_outside_a_fence_is_never_markup():
    text = render_markdown(HOSTILE)
    head = text[: text.index("<details>")]
    assert "]52" not in head and "&#93;52" in head
