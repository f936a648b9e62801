"""Secrets come from where they are declared, all missing ones are told, and no message holds one."""

import time
from pathlib import Path

import pytest

from declare.load import secrets
from declare.load.project import load_project
from declare.load.secrets import read_secrets
from declare.model.errors import InputError
from tests.load.bad_input import APP, WEB, BadInput

CANARY = "canary-7f3a"


def read(declared: str, folder: Path, *, environment: dict[str, str] | None = None) -> bytes:
    manifest = APP + f"    secrets: [a]\nsecrets:\n  a: {declared}\n"
    project = load_project(BadInput("", {WEB: manifest}, "", ()).write(folder), environment={})
    values = read_secrets(project.desired, {"PATH": "/usr/bin:/bin", **(environment or {})}, folder)
    return values["a"].reveal()


def test_a_variable_a_file_and_a_command_give_their_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff\n")
    assert read("{env: A}", tmp_path, environment={"A": "x"}) == b"x"
    assert read("{file: a.txt}", tmp_path) == b"\xff\n"
    assert read("{command: [printf, 'b\\n\\n']}", tmp_path) == b"b\n"
    assert read("{command: cat a.txt}", tmp_path) == b"\xff"


def test_a_command_runs_without_a_shell(tmp_path: Path) -> None:
    assert read("{command: 'echo $$HOME; id'}", tmp_path) == b"$HOME; id"


def test_a_secret_that_no_app_uses_is_not_read(tmp_path: Path) -> None:
    manifest = APP + "secrets: {a: {command: [touch, ran]}}\n"
    project = load_project(BadInput("", {WEB: manifest}, "", ()).write(tmp_path), environment={})
    assert read_secrets(project.desired, {}, tmp_path) == {}
    assert not (tmp_path / "ran").exists()


def test_a_command_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "DEADLINE", 0.2)
    started = time.monotonic()
    with pytest.raises(InputError, match="did not end"):
        read("{command: [sleep, '30']}", tmp_path)
    assert time.monotonic() - started < 5


def test_a_command_that_never_stops_printing_is_ended(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="more than 1 MiB"):
        read("{command: ['yes']}", tmp_path)


def test_all_missing_secrets_are_told_and_none_of_the_others(tmp_path: Path) -> None:
    manifest = (
        APP + "    secrets: [a, b, c]\n"
        "secrets:\n  a: {env: A}\n  b: {env: B}\n  c: {command: [sh, -c, 'echo $$A; exit 3']}\n"
    )
    project = load_project(BadInput("", {WEB: manifest}, "", ()).write(tmp_path), environment={})
    with pytest.raises(InputError) as raised:
        read_secrets(project.desired, {"A": CANARY, "PATH": "/usr/bin:/bin"}, tmp_path)
    assert [problem.summary for problem in raised.value.problems] == [
        'secret "b": variable B is not set',
        'secret "c": sh ended with exit code 3',
    ]
    assert raised.value.problems[0].excerpt == "  b: {env: B}"
    assert CANARY not in repr(raised.value.problems)


def test_what_is_loaded_shows_no_value(tmp_path: Path) -> None:
    manifest = APP + "    secrets: [{name: a, env: A}]\nsecrets: {a: {env: A}}\n"
    environment = {"A": CANARY}
    project = load_project(BadInput("", {WEB: manifest}, "", ()).write(tmp_path), environment=environment)
    values = read_secrets(project.desired, environment, tmp_path)
    assert CANARY not in f"{project} {values} {values['a']!s}"
    assert project.desired.apps[0].spec["secrets"] == [{"name": "a", "env": "A"}]
