"""A model of the load balancer becomes nginx's configuration: same input, same bytes.

Values are data that fill a template's blanks, never templates; each passed an allow-list before.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from declare.model.app import TlsFiles
from declare.model.engine import FileContent
from declare.model.proxy import ProxyModel, Site, Upstream
from declare.proxy.check import check_model, normal_path
from declare.proxy.config import NO_HASH, Acknowledgement, Certificate, NginxConfig, seal

if TYPE_CHECKING:
    from jinja2 import Template

Version = tuple[int, ...]

_HTTP2_DIRECTIVE: Version = (1, 25, 1)
_KEEPALIVE_MIN_TIMEOUT: Version = (1, 27, 4)
_KEEPALIVE_BY_DEFAULT: Version = (1, 29, 7)
_REJECT_HANDSHAKE: Version = (1, 19, 4)


@dataclass(frozen=True, slots=True)
class _Endpoint:
    socket: str
    weight: int


@dataclass(frozen=True, slots=True)
class _Upstream:
    app: str
    zone: int
    endpoints: tuple[_Endpoint, ...]


@dataclass(frozen=True, slots=True)
class _Location:
    """A redirect to https, an app that has endpoints, or (app "") one that has none. Milliseconds and bytes."""

    match: str
    redirect: bool = False
    app: str = ""
    prefix: str = ""
    max_body_size: int = 0
    connect: int = 0
    read: int = 0
    retry: int = 0


@dataclass(frozen=True, slots=True)
class _Server:
    host: str
    sockets: tuple[str, ...]
    locations: tuple[_Location, ...]
    certificate: Certificate | None = None

    @property
    def has_root(self) -> bool:
        return any(location.match == "/" for location in self.locations)


def render(
    model: ProxyModel,
    *,
    ack: Acknowledgement,
    contained: bool = True,
    version: Version | None = None,
    certificates: Mapping[TlsFiles, Certificate] | None = None,
    generation: int = 0,
) -> NginxConfig:
    """The configuration of `model`, for nginx in declare's own container or (`contained` False) the user's own.

    `version` is nginx's; None renders what all versions since 1.15 accept. `generation` tells who wrote it and is no
    part of the hash. Raises InputError for a value that nginx could misread.
    """
    certificates = certificates or {}
    check_model(model, ack=ack, certificates=certificates)
    used = {site.route.tls: certificates[site.route.tls] for site in model.sites if site.route.tls}
    text = _template().render(_blanks(model, ack=ack, contained=contained, version=version, certificates=used))
    text, name = seal(text, generation=generation)
    listens = (model.http, model.https) if used and model.https else (model.http,)
    return NginxConfig(text, name, ack, listens, _files(used.values()))


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False
    )
    return environment.from_string(Path(__file__).with_name("nginx.conf.j2").read_text("utf-8"))


def _blanks(
    model: ProxyModel,
    *,
    ack: Acknowledgement,
    contained: bool,
    version: Version | None,
    certificates: Mapping[TlsFiles, Certificate],
) -> dict[str, object]:
    known = version or ()
    h2_directive = known >= _HTTP2_DIRECTIVE
    with_v6 = ack.address is not None and ":" in ack.address
    return {
        "project": model.project,
        "user": "nginx" if contained else "",
        "contained": contained,
        "shutdown": max(60, math.ceil(max((site.read_timeout for site in model.sites), default=0))) + 5,
        "keepalive_min_timeout": known >= _KEEPALIVE_MIN_TIMEOUT,
        "keepalive_off": known >= _KEEPALIVE_BY_DEFAULT,
        "reject_handshake": known >= _REJECT_HANDSHAKE,
        "h2_directive": h2_directive,
        "h2_listen": "" if h2_directive else " http2",
        "http_sockets": _sockets(model.http, with_v6=with_v6),
        "https_sockets": _sockets(model.https, with_v6=with_v6) if model.https else (),
        "https_suffix": "" if model.https in (None, 443) else f":{model.https}",
        "certificates": sorted(certificates.values(), key=lambda certificate: certificate.cert_path),
        "ack": _ack(ack, http=model.http),
        "no_hash": NO_HASH,
        "upstreams": [_upstream(upstream) for upstream in _filled(model)],
        "sites": _servers(model, certificates, with_v6=with_v6),
    }


def _sockets(port: int, *, with_v6: bool) -> tuple[str, ...]:
    # A host may have IPv6 switched off, and one socket that can't be made keeps nginx from starting: only where the
    # host's own address shows that it works.
    return (str(port), f"[::]:{port}") if with_v6 else (str(port),)


def _socket(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _ack(ack: Acknowledgement, *, http: int) -> dict[str, object]:
    return {
        "own_socket": ack.port != http,
        "socket": f"{ack.host}:{ack.port}" if ack.address else str(ack.port),
        "name": ack.host,
        "path": ack.path,
    }


def _filled(model: ProxyModel) -> list[Upstream]:
    return sorted((upstream for upstream in model.upstreams if upstream.endpoints), key=lambda upstream: upstream.app)


def _upstream(upstream: Upstream) -> _Upstream:
    endpoints = tuple(_Endpoint(_socket(e.address, e.port), e.weight) for e in sorted(upstream.endpoints))
    # 64k is too little for 400 endpoints; a power of two keeps the size, and so the zone, over most reloads.
    zone = 1 << max(7, math.ceil(math.log2(64 + 2 * len(endpoints))))
    return _Upstream(upstream.app, zone, endpoints)


def _servers(model: ProxyModel, certificates: Mapping[TlsFiles, Certificate], *, with_v6: bool) -> list[_Server]:
    filled = {upstream.app for upstream in _filled(model)}
    sites = sorted(model.sites, key=lambda site: (site.route.host, normal_path(site.route.path)))
    servers = []
    for host, group in groupby(sites, key=lambda site: site.route.host):
        routes = list(group)
        tls = next((site.route.tls for site in routes if site.route.tls), None)
        http = [location for site in routes for location in _locations(site, filled, redirects=True)]
        servers.append(_Server(host, _sockets(model.http, with_v6=with_v6), tuple(http)))
        if tls and model.https:
            https = [location for site in routes for location in _locations(site, filled, redirects=False)]
            sockets = _sockets(model.https, with_v6=with_v6)
            servers.append(_Server(host, sockets, tuple(https), certificates[tls]))
    return servers


def _locations(site: Site, filled: set[str], *, redirects: bool) -> list[_Location]:
    path = normal_path(site.route.path)
    matches = ["/"] if path == "/" else [f"= {path}", f"{path}/"]
    if redirects and site.route.tls and site.route.redirect:
        return [_Location(match, redirect=True) for match in matches]
    return [_location(site, match, filled) for match in matches]


def _location(site: Site, match: str, filled: set[str]) -> _Location:
    path = normal_path(site.route.path)
    # A try that was cut by the read time-out must never be repeated elsewhere, a refused or silent connect must:
    # so twice connect < retry < read, whatever the app's read time-out is.
    retry = min(5.0, 0.75 * site.read_timeout)
    connect = min(1.0, 0.4 * retry)
    return _Location(
        match,
        app=site.app if site.app in filled else "",
        prefix=path if site.route.strip_prefix and path != "/" else "",
        max_body_size=site.max_body_size,
        connect=_milliseconds(connect),
        read=_milliseconds(site.read_timeout),
        retry=_milliseconds(retry),
    )


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _files(certificates: Iterable[Certificate]) -> dict[str, FileContent]:
    files: dict[str, FileContent] = {}
    for certificate in certificates:
        if certificate.content:
            chain, key = certificate.content
            files[certificate.cert_path] = FileContent(chain, mode=0o644)
            files[certificate.key_path] = FileContent(key.reveal(), mode=0o600)
    return files
