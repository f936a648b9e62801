"""What the rendered file says is what the model says, and nothing that nginx could misread gets in."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from declare.model.app import Route, TlsFiles
from declare.model.errors import InputError
from declare.model.proxy import Endpoint, ProxyModel, Upstream
from declare.proxy.config import Acknowledgement, Answer, hash_text, parse_answer
from declare.proxy.render import render
from declare.proxy.version import parse_image_version
from tests.proxy.models import ACK, CASES, CERTIFICATES, SECURE, TLS, WEB, Case, model, site, upstream
from tests.proxy.tokens import Directive, parse

HOSTILE = (
    "a; location /evil { return 200; }", "a;", "a}", "a{", "/ { } location /x", "a b", "a\tb", "a\nb", "a\r\nb", "a\0b",
    "a\x0bb", "a\x1b[31m", 'a"b', "a'b", '"', "'", "\\", "a\\", "a\\nb", "$host", "$http_authorization", "${host}",
    "a$", "~ .*", "~^a$", "*.example.com _", "*.*.example.com", "a.*.com", "example.*", "*", "**", ".", "..",
    ".example.com", "example.com.", "a..b", "-a.com", "a-.com", "_", "a_b", "#", "a#b", "# x", "{{ 7*7 }}",
    "{% raw %}", "{# x #}", "{{ ''.__class__ }}", "{% include '/etc/passwd' %}", "EXAMPLE.com", "exämple.com",
    "xn--\u200b", "a" * 64, "a." * 150, "a" * 300, "a\u2028b", "a\u00a0b", "\ufeffa", "／", "a/b", "a:80", "[::1]",
    "[::1]:80", "user@host", "a%0ab", "", " ", "(a+)+$", "a\n", "\na", "unix:/tmp/x", "resolver 8.8.8.8",
    "include /etc/passwd", "load_module x.so",
)  # fmt: skip
HOSTILE_PATHS = (
    *(f"/{text}" for text in HOSTILE if not text.isascii() or set(text) & set(" \t\n\r\0;{}\"'\\$*#:@%()[]\x0b\x1b")),
    "", "shop", "//", "/a//b", "/..", "/../a", "/a/./b", "/a/../b", "/" + "a" * 2000, "/*", "/a?b=c", "/a+b", "= /a",
    "^~ /a", "~ /a", "@named",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_host_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        Case(model(site(Route(text)), upstreams=(upstream("web", 80),))).render()


@pytest.mark.parametrize("text", HOSTILE_PATHS)
def test_a_hostile_path_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        Case(model(site(Route("a.example.com", text)), upstreams=(upstream("web", 80),))).render()


@pytest.mark.parametrize("text", [*HOSTILE, "a.b"])
def test_a_hostile_name_or_address_is_refused(text: str) -> None:
    good = model(WEB, upstreams=(upstream("web", 80),))
    for bad in (
        replace(good, project=text),
        replace(good, upstreams=(Upstream(text, ()),)),
        replace(good, sites=(site(Route("a.example.com"), text),)),
        replace(good, upstreams=(upstream("web", 80, address=text),)),
    ):
        with pytest.raises(InputError):
            Case(bad).render()
    with pytest.raises(InputError):
        Case(good, ack=Acknowledgement(text, 20999)).render()


@pytest.mark.parametrize("port", [0, -1, 65536, True, "80", "80; x", 80.0, None])
def test_what_is_no_port_is_refused(port: object) -> None:
    with pytest.raises(InputError):
        Case(model(WEB, upstreams=(Upstream("web", (Endpoint("10.0.0.1", port),)),))).render()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "bad",
    [
        model(WEB, WEB),
        model(site(Route("a.example.com", "/shop")), site(Route("a.example.com", "/shop/"))),
        model(site(Route("a.example.com", tls=TLS)), site(Route("a.example.com", "/b", tls=TlsFiles("x", "y")))),
        model(site(Route("a.example.com", tls=TLS)), https=None),
        model(site(Route("a.example.com", tls=TlsFiles("never", "read")))),
        model(http=443, https=443),
        model(WEB, upstreams=(upstream("web", 1), upstream("web", 2))),
        model(site(Route("a.example.com"), read_timeout=0.0)),
        model(site(Route("a.example.com"), read_timeout=float("nan"))),
        model(site(Route("a.example.com"), max_body_size=-1)),
    ],
)
def test_a_contradiction_is_refused(bad: ProxyModel) -> None:
    with pytest.raises(InputError):
        Case(bad).render()


@pytest.mark.parametrize("name", CASES)
def test_the_file_read_back_equals_the_model(name: str) -> None:
    case = CASES[name]
    http = parse(case.render().text).all("http")[0]
    assert read_upstreams(http) == {
        upstream.app: set(upstream.endpoints) for upstream in case.model.upstreams if upstream.endpoints
    }
    expected = {(site.route.host, site.route.path.rstrip("/")) for site in case.model.sites}
    assert read_routes(http, case) == expected


labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
hosts = st.lists(labels, min_size=1, max_size=4).map(".".join) | labels.map("*.{}.org".format)
paths = st.lists(st.from_regex(r"[A-Za-z0-9_~-]{1,8}", fullmatch=True), max_size=3).map(
    lambda parts: "/" + "/".join(parts)
)
endpoints = st.builds(Endpoint, st.ip_addresses().map(str), st.integers(1, 65535), st.integers(1, 100))


@st.composite
def models(draw: st.DrawFn) -> ProxyModel:
    apps = draw(st.lists(labels, unique=True, min_size=1, max_size=4))
    routes = draw(
        st.lists(st.builds(Route, hosts, paths, st.booleans()), unique_by=lambda r: (r.host, r.path), max_size=6)
    )
    sites = [site(route, draw(st.sampled_from(apps)), read_timeout=draw(st.floats(0.01, 9999))) for route in routes]
    upstreams = [Upstream(app, tuple(draw(st.lists(endpoints, unique=True, max_size=4)))) for app in apps]
    return model(*sites, upstreams=tuple(upstreams))


@given(models())
def test_any_model_is_read_back_whole_and_its_order_means_nothing(model: ProxyModel) -> None:
    config = render(model, ack=ACK)
    http = parse(config.text).all("http")[0]
    assert read_upstreams(http) == {u.app: set(u.endpoints) for u in model.upstreams if u.endpoints}
    assert read_routes(http, Case(model)) == {(s.route.host, s.route.path.rstrip("/")) for s in model.sites}
    shuffled = replace(
        model,
        sites=tuple(reversed(model.sites)),
        upstreams=tuple(Upstream(u.app, tuple(reversed(u.endpoints))) for u in reversed(model.upstreams)),
    )
    assert render(shuffled, ack=ACK) == config


def test_retries_end_before_the_read_timeout_and_outlast_two_connects() -> None:
    for read_timeout in (0.05, 0.5, 1, 2, 3, 5, 6, 60, 3600):
        text = (
            Case(model(site(Route("a.org"), read_timeout=read_timeout), upstreams=(upstream("web", 80),))).render().text
        )
        (location,) = [
            d
            for server in parse(text).all("http")[0].all("server")
            for d in server.all("location")
            if d.first("proxy_pass")
        ]
        connect, read, retry = (
            int(location.first(f"proxy_{name}_timeout")[0].removesuffix("ms"))
            for name in ("connect", "read", "next_upstream")
        )
        assert 2 * connect < retry < read == read_timeout * 1000


def test_workers_outlive_the_longest_request() -> None:
    text = Case(model(site(Route("a.org"), read_timeout=600.5))).render().text
    assert parse(text).first("worker_shutdown_timeout") == ("606s",)


def test_the_hash_names_the_text_but_not_its_writer() -> None:
    one, two = Case(SECURE).render(generation=1), Case(SECURE).render(generation=2)
    assert one.hash == two.hash == hash_text(one.text) == hash_text(two.text)
    assert f'return 200 "{one.hash} 1\\n";' in one.text
    assert hash_text(one.text.replace("max_fails=0", "max_fails=1")) != one.hash


def test_a_renewed_certificate_is_another_configuration() -> None:
    renewed = {TLS: replace(CERTIFICATES[TLS], digest="cd" * 32)}
    assert Case(SECURE).render().hash != Case(SECURE, certificates=renewed).render().hash


@pytest.mark.parametrize(
    ("reference", "version"),
    [
        ("nginx:1.28", (1, 28)),
        ("docker.io/library/nginx:1.29.7-alpine", (1, 29, 7)),
        ("registry:5000/nginx:1.22@sha256:ab", (1, 22)),
        ("nginx", None),
        ("nginx:stable", None),
        ("acme/lb:1.28", None),
        ("acme/nginx:2.0", None),
        ("nginx:1.28x", None),
    ],
)
def test_the_version_is_read_from_the_reference_where_it_can_be(
    reference: str, version: tuple[int, ...] | None
) -> None:
    assert parse_image_version(reference) == version


def test_an_answer_of_something_else_is_none() -> None:
    assert parse_answer(f"{'a' * 64} 7\n") == Answer("a" * 64, 7)
    assert [parse_answer(body) for body in ("", "a" * 64, "<html>", f"{'A' * 64} 7\n")] == [None] * 4


def read_upstreams(http: Directive) -> dict[str, set[Endpoint]]:
    return {group.values[0]: {_endpoint(server) for server in group.all("server")} for group in http.all("upstream")}


def _endpoint(server: Directive) -> Endpoint:
    socket, max_fails, weight = server.values
    address, _, port = socket.rpartition(":")
    assert max_fails == "max_fails=0"
    return Endpoint(address.strip("[]"), int(port), int(weight.removeprefix("weight=")))


def read_routes(http: Directive, case: Case) -> set[tuple[str, str]]:
    """Host and path of each location that is a route's, from all servers but the default ones and the acknowledging."""
    found = set()
    for server in http.all("server"):
        host = server.first("server_name")[0]
        if host in ("_", case.ack.host):
            continue
        for location in server.all("location"):
            if location.first("return") != ("404",):
                found.add((host, location.values[-1].rstrip("/")))
    return found
