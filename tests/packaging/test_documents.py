"""What the documents name is there, and what is there is named."""

import re
from pathlib import Path

import pytest

from declare.cli.verbs import VERBS
from tests.packaging.conftest import ROOT

DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]
DECISIONS = sorted(path.name for path in (ROOT / "docs/decisions").glob("0*.md"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_and_path_leads_somewhere(document: Path) -> None:
    text = document.read_text()
    links = [document.parent / link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    paths = [ROOT / path for path in re.findall(r"`((?:declare|docs|examples|schemas|scripts|tests)/[\w./-]+)", text)]
    assert not [str(path) for path in links + paths if not path.exists()]


def test_the_readme_names_every_verb_and_no_other() -> None:
    table = (ROOT / "README.md").read_text().partition("## Commands")[2].partition("| exit code")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {verb for row in rows for verb in re.findall(r"`([a-z]+)", row)}
    assert named == set(VERBS)


def test_decisions_have_numbers_of_their_own_and_stand_in_the_index() -> None:
    numbers = [name[:4] for name in DECISIONS]
    assert len(set(numbers)) == len(numbers)
    index = (ROOT / "docs/decisions/README.md").read_text()
    assert re.findall(r"\((0\d+[^)]*)\)", index) == DECISIONS


@pytest.mark.parametrize("name", DECISIONS)
def test_a_decision_has_context_decision_and_price(name: str) -> None:
    text = (ROOT / "docs/decisions" / name).read_text()
    assert text.startswith(f"# {int(name[:4])}. ")
    assert all(f"**{part}.**" in text for part in ("Context", "Decision", "Price"))
