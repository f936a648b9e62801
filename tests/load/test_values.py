"""One meaning has one canonical form, however it was written."""

from pathlib import Path
from typing import Any

import pytest

from declare.load.app import parse_app
from declare.load.interpolation import look_up, substitute
from declare.load.project import load_project
from declare.load.scalar import resolve
from declare.model.app import App, CommandCheck, SecretUse
from declare.model.errors import InputError
from declare.model.powers import allowances
from tests.load.bad_input import APP, WEB, BadInput

ALL = "privileged, host_namespaces, devices, host_paths, docker_socket, capabilities, low_ports"


def load(lines: str, folder: Path, *, files: dict[str, str] | None = None, **environment: str) -> App:
    """The app `web` with these fields, everything allowed."""
    inventory = f"project: shop\nhosts: {{h1: {{context: x}}}}\nvars: {{FROM: vars, V: vars}}\nallow: [{ALL}]\n"
    body = "".join(f"    {line}\n" for line in lines.splitlines())
    given = {"inventory.yaml": inventory, WEB: APP + body, **(files or {})}
    project = load_project(BadInput("", given, "", ()).write(folder), environment=environment)
    return project.desired.apps[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("2222:22", "2222:22"),
        ("010", "010"),
        ("0o10", 8),
        ("0x10", 16),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        ("~", None),
        ("", None),
        ("TRUE", True),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("-1", -1),
        ("1.10", 1.1),
        ("2001-01-01", "2001-01-01"),
        ("9" * 5000, "9" * 5000),
        ("=", "="),
        ("<<", "<<"),
        ("1e999", "1e999"),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$A-${A}", "a-a"),
        ("${U:-d}", "d"),
        ("${U-d}", "d"),
        ("${E:-d}", "d"),
        ("${E-d}", ""),
        ("${A:-d}", "a"),
        ("${A:+x}", "x"),
        ("${E:+x}", ""),
        ("${E+x}", "x"),
        ("${U+x}", ""),
        ("$$A", "$A"),
        ("$${A}", "${A}"),
        ("${U:-${V:-${A}}}", "a"),
        ("${A:-${U}}", "a"),
        ("${A:?no}", "a"),
        ("${U:-}", ""),
        ("a$A.b", "aa.b"),
        ("${U:-a:b}", "a:b"),
    ],
)
def test_variables_are_replaced_as_compose_does(text: str, result: str) -> None:
    assert substitute(text, look_up({"A": "a", "E": ""})) == result


def test_the_environment_wins_over_dotenv_and_dotenv_over_vars(tmp_path: Path) -> None:
    files = {".env": "V=dotenv\nW='dotenv'\n"}
    app = load("environment: [V, W, FROM]", tmp_path, files=files, W="environment")
    assert app.spec["environment"] == {"V": "dotenv", "W": "environment", "FROM": "vars"}


def test_a_variable_takes_the_type_that_its_field_wants(tmp_path: Path) -> None:
    lines = 'replicas: ${N}\ninit: "${B}"\nenvironment: {N: "${N}"}\nulimits: {nofile: {soft: "${N}", hard: 5}}'
    app = load(lines, tmp_path, N="3", B="true")
    assert app.replicas == 3
    assert app.spec["init"] is True
    assert app.spec["environment"] == {"N": "3"}
    assert app.spec["ulimits"] == {"nofile": {"soft": 3, "hard": 5}}


def test_anchors_and_merges_work_and_the_nearer_key_wins(tmp_path: Path) -> None:
    manifest = (
        "x-base: &base {image: base:1, replicas: 2, environment: {A: '${V}'}}\n"
        "x-more: &more {replicas: 5, init: true}\n"
        "apps:\n  web:\n    <<: [*base, *more]\n    image: web:1\n"
    )
    app = load("", tmp_path, files={WEB: manifest})
    assert (app.image, app.replicas, app.spec["init"]) == ("web:1", 2, True)
    assert app.spec["environment"] == {"A": "vars"}


def test_windows_line_ends_and_a_byte_order_mark_are_fine(tmp_path: Path) -> None:
    app = load("", tmp_path, files={WEB: "\ufeff" + (APP + "    command: a b\n").replace("\n", "\r\n")})
    assert app.spec["command"] == ["a", "b"]


def test_environment_values_keep_how_they_were_written(tmp_path: Path) -> None:
    app = load("environment: {A: 1.10, B: 010, C: true, D: no, E: '', F: 0x1F}", tmp_path)
    assert app.spec["environment"] == {"A": "1.10", "B": "010", "C": "true", "D": "no", "E": "", "F": "0x1F"}


def test_an_env_file_is_read_into_the_spec_and_feeds_no_variables(tmp_path: Path) -> None:
    files = {"web.env": "# comment\nexport A=1 # one\nB='$A'\nC=\"${A}\\n\"\nD=${V}\nFROM\nGONE\nE: colon\n"}
    app = load("env_file: [web.env, {path: gone.env, required: false}]", tmp_path, files=files)
    assert app.spec["env_file"] == {
        "A": "1", "B": "$A", "C": "1\n", "D": "vars", "FROM": "vars", "E": "colon"
    }  # fmt: skip
    assert parse_app("web", app.spec).spec == app.spec


SAME: list[tuple[str, Any, Any]] = [
    ("environment", ["A=1", "B=x=y"], {"A": "1", "B": "x=y"}),
    ("labels", ["a.b=c"], {"a.b": "c"}),
    ("command", "sh -c 'echo a b'", ["sh", "-c", "echo a b"]),
    ("ulimits", {"nofile": {"soft": 5, "hard": 5}}, {"nofile": 5}),
    ("extra_hosts", ["db:10.0.0.1", "c=[::1]"], {"db": "10.0.0.1", "c": "::1"}),
    ("dns", "1.1.1.1", ["1.1.1.1"]),
    ("tmpfs", "/run", ["/run"]),
    ("cap_add", ["cap_net_admin", "NET_ADMIN"], ["NET_ADMIN"]),
    ("devices", ["/dev/a"], [{"source": "/dev/a"}]),
    ("devices", ["/dev/a:rw"], ["/dev/a:/dev/a:rw"]),
    ("publish", ["8000-8001:80-81"], [{"target": 81, "published": 8001}, {"target": "80", "published": "8000"}]),
    ("publish", ["[::1]:53:53/udp"], [{"target": 53, "published": 53, "host_ip": "::1", "protocol": "udp"}]),
    ("volumes", ["data:/x:ro"], [{"type": "volume", "source": "data", "target": "/x/", "read_only": True}]),
    ("volumes", ["data:/x:rw,cached"], ["data:/x"]),
    (
        "volumes",
        ["/a:/x:rslave"],
        [{"type": "bind", "source": "/a", "target": "/x", "bind": {"propagation": "rslave"}}],
    ),
    ("routes", ["A.example.com./a/"], [{"host": "a.example.com", "path": "/a", "redirect": True}]),
    ("healthcheck", {"test": ["CMD", "a", "b"], "interval": "2000ms"}, {"command": ["a", "b"]}),
    ("healthcheck", {"test": "a b"}, {"test": ["CMD-SHELL", "a b"]}),
    ("healthcheck", {"test": ["NONE"]}, {"disable": True}),
    ("mem_limit", "1024m", 1024**3),
    ("mem_limit", "1g", "1GiB"),
    ("stop_grace_period", "90s", "1m30s"),
    ("cpus", "0.50", 0.5),
    ("cpu_rt_period", "400ms", 400000),
    ("restart", "on-failure:0", "on-failure"),
    ("ports", {"http": 80}, {"http": 80.0}),
    ("ports", {"http": 16}, {"http": 0x10}),
    ("secrets", ["a"], [{"name": "a", "target": "a", "mode": "0444", "uid": 0}]),
    ("placement", {"require": {"zone": ["a"]}}, {"require": {"zone": "a"}}),
    ("group_add", [1000, "video"], ["video", "1000"]),
    ("pull_policy", "if_not_present", "missing"),
    (
        "blkio_config",
        {"device_read_bps": [{"path": "/dev/a", "rate": "1k"}]},
        {"device_read_bps": [{"path": "/dev/a", "rate": 1024}]},
    ),
]


@pytest.mark.parametrize(("field", "one", "other"), SAME, ids=[f"{field}-{n}" for n, (field, *_) in enumerate(SAME)])
def test_two_ways_to_write_one_thing_are_equal(field: str, one: Any, other: Any) -> None:
    assert parse_app("web", {"image": "x", field: one}) == parse_app("web", {"image": "x", field: other})


def test_one_port_called_http_is_the_port() -> None:
    assert parse_app("web", {"image": "x", "ports": {"http": 80}}).spec == {"image": "x", "port": 80}


def test_an_empty_list_says_nothing_except_where_it_takes_away_what_the_image_has() -> None:
    spec = {"image": "x", "labels": {}, "dns": [], "command": [], "entrypoint": []}
    assert parse_app("web", spec).spec == {"image": "x", "command": [], "entrypoint": []}


def test_views_say_what_the_spec_says() -> None:
    app = parse_app(
        "web",
        {
            "image": "x",
            "healthcheck": {"command": "true", "retries": 9},
            "secrets": [{"name": "a", "env": "A"}],
            "stop_grace_period": "1m",
            "update": {"parallelism": "50%", "drain": "1m"},
        },
    )
    assert app.healthcheck
    assert app.healthcheck.check == CommandCheck(("CMD-SHELL", "true"))
    assert app.healthcheck.retries == 9
    assert app.secrets == (SecretUse("a", env="A"),)
    assert (app.stop_grace_period, app.update.drain, app.update.parallelism) == (60.0, 60.0, "50%")


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"image": 5, "ports": 3},
        {"image": "x", "volumes": [{}]},
        {"image": "x", "routes": ["a b"]},
        {"image": "x", "update": []},
        {"image": "x", "mem_limit": False},
        {"image": "x", "replicas": True},
        {"image": "x", "healthcheck": {}},
    ],
)
def test_a_recorded_spec_that_was_tampered_with_is_refused(spec: Any) -> None:
    with pytest.raises(InputError):
        parse_app("web", spec)


def test_what_an_app_may_do_to_its_host_is_named() -> None:
    spec = {"image": "x", "privileged": True, "pid": "host", "cap_add": ["NET_ADMIN"], "devices": ["/dev/fuse"],
            "volumes": ["/srv:/srv", "/run/docker.sock:/s", "data:/d"], "publish": ["80:80", "8080:80"]}  # fmt: skip
    assert ", ".join(sorted(allowances(parse_app("web", spec)))) == ", ".join(sorted(ALL.split(", ")))
    assert allowances(parse_app("web", {"image": "x", "volumes": ["data:/d"], "publish": ["8080:80"]})) == ()
