"""The allow-lists that every value passes on its way to nginx: what nginx could misread is refused."""

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable, Mapping

from declare.model.app import Route, TlsFiles
from declare.model.errors import InputError
from declare.model.problem import Problem
from declare.model.proxy import ProxyModel, Site, Upstream
from declare.proxy.config import Acknowledgement, Certificate

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_HOST = re.compile(r"(?:\*\.)?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")
_PATH = re.compile(r"/[A-Za-z0-9._~/-]*")
_FILE = re.compile(r"/[A-Za-z0-9._~/@+-]*[A-Za-z0-9._~@+-]")
_MAX_HOST = 253
_MAX_PATH = 1024
_MAX_SECONDS = 30 * 24 * 3600.0
_MAX_WEIGHT = 65535


def check_model(model: ProxyModel, *, ack: Acknowledgement, certificates: Mapping[TlsFiles, Certificate]) -> None:
    """Raise InputError with everything that must not reach nginx; a model that passes renders to a valid file."""
    problems = [Problem(f"the proxy can't be configured: {text}") for text in _refusals(model, ack, certificates)]
    if problems:
        raise InputError(problems)


def is_address(text: str) -> bool:
    """An IPv4 or IPv6 address without a zone: nothing that a name server would be asked for."""
    try:
        return "%" not in text and bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def normal_path(path: str) -> str:
    """A route's path without slashes at its end: "/shop" for "/shop/"."""
    return path.rstrip("/") or "/"


def _refusals(model: ProxyModel, ack: Acknowledgement, certificates: Mapping[TlsFiles, Certificate]) -> Iterable[str]:
    yield from _refused_name("project", model.project)
    yield from _refused_ports(model, ack)
    for upstream in model.upstreams:
        yield from _refused_upstream(upstream)
    for site in model.sites:
        yield from _refused_site(site)
    yield from _twice("upstream", [upstream.app for upstream in model.upstreams])
    yield from _twice("route", [f"{site.route.host}{normal_path(site.route.path)}" for site in model.sites])
    yield from _refused_tls(model, certificates)


def _refused_ports(model: ProxyModel, ack: Acknowledgement) -> Iterable[str]:
    for what, port in (("http", model.http), ("https", model.https), ("acknowledging", ack.port)):
        if port is not None and not _is_port(port):
            yield f"{what} port {port!r} is not a port"
    if model.https in (model.http, ack.port):
        yield f"port {model.https} can't serve both https and something else"
    if ack.address is not None and not is_address(ack.address):
        yield f"{ack.address!r} is not an IP address"
    if ack.name is not None and not _HOST.fullmatch(ack.name):
        yield f"{ack.name!r} is not a host name"
    if ack.port == model.http and ack.host in {site.route.host for site in model.sites}:
        yield f"{ack.host!r} can't be a route and the acknowledging URL on one port"
    if not _is_path(ack.path):
        yield f"{ack.path!r} is not a path"


def _refused_upstream(upstream: Upstream) -> Iterable[str]:
    yield from _refused_name("app", upstream.app)
    for endpoint in upstream.endpoints:
        if not is_address(endpoint.address):
            yield f"{endpoint.address!r} of {upstream.app} is not an IP address"
        if not _is_port(endpoint.port):
            yield f"{endpoint.port!r} of {upstream.app} is not a port"
        if not _is_number(endpoint.weight, 1, _MAX_WEIGHT):
            yield f"weight {endpoint.weight!r} of {upstream.app} is not a number from 1 to {_MAX_WEIGHT}"


def _refused_site(site: Site) -> Iterable[str]:
    yield from _refused_name("app", site.app)
    yield from _refused_route(site.route)
    if not 0.001 <= site.read_timeout <= _MAX_SECONDS:
        yield f"read timeout {site.read_timeout!r} of {site.route} is out of range"
    if not _is_number(site.max_body_size, 0, 2**62):
        yield f"body size {site.max_body_size!r} of {site.route} is out of range"


def _refused_route(route: Route) -> Iterable[str]:
    if not isinstance(route.host, str) or len(route.host) > _MAX_HOST or not _HOST.fullmatch(route.host):
        yield f"{route.host!r} is not a host name"
    if not _is_path(route.path):
        yield f"{route.path!r} is not a path of letters, digits and . _ ~ - /"


def _refused_tls(model: ProxyModel, certificates: Mapping[TlsFiles, Certificate]) -> Iterable[str]:
    used: dict[str, TlsFiles] = {}
    for site in model.sites:
        if (files := site.route.tls) is None:
            continue
        if model.https is None:
            yield f"{site.route} has a certificate, and the inventory gives the proxy no https port"
        if used.setdefault(site.route.host, files) != files:
            yield f"the routes of {site.route.host!r} name different certificates"
        if files not in certificates:
            yield f"the certificate of {site.route} was not read"
    for certificate in certificates.values():
        for path in (certificate.cert_path, certificate.key_path):
            if not _FILE.fullmatch(path):
                yield f"the certificate's path {path!r} is not absolute, of letters, digits and . _ ~ / @ + -"
        if not re.fullmatch(r"[0-9a-f]{8,64}", certificate.digest):
            yield f"{certificate.digest!r} is not a digest"


def _refused_name(what: str, name: str) -> Iterable[str]:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield f"{name!r} is not the name of a{'n' if what[0] in 'aeiou' else ''} {what}"


def _twice(what: str, keys: list[str]) -> Iterable[str]:
    for key in sorted(key for key, count in Counter(keys).items() if count > 1):
        yield f"{what} {key!r} is there twice"


def _is_path(path: str) -> bool:
    segments_are_plain = not {".", ".."} & set(path.split("/")) and "//" not in path
    return len(path) <= _MAX_PATH and bool(_PATH.fullmatch(path)) and segments_are_plain


def _is_port(port: int) -> bool:
    return _is_number(port, 1, 65535)


def _is_number(value: int, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most
