"""What the docker SDK knows best: registry logins and Docker contexts of this machine. Imported only where used."""

import os
import threading
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

from declare.model.app import TlsFiles
from declare.model.errors import Unreachable
from declare.model.inventory import EngineAddress

Scheme = Literal["unix", "tcp", "ssh"]

_reading = threading.Lock()  # the SDK is not thread-safe, and credential helpers may ask for a password


def read_login(host: str, registry: str) -> str:
    """The X-Registry-Auth header for a registry, from docker's configuration or its credential helpers; "" if none."""
    if not _has_configuration():
        return ""
    with _reading:
        from docker import auth
        from docker.errors import DockerException

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a missing helper, before the error that says the same
                found = auth.load_config().resolve_authconfig(registry)
        except (DockerException, OSError, ValueError) as error:
            raise Unreachable(host, f"the login for {registry} can't be read: {error}") from error
        return auth.encode_header(found).decode() if found else ""


def _has_configuration() -> bool:
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    return (folder / "config.json").exists() or (Path.home() / ".dockercfg").exists()


def read_context(host: str, engine: EngineAddress) -> EngineAddress:
    """The engine that a Docker context names, with its TLS files. Raises Unreachable if there is no such context."""
    with _reading:
        from docker.context import ContextAPI

        try:
            context = ContextAPI.get_context(engine.location)
        except Exception as error:  # the SDK raises bare Exception for a context it can't read
            raise Unreachable(host, f'docker context "{engine.location}" can\'t be read: {error}') from error
    if context is None or not context.Host:
        raise Unreachable(
            host,
            f'there is no docker context "{engine.location}"',
            help='see "docker context ls", or write engine: instead',
        )
    scheme, _, location = context.Host.removeprefix("http+").partition("://")
    tls = context.TLSConfig
    if scheme not in ("unix", "tcp", "ssh", "http", "https"):
        raise Unreachable(host, f'docker context "{engine.location}" is at {context.Host}, which declare can\'t reach')
    return replace(
        engine,
        scheme="tcp" if scheme in ("http", "https") else cast(Scheme, scheme),
        location=location,
        ca=tls.ca_cert if tls else None,
        client=TlsFiles(*tls.cert) if tls and tls.cert else None,
    )
