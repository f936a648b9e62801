"""Help, and mistakes on the command line."""

import importlib
import subprocess
import sys

import click
import pytest

from declare.cli.root import root
from declare.cli.verbs import VERBS

COMMANDS = {"declare": root, **{name: importlib.import_module(module).command for name, module in VERBS.items()}}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name):
    command = COMMANDS[name]
    assert command.help and (name == "declare" or f"declare {name}" in command.help), "help with an example"
    for param in command.params:
        assert isinstance(param, click.Argument) or (isinstance(param, click.Option) and param.help), param.name


@pytest.mark.parametrize("name", VERBS)
def test_the_list_of_commands_cuts_no_summary_off(name):
    assert not COMMANDS[name].get_short_help_str(60).endswith("...")


@pytest.mark.parametrize("name", VERBS)
def test_every_command_has_help_of_its_own(name, declare):
    ended = declare(name, "--help")
    assert ended.code == 0 and ended.out.startswith(f"Usage: declare {name}") and not ended.err


def test_help_imports_nothing_but_click():
    code = (
        "import sys; from declare.cli.run import run; run(['--help']); "
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"yaml", "rich", "jinja2", "jsonschema", "docker", "json", "asyncio", "concurrent", "subprocess", "socket"}
    assert not heavy & set(done.stderr.split())


def test_the_version_is_one_line(declare):
    assert declare("--version").out.startswith("declare 0.")


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["pln"], 'no command "pln"; did you mean "plan"?'),
        (["xyzzy"], 'no command "xyzzy"; there are init, validate'),
        (["plan", "--lots"], "--lost"),
        (["plan", "--jsn"], "--json"),
        (["plan", "--json", "--markdown"], "exclude each other"),
        (["plan", "--out", "plan.txt"], 'ends in ".json"'),
        (["plan", "--allow-removal", "x"], "--allow-removal"),
        (["apply", "gone.json"], "there is no plan file gone.json"),
        (["apply", "gone.json", "web"], "a saved plan is applied alone"),
        (["apply", "gone.json", "--prune"], "belong to the plan that was saved"),
        (["apply", "--lock-timeout", "60"], '"60" is not a duration'),
        (["unlock"], "ID"),
        (["restart"], "APP"),
        (["--color", "sometimes", "plan"], "--color"),
    ],
)
def test_a_mistake_on_the_command_line_is_told_and_exits_with_1(declare, args, told):
    ended = declare(*args)
    assert ended.code == 1 and not ended.out
    assert ended.err.startswith("error: ") and told in ended.err and "--help" in ended.err


def test_without_a_command_the_help_is_shown(declare):
    ended = declare()
    assert ended.code == 0 and ended.out.startswith("Usage: declare")
