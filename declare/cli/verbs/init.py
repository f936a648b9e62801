"""`declare init`."""

import re
from pathlib import Path

import click

from declare.cli.session import Session

_PROJECT = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")

_INVENTORY = """\
# Where apps run. Another environment is another file like this one: declare plan -i prod.yaml
project: {project}
hosts:
  local:
    engine: unix:///var/run/docker.sock
  # web-1:
  #   engine: ssh://deploy@web-1.example.com
  #   address: 10.0.0.11
"""

_MANIFEST = """\
# What shall run. `declare explain apps` tells all that can stand here.
apps:
  hello:
    image: nginx:1.28
    replicas: 2
    port: 80
    healthcheck: {path: /}
    # routes: [hello.example.com]     # needs `proxy:` in inventory.yaml
"""


@click.command("init")
@click.argument("folder", default=".", type=click.Path(file_okay=False))
@click.option("--project", metavar="NAME", help="The project's name; default: the folder's.")
@click.pass_obj
def command(session: Session, /, *, folder: str, project: str | None) -> None:
    """Start a project.

    Writes an inventory with this machine as its only host, and a manifest with one app.
    Files that exist are left as they are.

    \b
    declare init
    declare init shop --project shop
    """
    from declare.show.lines import line

    root = Path(folder)
    name = project or _name_from(root.resolve().name)
    if not _PROJECT.fullmatch(name):
        raise click.UsageError(f'--project: "{name}" is not made of a-z, 0-9 and "-", at most 40 of them')
    for path, text in (("inventory.yaml", _INVENTORY.format(project=name)), ("apps/hello.yaml", _MANIFEST)):
        session.show([line(_write(root / path, text))])
    into = "" if folder == "." else f"cd {folder} && "
    session.show([line(), line(f"Next: {into}declare validate, then {into}declare plan")])


def _name_from(folder: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", folder.lower()).strip("-")[:40].strip("-") or "project"


def _write(path: Path, text: str) -> str:
    from declare.model.errors import DeclareError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        return f"kept     {path}"
    except OSError as error:
        raise DeclareError(f"{path} can't be written: {error.strerror}") from error
    return f"written  {path}"
