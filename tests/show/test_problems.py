"""Problems as lines."""

from declare.model.problem import Problem, Source
from declare.show.github import show_annotations, show_outputs
from declare.show.lines import to_text
from declare.show.problems import show_failure_message, show_problems
from tests.show.plans import EVERYDAY, NOTHING_SEEN

TYPO = Problem(
    'unknown field "replcas" in apps.web',
    Source("apps/web.yaml", 5, 5, 7),
    "    replcas: 3",
    'did you mean "replicas"?',
)


def shown(*problems: Problem) -> str:
    return to_text(show_problems(problems))


def test_a_problem_shows_place_line_caret_and_help():
    assert shown(TYPO) == (
        'apps/web.yaml:5:5: error: unknown field "replcas" in apps.web\n'
        "   |\n"
        " 5 |     replcas: 3\n"
        "   |     ^^^^^^^\n"
        '   = help: did you mean "replicas"?\n'
    )


def test_the_margin_grows_with_the_line_number():
    text = shown(Problem("bad", Source("a.yaml", 1234, 1), "x: 1"))
    assert text == "a.yaml:1234:1: error: bad\n      |\n 1234 | x: 1\n      | ^\n"


def test_several_problems_come_in_the_order_of_their_places_and_are_counted():
    text = shown(
        Problem("nowhere"),
        Problem("late", Source("b.yaml", 2)),
        Problem("careful", Source("a.yaml", 9), severity="warning"),
        Problem("early", Source("b.yaml", 1)),
    )
    assert [row.split(": ")[-1] for row in text.splitlines()] == [
        "careful", "early", "late", "nowhere", "3 errors, 1 warning",
    ]  # fmt: skip


def test_the_caret_stands_below_what_is_seen():
    text = shown(Problem("bad", Source("a.yaml", 1, 3, 3), "\x1b\tabc\x07"))
    excerpt, caret = text.splitlines()[2:4]
    assert excerpt.index("abc") == caret.index("^^^")


def test_a_very_long_line_is_cut_around_the_caret():
    text = shown(Problem("bad", Source("a.yaml", 1, 5001, 4), "x" * 5000 + "HERE" + "y" * 5000))
    excerpt, caret = text.splitlines()[2:4]
    assert len(excerpt) < 200 and excerpt.index("HERE") == caret.index("^^^^")


def test_a_place_behind_the_end_of_the_line_still_has_a_caret():
    assert shown(Problem("bad", Source("a.yaml", 1, 9), "ab")).splitlines()[3].endswith("^")


def test_control_characters_of_a_file_never_reach_the_terminal():
    text = shown(Problem("a\x1b[31m", Source("a\x07.yaml", 1, 1), "\u202etxt", "\x9b"))
    assert not set(text) & set("\x1b\x07\u202e\x9b")


def test_a_message_of_several_lines_keeps_its_lines():
    text = to_text(show_failure_message("no host can take web/3\n2 hosts lack label disk=ssd", "add a host"))
    assert text == "error: no host can take web/3\n  2 hosts lack label disk=ssd\n   = help: add a host\n"


def test_an_annotation_can_not_be_forged_by_what_it_tells():
    problem = Problem("50%\n::error::x\r", Source("a,b:c.yaml", 3, 4, 2), help="y")
    (text,) = show_annotations([problem])
    assert text == "::error file=a%2Cb%3Ac.yaml,line=3,col=4,endColumn=6,title=declare::50%25%0A::error::x\\r%0Ay"


def test_the_outputs_count_the_changes():
    outputs = dict(text.split("=") for text in show_outputs(EVERYDAY))
    assert outputs == {
        "changes": "true", "complete": "true", "create": "0", "replace": "4", "move": "0", "repair": "1", "record": "0",
        "reload": "1", "remove": "0",
    }  # fmt: skip
    assert list(show_outputs(NOTHING_SEEN))[:2] == ["changes=false", "complete=false"]
