"""Status and hosts as tables."""

from declare.model.plan import HostSummary
from declare.model.status import AppStatus, HostStatus, ProxyStatus, ReplicaStatus, Status
from declare.show.lines import to_text
from declare.show.status import show_age, show_hosts, show_status
from tests.show.golden import assert_golden

DIGEST = "sha256:" + "0123456789abcdef" * 4
STATUS = Status(
    "shop",
    (HostSummary("web-1", True), HostSummary("web-2", False, "connection refused")),
    (
        AppStatus("old", 0, (ReplicaStatus("old", "1", "web-1", "running", surplus=True),)),
        AppStatus(
            "web",
            3,
            (
                ReplicaStatus(
                    "web", "1", "web-1", "running", "healthy", ("10.0.0.1:20411",), 3700, 2, "", DIGEST, "", 7
                ),
                ReplicaStatus("web", "2", "web-2", "unknown", "unknown", ("10.0.0.2:20117",)),
                ReplicaStatus("web", "3", "", "missing"),
            ),
            urls=("https://shop.example.com",),
        ),
    ),
    (ProxyStatus("web-1", "running", False), ProxyStatus("web-2", "unknown")),
)
FLEET = [
    HostStatus(
        "web-1", "ssh://deploy@web-1", "10.0.0.1", True, "", False, "active", "20.10.24", 4, 1.5, 2**33, 2**29, 3, 1
    ),
    HostStatus("web-2", "ssh://deploy@web-2", reachable=False, reason="connection refused", state="drained"),
    HostStatus("web-3", "tcp://10.0.0.3:2376", "10.0.0.3", version="28.1", cpus=2, memory=2**32, clock_offset=-7200.0),
]


def test_status_reads_as_its_golden_text():
    assert_golden("status.txt", to_text(show_status(STATUS)))


def test_hosts_read_as_their_golden_text():
    assert_golden("hosts.txt", to_text(show_hosts(FLEET)))


def test_a_silent_host_comes_first():
    assert to_text(show_status(STATUS)).startswith("! web-2 UNREACHABLE: connection refused")


def test_an_age_is_told_in_its_largest_unit():
    assert [show_age(s) for s in (None, 0, 119, 120, 7200, 86400 * 3)] == ["", "0s", "119s", "2m", "2h", "3d"]
