"""A hundred and more kinds of bad input, as data: what to write, and the place and words that must come back.

`write` puts a case into a folder; the project's door and its Python functions must both refuse it there.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

INVENTORY = "project: shop\nhosts:\n  h1: {engine: 'unix:///var/run/docker.sock'}\n"
APP = "apps:\n  web:\n    image: web:1\n"
WEB = "apps/web.yaml"
INV = "inventory.yaml"


@dataclass(frozen=True)
class BadInput:
    """`place` is FILE:LINE:COLUMN of the problem that is meant; `words` all stand in its message or its help."""

    id: str
    files: Mapping[str, str | bytes]
    place: str
    words: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    make: Callable[[Path], None] = lambda _: None
    secrets: bool = False

    def write(self, folder: Path) -> Path:
        """Write the files; the path of the inventory."""
        for name, content in {INV: INVENTORY, **self.files}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.make(folder)
        return folder / INV


def _manifest(id: str, content: str | bytes, place: str, *words: str, **more: object) -> BadInput:
    return BadInput(id, {WEB: content}, f"{WEB}:{place}", words, **more)  # type: ignore[arg-type]


def _app(id: str, lines: str, place: str, *words: str, **more: object) -> BadInput:
    """A case of one app's fields: `lines` begin on line 4, column 5."""
    body = "".join(f"    {line}\n" for line in lines.splitlines())
    return _manifest(id, APP + body, place, *words, **more)


def _inventory(id: str, content: str, place: str, *words: str, **more: object) -> BadInput:
    return BadInput(id, {INV: content, WEB: APP}, f"{INV}:{place}", words, **more)  # type: ignore[arg-type]


def _host(id: str, host: str, place: str, *words: str) -> BadInput:
    """A case of one host, which begins on line 3 after "  h1: "."""
    return _inventory(id, f"project: shop\nhosts:\n  h1: {host}\n", place, *words)


def _fifo(folder: Path) -> None:
    os.mkfifo(folder / "apps" / "pipe.yaml")


def _link(to: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "linked").symlink_to(to)


def _bomb() -> str:
    levels = ["x-0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"x-{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    return "\n".join(levels) + "\n"


YAML = (
    _manifest("yaml-tab-indent", "apps:\n\tweb: {}\n", "2:1", "not YAML", "spaces"),
    _manifest("yaml-open-bracket", "apps: [\n", "2:1", "not YAML"),
    _manifest("yaml-colon-in-value", "apps:\n  web:\n    image: a: b\n", "3:13", "not YAML", "quote"),
    _manifest("yaml-bare-variable-in-list", APP + "    port: 80\n    routes: [a.${X}, b]\n", "5:17", 'quoted: "${…}"'),
    _manifest("yaml-duplicate-app", APP + "  web:\n    image: b\n", "4:3", '"web" is set twice', "line 2"),
    _app("yaml-duplicate-field", "image: b", "4:5", '"image" is set twice', "line 3"),
    _manifest("yaml-unknown-tag", "apps: !python/object:os.system {}\n", "1:7", "unknown tag"),
    _manifest("yaml-compose-reset", "apps:\n  web: !reset\n    image: x\n", "2:8", "unknown tag !reset"),
    _manifest("yaml-two-documents", APP + "---\n" + APP, "4:1", "second document"),
    _manifest("yaml-unknown-alias", "apps: *web\n", "1:7", "alias *web has no anchor"),
    _manifest("yaml-recursion", "x-a: &a [*a]\n", "1:10", "inside of what it repeats"),
    _manifest("yaml-bomb", _bomb(), "5:46", "more than 100000 values"),
    _manifest("yaml-deep", "x-a: " + "[" * 100_000 + "\n", "1:69", "deeper than 64"),
    _manifest(
        "yaml-deep-by-aliases",
        "x-a: &a " + "[" * 40 + "]" * 40 + "\nx-b: " + "[" * 40 + "*a" + "]" * 40 + "\n",
        "2:46",
        "deeper than 64",
    ),
    _manifest("yaml-many-values", "x-a: [" + "1," * 200_000 + "]\n", "1:200001", "more than 100000 values"),
    _manifest("yaml-list-as-key", "? [a]\n: b\n", "1:3", "a key must be text"),
    _manifest("yaml-null-as-key", "~: b\n", "1:1", "a key must be text"),
    _manifest("yaml-merge-of-text", "apps:\n  web:\n    <<: text\n    image: x\n", "3:9", "<< takes a mapping"),
    _manifest("yaml-escape-character", 'apps:\n  web:\n    image: "a\\e[31m"\n', "3:12", "control character U+001B"),
    _manifest("yaml-nul-in-text", 'apps:\n  web:\n    image: "a\\0"\n', "3:12", "control character U+0000"),
    _manifest("yaml-only-text", "hello\n", "1:1", "must be", 'not "hello"'),
    _manifest("yaml-only-a-list", "- a\n", "1:1", "a list"),
)

FILES = (
    _manifest("file-not-utf-8", b"apps:\n  web: {image: \xff}\n", "2:16", "not UTF-8"),
    _manifest("file-utf-16", "apps: {}".encode("utf-16"), "1:1", "UTF-16"),
    _manifest("file-nul", b"apps:\n  web: {image: \x00}\n", "2:16", "control character U+0000"),
    _manifest("file-binary", bytes(range(256)), "2:118", "not UTF-8"),
    _manifest("file-too-large", "#" * (1024 * 1024 + 1), "1:1", "larger than 1 MiB"),
    BadInput("file-fifo", {WEB: APP}, "apps/pipe.yaml:1:1", ("is a pipe",), make=_fifo),
    BadInput(
        "file-device",
        {WEB: APP},
        "apps/zero.yaml:1:1",
        ("is a device",),
        make=lambda folder: (folder / "apps/zero.yaml").symlink_to("/dev/zero"),
    ),
    BadInput(
        "file-folder",
        {WEB: APP},
        "apps/dir.yaml:1:1",
        ("is a folder",),
        make=lambda folder: (folder / "apps/dir.yaml").mkdir(),
    ),
    BadInput(
        "file-dangling-link",
        {WEB: APP},
        "apps/gone.yaml:1:1",
        ("can't read", "No such file"),
        make=lambda folder: (folder / "apps/gone.yaml").symlink_to("/nowhere"),
    ),
    _inventory("inventory-empty", "", "1:1", "inventory is empty"),
    _inventory("inventory-only-a-comment", "# nothing\n", "1:1", "inventory is empty"),
    BadInput("dotenv-open-quote", {".env": "A='x\n", WEB: APP}, ".env:1:1", ("no closing quote",)),
    BadInput("dotenv-no-assignment", {".env": "A=1\n=x y\n", WEB: APP}, ".env:2:1", ("NAME=value",)),
)

INTERPOLATION = (
    _app("variable-unset", "hostname: ${NOPE}", "4:15", "variable NOPE is not set", "${NOPE:-default}"),
    _app("variable-unset-bare", "hostname: a$NOPE", "4:16", "variable NOPE is not set"),
    _app("variable-required", "hostname: ${NOPE:?say which}", "4:15", "NOPE is not set: say which"),
    _app("variable-empty-required", "hostname: ${EMPTY:?}", "4:15", "EMPTY is not set", environment={"EMPTY": ""}),
    _app("variable-unset-in-default", "hostname: ${A:-${B}}", "4:20", "variable B is not set"),
    _app("variable-no-brace", "hostname: ${A", "4:15", "is no variable"),
    _app("variable-default-no-brace", "hostname: ${A:-b", "4:15", "no closing brace"),
    _app("variable-bad-name", "hostname: ${1A}", "4:15", "is no variable", "$$"),
    _app("variable-lone-dollar", "command: echo $", "4:19", "is no variable", "$$"),
    _app("variable-wrong-type", "replicas: ${N}", "4:15", "whole number", '"three"', environment={"N": "three"}),
    _app("variable-escape-character", "hostname: ${A}", "4:15", "control character", environment={"A": "\x1b[31m"}),
    _app("variable-nested-deep", "hostname: " + "${A:-" * 40 + "}" * 40, "4:15", "nested deeper"),
    _app("environment-name-unset", "environment: [NOPE]", "4:19", "NOPE has no value"),
    _inventory("inventory-variable-unset", INVENTORY + "proxy: {hosts: [h1], image: '${NGINX}'}\n", "4:30", "NGINX"),
)

SCHEMA = (
    _app("field-misspelt", "replcas: 3", "4:5", 'unknown field "replcas" in apps.web', 'did you mean "replicas"?'),
    _app("field-nested-misspelt", "healthcheck: {pth: /up}", "4:19", 'unknown field "pth"', 'did you mean "path"?'),
    _app("field-of-compose", "container_name: x", "4:5", "unknown field", "PROJECT-APP-N-G"),
    _app("field-depends-on", "depends_on: [db]", "4:5", "unknown field", "retry"),
    _app("field-build", "build: .", "4:5", "unknown field", "push the image"),
    _app("field-networks", "networks: [a]", "4:5", "unknown field", "host ports"),
    _app("field-deploy", "deploy: {replicas: 2}", "4:5", "unknown field", "one level up"),
    _manifest("top-services", "services: {}\n", "1:1", "unknown field", "write apps"),
    _manifest("top-version", "version: '3'\n", "1:1", "unknown field", "remove it"),
    _manifest("app-null", "apps:\n  web:\n", "2:3", "apps.web must be an app"),
    _manifest("app-without-image", "apps:\n  web: {replicas: 1}\n", "2:3", "apps.web needs image"),
    _manifest("app-name-upper-case", "apps:\n  Web: {image: x}\n", "2:3", '"Web" in apps must be a name'),
    _manifest("app-name-with-path", "apps:\n  ../x: {image: x}\n", "2:3", "must be a name"),
    _manifest("app-name-too-long", f"apps:\n  {'a' * 41}: {{image: x}}\n", "2:3", "at most 40"),
    _manifest("apps-a-list", "apps: [web]\n", "1:7", "must be a mapping of apps"),
    _manifest("image-a-number", "apps: {web: {image: 5}}\n", "1:21", "must be text", 'quote it: "5"'),
    _app("replicas-negative", "replicas: -1", "4:15", "at least 0"),
    _app("replicas-text", "replicas: three", "4:15", "whole number", '"three"'),
    _app("replicas-fraction", "replicas: 1.5", "4:15", "whole number"),
    _app("replicas-infinite", "replicas: .inf", "4:15", "whole number"),
    _app("replicas-leading-zero", "replicas: 010", "4:15", "whole number", "write 10"),
    _app("replicas-5000-digits", "replicas: " + "9" * 5000, "4:15", "whole number"),
    _app("mode-unknown", "mode: globl", "4:11", 'did you mean "global"?'),
    _app("flag-yes", "init: yes", "4:11", "true or false", "write true"),
    _app("duration-without-unit", "stop_grace_period: 10", "4:24", "a duration", "10s"),
    _app("duration-bad-unit", "update: {settle: 5 parsecs}", "4:22", "a duration"),
    _app("size-bad", "mem_limit: 5 apples", "4:16", "a size"),
    _app("size-beyond-counting", "mem_limit: 99999999999p", "4:16", "more than an engine can count"),
    _app("percent-too-high", "update: {parallelism: 120%}", "4:27", "percentage"),
    _app("restart-unknown", "restart: never", "4:14", "unless-stopped"),
    _app("ulimit-incomplete", "ulimits: {nofile: {soft: 5}}", "4:15", "needs hard"),
    _app("ulimit-soft-above-hard", "ulimits: {nofile: {soft: 5, hard: 4}}", "4:23", "above the hard"),
    _app("placement-not-a-mapping", "placement: {require: ssd}", "4:26", "a mapping of labels"),
    _app("command-open-quote", 'command: "echo \'x"', "4:14", "quote", "no end"),
    _app("environment-a-mapping-inside", "environment: {A: {b: c}}", "4:22", "text, a number or a flag"),
    _app("extra-host-incomplete", "extra_hosts: [db]", "4:19", "NAME=ADDRESS"),
    _app("env-file-missing", "env_file: web.env", "4:15", "can't read web.env"),
    _app("env-file-of-the-system", "env_file: /proc/self/environ", "4:15", "outside the project's folder"),
    _app("env-file-above", "env_file: ../../etc/passwd", "4:15", "outside the project's folder"),
    _app("env-file-behind-a-link", "env_file: linked", "4:15", "outside", make=_link("/etc/passwd")),
    _app("seccomp-file", "security_opt: ['seccomp:./profile.json']", "4:20", "names a file"),
    _app("label-of-ours", "labels: {declare.project: x}", "4:14", "declare's own"),
)

PORTS = (
    _app("port-zero", "port: 0", "4:11", "1 to 65535"),
    _app("port-too-high", "port: 70000", "4:11", "1 to 65535"),
    _app("port-quoted", "port: '80'", "4:11", "without quotes"),
    _app("port-and-ports", "port: 80\nports: {a: 81}", "2:3", "both port and ports"),
    _app("ports-a-list", "ports: [80]", "4:12", "a mapping of names to ports"),
    _app("publish-no-host-port", "publish: ['80']", "4:15", "publishes no host port", "port or ports"),
    _app("publish-no-such-protocol", "publish: ['8000:80/quic']", "4:15", "publishes no host port"),
    _app("publish-port-too-high", "publish: ['80000:80']", "4:15", "1 to 65535"),
    _app("publish-uneven-ranges", "publish: ['8000-8002:80-81']", "4:15", "different lengths"),
    _app("publish-bad-ip", "publish: ['1.2.3.999:8000:80']", "4:15", "not an IP address"),
    _app("publish-too-many", "publish: ['8000-9000:8000-9000']", "4:14", "1001 published ports"),
    _app("health-without-port", "healthcheck: {path: /up}", "4:5", "asks a port", "add port"),
    _app("health-unknown-port", "port: 80\nhealthcheck: {tcp: true, port: admin}", "5:30", 'no port "admin"'),
    _app("health-two-checks", "port: 80\nhealthcheck: {tcp: true, path: /}", "5:18", "here is path and tcp"),
    _app("health-empty-command", "healthcheck: {command: []}", "4:28", "command is empty"),
    _app("health-bad-test", "healthcheck: {test: [curl, x]}", "4:25", "begins with CMD"),
    _app("health-path-with-newline", 'port: 80\nhealthcheck: {path: "/a\\n/b"}', "5:25", "not a path"),
)

POWERS = (
    _app("allow-own-seccomp-profile", "security_opt: ['seccomp={}']", "4:20", "allow: [privileged]"),
    _manifest(
        "allow-path-through-a-volume",
        "volumes:\n  etc: {driver_opts: {type: none, o: bind, device: /etc}}\n",
        "2:3",
        "the host's path /etc",
        "allow: [host_paths]",
    ),
    _manifest("image-with-a-space", "apps: {web: {image: 'a b'}}\n", "1:21", "not the reference of an image"),
    _manifest("image-like-an-option", "apps: {web: {image: --privileged}}\n", "1:21", "not the reference"),
    _app("volume-label-of-ours", "labels: [declare.role=lock]", "4:14", "declare's own"),
    _app("tmpfs-relative", "tmpfs: run", "4:12", "not an absolute path"),
    _app("allow-privileged", "privileged: true", "4:5", "not allowed", "allow: [privileged]"),
    _app("allow-pid-host", "pid: host", "4:5", "not allowed", "allow: [host_namespaces]"),
    _app("allow-host-network", "network_mode: host", "4:5", "allow: [host_namespaces]"),
    _app("allow-root-path", "volumes: ['/:/host']", "4:15", "allow: [host_paths]"),
    _app("allow-docker-socket", "volumes: ['/var/run/docker.sock:/s']", "4:15", "allow: [docker_socket]"),
    _app("allow-socket-by-detour", "volumes: ['/var/run/./docker.sock:/s']", "4:15", '"." or ".."'),
    _app("allow-capability", "cap_add: [CAP_SYS_ADMIN]", "4:15", "SYS_ADMIN", "allow: [capabilities]"),
    _app("allow-device", "devices: [/dev/sda]", "4:5", "allow: [devices]"),
    _app("allow-low-port", "publish: ['80:80']", "4:15", "host port 80", "allow: [low_ports]"),
    _app("allow-unconfined", "security_opt: ['seccomp=unconfined']", "4:20", "allow: [privileged]"),
    _app("volume-relative-path", "volumes: ['./data:/data']", "4:15", "not an absolute path", "don't travel"),
    _app("volume-above", "volumes: ['data:/a/../b']", "4:15", '"." or ".."'),
    _app("volume-bad-option", "volumes: ['data:/a:rx']", "4:15", "no option of a volume"),
    _app("volume-bad-name", "volumes: ['da ta:/a']", "4:15", "no name of a volume"),
    _app("volume-target-twice", "volumes: ['a:/x', 'b:/x/']", "4:23", "two volumes are mounted at /x"),
)

REFERENCES = (
    _app("secret-undeclared", "secrets: [db_password]", "4:15", "not declared", "DB_PASSWORD"),
    _manifest("secret-two-sources", "secrets:\n  a: {env: A, file: b}\n", "2:3", "both env and file"),
    _manifest("secret-no-source", "secrets:\n  a: {}\n", "2:3", "env, file or command"),
    _manifest("secret-as-text", "secrets:\n  a: hunter2\n", "2:6", "a mapping with one of"),
    _manifest(
        "secret-one-target-twice",
        APP + "    secrets: [a, {name: b, target: a}]\nsecrets: {a: {env: A}, b: {env: B}}\n",
        "4:18",
        "two secrets become the file a",
    ),
    _manifest(
        "secret-unset", APP + "    secrets: [a]\nsecrets:\n  a: {env: NOPE}\n", "6:3", "NOPE is not set", secrets=True
    ),
    _manifest(
        "secret-file-outside",
        APP + "    secrets: [a]\nsecrets:\n  a: {file: ../../etc/shadow}\n",
        "6:3",
        "outside",
        secrets=True,
    ),
    _manifest(
        "secret-file-behind-a-link",
        APP + "    secrets: [a]\nsecrets:\n  a: {file: linked}\n",
        "6:3",
        "outside",
        make=_link("/etc/hostname"),
        secrets=True,
    ),
    _manifest(
        "secret-command-fails",
        APP + '    secrets: [a]\nsecrets:\n  a: {command: ["false"]}\n',
        "6:3",
        "exit code 1",
        secrets=True,
    ),
    _manifest(
        "secret-command-missing",
        APP + "    secrets: [a]\nsecrets:\n  a: {command: [/nope]}\n",
        "6:3",
        "can't run /nope",
        secrets=True,
    ),
    BadInput(
        "app-in-two-files",
        {WEB: APP, "apps/z.yml": APP},
        "apps/z.yml:2:3",
        ('app "web" is declared twice', "apps/web.yaml:2"),
    ),
    BadInput(
        "route-in-two-apps",
        {
            WEB: APP + "    port: 1\n    routes: [A.example.com.]\n",
            "apps/z.yml": "apps:\n  z: {image: x, port: 1, routes: [a.example.com/]}\n",
        },
        "apps/z.yml:2:26",
        ("a.example.com is a route of web and of z",),
    ),
    _app("route-without-port", "routes: [a.example.com]", "4:5", "it has no port"),
    _app("route-ambiguous-port", "ports: {a: 1, b: 2}\nroutes: [a.example.com]", "5:5", "called http"),
    _app("route-twice", "port: 1\nroutes: [a.b, {host: A.B}]", "5:19", "stands here twice"),
)

INVENTORIES = (
    _inventory("inventory-no-project", "hosts: {h1: {context: x}}\n", "1:1", "the inventory needs project"),
    _inventory("inventory-no-hosts", "project: shop\n", "1:1", "the inventory needs hosts"),
    _inventory("inventory-hosts-empty", "project: shop\nhosts: {}\n", "2:8", "hosts is empty"),
    _inventory(
        "inventory-project-name", "project: My Shop\nhosts: {h1: {context: x}}\n", "1:10", "a name of lower-case"
    ),
    _inventory("inventory-misspelt", INVENTORY + "alow: []\n", "4:1", 'did you mean "allow"?'),
    _inventory("inventory-allowance", INVENTORY + "allow: [docker_sock]\n", "4:9", 'did you mean "docker_socket"?'),
    _inventory("inventory-ports-falling", INVENTORY + "ports: 3000-2000\n", "4:8", "rising range"),
    _inventory("inventory-proxy-no-host", INVENTORY + "proxy: {hosts: [h9], image: n}\n", "4:17", 'no host "h9"'),
    _inventory("inventory-proxy-half", INVENTORY + "proxy: {hosts: [h1]}\n", "4:1", "needs image"),
    _inventory(
        "inventory-proxy-both",
        INVENTORY + "proxy: {hosts: [h1], image: n, config: c, test: [t], reload: [r], ack: 'http://h/'}\n",
        "4:1",
        "both hosts and config",
    ),
    _inventory("inventory-host-name", "project: shop\nhosts:\n  H_1: {context: x}\n", "3:3", '"H_1" in hosts must be'),
    _inventory("inventory-unix-beside-others", INVENTORY + "  h2: {engine: 'ssh://h2'}\n", "3:3", "needs an address"),
    _host("host-no-engine", "{address: 10.0.0.1}", "3:3", "needs engine or context"),
    _host("host-both", "{engine: 'ssh://a', context: x}", "3:3", "both engine and context"),
    _host("host-scheme", "{engine: 'http://a'}", "3:16", "not the address of an engine"),
    _host("host-ssh-option", "{engine: 'ssh://-oProxyCommand=touch /tmp/x'}", "3:16", "not the address of an engine"),
    _host("host-ssh-option-as-user", "{engine: 'ssh://-oProxyCommand=x@h'}", "3:16", "not the address of an engine"),
    _host("host-ssh-newline", '{engine: "ssh://h\\nProxyCommand x"}', "3:16", "not the address of an engine"),
    _host("host-ssh-space", "{engine: 'ssh://a b@h'}", "3:16", "not the address of an engine"),
    _host("host-tcp-plain", "{engine: 'tcp://10.0.0.1:2375'}", "3:16", "needs tls"),
    _host("host-tls-half", "{engine: 'tcp://a', tls: {cert: c}}", "3:27", "has cert and so needs key"),
    _host("host-address-name", "{engine: 'ssh://a', address: web.example.com}", "3:36", "not an IP address"),
    _host("host-address-all", "{engine: 'ssh://a', address: 0.0.0.0}", "3:36", "not the address of one host"),
    _host("host-state", "{engine: 'ssh://a', state: draind}", "3:34", 'did you mean "drained"?'),
)

INJECTIONS = (
    "a; location /evil { return 200; }", "a.b { } server { }", "a.b\nserver_name c", "a.b\rc", "a.b\tc", 'a"b', "a'b",
    "a\\b", "$http_authorization", "a.$host", "~ .*", "~^(a+)+$", "*.example.com _", "_", "*", "*.*", "a.*", "a..b",
    ".a", "-a.b", "a-.b", "a b", "a,b", "a;b", "a{b", "a}b", "a#b", "a%20b", "a|b", "a&b", "a`id`", "a$(id)",
    "{{ config }}", "{% include '/etc/passwd' %}", "http://a.b", "a.b:8080", "a.b;", "ä.example", "a" * 64,
    ("a" * 50 + ".") * 6 + "b", "a/../b", "a//b", "a/./b", "a/b c", "a/{x}", "a/$uri", "a/;", 'a/"', "a/'", "a/\\",
    "a/%2e%2e", "a/ { } location /x", "a/\nreturn 200", "a/~ .*", "a/é", "a/" + "b" * 300, "a/?x=1", "a/#x", "a/*",
    "a/(x)", "a/^~", "a/|x", "[::1]",
)  # fmt: skip
"""Route texts that nginx could misread, or that are no route at all."""


def _quote(text: str) -> str:
    """As a double-quoted YAML scalar in which $ stands for itself."""
    for character, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"), ("$", "$$")):
        text = text.replace(character, escape)
    return f'"{text}"'


INTO_NGINX = tuple(
    _app(f"nginx-{number}", f"port: 80\nroutes: [{_quote(text)}]", "5:14", "is not")
    for number, text in enumerate(INJECTIONS)
)

CASES = (*YAML, *FILES, *INTERPOLATION, *SCHEMA, *PORTS, *POWERS, *REFERENCES, *INVENTORIES, *INTO_NGINX)
