"""Pipes, signals and streams of the real process."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLAIN = [sys.executable, "-m", "declare"]
SCRIPTED = [sys.executable, "-m", "tests.cli.scripted"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def start(*command: str, folder: Path, stdout: int = subprocess.PIPE, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**ENVIRONMENT, **environment},
    )


def end(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


@pytest.fixture
def closed_pipe():
    """A pipe that nobody reads any more."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


def test_a_reader_that_went_away_is_no_error_to_talk_about(project, closed_pipe):
    code, _, err = end(start(*PLAIN, "explain", folder=project, stdout=closed_pipe))
    assert (code, err) == (1, "")


def test_an_apply_whose_output_nobody_reads_stops_cleanly(project, closed_pipe):
    code, _, err = end(start(*SCRIPTED, "apply", "--yes", "--json", folder=project, stdout=closed_pipe))
    assert code in (1, 130) and "Traceback" not in err


def test_a_reader_that_leaves_an_apply_half_way_stops_it_and_the_exit_code_says_so(project):
    process = start(*SCRIPTED, "apply", "--yes", "--json", folder=project)
    assert process.stdout is not None and '"event":"plan"' in process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=30) == 130
    assert process.stderr is not None and "Traceback" not in process.stderr.read()


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_a_signal_lets_an_apply_finish_its_step(project, number, expected):
    process = start(*SCRIPTED, "apply", "--yes", folder=project)
    assert process.stderr is not None
    assert "started" in process.stderr.readline()
    process.send_signal(number)
    code, _, err = end(process)
    assert code == expected
    assert "interrupted: the step in hand is finished first" in err
    assert "Apply interrupted: 1 done, 4 not started." in err and "Traceback" not in err


def test_a_signal_ends_a_question_at_once(project):
    reader, writer = os.openpty()
    process = subprocess.Popen(
        [*SCRIPTED, "apply"], cwd=project, stdin=writer, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=ENVIRONMENT,
    )  # fmt: skip
    assert process.stderr is not None
    seen = ""
    while "Only yes" not in seen:
        read = process.stderr.read(1)
        assert read, seen
        seen += read
    process.send_signal(signal.SIGINT)
    code, _, err = end(process)
    os.close(reader)
    os.close(writer)
    assert code == 130 and "Traceback" not in err


def test_a_terminal_shows_progress_live_and_ctrl_c_stops_it(project):
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(project)
        os.execve(SCRIPTED[0], [*SCRIPTED, "apply"], {**ENVIRONMENT, "TERM": "xterm"})
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    read_until(terminal, "Only yes is accepted as an answer: ")
    os.write(terminal, b"yes\n")
    assert "web/1" in read_until(terminal, "of 5 changes done")
    os.write(terminal, b"\x03")
    seen = read_until(terminal, 'Run "declare apply" to go on.')
    assert "interrupted: the step in hand is finished first" in seen
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130
    os.close(terminal)


def read_until(terminal: int, end: str) -> str:
    seen = b""
    while end not in seen.decode(errors="replace"):
        seen += os.read(terminal, 4096)
    return seen.decode(errors="replace")


def test_a_full_disk_behind_standard_output_is_told(project):
    with Path("/dev/full").open("w") as full:
        code, _, err = end(start(*PLAIN, "explain", folder=project, stdout=full.fileno()))
    assert (code, err) == (1, "error: can't write: No space left on device\n")


def test_an_encoding_without_arrows_ends_nothing(project):
    code, out, err = end(start(*SCRIPTED, "plan", folder=project, PYTHONIOENCODING="ascii"))
    assert (code, err) == (0, "") and "20411" in out
