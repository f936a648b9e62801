"""Plans by the situation they show: the smallest value that has it."""

from dataclasses import replace

from declare.model.fields import Forces
from declare.model.observed import PortBinding
from declare.model.plan import (
    Action,
    AppChange,
    Drift,
    Existing,
    FieldChange,
    HostSummary,
    ImagePull,
    Placed,
    Plan,
    ProxyChange,
    ProxyHostChange,
    Repair,
    ReplicaChange,
    RouteChange,
    VolumeCreate,
)
from declare.model.problem import Problem, Source
from declare.model.proxy import ProxyModel

HOSTS = tuple(HostSummary(f"web-{n}", True) for n in (1, 2, 3))
MODEL = ProxyModel("shop", 80, 443)


def bound(port: int, *, name: str = "http", ip: str = "10.0.0.1", protocol: str = "tcp") -> PortBinding:
    return PortBinding(8000, port, ip, protocol, name)


def found(name: str, host: str, *ports: PortBinding, running: bool = True) -> Existing:
    return Existing("0" * 12, name, host, int(name.rpartition("-")[2].partition(".")[0]), running, ports)


def placed(name: str, host: str, *ports: PortBinding) -> Placed:
    return Placed(name, host, int(name.rpartition("-")[2]), ports)


def replaced(app: str, replica: str, host: str, old: int = 0, new: int = 0, *, cause: str = "image changed"):
    before = found(f"shop-{app}-{replica}-1", host, *([bound(old)] if old else []))
    after = placed(f"shop-{app}-{replica}-2", host, *([bound(new)] if new else []))
    return ReplicaChange(app, replica, Action.REPLACE, cause, before, after)


def created(app: str, replica: str, host: str, *ports: PortBinding, cause: str = "new") -> ReplicaChange:
    return ReplicaChange(app, replica, Action.CREATE, cause, None, placed(f"shop-{app}-{replica}-1", host, *ports))


def kept(app: str, replica: str, host: str) -> ReplicaChange:
    return ReplicaChange(app, replica, Action.KEEP, "", found(f"shop-{app}-{replica}-1", host))


def removed(app: str, replica: str, host: str, *, cause: str = "") -> ReplicaChange:
    return ReplicaChange(app, replica, Action.REMOVE, cause, found(f"shop-{app}-{replica}-1", host, bound(20001)))


def image(old: str, new: str) -> FieldChange:
    return FieldChange("image", old, new, Forces.REPLACE)


def unchanged(count: int) -> tuple[AppChange, ...]:
    return tuple(AppChange(f"app-{n}", Action.KEEP, (kept(f"app-{n}", "1", "web-1"),)) for n in range(count))


WEB = AppChange(
    "web",
    Action.REPLACE,
    tuple(replaced("web", str(n), f"web-{n}", old, old + 1) for n, old in ((1, 20411), (2, 20117), (3, 20093))),
    (
        image("ghcr.io/acme/web:1.4.1", "ghcr.io/acme/web:1.4.2"),
        FieldChange("environment.LOG_LEVEL", "info", "debug", Forces.REPLACE),
    ),
    source=Source("apps/web.yaml", 3),
)
DB = AppChange(
    "db",
    Action.REPLACE,
    (replaced("db", "1", "web-1"),),
    (image("postgres:16.3", "postgres:16.4"),),
    order="stop-first",
    order_cause="it owns volume pgdata on web-1",
    gap=4.0,
    source=Source("apps/db.yaml", 2),
)
API = AppChange(
    "api",
    Action.UPDATE,
    (
        kept("api", "1", "web-1"),
        ReplicaChange(
            "api",
            "2",
            Action.UPDATE,
            "stopped by hand",
            found("shop-api-2-1", "web-2", running=False),
            repairs=(Repair("start"),),
        ),
    ),
)
RELOAD = ProxyChange(
    MODEL,
    (ProxyHostChange("web-1", Action.UPDATE, "routes changed"),),
    (RouteChange("shop.example.com", "web", ("1", "2", "3")),),
)
STOPPED = Drift("api/2", "web-2", "stopped by hand", "apply starts it again")

EVERYDAY = Plan("shop", HOSTS, (WEB, DB, API, *unchanged(7)), proxy=RELOAD, drift=(STOPPED,))
NOTHING = Plan("shop", HOSTS, unchanged(10))
EMPTY = Plan("shop", HOSTS)
SILENT = (HOSTS[0], HostSummary("web-2", False, "connection timed out after 5 s"), HOSTS[2])
NOTHING_SEEN = replace(NOTHING, hosts=SILENT)
FIRST = Plan(
    "shop",
    HOSTS,
    (
        AppChange(
            "web",
            Action.CREATE,
            (
                created("web", "1", "web-1", bound(20411)),
                created("web", "2", "web-2", bound(20117), bound(20118, name="admin")),
            ),
            image="ghcr.io/acme/web:1.4.2",
            revision=1,
            allowed=("host_paths: /srv",),
            warnings=("nothing checks its health: running for 3s counts as healthy",),
            source=Source("apps/web.yaml", 3),
        ),
        AppChange(
            "dns",
            Action.CREATE,
            (created("dns", "web-1", "web-1", PortBinding(53, 53, "0.0.0.0", "udp")),),
            image="dns:1",
        ),
    ),
    proxy=ProxyChange(
        MODEL,
        (ProxyHostChange("web-1", Action.CREATE, "", None, placed("shop.proxy-1", "web-1"), 21000),),
        (RouteChange("shop.example.com", "web", ("1", "2")), RouteChange("shop.example.com/empty", "dns")),
    ),
    pulls=(
        ImagePull("ghcr.io/acme/web:1.4.2", ("web-1", "web-2", "web-3"), "sha256:" + "ab" * 32),
        ImagePull("dns:1", ("web-1",), copy_from="web-3"),
    ),
    volumes=(VolumeCreate("shop_data", "web-1"), VolumeCreate("shop_nfs", "web-2", "nfs")),
)
REMOVED = Plan(
    "shop",
    HOSTS,
    (
        AppChange(
            "old",
            Action.REMOVE,
            (
                removed("old", "1", "web-1", cause="not declared any more"),
                removed("old", "2", "web-3", cause="not declared any more"),
            ),
        ),
        AppChange(
            "web",
            Action.UPDATE,
            (kept("web", "1", "web-1"), removed("web", "2", "web-2", cause="scaled down")),
            (FieldChange("replicas", 2, 1, Forces.SCALE),),
        ),
    ),
    proxy=ProxyChange(MODEL, (ProxyHostChange("web-1", Action.UPDATE),), (RouteChange("old.example.com", ""),)),
    leftovers=(found("shop-worker-1-3", "web-2"),),
)
MOVED = Plan(
    "shop",
    (HOSTS[0], replace(SILENT[1], lost=True), HOSTS[2]),
    (
        AppChange(
            "web",
            Action.UPDATE,
            (
                kept("web", "1", "web-1"),
                ReplicaChange(
                    "web",
                    "2",
                    Action.MOVE,
                    "web-2 is lost",
                    found("shop-web-2-1", "web-2", bound(20117)),
                    placed("shop-web-2-2", "web-3", bound(20117)),
                    leftovers=(found("shop-web-2-0", "web-1"),),
                ),
            ),
            failed=(found("shop-web-2-1.failed", "web-3"),),
        ),
    ),
)
RECORDED = Plan(
    "shop",
    HOSTS,
    (
        AppChange(
            "web",
            Action.UPDATE,
            (kept("web", "1", "web-1"),),
            (
                FieldChange("update.parallelism", None, 2, Forces.RECORD),
                FieldChange("update.settle", "3s", "10s", Forces.RECORD),
                FieldChange("routes", ["a.example.com"], ["b.example.com"], Forces.PROXY),
                FieldChange("placement.spread", "zone", None, Forces.PLACE),
            ),
        ),
    ),
)
HOSTILE = Plan(
    "shop",
    (HostSummary("web-1", False, "\x1b]52;c;AAAA\x07 \u202egnp.exe"),),
    (
        AppChange(
            "web",
            Action.REPLACE,
            (replaced("web", "1", "web-1", cause="x\r\x1b[2K"),),
            (
                FieldChange("command", ["sh", "-c", "echo a\nb `c` </details> | x"], None, Forces.REPLACE),
                FieldChange("environment.BIG", "a" * 3000 + "b", "a" * 3000 + "c", Forces.REPLACE),
                FieldChange("environment.EMPTY", "", " ", Forces.REPLACE),
                FieldChange("environment.PORT", "80", 80, Forces.REPLACE),
                FieldChange("labels.com.example.x", "```\n</details>", "\u200b", Forces.REPLACE),
                FieldChange("secrets.db_password", None, None, Forces.REPLACE, secret=True),
                FieldChange("image", "web@sha256:" + "a" * 64, "web@sha256:" + "b" * 64, Forces.REPLACE),
            ),
        ),
    ),
    drift=(Drift("web/1\x1b[31m", "web-1", "renamed by hand to \u202ecod", ""),),
    warnings=(Problem("plain TCP\x07", Source("inventory.yaml", 4), help="use tls", severity="warning"),),
)
MANY = Plan(
    "shop",
    HOSTS,
    tuple(
        replace(
            WEB,
            name=f"web-{n}",
            fields=(*WEB.fields, FieldChange("command", None, "x" * 60, Forces.REPLACE)),
            replicas=tuple(replaced(f"web-{n}", str(r), f"web-{r}", 20000 + r, 21000 + r) for r in (1, 2, 3)),
        )
        for n in range(400)
    ),
)

SITUATIONS = {
    "an-everyday-release": EVERYDAY,
    "nothing-to-do": NOTHING,
    "nothing-declared": EMPTY,
    "nothing-to-do-but-a-silent-host": NOTHING_SEEN,
    "a-first-deployment": FIRST,
    "apps-and-replicas-are-removed": REMOVED,
    "a-lost-host": MOVED,
    "settings-that-change-no-container": RECORDED,
    "hostile-values": HOSTILE,
}
