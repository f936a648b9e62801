"""The ways to an engine: TLS that is verified, ssh that is shared, contexts, and this machine's registry logins."""

import base64
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from declare.engine.connect import open_reader, open_writer
from declare.model.app import TlsFiles
from declare.model.errors import EngineError, Unreachable
from declare.model.inventory import EngineAddress, Host
from tests.conftest import bring_up
from tests.engine.scripted import reply, serve
from tests.fleet import Fleet
from tests.fleet.keys import make_authority, make_server_certificate
from tests.fleet.registry import PASSWORD, USER


@pytest.fixture(scope="module")
def secure_fleet(worker_name: str) -> Iterator[Fleet]:
    """One host that asks for certificates, with a registry that asks for a login."""
    fleet = bring_up(f"{worker_name}-tls", hosts=1, tls=True, registry_auth=True)
    yield fleet
    fleet.down()


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder for ssh's sockets; what stays connected is ended."""
    folder = Path(tempfile.mkdtemp(prefix="declare-", dir="/tmp"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    yield folder
    for pid in masters(folder):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder)


@pytest.fixture
def by_ssh(secure_fleet: Fleet, sockets: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    assert not list(sockets.iterdir())
    monkeypatch.setenv("DECLARE_SSH_CONFIG", str(secure_fleet.ssh_config))
    return ssh_host(f"root@{secure_fleet.hosts['h1'].address}")


def ssh_host(location: str) -> Host:
    return Host("h1", EngineAddress("ssh", location))


def masters(folder: Path) -> list[int]:
    """The ssh processes whose sockets are in this folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdecimal() else []
        except OSError:
            continue
        if words and Path(os.fsdecode(words[0])).name == "ssh" and any(os.fsencode(folder) in word for word in words):
            found.append(int(entry.name))
    return found


def read_id(host: Host, timeout: float = 5.0) -> str:
    reader = open_reader(host, timeout=timeout)
    try:
        return reader.read_info().id
    finally:
        reader.close()


# ssh


@pytest.mark.fleet
def test_ssh_reaches_the_engine_and_the_ports_behind_it(by_ssh: Host) -> None:
    reader = open_reader(by_ssh)
    assert reader.read_info().id
    assert by_ssh.engine.location.endswith(reader.address)
    with reader.connect("127.0.0.1", 22, timeout=5) as stream:
        assert stream.recv(4) == b"SSH-"
    with pytest.raises(Unreachable, match="refused"):
        reader.connect("127.0.0.1", 1, timeout=5)


@pytest.mark.fleet
def test_a_warm_ssh_connection_starts_no_process(by_ssh: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    first = read_id(by_ssh)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process was started"))
    assert read_id(Host("h1", by_ssh.engine, address="10.0.0.1")) == first


@pytest.mark.fleet
def test_many_cold_starts_at_once_share_one_connection(by_ssh: Host, sockets: Path) -> None:
    with ThreadPoolExecutor(6) as threads:
        assert len(set(threads.map(lambda _: read_id(by_ssh, timeout=10), range(6)))) == 1
    assert len(masters(sockets)) == 1


@pytest.mark.fleet
def test_a_lost_ssh_connection_is_opened_again(by_ssh: Host, sockets: Path) -> None:
    first = read_id(by_ssh)
    (master,) = masters(sockets)
    os.kill(master, signal.SIGKILL)
    assert read_id(by_ssh) == first


@pytest.mark.fleet
def test_ssh_sockets_are_private_and_short(by_ssh: Host, sockets: Path) -> None:
    read_id(by_ssh)
    folder = sockets / "declare"
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o077 == 0
        assert len(str(path)) <= 100


def with_known_hosts(fleet: Fleet, folder: Path, lines: str) -> Path:
    (folder / "known_hosts").write_text(lines)
    config = folder / "config"
    text = fleet.ssh_config.read_text().replace(str(fleet.home / ".ssh" / "known_hosts"), str(folder / "known_hosts"))
    config.write_text(text)
    return config


@pytest.mark.fleet
def test_an_unknown_host_key_is_refused(
    by_ssh: Host, secure_fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DECLARE_SSH_CONFIG", str(with_known_hosts(secure_fleet, tmp_path, "")))
    with pytest.raises(Unreachable, match=r"host key of .* is not known") as caught:
        read_id(by_ssh)
    assert "fingerprint" in (caught.value.help or "")


@pytest.mark.fleet
def test_a_changed_host_key_is_refused_with_both_fingerprints(
    by_ssh: Host, secure_fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other"], check=True)
    other = (tmp_path / "other.pub").read_text()
    config = with_known_hosts(secure_fleet, tmp_path, f"{secure_fleet.hosts['h1'].address} {other}")
    monkeypatch.setenv("DECLARE_SSH_CONFIG", str(config))
    with pytest.raises(Unreachable, match="has changed") as caught:
        read_id(by_ssh)
    known = subprocess.run(["ssh-keygen", "-lf", tmp_path / "other.pub"], capture_output=True, text=True, check=True)
    assert known.stdout.split()[1] in str(caught.value)
    assert str(caught.value).count("SHA256:") == 2


@pytest.mark.fleet
@pytest.mark.usefixtures("by_ssh")
def test_a_user_without_a_key_is_refused(secure_fleet: Fleet) -> None:
    with pytest.raises(Unreachable, match="refuses this user's keys"):
        read_id(ssh_host(f"nobody@{secure_fleet.hosts['h1'].address}"))


@pytest.mark.parametrize("banner", [b"", b"SSH-2.0-OpenSSH_9.2\r\n"])
def test_an_sshd_that_stalls_costs_no_more_than_the_deadline(
    banner: bytes, sockets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("")
    monkeypatch.setenv("DECLARE_SSH_CONFIG", str(tmp_path / "config"))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def stall() -> None:
            stream, _ = listener.accept()
            stream.sendall(banner)
            held.append(stream)

        held: list[socket.socket] = []
        threading.Thread(target=stall, daemon=True).start()
        begun = time.monotonic()
        with pytest.raises(Unreachable, match="no answer"):
            read_id(ssh_host(f"root@127.0.0.1:{listener.getsockname()[1]}"), timeout=1)
        assert time.monotonic() - begun < 3
        assert masters(sockets) == []


@pytest.mark.parametrize(
    "location", ["-oProxyCommand=touch x", "a b@host", "host\nProxyCommand x", "-x@host", "user@-x", "u@h:22:22", "a;b"]
)
@pytest.mark.usefixtures("sockets")
def test_a_location_can_t_become_an_option_of_ssh(location: str) -> None:
    with pytest.raises(Unreachable, match="is not USER@HOST"):
        read_id(ssh_host(location))


def test_a_folder_of_somebody_else_is_not_used_for_sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("declare.engine.ssh_folder._LONGEST", 200)
    (tmp_path / "declare").symlink_to("/tmp")
    with pytest.raises(Unreachable, match="belongs to somebody else"):
        open_reader(ssh_host("root@h"))


# TLS


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    if not shutil.which("openssl"):
        pytest.skip("no openssl")
    make_authority(tmp_path / "ca")
    return tmp_path / "ca"


def tls_server(authority: Path, folder: Path, *, address: str = "127.0.0.1") -> ssl.SSLContext:
    key, certificate = folder / "server-key.pem", folder / "server.pem"
    make_server_certificate(authority, key=key, certificate=certificate, name="server", address=address)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def tls_host(port: int, ca: Path) -> Host:
    return Host("h1", EngineAddress("tcp", f"127.0.0.1:{port}", ca=str(ca)))


def test_a_certificate_of_the_given_authority_is_accepted(authority: Path, tmp_path: Path) -> None:
    with serve(lambda _: reply(b"[]"), tls=tls_server(authority, tmp_path)) as server:
        reader = open_reader(tls_host(server.port, authority / "ca.pem"))
        assert [reader.list_containers() for _ in range(3)] == [()] * 3


def test_a_certificate_of_another_authority_is_refused(authority: Path, tmp_path: Path) -> None:
    make_authority(tmp_path / "other")
    with (
        serve(lambda _: reply(b"[]"), tls=tls_server(authority, tmp_path)) as server,
        pytest.raises(Unreachable, match=r"certificate .* is refused"),
    ):
        open_reader(tls_host(server.port, tmp_path / "other" / "ca.pem")).list_containers()


def test_a_certificate_of_another_host_is_refused(authority: Path, tmp_path: Path) -> None:
    with (
        serve(lambda _: reply(b"[]"), tls=tls_server(authority, tmp_path, address="10.9.9.9")) as server,
        pytest.raises(Unreachable, match=r"certificate .* is refused: .*127\.0\.0\.1"),
    ):
        open_reader(tls_host(server.port, authority / "ca.pem")).list_containers()


def test_insecure_does_not_weaken_tls(authority: Path, tmp_path: Path) -> None:
    make_authority(tmp_path / "other")
    address = EngineAddress("tcp", "127.0.0.1:1", ca=str(tmp_path / "other" / "ca.pem"), insecure=True)
    with serve(lambda _: reply(b"[]"), tls=tls_server(authority, tmp_path)) as server:
        host = Host("h1", EngineAddress("tcp", f"127.0.0.1:{server.port}", ca=address.ca, insecure=True))
        with pytest.raises(Unreachable, match="refused"):
            open_reader(host).list_containers()


def test_a_certificate_file_that_is_missing_names_the_host() -> None:
    with pytest.raises(Unreachable, match=r"^h1: "):
        open_reader(tls_host(1, Path("/nowhere/ca.pem")))


def certified(fleet: Fleet, *, client: bool = True) -> Host:
    host = fleet.hosts["h1"]
    files = TlsFiles(str(host.certificates / "cert.pem"), str(host.certificates / "key.pem")) if client else None
    address = EngineAddress("tcp", f"{host.address}:2376", ca=str(host.certificates / "ca.pem"), client=files)
    return Host("h1", address)


@pytest.mark.fleet
def test_a_real_engine_is_reached_with_a_client_certificate_only(secure_fleet: Fleet) -> None:
    assert read_id(certified(secure_fleet))
    with pytest.raises(Unreachable, match="h1: "):
        read_id(certified(secure_fleet, client=False))


# contexts


def write_context(config: Path, name: str, host: str, certificates: Path | None = None) -> None:
    import hashlib

    folder = hashlib.sha256(name.encode()).hexdigest()
    (config / "contexts" / "meta" / folder).mkdir(parents=True)
    endpoint = {"Host": host, "SkipTLSVerify": False}
    meta = {"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}
    (config / "contexts" / "meta" / folder / "meta.json").write_text(json.dumps(meta))
    if certificates:
        tls = config / "contexts" / "tls" / folder / "docker"
        tls.mkdir(parents=True)
        for file in ("ca.pem", "cert.pem", "key.pem"):
            shutil.copy(certificates / file, tls / file)


@pytest.mark.fleet
def test_a_context_leads_to_its_engine_with_its_certificates(
    secure_fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    host = secure_fleet.hosts["h1"]
    write_context(tmp_path, "secured", host.engine_tcp, host.certificates)
    write_context(tmp_path, "local", host.engine_unix)
    ids = {read_id(Host("h1", EngineAddress("context", name))) for name in ("secured", "local")}
    assert ids == {read_id(certified(secure_fleet))}


def test_a_context_with_plain_tcp_is_refused_and_a_missing_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    write_context(tmp_path, "plain", "tcp://127.0.0.1:1")
    with pytest.raises(Unreachable, match="plain TCP"):
        read_id(Host("h1", EngineAddress("context", "plain")))
    with pytest.raises(Unreachable, match='no docker context "nosuch"'):
        read_id(Host("h1", EngineAddress("context", "nosuch")))


# registry logins


def write_login(folder: Path, registry: str) -> None:
    secret = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {registry: {"auth": secret}}}))


@pytest.mark.fleet
def test_this_machine_s_login_is_sent_with_the_pull(
    secure_fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert secure_fleet.registry
    registry, host = secure_fleet.registry.address, secure_fleet.hosts["h1"]
    image = f"{registry}/team/web:1"
    host.docker("login", "-u", USER, "-p", PASSWORD, registry)
    host.docker("tag", "declare-test/web:1", image)
    host.docker("push", image)
    writer = open_writer(certified(secure_fleet))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with pytest.raises(EngineError):
        writer.pull_image(image)
    write_login(tmp_path, registry)
    digest = writer.resolve_digest(image)
    host.docker("image", "rm", image)
    seen: list[str] = []
    writer.pull_image(image, digest=digest, progress=seen.append)
    found = writer.inspect_image(image)
    assert f"{registry}/team/web@{digest}" in found.digests and image in found.tags and seen


def test_a_login_from_a_credential_helper_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = tmp_path / "docker-credential-test"
    helper.write_text('#!/bin/sh\ncat > /dev/null\necho \'{"Username": "bob", "Secret": "hush", "ServerURL": "x"}\'\n')
    helper.chmod(0o755)
    (tmp_path / "config.json").write_text('{"credHelpers": {"reg.example": "test"}}')
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with serve(lambda _: reply(b"")) as server:
        open_writer(server.host).pull_image("reg.example/a:1")
        open_writer(server.host).pull_image("other.example/a:1")
    mine, other = (head for head in server.heads if "images/create" in head)
    sent = next(line for line in mine.split("\r\n") if line.startswith("X-Registry-Auth: ")).partition(": ")[2]
    assert json.loads(base64.urlsafe_b64decode(sent))["Password"] == "hush"
    assert "X-Registry-Auth" not in other


def test_a_login_that_can_t_be_read_is_an_error_without_the_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text('{"credsStore": "nosuch-helper"}')
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with serve(lambda _: reply(b"")) as server, pytest.raises(Unreachable, match=r"login for reg\.example"):
        open_writer(server.host).pull_image("reg.example/a:1")
