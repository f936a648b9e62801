"""The one error of this package, running commands that raise it, and waiting that ends in it."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

# What a login shell of a plain user leaves out of PATH.
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PROGRAMS = (
    "dockerd",
    "containerd",
    "iptables",
    "ip",
    "sshd",
    "ssh-keygen",
    "unshare",
    "nsenter",
    "busybox",
    "nginx",
    "gcc",
)


class FleetError(Exception):
    """Something that the fleet needs did not work; the message is for the person at the terminal."""


def run(command: Sequence[str | Path], *, text: str | None = None, timeout: float = 60) -> str:
    """Standard output of a command that succeeded."""
    environment = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}", "LC_ALL": "C"}
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=timeout, env=environment, check=False
    )
    if done.returncode:
        shown = " ".join(str(word) for word in command)
        raise FleetError(f"{shown}: exit code {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def wait_until(holds: Callable[[], object], *, what: str, seconds: float = 30, every: float = 0.02) -> None:
    """Returns as soon as `holds()` is true; raises after `seconds`, naming `what` did not come about."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise FleetError(f"after {seconds:g} s still not so: {what}")
        time.sleep(every)


def why_no_fleet() -> str | None:
    """Why no fleet can be brought up on this machine, or None if one can."""
    if os.geteuid() != 0:
        return "a fleet of real hosts needs root"
    path = f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}"
    missing = [program for program in PROGRAMS if not shutil.which(program, path=path)]
    if missing:
        return f"not installed: {', '.join(missing)}; run scripts/install-packages"
    return None
