"""The certificates that routes name, read from this machine."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from declare.model.app import SecretValue, TlsFiles
from declare.model.errors import InputError
from declare.model.problem import Problem
from declare.model.proxy import ProxyModel
from declare.proxy.config import Certificate
from declare.proxy.place import TLS_FOLDER

_LIMIT = 1024 * 1024


def read_certificates(model: ProxyModel, *, root: str, contained: bool) -> Mapping[TlsFiles, Certificate]:
    """Each route's certificate, paths being relative to `root`. Raises InputError for all that can't be read.

    For a container the content travels, under a name made of it, so that old and new lie beside each other; an nginx
    of the user's own reads the files where they are.
    """
    found: dict[TlsFiles, Certificate] = {}
    problems: list[Problem] = []
    for site in model.sites:
        if (files := site.route.tls) is not None and files not in found:
            try:
                found[files] = _read(files, Path(root), contained=contained)
            except (OSError, ValueError) as error:
                problems.append(Problem(f"the certificate of {site.route} can't be used: {error}"))
    if problems:
        raise InputError(problems)
    return found


def _read(files: TlsFiles, root: Path, *, contained: bool) -> Certificate:
    cert_path, key_path = (root / files.cert).absolute(), (root / files.key).absolute()
    cert, key = _read_pem(cert_path, "CERTIFICATE"), _read_pem(key_path, "PRIVATE KEY")
    digest = hashlib.sha256(cert).hexdigest()
    if not contained:
        return Certificate(str(cert_path), str(key_path), digest)
    name = f"{TLS_FOLDER}/{digest[:32]}"
    return Certificate(f"{name}.crt", f"{name}.key", digest, content=(cert, SecretValue(key)))


def _read_pem(path: Path, kind: str) -> bytes:
    if not path.is_file():
        raise ValueError(f"{path} is not a file")
    with path.open("rb") as file:
        content = file.read(_LIMIT)
    if b"-----BEGIN " not in content or f"{kind}-----".encode() not in content:
        raise ValueError(f"{path} holds no PEM {kind.lower()}")
    return content
