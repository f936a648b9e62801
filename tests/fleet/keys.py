"""Keys and certificates of one fleet: ssh host and client keys, and a CA with server and client certificates."""

import os
from pathlib import Path

from tests.fleet.errors import run


def make_ssh_key(path: Path) -> str:
    """The public half, as a line."""
    if not path.exists():
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", path])
    return path.with_name(f"{path.name}.pub").read_text().strip()


def make_authority(folder: Path) -> None:
    """`ca.pem` with its key, and the client's `cert.pem` and `key.pem`, named as Docker's clients want them."""
    folder.mkdir(parents=True, exist_ok=True)
    subject = ["-subj", "/CN=fleet CA", "-days", "3650", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    _request(["-x509", *subject], key=folder / "ca-key.pem", out=folder / "ca.pem")
    _sign(folder, folder / "key.pem", folder / "cert.pem", name="client", extensions="extendedKeyUsage=clientAuth\n")


def make_server_certificate(authority: Path, *, key: Path, certificate: Path, name: str, address: str) -> None:
    extensions = f"subjectAltName=IP:{address},DNS:{name}\nextendedKeyUsage=serverAuth\n"
    _sign(authority, key, certificate, name=name, extensions=extensions)


def _sign(authority: Path, key: Path, certificate: Path, *, name: str, extensions: str) -> None:
    request = certificate.with_suffix(".csr")
    wanted = certificate.with_suffix(".ext")
    wanted.write_text(extensions)
    _request(["-subj", f"/CN={name}"], key=key, out=request)
    # Hosts are made in parallel: a file with the next serial number would be a race.
    serial = f"0x{os.urandom(16).hex()}"
    ca: list[str | Path] = ["-CA", authority / "ca.pem", "-CAkey", authority / "ca-key.pem", "-set_serial", serial]
    run(["openssl", "x509", "-req", "-in", request, *ca, "-days", "3650", "-extfile", wanted, "-out", certificate])


def _request(options: list[str], *, key: Path, out: Path) -> None:
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    run(["openssl", "req", *curve, *options, "-keyout", key, "-out", out])
