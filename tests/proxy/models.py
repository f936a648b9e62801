"""Models of a load balancer, each named after what its configuration must show."""

from dataclasses import dataclass, field

from declare.model.app import Route, TlsFiles
from declare.model.proxy import Endpoint, ProxyModel, Site, Upstream
from declare.proxy.config import Acknowledgement, Certificate, NginxConfig
from declare.proxy.render import Version, render

TLS = TlsFiles("shop.pem", "shop.key")
CERTIFICATES = {TLS: Certificate("/etc/nginx/declare/tls.crt", "/etc/nginx/declare/tls.key", "ab" * 32)}
ACK = Acknowledgement("127.0.0.1", 20999)


def site(route: Route, app: str = "web", *, read_timeout: float = 60.0, max_body_size: int = 1024 * 1024) -> Site:
    return Site(route, app, read_timeout, max_body_size)


def upstream(app: str = "web", *ports: int, address: str = "127.0.0.1") -> Upstream:
    return Upstream(app, tuple(Endpoint(address, port) for port in ports))


def model(*sites: Site, upstreams: tuple[Upstream, ...] = (), http: int = 8080, https: int | None = 8443) -> ProxyModel:
    return ProxyModel("shop", http, https, sites, upstreams)


@dataclass(frozen=True)
class Case:
    model: ProxyModel
    ack: Acknowledgement = ACK
    contained: bool = True
    version: Version | None = None
    certificates: dict[TlsFiles, Certificate] = field(default_factory=lambda: CERTIFICATES)

    def render(self, *, generation: int = 0) -> NginxConfig:
        return render(
            self.model,
            ack=self.ack,
            contained=self.contained,
            version=self.version,
            certificates=self.certificates,
            generation=generation,
        )


WEB = site(Route("shop.example.com"))
SECURE = model(site(Route("shop.example.com", tls=TLS)), upstreams=(upstream("web", 20001),))

CASES = {
    "no-routes": Case(model()),
    "three-replicas-share-the-load": Case(model(WEB, upstreams=(upstream("web", 20003, 20001, 20002),))),
    "an-app-without-replicas-answers-503": Case(model(WEB, upstreams=(upstream("web"),))),
    "paths-of-one-host-go-to-their-own-apps": Case(
        model(
            site(Route("shop.example.com", "/api/v2"), "api2"),
            site(Route("shop.example.com", "/api"), "api"),
            WEB,
            upstreams=(upstream("web", 20001), upstream("api2", 20003), upstream("api", 20002)),
        )
    ),
    "a-prefix-is-stripped": Case(
        model(
            site(Route("shop.example.com", "/admin", strip_prefix=True), "admin"),
            upstreams=(upstream("admin", 20001),),
        )
    ),
    "http-redirects-to-https": Case(SECURE),
    "http-is-served-beside-https-where-asked": Case(
        model(
            site(Route("shop.example.com", tls=TLS, redirect=False)),
            site(Route("shop.example.com", "/hook"), "hook"),
            upstreams=(upstream("web", 20001), upstream("hook", 20002)),
            http=80,
            https=443,
        )
    ),
    "unknown-names-get-no-handshake-since-1-19-4": Case(SECURE, version=(1, 22, 1)),
    "http2-is-a-directive-since-1-25-1": Case(SECURE, version=(1, 28, 0)),
    "upstream-keepalive-is-off-since-1-29-7": Case(SECURE, version=(1, 29, 7)),
    "a-wildcard-host-beside-a-plain-one": Case(
        model(WEB, site(Route("*.example.com"), "any"), upstreams=(upstream("web", 20001), upstream("any", 20002)))
    ),
    "a-host-with-an-ipv6-address-listens-on-both": Case(
        model(WEB, upstreams=(upstream("web", 20001, address="::1"),)), ack=Acknowledgement("::1", 20999)
    ),
    "each-app-has-its-own-limits": Case(
        model(
            site(Route("quick.example.com"), "quick", read_timeout=2.0, max_body_size=512),
            site(Route("slow.example.com"), "slow", read_timeout=600.5, max_body_size=0),
            upstreams=(upstream("quick", 20001), upstream("slow", 20002)),
        )
    ),
    "endpoints-have-weights": Case(
        model(WEB, upstreams=(Upstream("web", (Endpoint("127.0.0.1", 20001, 9), Endpoint("127.0.0.2", 20001, 1))),))
    ),
    "an-nginx-of-the-users-own": Case(
        SECURE, ack=Acknowledgement("127.0.0.1", 8081), contained=False, certificates=CERTIFICATES
    ),
    "acknowledged-on-the-port-of-the-routes": Case(
        model(WEB, upstreams=(upstream("web", 20001),)), ack=Acknowledgement("127.0.0.1", 8080), contained=False
    ),
    "acknowledged-under-a-name": Case(
        model(WEB, upstreams=(upstream("web", 20001),)),
        ack=Acknowledgement(None, 8081, name="lb.example.com"),
        contained=False,
    ),
}
