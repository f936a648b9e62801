"""The Docker contexts of this machine, read from the files in which Docker's own client keeps them.

Not through the SDK: it finds none in a folder without a config.json, which `docker context create` does not write.
"""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

from declare.model.app import TlsFiles
from declare.model.errors import Unreachable
from declare.model.inventory import EngineAddress

_DEFAULT = "unix:///var/run/docker.sock"
Scheme = Literal["unix", "tcp", "ssh"]


def read_context(host: str, engine: EngineAddress) -> EngineAddress:
    """The engine that a Docker context names, with its TLS files. Raises Unreachable if there is no such context."""
    name = engine.location
    key = hashlib.sha256(name.encode()).hexdigest()
    contexts = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "contexts"
    try:
        meta = json.loads((contexts / "meta" / key / "meta.json").read_text())
        where = str(meta["Endpoints"]["docker"]["Host"])
    except FileNotFoundError:
        if name != "default":
            help = 'see "docker context ls", or write engine: instead'
            raise Unreachable(host, f'there is no docker context "{name}"', help=help) from None
        where = os.environ.get("DOCKER_HOST") or _DEFAULT
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unreachable(host, f'docker context "{name}" can\'t be read: {error}') from error
    scheme, _, location = where.partition("://")
    if scheme not in ("unix", "tcp", "ssh", "http", "https"):
        raise Unreachable(host, f'docker context "{name}" is at {where}, which declare can\'t reach')
    ca, cert, private_key = (contexts / "tls" / key / "docker" / f"{file}.pem" for file in ("ca", "cert", "key"))
    return replace(
        engine,
        scheme="tcp" if scheme in ("http", "https") else cast(Scheme, scheme),
        location=location,
        ca=str(ca) if ca.exists() else None,
        client=TlsFiles(str(cert), str(private_key)) if cert.exists() else None,
    )
