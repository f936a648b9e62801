"""An nginx of the user's own: its file and the user's commands, on loopback."""

import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from declare.model.app import Route
from declare.model.errors import InputError
from declare.model.inventory import FileProxy
from declare.model.proxy import ProxyModel, Upstream
from declare.proxy.config import NginxConfig
from declare.proxy.failure import ProxyNotAcknowledged, ProxyRefused
from declare.proxy.own import deliver_own, parse_ack, read_own
from declare.proxy.render import render
from tests.proxy.local import Nginx, eventually, version_of_nginx_missing
from tests.proxy.models import site
from tests.proxy.ports import free_ports

pytestmark = [
    version_of_nginx_missing,
    pytest.mark.skipif(os.geteuid() != 0, reason="a packaged nginx keeps its scratch folders for root"),
]


@dataclass
class Own:
    form: FileProxy
    root: str
    file: Path
    http: int

    def config(self, host: str = "shop.org", *, http: int | None = None) -> NginxConfig:
        model = ProxyModel("shop", http or self.http, None, (site(Route(host)),), (Upstream("web"),))
        return render(model, ack=parse_ack(self.form.ack), contained=False)

    def deliver(self, config: NginxConfig, *, seconds: float = 10) -> None:
        deliver_own(self.form, config, root=self.root, drain=0, seconds=seconds)

    def hashes(self) -> tuple[str | None, str | None]:
        seen = read_own(self.form, root=self.root)
        return seen.file_hash, seen.served_hash


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Own]:
    nginx = Nginx(tmp_path)
    http, ack = free_ports(2)
    words = [word.replace(str(nginx.config), "{config}") for word in nginx.command()]
    form = FileProxy("nginx.conf", (*words, "-t"), (*words, "-s", "reload"), f"http://127.0.0.1:{ack}/.declare/config")
    own = Own(form, str(tmp_path), nginx.config, http)
    nginx.start_exactly(own.config("first.org").text)
    eventually(lambda: own.hashes() == (own.config("first.org").hash,) * 2)
    yield own
    nginx.stop()


def test_a_delivered_file_is_served(own: Own) -> None:
    new = own.config()
    own.deliver(new)
    assert own.hashes() == (new.hash, new.hash)
    assert own.file.read_text() == new.text


def test_a_refused_file_changes_nothing(own: Own) -> None:
    before = own.hashes()
    broken = own.config()
    with pytest.raises(ProxyRefused, match="nonsense"):
        own.deliver(replace(broken, text=broken.text + "nonsense;\n"))
    assert own.hashes() == before
    assert [file.name for file in own.file.parent.glob("*candidate*")] == []


def test_a_file_that_nginx_silently_ignores_is_undone(own: Own) -> None:
    before = own.hashes()
    with socket.create_server(("0.0.0.0", 0)) as other, pytest.raises(ProxyNotAcknowledged) as failure:
        own.deliver(own.config(http=other.getsockname()[1]), seconds=3.5)
    assert failure.value.restored
    assert own.hashes() == before


def test_a_reload_that_fails_is_undone_and_explained(own: Own) -> None:
    form = replace(own.form, reload=("no-such-program",))
    text = own.file.read_text()
    with pytest.raises(ProxyNotAcknowledged, match="no-such-program can't be run"):
        deliver_own(form, own.config(), root=own.root, drain=0)
    assert own.file.read_text() == text


def test_commands_are_words_and_never_meet_a_shell(own: Own) -> None:
    script = "import sys; sys.exit(sys.argv[1:] != ['; touch evil', '$(touch evil)'])"
    form = replace(own.form, test=(sys.executable, "-c", script, "; touch evil", "$(touch evil)"))
    deliver_own(form, own.config(), root=own.root, drain=0)
    assert not (Path(own.root) / "evil").exists()


@pytest.mark.parametrize(
    "url", ["", "ftp://a/b", "https://a/b", "http://", "http://a:x/", "http://u@a/", "http://a/?q", "/x"]
)
def test_an_acknowledging_url_is_plain_http(url: str) -> None:
    with pytest.raises(InputError):
        parse_ack(url)


def test_an_acknowledging_url_tells_address_port_and_path() -> None:
    assert (parse_ack("http://127.0.0.1:8081/x").host, parse_ack("http://127.0.0.1:8081/x").port) == ("127.0.0.1", 8081)
    assert parse_ack("http://[::1]/x").host == "[::1]"
    assert (parse_ack("http://lb.org/x").address, parse_ack("http://lb.org/x").host) == (None, "lb.org")
