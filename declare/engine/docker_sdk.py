"""What the docker SDK knows best: the registry logins of this machine. Imported only where used."""

import os
import threading
import warnings
from pathlib import Path

from declare.model.errors import Unreachable

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
