"""Bad input is told with its place, all of it in one run, and never in the words of a library."""

import time
import tracemalloc
from pathlib import Path

import pytest

from declare.load.manifest import STDIN, find_manifests
from declare.load.project import load_project
from declare.load.secrets import read_secrets
from declare.model.errors import InputError
from declare.model.problem import Problem
from tests.load.bad_input import APP, CASES, INJECTIONS, INV, WEB, BadInput


def problems_of(case: BadInput, folder: Path) -> tuple[Problem, ...]:
    inventory = case.write(folder)
    with pytest.raises(InputError) as raised:
        project = load_project(inventory, environment=case.environment)
        if case.secrets:
            read_secrets(project.desired, case.environment, folder)
    return raised.value.problems


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_bad_input_is_told_with_its_place(case: BadInput, tmp_path: Path) -> None:
    found = problems_of(case, tmp_path)
    told = [
        f"{str(p.source.file).removeprefix(f'{tmp_path}/')}:{p.source.line}:{p.source.column}: {p.summary} ({p.help})"
        for p in found
        if p.source
    ]
    here = [line for line in told if line.startswith(f"{case.place}: ")]
    assert any(all(word in line for word in case.words) for line in here), told


def test_there_are_a_hundred_kinds_and_forty_injections() -> None:
    assert len({case.id for case in CASES}) == len(CASES) > 150
    assert len(set(INJECTIONS)) > 40


HOSTILE = ("yaml-bomb", "yaml-deep", "yaml-many-values", "file-too-large", "replicas-5000-digits")


@pytest.mark.parametrize("id", HOSTILE)
def test_hostile_files_cost_little_time(id: str, tmp_path: Path) -> None:
    started = time.process_time()
    problems_of(next(case for case in CASES if case.id == id), tmp_path)
    assert time.process_time() - started < 2


@pytest.mark.parametrize("id", HOSTILE)
def test_hostile_files_cost_little_memory(id: str, tmp_path: Path) -> None:
    tracemalloc.start()
    problems_of(next(case for case in CASES if case.id == id), tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100e6


def test_one_run_tells_the_problems_of_all_files(tmp_path: Path) -> None:
    case = BadInput(
        "", {WEB: APP + "    replcas: 1\n", "apps/b.yaml": APP.replace("web", "b", 1) + "    mode: x\n",
             INV: "project: X\nhosts: {h1: {context: x}}\n"}, "", ())  # fmt: skip
    files = [Path(p.source.file).name for p in problems_of(case, tmp_path) if p.source]
    assert files == ["b.yaml", "web.yaml", "inventory.yaml"]


def test_a_variable_that_is_not_set_is_told_once_and_nothing_follows_from_it(tmp_path: Path) -> None:
    case = BadInput("", {WEB: APP + "    replicas: ${N}\n    mem_limit: ${M}\n    publish: ['${P}']\n"}, "", ())
    assert [problem.summary for problem in problems_of(case, tmp_path)] == [
        f"variable {name} is not set" for name in "NMP"
    ]


def test_a_problem_carries_its_line_and_how_much_of_it_is_meant(tmp_path: Path) -> None:
    (problem,) = problems_of(BadInput("", {WEB: APP + "    replcas: 3\n"}, "", ()), tmp_path)
    assert problem.excerpt == "    replcas: 3"
    assert problem.source
    assert problem.source.length == len("replcas")


def test_standard_input_is_held_to_the_same_rules(tmp_path: Path) -> None:
    import io

    inventory = BadInput("", {}, "", ()).write(tmp_path)
    bad = io.TextIOWrapper(io.BytesIO(b"apps:\n  web: {image: \xff}\n"))
    with pytest.raises(InputError, match="not UTF-8"):
        load_project(inventory, [STDIN], environment={}, stdin=bad)


def test_only_yaml_files_below_apps_are_manifests(tmp_path: Path) -> None:
    files = {"apps/b.yml": "", "apps/a/z.yaml": "", "apps/readme.md": "", "c.yaml": ""}
    project = load_project(BadInput("", files, "", ()).write(tmp_path), environment={})
    found = [str(path.relative_to(tmp_path)) for path in find_manifests(project.inventory)]
    assert found == ["apps/a/z.yaml", "apps/b.yml"]
