"""`scripts/quickstart`, once Python and its packages are there: hosts, a project, a plan, an apply, and an answer."""

import http.client
import os
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path

from scripts.first_steps.ground import PROJECT, Ground, NoGround, find_ground, find_grounds_in_use

ROOT = Path(__file__).parent.parent.parent
NAME = "shop.example.com"
CALLS = 9
DOWN = "scripts/quickstart --down"


class Failed(Exception):
    """A step that did not work, for the person at the terminal."""


def main(words: list[str]) -> int:
    try:
        if words == ["--down"]:
            take_down()
        else:
            bring_up(find_ground())
    except (Failed, NoGround) as error:
        print(f"\nerror: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\ninterrupted; to remove what is there: {DOWN}", file=sys.stderr)
        return 130
    return 0


def bring_up(ground: Ground) -> None:
    begun = time.monotonic()
    say(ground.title)
    ground.prepare(say)
    if (PROJECT / "inventory.yaml").exists():
        say(f"{PROJECT.name}/ is kept as you left it")
    else:
        write_project(ground)
        say(f"{PROJECT.name}/ is a copy of examples/shop, with an inventory of what is here")
    declare("apply", "--yes")
    show_answers(ground)
    print(f"\nUp after {time.monotonic() - begun:.0f} s.\n\n{ground.try_next}\n\nTo remove all of it: {DOWN}")


def take_down() -> None:
    for ground in find_grounds_in_use():
        ground.remove()
        say(f"removed: {ground.removed}")
    if PROJECT.exists():
        shutil.rmtree(PROJECT)
        say(f"removed: {PROJECT.name}/")


def write_project(ground: Ground) -> None:
    shutil.copytree(ROOT / "examples" / "shop", PROJECT, ignore=shutil.ignore_patterns("image"), dirs_exist_ok=True)
    key = PROJECT / "session_key"
    key.touch(mode=0o600)
    key.write_text(secrets.token_hex(16))
    program = PROJECT / "declare"
    exports = "".join(f"export {name}='{value}'\n" for name, value in ground.environment.items())
    program.write_text(f'#!/bin/sh\n{exports}exec {sys.executable} -m declare "$@"\n')
    program.chmod(0o755)
    (PROJECT / "inventory.yaml").write_text(ground.inventory())


def declare(*words: str) -> None:
    print(f"\n$ ./declare {' '.join(words)}", flush=True)
    code = subprocess.run(["./declare", *words], cwd=PROJECT, stdin=subprocess.DEVNULL, check=False).returncode
    if code:
        raise Failed(
            f"it ended with exit code {code}; look around in {PROJECT.name}/ with ./declare, or start again: {DOWN}"
        )


def show_answers(ground: Ground) -> None:
    """Asks as curl would, until all replicas have answered once."""
    address, port = ground.front()
    url = f"http://{address}:{port}/" if port != 80 else f"http://{address}/"
    print(f"\n$ curl -H 'Host: {NAME}' {url}", flush=True)
    answers = {ask(address, port) for _ in range(CALLS)}
    for answer in sorted(answers):
        print(answer.strip())
    print(f"{CALLS} calls, answered by {len(answers)} replicas")


def ask(address: str, port: int) -> str:
    connection = http.client.HTTPConnection(address, port, timeout=10)
    try:
        connection.request("GET", "/", headers={"Host": NAME})
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace")
    except OSError as error:
        raise Failed(f"nginx on {address}:{port} does not answer: {error}") from error
    finally:
        connection.close()
    if answer.status != 200:
        raise Failed(f"nginx on {address}:{port} answered {answer.status}: {body.strip()}")
    return body


def say(text: str) -> None:
    print(f"* {text}", flush=True)


if __name__ == "__main__":
    # The project's variables come from its own files, whatever the caller's shell has set.
    for variable in ("DECLARE_INVENTORY", "DECLARE_SSH_CONFIG", "TAG", "DOMAIN"):
        os.environ.pop(variable, None)
    sys.exit(main(sys.argv[1:]))
