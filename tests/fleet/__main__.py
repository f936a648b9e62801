"""`scripts/fleet`: bring real Docker hosts up on this machine, make them fail, take them down."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.fleet.errors import FleetError
from tests.fleet.fleet import Fleet, list_fleets, remove_abandoned
from tests.fleet.host import Host
from tests.images import IMAGES
from tests.images.catalog import MissingPrograms

HOST_VERBS: dict[str, tuple[str, Callable[[Host], None]]] = {
    "kill": ("power loss: everything on the host ends at once", Host.kill),
    "boot": ("the host comes back, with the disk it had", Host.boot),
    "cut": ("off the network, while the host goes on", Host.cut),
    "mend": ("on the network again", Host.mend),
    "pause": ("the engine hangs: it accepts, and never answers", Host.pause),
    "resume": ("the engine goes on", Host.resume),
    "stop-engine": ("the engine ends, the host stays", Host.stop_engine),
    "start-engine": ("the engine starts again", Host.start_engine),
    "restart-engine": ("the engine ends and starts again", Host.restart_engine),
    "wipe": ("off, with an empty disk and other keys; boot it to have it back", Host.wipe),
}


def main(words: list[str] | None = None) -> int:
    arguments = _parse(sys.argv[1:] if words is None else words)
    try:
        code = int(arguments.act(arguments) or 0)
        sys.stdout.flush()
        return code
    except (FleetError, MissingPrograms, subprocess.SubprocessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Who read the output has had enough of it; Python's own flush at the end must not complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _up(arguments: argparse.Namespace) -> None:
    begun = time.monotonic()
    fleet = Fleet.up(
        arguments.name,
        hosts=arguments.hosts,
        tls=arguments.tls,
        registry=arguments.registry,
        images=not arguments.no_images,
        base_dir=arguments.base_dir,
    )
    print(f"{fleet.name}: {len(fleet.hosts)} hosts up after {time.monotonic() - begun:.1f} s")
    _show(fleet)


def _down(arguments: argparse.Namespace) -> None:
    if arguments.name in list_fleets(arguments.base_dir):
        _load(arguments).down()


def _sweep(arguments: argparse.Namespace) -> None:
    remove_abandoned(arguments.base_dir)


def _list(arguments: argparse.Namespace) -> None:
    for name in list_fleets(arguments.base_dir):
        print(name)


def _status(arguments: argparse.Namespace) -> None:
    _show(_load(arguments))


def _inventory(arguments: argparse.Namespace) -> None:
    print(_load(arguments).inventory(project=arguments.project, engine=arguments.engine), end="")


def _env(arguments: argparse.Namespace) -> None:
    fleet = _load(arguments)
    values = dict(fleet.environment)
    if arguments.host:
        values = _host(fleet, arguments.host).docker_environment()
    for name, value in values.items():
        print(f"export {name}='{value}'")


def _exec(arguments: argparse.Namespace) -> int:
    host = _host(_load(arguments), arguments.host)
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    return subprocess.run([*host.enter(), *(command or ["bash"])], check=False).returncode


def _act_on_host(arguments: argparse.Namespace) -> None:
    fleet = _load(arguments)
    for name in arguments.host:
        arguments.verb(_host(fleet, name))
    if arguments.verb is Host.wipe:
        fleet.renew_known_hosts()


def _load(arguments: argparse.Namespace) -> Fleet:
    return Fleet.load(arguments.name, base_dir=arguments.base_dir)


def _host(fleet: Fleet, name: str) -> Host:
    if name not in fleet.hosts:
        raise FleetError(f"fleet {fleet.name} has no host {name}; it has {', '.join(fleet.hosts)}")
    return fleet.hosts[name]


def _show(fleet: Fleet) -> None:
    for host in fleet.hosts.values():
        print(f"  {host.name:6} {_describe(host):18} {host.engine_tcp}   {host.engine_ssh}")
    if fleet.registry:
        print(f"  registry {fleet.registry.address}")
    print(f"  ssh -F {fleet.ssh_config} {next(iter(fleet.hosts))}")
    print(f"  images: {' '.join(IMAGES)}")


def _describe(host: Host) -> str:
    if not host.is_on():
        return "off"
    engine = "up" if host.engine_answers() else "engine silent"
    return f"{engine}, cut off" if host.is_cut() else engine


def _parse(words: list[str]) -> argparse.Namespace:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--name", default="dev", help="which fleet (default: dev)")
    shared.add_argument("--base-dir", type=Path, help="where fleets live (default: /var/lib/declare-fleet)")
    parser = argparse.ArgumentParser(prog="fleet", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def add(name: str, help: str, act: Callable[[argparse.Namespace], int | None]) -> argparse.ArgumentParser:
        verb = verbs.add_parser(name, help=help, parents=[shared])
        verb.set_defaults(act=act)
        return verb

    up = add("up", "a new fleet; what had its name is taken down first", _up)
    up.add_argument("--hosts", type=int, default=3, help="how many (default: 3)")
    up.add_argument("--tls", action="store_true", help="engines ask for certificates, on port 2376")
    up.add_argument("--registry", action="store_true", help="with an image registry on the bridge")
    up.add_argument("--no-images", action="store_true", help="do not load the test images")
    add("down", "remove all of it", _down)
    add("sweep", "remove the fleets whose tests have died", _sweep)
    add("list", "the fleets there are", _list)
    add("status", "its hosts and how to reach them", _status)
    inventory = add("inventory", "print an inventory of its hosts", _inventory)
    inventory.add_argument("--engine", choices=["tcp", "ssh", "unix"], default="tcp")
    inventory.add_argument("--project", default="test")
    env = add("env", "print what a shell needs to reach it by ssh, or one host with Docker's client", _env)
    env.add_argument("host", nargs="?")
    exec_ = add("exec", "run a command as root on a host", _exec)
    exec_.add_argument("host")
    exec_.add_argument("command", nargs=argparse.REMAINDER)
    for name, (help_text, act) in HOST_VERBS.items():
        verb = add(name, help_text, _act_on_host)
        verb.set_defaults(verb=act)
        verb.add_argument("host", nargs="+")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
