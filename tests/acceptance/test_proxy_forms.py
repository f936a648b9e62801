"""nginx in declare's own containers or of the user's own: it serves what is declared, whatever happens to it."""

import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from declare.model.canonical import Json
from tests.acceptance.project import Project
from tests.acceptance.shop import DOMAIN, WEB, ask, make_shop
from tests.fleet import Fleet, Host
from tests.fleet.errors import wait_until
from tests.fleet.load import Load

ONE: dict[str, Json] = {"web": {**WEB, "replicas": 1}}
BRIEF: Json = {**WEB, "update": {"settle": "500ms", "healthy_within": "20s", "drain": "1s"}}
CONFIG = "/etc/nginx/declare/nginx.conf"
NGINX = "declare-test/nginx:1.22"


def on(*hosts: str, image: str = NGINX, **listen: int) -> dict[str, Json]:
    return {"proxy": {"hosts": list(hosts), "image": image, "listen": {"http": 80, **listen}}}


@pytest.fixture
def shop(clean_fleet: Fleet, tmp_path: Path) -> Project:
    """One replica behind nginx on h1, applied."""
    project = make_shop(clean_fleet, tmp_path / "project", apps=ONE)
    apply(project)
    return project


def apply(project: Project) -> None:
    done = project.run("apply", "--yes")
    assert done.exit_code == 0, done.stderr
    again = project.run("plan", "--detailed-exitcode")
    assert again.exit_code == 0, again.stdout


def proxies(host: Host, states: str = "-a") -> list[str]:
    """The IDs of the project's proxy containers there."""
    return host.docker("ps", states, "-q", "--no-trunc", "--filter", "label=declare.role=proxy").split()


def in_proxy(host: Host, *command: str) -> str:
    return host.docker("exec", *proxies(host), *command)


def answers(host: Host, port: int = 80) -> bool:
    try:
        return ask(host.address, port=port)[0] == 200
    except OSError:
        return False


def version(host: Host, path: str = "/") -> str:
    status, body = ask(host.address, path)
    assert status == 200, body
    return str(json.loads(body)["version"])


# What is served


def test_every_proxy_host_must_serve_every_replica(clean_fleet: Fleet, tmp_path: Path) -> None:
    shop = make_shop(clean_fleet, tmp_path / "project", apps={"web": WEB})
    shop.write(inventory=on("h1", "h3"))
    apply(shop)
    for name in ("h1", "h3"):
        address = clean_fleet.hosts[name].address
        assert len({json.loads(ask(address)[1])["hostname"] for _ in range(20)}) == 3
    assert not proxies(clean_fleet.hosts["h2"])
    shop.write(apps={"web": {**WEB, "image": "declare-test/web:2"}})
    apply(shop)
    assert {version(clean_fleet.hosts[name]) for name in ("h1", "h3") for _ in range(6)} == {"2"}


def test_paths_must_lead_to_their_apps_and_prefixes_be_stripped_where_asked(shop: Project, clean_fleet: Fleet) -> None:
    two: Json = {**WEB, "replicas": 1, "image": "declare-test/web:2"}
    three: Json = {**WEB, "replicas": 1, "image": "declare-test/web:3"}
    stripped: Json = {"host": DOMAIN, "path": "/shop", "strip_prefix": True}
    whole: Json = {"host": DOMAIN, "path": "/env"}
    shop.write(apps={**ONE, "shop": {**two, "routes": [stripped]}, "env": {**three, "routes": [whole]}})
    apply(shop)
    host = clean_fleet.hosts["h1"]
    assert (version(host), version(host, "/shop"), version(host, "/shop/")) == ("1", "2", "2")
    assert ask(host.address, "/shop/env?name=VERSION")[1].strip() == "2"
    assert ask(host.address, "/env?name=VERSION")[1].strip() == "3"
    assert version(host, "/environment") == "1"
    assert "x-forwarded-prefix: /shop" in ask(host.address, "/shop/headers")[1].lower()


def test_a_route_that_was_removed_must_answer_404(shop: Project, clean_fleet: Fleet) -> None:
    host = clean_fleet.hosts["h1"]
    shop.write(apps={"web": {**ONE["web"], "routes": ["other.test"]}})
    apply(shop)
    assert ask(host.address)[0] == 404 and ask(host.address, host="other.test")[0] == 200
    shop.write(apps={"web": {key: value for key, value in ONE["web"].items() if key != "routes"}})
    apply(shop)
    assert ask(host.address, host="other.test")[0] == 404


def test_declare_proxy_must_print_what_is_served(clean_fleet: Fleet, tmp_path: Path) -> None:
    shop = make_shop(clean_fleet, tmp_path / "project", apps={"web": WEB})
    shop.write(inventory=on("h1", "h2"))
    apply(shop)
    printed = shop.run("proxy", "--json").json["configurations"]
    for name in ("h1", "h2"):
        served = in_proxy(clean_fleet.hosts[name], "cat", CONFIG)
        assert printed[name].strip() == served.strip()
        assert served.strip() in shop.run("proxy").stdout


# TLS


def fetch(host: Host, certificates: Path, *, path: str = "/", port: int = 443) -> tuple[int, str]:
    """Status and body over HTTPS, verified."""
    context = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
    with (
        socket.create_connection((host.address, port), timeout=5) as raw,
        context.wrap_socket(raw, server_hostname="web.test") as stream,
    ):
        stream.sendall(f"GET {path} HTTP/1.1\r\nHost: web.test\r\nConnection: close\r\n\r\n".encode())
        reply = b"".join(iter(lambda: stream.recv(65536), b"")).decode()
    head, _, body = reply.partition("\r\n\r\n")
    return int(head.split()[1]), body


def with_tls(project: Project, certificates: Path, *, number: int = 1) -> dict[str, Json]:
    """The app with a certificate of its own, which lies in the project's folder."""
    folder = project.folder / "certs"
    folder.mkdir(exist_ok=True)
    for name in (f"{number}.pem", f"{number}-key.pem"):
        (folder / name).write_bytes((certificates / name).read_bytes())
    route: Json = {"host": "web.test", "tls": {"cert": f"certs/{number}.pem", "key": f"certs/{number}-key.pem"}}
    return {"web": {**WEB, "replicas": 1, "routes": [route]}}


@pytest.fixture
def secured(clean_fleet: Fleet, certificates: Path, tmp_path: Path) -> Project:
    project = make_shop(clean_fleet, tmp_path / "project", apps=ONE)
    project.write(apps=with_tls(project, certificates), inventory=on("h1", https=443))
    apply(project)
    return project


@pytest.mark.usefixtures("secured")
def test_a_route_with_a_certificate_must_answer_https_and_redirect_http(clean_fleet: Fleet, certificates: Path) -> None:
    host = clean_fleet.hosts["h1"]
    status, body = fetch(host, certificates)
    assert status == 200 and '"version"' in body
    assert "x-forwarded-proto: https" in fetch(host, certificates, path="/headers")[1].lower()
    assert ask(host.address, "/a?b=c", host="web.test")[0] == 308
    asked = ["--http2", "--silent", "--cacert", f"{certificates}/ca.pem", "--resolve", f"web.test:443:{host.address}"]
    told = subprocess.run(
        ["curl", *asked, "--output", "/dev/null", "--write-out", "%{http_version}", "https://web.test/"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "2"


def test_a_key_must_be_seen_nowhere_but_in_the_proxy(secured: Project, clean_fleet: Fleet, certificates: Path) -> None:
    key = (certificates / "1-key.pem").read_text().splitlines()[1]
    told = [secured.run(*verb).stdout for verb in (("proxy",), ("plan", "--json"), ("status", "--json"))]
    host = clean_fleet.hosts["h1"]
    told.append(host.docker("inspect", *host.docker("ps", "-aq").split()))
    assert not [text for text in told if key in text]


def test_a_renewed_certificate_must_be_served_without_a_new_container(
    secured: Project, clean_fleet: Fleet, certificates: Path
) -> None:
    host = clean_fleet.hosts["h1"]
    before = host.docker("ps", "-q").split()
    pem = secured.folder / "certs" / "1.pem"
    pem.write_text("renewed\n" + pem.read_text())
    told = secured.run("plan")
    assert "1 to reload" in told.stdout, told.stdout
    apply(secured)
    assert fetch(host, certificates)[0] == 200
    assert host.docker("ps", "-q").split() == before


def test_a_certificate_that_does_not_fit_its_key_must_leave_the_old_one_serving(
    secured: Project, clean_fleet: Fleet, certificates: Path
) -> None:
    pem = secured.folder / "certs" / "1.pem"
    pem.write_bytes((certificates / "ca.pem").read_bytes())
    done = secured.run("apply", "--yes")
    assert done.exit_code in (1, 3), done.stderr
    assert "h1" in done.stderr and "key values mismatch" in done.stderr, done.stderr
    assert fetch(clean_fleet.hosts["h1"], certificates)[0] == 200


# What happens to it


def test_a_configuration_edited_by_hand_must_be_named_and_repaired(shop: Project, clean_fleet: Fleet) -> None:
    host = clean_fleet.hosts["h1"]
    in_proxy(host, "sed", "-i", "s/return 404/return 403/", CONFIG)
    told = shop.run("plan")
    assert "Changed outside declare" in told.stdout and "1 to reload" in told.stdout, told.stdout
    apply(shop)
    assert "return 403" not in in_proxy(host, "cat", CONFIG)


def test_a_configuration_edited_and_reloaded_by_hand_must_be_repaired(shop: Project, clean_fleet: Fleet) -> None:
    host = clean_fleet.hosts["h1"]
    in_proxy(host, "sed", "-i", "s/return 404/return 403/", CONFIG)
    in_proxy(host, "sh", "-c", "kill -HUP 1")
    wait_until(lambda: ask(host.address, host="nobody.test")[0] == 403, what="the edit is served")
    assert "Changed outside declare" in shop.run("plan").stdout
    apply(shop)
    assert ask(host.address, host="nobody.test")[0] == 404


def test_a_proxy_that_was_stopped_must_be_named_and_replaced(shop: Project, clean_fleet: Fleet) -> None:
    host = clean_fleet.hosts["h1"]
    host.docker("stop", *proxies(host))
    told = shop.run("plan").stdout
    assert "Changed outside declare" in told and "stopped by hand" in told
    apply(shop)
    assert answers(host) and len(proxies(host)) == 1


def test_a_proxy_that_was_removed_must_be_made_again(shop: Project, clean_fleet: Fleet) -> None:
    host = clean_fleet.hosts["h1"]
    host.docker("rm", "-f", *proxies(host))
    assert "nginx" in shop.run("plan").stdout
    apply(shop)
    assert answers(host) and len(proxies(host)) == 1


def test_a_second_proxy_of_ours_must_be_removed(shop: Project, clean_fleet: Fleet) -> None:
    """As one is left over where a replacement was killed half way."""
    host = clean_fleet.hosts["h1"]
    (old,) = proxies(host)
    labels = json.loads(host.docker("inspect", old))[0]["Config"]["Labels"] | {"declare.generation": "9"}
    options = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
    host.docker("create", "--name", "shop.proxy-9", *options, NGINX)
    assert "shop.proxy-9 on h1 belongs to nothing declared" in shop.run("plan").stdout
    apply(shop)
    assert answers(host) and len(proxies(host)) == 1


def test_a_proxy_must_move_to_another_host_before_the_old_one_goes(shop: Project, clean_fleet: Fleet) -> None:
    old, new = clean_fleet.hosts["h1"], clean_fleet.hosts["h2"]
    shop.write(inventory=on("h2"))
    with Load((old.address, 80), host=DOMAIN, rate=40) as load:
        wait_until(lambda: bool(load.outcomes), what="the load has begun")
        process = shop.start("apply", "--yes")
        wait_until(lambda: answers(new), what="the new proxy serves", seconds=30)
        assert answers(old) or process.poll() is not None
        assert process.wait(60) == 0
    assert not proxies(old) and len(proxies(new)) == 1
    assert shop.plan().plan.is_empty


def test_a_new_image_of_nginx_must_be_taken_without_a_failed_request(shop: Project, clean_fleet: Fleet) -> None:
    host = clean_fleet.hosts["h1"]
    made = host.docker("create", "--label", "mark=2", NGINX)
    host.docker("commit", made, "declare-test/nginx:1.23")
    (before,) = proxies(host)
    shop.write(inventory=on("h1", image="declare-test/nginx:1.23"))
    assert "image changed" in shop.run("plan").stdout
    with Load((host.address, 80), host=DOMAIN, rate=60) as load:
        apply(shop)
    load.check()
    assert proxies(host) != [before] and len(proxies(host)) == 1


def test_another_port_must_be_listened_on_and_the_old_one_be_closed(shop: Project, clean_fleet: Fleet) -> None:
    host = clean_fleet.hosts["h1"]
    shop.write(inventory=on("h1", http=8088))
    apply(shop)
    assert answers(host, 8088) and not answers(host, 80)


def test_a_port_that_a_stranger_serves_must_be_left_to_it(clean_fleet: Fleet, tmp_path: Path) -> None:
    host = clean_fleet.hosts["h1"]
    stranger = host.docker("run", "-d", "-p", f"{host.address}:80:8000", "declare-test/web:3")
    shop = make_shop(clean_fleet, tmp_path / "project", apps=ONE)
    done = shop.run("apply", "--yes")
    assert done.exit_code == 3, done.stderr
    assert "80" in done.stderr and "h1" in done.stderr, done.stderr
    assert not proxies(host) and version(host) == "3"
    host.docker("rm", "-f", stranger)
    apply(shop)
    assert version(host) == "1"


def test_no_proxy_any_more_must_remove_it(shop: Project, clean_fleet: Fleet) -> None:
    host = clean_fleet.hosts["h1"]
    shop.write(inventory={})
    apply(shop)
    assert not proxies(host) and not answers(host)


def test_a_proxy_of_ones_own_must_take_over_from_the_containers(shop: Project, own: "Own", clean_fleet: Fleet) -> None:
    shop.write(inventory={"proxy": own.proxy})
    apply(shop)
    assert not proxies(clean_fleet.hosts["h1"])
    assert ask("127.0.0.1", port=own.http)[0] == 200


# An nginx of the user's own


class Own:
    """nginx as the user runs it, on this machine, and what the inventory says of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "build" / "nginx.conf"
        self.http, ack = free_ports(2)
        pid = f"pid {folder}/nginx.pid; error_log {folder}/error.log;"
        self.words = ["nginx", "-g", pid, "-p", str(folder)]
        self.proxy: dict[str, Json] = {
            "config": "build/nginx.conf",
            "test": [*self.words, "-t", "-c", "{config}"],
            "reload": [*self.words, "-s", "reload", "-c", "{config}"],
            "ack": f"http://127.0.0.1:{ack}/.declare/config",
            "listen": {"http": self.http},
        }

    @contextmanager
    def running(self) -> Iterator["Own"]:
        self.config.parent.mkdir(parents=True)
        self.config.write_text("events {}\nhttp {}\n")
        foreground = [*self.words, "-c", str(self.config)]
        foreground[2] += " daemon off;"
        with subprocess.Popen(foreground, stderr=subprocess.DEVNULL) as process:
            try:
                wait_until((self.folder / "nginx.pid").exists, what="nginx runs")
                yield self
            finally:
                process.terminate()


def free_ports(count: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(listener.getsockname()[1]) for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Own]:
    with Own(tmp_path / "project").running() as own:
        yield own


@pytest.fixture
def behind_own(clean_fleet: Fleet, own: Own) -> Project:
    """Three replicas behind the user's own nginx, applied."""
    project = make_shop(clean_fleet, own.folder, apps={"web": BRIEF})
    project.write(inventory={"proxy": own.proxy})
    apply(project)
    return project


def test_an_nginx_of_ones_own_must_serve_every_replica_and_every_change(behind_own: Project, own: Own) -> None:
    assert len({json.loads(ask("127.0.0.1", port=own.http)[1])["hostname"] for _ in range(20)}) == 3
    behind_own.write(apps={"web": {**BRIEF, "image": "declare-test/web:2"}})
    with Load(("127.0.0.1", own.http), host=DOMAIN, rate=40) as load:
        apply(behind_own)
    load.check()
    assert {json.loads(ask("127.0.0.1", port=own.http)[1])["version"] for _ in range(12)} == {"2"}
    assert behind_own.run("proxy").stdout.strip() == own.config.read_text().strip()


def test_a_file_that_the_users_test_refuses_must_change_nothing(behind_own: Project, own: Own) -> None:
    before = own.config.read_text()
    behind_own.write(
        apps={"web": {**BRIEF, "routes": [DOMAIN, "other.test"]}},
        inventory={"proxy": {**own.proxy, "test": ["sh", "-c", "echo 'not today' >&2; exit 1"]}},
    )
    done = behind_own.run("apply", "--yes")
    assert done.exit_code == 1, (done.exit_code, done.stderr)
    assert "not today" in done.stderr
    assert own.config.read_text() == before and ask("127.0.0.1", port=own.http)[0] == 200


def test_a_reload_that_fails_must_put_the_old_file_back(behind_own: Project, own: Own) -> None:
    before = own.config.read_text()
    behind_own.write(
        apps={"web": {**BRIEF, "routes": [DOMAIN, "other.test"]}},
        inventory={"proxy": {**own.proxy, "reload": ["false"]}},
    )
    done = behind_own.run("apply", "--yes")
    assert done.exit_code == 3, (done.exit_code, done.stderr)
    assert own.config.read_text() == before and ask("127.0.0.1", port=own.http)[0] == 200


def test_a_file_edited_by_hand_must_be_named_and_repaired(behind_own: Project, own: Own) -> None:
    own.config.write_text(own.config.read_text().replace("return 404", "return 403"))
    told = behind_own.run("plan")
    assert "its file is not what it serves" in told.stdout, told.stdout
    apply(behind_own)
    assert "return 403" not in own.config.read_text()
