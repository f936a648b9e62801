"""The inventory says which hosts there are, how to reach them, and what apps may do there."""

from pathlib import Path

import pytest

from declare.load.inventory import find_inventory, load_inventory
from declare.load.manifest import find_manifests, load_manifests
from declare.load.project import load_project
from declare.load.template import new_project
from declare.model.app import Resources, TlsFiles
from declare.model.errors import InputError
from declare.model.inventory import ContainerProxy, EngineAddress, FileProxy, Inventory, PortRange


def load(text: str, folder: Path, **environment: str) -> Inventory:
    path = folder / "inventory.yaml"
    path.write_text(text)
    return load_inventory(path, environment=environment)


def load_engine(host: str, folder: Path) -> EngineAddress:
    return load(f"project: shop\nhosts: {{h1: {host}}}\n", folder).hosts[0].engine


@pytest.mark.parametrize(
    ("host", "engine"),
    [
        ("{engine: 'unix:///run/docker.sock'}", EngineAddress("unix", "/run/docker.sock")),
        ("{engine: 'ssh://web-1'}", EngineAddress("ssh", "web-1")),
        ("{engine: 'ssh://me@[fd00::1]:22'}", EngineAddress("ssh", "me@[fd00::1]:22")),
        ("{engine: 'ssh://me@h/run/d.sock'}", EngineAddress("ssh", "me@h", remote_socket="/run/d.sock")),
        ("{engine: 'tcp://h', insecure: true}", EngineAddress("tcp", "h:2375", insecure=True)),
        ("{context: production}", EngineAddress("context", "production")),
    ],
)
def test_an_engine_is_reached_in_one_of_four_ways(host: str, engine: EngineAddress, tmp_path: Path) -> None:
    assert load_engine(host, tmp_path) == engine


def test_certificates_are_found_from_the_folder_of_the_inventory(tmp_path: Path) -> None:
    engine = load_engine("{engine: 'tcp://h:1', tls: {ca: c/ca.pem, cert: c.pem, key: /k.pem}}", tmp_path)
    assert engine.location == "h:1"
    assert engine.ca == f"{tmp_path}/c/ca.pem"
    assert engine.client == TlsFiles(f"{tmp_path}/c.pem", "/k.pem")


def test_hosts_stand_in_the_order_of_their_names_with_all_that_is_said_of_them(tmp_path: Path) -> None:
    inventory = load(
        "project: shop\nhosts:\n  b: {context: b}\n"
        "  a: {context: a, address: 10.0.0.1, labels: {zone: a, rack: 1}, state: drained,\n"
        "      capacity: {cpus: 2, memory: 1g}}\n",
        tmp_path,
    )
    first, second = inventory.hosts
    assert (first.name, second.name, first.state, first.address) == ("a", "b", "drained", "10.0.0.1")
    assert dict(first.labels) == {"zone": "a", "rack": "1"}
    assert first.capacity == Resources(2.0, 2**30)
    assert first.source
    assert str(first.source).endswith("inventory.yaml:4")


HOST = "project: shop\nhosts: {h1: {context: x}}\n"


def test_a_proxy_is_a_container_or_a_file(tmp_path: Path) -> None:
    container = load(HOST + "proxy: {hosts: [h1], image: 'nginx:1'}\n", tmp_path).proxy
    assert container
    assert (container.form, container.http, container.https) == (ContainerProxy(("h1",), "nginx:1"), 80, 443)
    file = load(HOST + "proxy: {config: n.conf, test: [t], reload: [r, '{config}'], ack: 'http://127.0.0.1:81/a',"
                " listen: {http: 8080}}\n", tmp_path).proxy  # fmt: skip
    assert file
    assert file.form == FileProxy(f"{tmp_path}/n.conf", ("t",), ("r", "{config}"), "http://127.0.0.1:81/a")
    assert (file.http, file.https) == (8080, None)


def test_variables_are_replaced_in_the_inventory_but_not_in_vars(tmp_path: Path) -> None:
    text = HOST.replace("shop", "shop-${ENV:-test}") + "ports: ${P}\nvars: {P: 21000-22000, COST: $5}\n"
    inventory = load(text, tmp_path, ENV="prod")
    assert inventory.project == "shop-prod"
    assert inventory.ports == PortRange(21000, 22000)
    assert inventory.variables["COST"] == "$5"


def test_plain_tcp_is_allowed_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_text("project: shop\nhosts: {h1: {engine: 'tcp://h', insecure: true}}\n")
    (warning,) = load_project(path, [], environment={}).warnings
    assert "plain TCP" in warning.summary
    assert not warning.is_error


def test_the_nearest_inventory_up_to_the_git_root_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "repo" / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "inventory.yaml").touch()
    (tmp_path / "repo" / ".git").mkdir()
    with pytest.raises(InputError, match=r"no inventory\.yaml"):
        find_inventory(inner)
    (tmp_path / "repo" / "inventory.yaml").touch()
    assert find_inventory(inner) == tmp_path / "repo" / "inventory.yaml"
    monkeypatch.chdir(inner)
    assert str(find_inventory(Path())) == "../../inventory.yaml"
    monkeypatch.chdir(tmp_path / "repo")
    assert str(find_inventory(Path())) == "inventory.yaml"


def test_a_new_project_is_valid_without_a_change(tmp_path: Path) -> None:
    for name, text in new_project("shop").items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    project = load_project(tmp_path / "inventory.yaml", environment={})
    assert project.warnings == ()
    assert project.inventory.project == "shop"
    assert project.desired.apps[0].image == "nginx:1.28"
    assert "yaml-language-server: $schema=" in (tmp_path / "apps/web.yaml").read_text()


def test_inventory_and_manifests_can_be_loaded_one_after_the_other(tmp_path: Path) -> None:
    inventory = load(HOST + "vars: {TAG: '1'}\n", tmp_path)
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps" / "web.yaml").write_text(
        "apps: {web: {image: 'web:${TAG}', volumes: ['data:/d', 'old:/o']}}\n"
        "volumes: {data: , old: {external: true}, nfs: {driver_opts: {type: nfs}, name: n}}\n"
    )
    desired = load_manifests(find_manifests(inventory), inventory=inventory, environment={})
    assert desired.apps[0].image == "web:1"
    assert {name: volume.name for name, volume in desired.volumes.items()} == {
        "data": "shop_data",
        "nfs": "n",
        "old": "old",
    }
