"""A configuration as a value: its text, the hash that names it, and the files it refers to. No I/O, no template."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from declare.model.app import SecretValue
from declare.model.engine import FileContent

ACK_PATH = "/.declare/config"
NO_HASH = "0" * 64

_ANSWER = re.compile(r'return 200 "([0-9a-f]{64}) (\d+)\\n";')


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Where nginx answers the hash of the configuration that it serves.

    `address` None listens on all addresses, and is then asked under `name`.
    """

    address: str | None
    port: int
    path: str = ACK_PATH
    name: str | None = None

    @property
    def host(self) -> str:
        """As a URL has it: a name, an IPv4 address, or an IPv6 address in brackets."""
        if self.address is None:
            return self.name or "localhost"
        return f"[{self.address}]" if ":" in self.address else self.address


@dataclass(frozen=True, slots=True)
class Certificate:
    """A chain and its key where nginx reads them. `digest` is of the content, so that a renewed file is a change.

    `content` is None for files that are read where they are.
    """

    cert_path: str
    key_path: str
    digest: str
    content: tuple[bytes, SecretValue] | None = None


@dataclass(frozen=True, slots=True)
class NginxConfig:
    """`hash` names `text`; `files` are what it needs beside it, by absolute path; `listens` the ports that it opens."""

    text: str
    hash: str
    ack: Acknowledgement
    listens: tuple[int, ...] = ()
    files: Mapping[str, FileContent] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an acknowledging URL says: the hash of the configuration in service and the generation of who wrote it."""

    hash: str
    generation: int


def seal(text: str, *, generation: int) -> tuple[str, str]:
    """The text with its own hash in the place kept for it, and the hash. The generation is no part of the hash."""
    name = hash_text(text)
    return text.replace(f'"{NO_HASH} 0\\n"', f'"{name} {generation}\\n"', 1), name


def hash_text(text: str) -> str:
    """SHA-256 of a configuration with the place of its hash and generation blank: an edit by hand changes it."""
    blank = _ANSWER.sub(lambda _: f'return 200 "{NO_HASH} 0\\n";', text, count=1)
    return hashlib.sha256(blank.encode()).hexdigest()


def parse_answer(body: str) -> Answer | None:
    """The answer of an acknowledging URL; None if it is something else's."""
    match = re.fullmatch(r"([0-9a-f]{64}) (\d{1,18})\n?", body)
    return Answer(match[1], int(match[2])) if match else None
