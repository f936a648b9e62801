"""nginx in containers on a real engine: a configuration comes into service whole, or the old one stays."""

import http.client
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from declare.engine.connect import open_writer
from declare.engine.write import Writer
from declare.model.app import Route, SecretValue, TlsFiles
from declare.model.engine import EngineWriter
from declare.model.errors import PortTaken, Unreachable
from declare.model.inventory import EngineAddress
from declare.model.inventory import Host as InventoryHost
from declare.model.names import proxy_container
from declare.model.observed import ObservedProxy
from declare.model.proxy import Endpoint, ProxyModel, Upstream
from declare.proxy.ask import ask_config
from declare.proxy.config import Acknowledgement, Answer, Certificate, NginxConfig
from declare.proxy.container import create_proxy, proxy_owner, retire_proxy
from declare.proxy.deliver import await_workers, deliver, prepare, swap
from declare.proxy.failure import ProxyNotAcknowledged, ProxyRefused
from declare.proxy.place import TLS_FOLDER
from declare.proxy.read import read_proxy
from declare.proxy.render import render
from tests.fleet import Fleet
from tests.fleet.host import Host
from tests.images.catalog import BUSYBOX, NGINX, WEB
from tests.proxy.load import load
from tests.proxy.local import certificates_in, eventually
from tests.proxy.models import TLS, site

pytestmark = pytest.mark.fleet

PROJECT = "px"
HTTP, ACK, REPLICA, TAKEN = 28080, 28999, 28500, 28090


@dataclass
class Stage:
    """A host with replicas of one app, and nginx in front of them once `create` was called."""

    host: Host
    engine: EngineWriter

    def config(self, *replicas: int, http: int = HTTP, ack: int = ACK, host: str = "shop.org") -> NginxConfig:
        endpoints = tuple(Endpoint(self.host.address, REPLICA + n) for n in replicas)
        model = ProxyModel(PROJECT, http, None, (site(Route(host)),), (Upstream("web", endpoints),))
        return render(model, ack=Acknowledgement(self.host.address, ack), version=(1, 22, 1))

    def create(self, config: NginxConfig, *, generation: int = 1, project: str = PROJECT) -> str:
        owner = proxy_owner(project, generation=generation, ack=config.ack)
        name = proxy_container(project, generation)
        return create_proxy(self.engine, name=name, image=NGINX, owner=owner, config=config, beside=generation > 1)

    def observed(self, container_id: str) -> ObservedProxy:
        seen = read_proxy(self.engine, self.engine.inspect_container(container_id))
        assert seen is not None
        return seen

    def hashes(self, container_id: str) -> tuple[str | None, str | None]:
        seen = self.observed(container_id)
        return seen.file_hash, seen.served_hash

    def ask(self, path: str = "/") -> int:
        connection = http.client.HTTPConnection(self.host.address, HTTP, timeout=15)
        connection.request("GET", path, headers={"Host": "shop.org"})
        return connection.getresponse().status


@pytest.fixture
def stage(fleet: Fleet) -> Iterator[Stage]:
    host = next(iter(fleet.hosts.values()))
    clear(host)
    for n in (1, 2):
        ports = f"{host.address}:{REPLICA + n}:8000"
        host.docker("run", "--detach", "--name", f"{PROJECT}-web-{n}", "--publish", ports, WEB[0])
    engine = open_writer(
        InventoryHost(host.name, EngineAddress("tcp", f"{host.address}:{host.engine_port}", insecure=True))
    )
    yield Stage(host, engine)
    engine.close()
    clear(host)


def clear(host: Host) -> None:
    names = host.docker("ps", "--all", "--format", "{{.Names}}").split()
    if ours := [name for name in names if name.startswith((f"{PROJECT}-", f"{PROJECT}."))]:
        host.docker("rm", "--force", *ours)


def occupy(host: Host, port: int) -> None:
    command = ["httpd", "-f", "-p", str(port)]
    host.docker("run", "--detach", "--name", f"{PROJECT}-other", "--network", "host", BUSYBOX, *command)


def test_a_new_proxy_serves_and_tells_its_hash(stage: Stage) -> None:
    config = stage.config(1, 2)
    proxy = stage.create(config)
    assert stage.ask() == 200
    assert stage.hashes(proxy) == (config.hash, config.hash)
    assert stage.observed(proxy).ack_port == ACK


def test_a_delivered_configuration_is_served_and_outlives_a_restart(stage: Stage) -> None:
    proxy = stage.create(stage.config())
    assert stage.ask() == 503
    new = stage.config(1, 2)
    assert deliver(stage.engine, proxy, new, drain=10)
    assert stage.ask() == 200
    stage.host.docker("restart", proxy)
    eventually(lambda: stage.hashes(proxy) == (new.hash, new.hash))


def test_a_proxy_that_is_stopped_or_was_edited_by_hand_shows(stage: Stage) -> None:
    config = stage.config(1)
    proxy = stage.create(config)
    stage.engine.run_command(proxy, ["sh", "-c", "echo '# mine' >> /etc/nginx/declare/nginx.conf"])
    edited, served = stage.hashes(proxy)
    assert edited != served == config.hash
    stage.host.docker("stop", proxy)
    assert stage.hashes(proxy) == (edited, None)


def test_a_refused_candidate_changes_nothing_and_is_explained_by_nginx(stage: Stage) -> None:
    old = stage.config(1)
    proxy = stage.create(old)
    broken = stage.config(2)
    with pytest.raises(ProxyRefused, match='unknown directive "nonsense"'):
        deliver(stage.engine, proxy, replace(broken, text=broken.text + "nonsense;\n"), drain=1)
    assert stage.hashes(proxy) == (old.hash, old.hash)
    assert stage.ask() == 200


def test_a_configuration_that_nginx_silently_ignores_is_undone(stage: Stage) -> None:
    """Its own test passes and the signal is taken, but a port that it listens on is held by something else."""
    old = stage.config(1)
    proxy = stage.create(old)
    occupy(stage.host, TAKEN)
    with pytest.raises(ProxyNotAcknowledged, match="Address already in use") as failure:
        swap(prepare(stage.engine, proxy, stage.config(1, 2, http=TAKEN)), seconds=4)
    assert failure.value.restored
    assert stage.hashes(proxy) == (old.hash, old.hash)
    assert stage.ask() == 200


def test_what_is_put_back_is_what_was_served_even_after_a_delivery_was_cut_off(stage: Stage) -> None:
    old = stage.config(1)
    proxy = stage.create(old)
    prepare(stage.engine, proxy, stage.config(1, 2))
    # Cut off after the rename, before the signal: the file is ahead of what nginx serves.
    folder = "/etc/nginx/declare"
    script = f"ln -f {folder}/nginx.conf {folder}/previous.conf; mv -f {folder}/candidate.conf {folder}/nginx.conf"
    stage.engine.run_command(proxy, ["sh", "-c", script])
    assert stage.hashes(proxy) == (stage.config(1, 2).hash, old.hash)
    occupy(stage.host, TAKEN)
    with pytest.raises(ProxyNotAcknowledged):
        swap(prepare(stage.engine, proxy, stage.config(2, http=TAKEN)), seconds=4)
    assert stage.hashes(proxy) == (old.hash, old.hash)


def test_a_delivery_that_was_cut_off_anywhere_is_completed_by_the_next(stage: Stage) -> None:
    proxy = stage.create(stage.config(1))
    new = stage.config(1, 2)
    prepare(stage.engine, proxy, new)
    assert deliver(stage.engine, proxy, new, drain=10)
    folder = "/etc/nginx/declare"
    prepare(stage.engine, proxy, stage.config(2))
    stage.engine.run_command(proxy, ["mv", "-f", f"{folder}/candidate.conf", f"{folder}/nginx.conf"])
    stage.host.docker("restart", proxy)
    eventually(lambda: stage.hashes(proxy) == (stage.config(2).hash,) * 2)
    assert deliver(stage.engine, proxy, new, drain=10)
    assert stage.hashes(proxy) == (new.hash, new.hash)


def test_a_proxy_that_cannot_serve_is_removed_again_with_its_reason(stage: Stage) -> None:
    occupy(stage.host, HTTP)
    with pytest.raises(ProxyNotAcknowledged, match="Address already in use"):
        stage.create(stage.config(1), generation=2)
    names = [container.name for container in stage.engine.list_containers()]
    assert proxy_container(PROJECT, 2) not in names


def test_two_projects_never_share_a_port(stage: Stage) -> None:
    """The kernel would allow it, and each would get half of the other's requests."""
    stage.create(stage.config(1))
    with pytest.raises(PortTaken, match=str(HTTP)):
        stage.create(stage.config(1, ack=ACK - 1), project=f"{PROJECT}-two")
    names = [container.name for container in stage.engine.list_containers()]
    assert proxy_container(f"{PROJECT}-two", 1) not in names


def test_a_request_under_the_old_configuration_is_waited_for(stage: Stage) -> None:
    proxy = stage.create(stage.config(1))
    answers: list[int] = []
    slow = threading.Thread(target=lambda: answers.append(stage.ask("/slow?ms=2500")))
    slow.start()
    eventually(lambda: "/slow" in stage.host.docker("logs", f"{PROJECT}-web-1"))
    swapped = swap(prepare(stage.engine, proxy, stage.config(2)))
    assert not await_workers(swapped, drain=0.5)
    assert await_workers(swapped, drain=10)
    slow.join()
    assert answers == [200]


def test_after_a_delivery_only_the_new_configuration_answers(stage: Stage) -> None:
    proxy = stage.create(stage.config())
    for turn in range(5):
        new = stage.config(1 + turn % 2)
        deliver(stage.engine, proxy, new, drain=0)
        assert {ask_config(stage.engine, new.ack) for _ in range(20)} == {Answer(new.hash, 0)}


def test_no_request_is_lost_over_many_deliveries(stage: Stage) -> None:
    proxy = stage.create(stage.config(1))
    with load(stage.host.address, HTTP, host="shop.org") as counted:
        for turn in range(6):
            assert deliver(stage.engine, proxy, stage.config(1 + turn % 2), drain=10)
    assert counted.requests > 100
    assert counted.failures == []


@pytest.fixture
def migrating(stage: Stage) -> Iterator[None]:
    """A host whose kernel hands a closing listener's waiting connections to another one on the same port."""
    switch = "/proc/sys/net/ipv4/tcp_migrate_req"
    if "yes" not in stage.host.exec("sh", "-c", f"test -e {switch} && echo yes || echo no"):
        pytest.skip("this kernel has no net.ipv4.tcp_migrate_req")
    stage.host.exec("sh", "-c", f"echo 1 > {switch}")
    yield
    stage.host.exec("sh", "-c", f"echo 0 > {switch}")


@pytest.mark.usefixtures("migrating")
def test_no_request_is_lost_when_nginx_itself_is_replaced(stage: Stage) -> None:
    proxy = stage.create(stage.config(1, 2))
    with load(stage.host.address, HTTP, host="shop.org") as counted:
        for generation in range(2, 6):
            new = stage.create(stage.config(1, 2, ack=ACK - generation), generation=generation)
            retire_proxy(stage.engine, proxy, grace=10)
            proxy = new
    assert counted.requests > 100
    assert counted.failures == []


def test_a_delivery_does_not_keep_nginx_from_coming_back_with_its_host(stage: Stage) -> None:
    proxy = stage.create(stage.config(1))
    new = stage.config(1, 2)
    deliver(stage.engine, proxy, new, drain=10)
    stage.host.restart_engine()
    eventually(lambda: stage.hashes(proxy) == (new.hash, new.hash))


def test_a_proxy_whose_address_is_out_of_reach_is_asked_from_inside(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = stage.create(stage.config(1))

    def refuse(self: Writer, *_: object, **__: object) -> None:
        raise Unreachable(self.host, "no way")

    monkeypatch.setattr(Writer, "connect", refuse)
    assert deliver(stage.engine, proxy, stage.config(1, 2), drain=10)


def test_keys_reach_the_container_for_its_root_only(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> None:
    certificate = certificates_in(folder := tmp_path_factory.mktemp("tls"))[TLS]
    key = (folder / "tls.key").read_bytes()
    certificates: dict[TlsFiles, Certificate] = {
        TLS: replace(
            certificate,
            cert_path=f"{TLS_FOLDER}/a.crt",
            key_path=f"{TLS_FOLDER}/a.key",
            content=((folder / "tls.crt").read_bytes(), SecretValue(key)),
        )
    }
    sites = (site(Route("shop.example.com", tls=TLS)),)
    config = render(
        ProxyModel(PROJECT, HTTP, HTTP + 1, sites, (Upstream("web"),)),
        ack=Acknowledgement(stage.host.address, ACK),
        certificates=certificates,
    )
    assert key.decode() not in repr(config)
    proxy = stage.create(config)
    assert stage.host.docker("exec", proxy, "stat", "-c", "%a %u", f"{TLS_FOLDER}/a.key") == "600 0"
