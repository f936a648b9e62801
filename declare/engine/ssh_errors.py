"""What the ssh client says when it fails, told as a cause and the next thing to do."""

import re

from declare.engine.message import escape
from declare.model.errors import Unreachable
from declare.model.inventory import EngineAddress

_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/=]+")
_OFFENDING = re.compile(r"Offending (\S+) key in (.+):(\d+)")


def explain_ssh(host: str, engine: EngineAddress, said: str) -> Unreachable:
    """The failure of one call of ssh, from what it wrote to standard error."""
    where = str(engine)
    if "REMOTE HOST IDENTIFICATION HAS CHANGED" in said:
        return Unreachable(host, f"the host key of {where} has changed{_keys(said)}", help=_CHANGED)
    for text, cause, help in _CAUSES:
        if text in said:
            return Unreachable(host, cause.format(where=where), help=help.format(name=_name(engine)))
    last = [line for line in said.splitlines() if line.strip()][-1:] or ["ssh ended without a word"]
    return Unreachable(host, f"no ssh connection with {where}: {escape(last[0], limit=300)}")


def _keys(said: str) -> str:
    """Both fingerprints, the new one from what ssh said, the known one from the file that it names."""
    new = _FINGERPRINT.search(said)
    known = _OFFENDING.search(said)
    shown = f": it is now {new.group()}" if new else ""
    if known and (fingerprint := _known_fingerprint(known.group(2), int(known.group(3)))):
        shown += f", known as {fingerprint} ({known.group(2)}:{known.group(3)})"
    return shown


def _known_fingerprint(path: str, line: int) -> str:
    import base64
    import hashlib
    from pathlib import Path

    try:
        words = Path(path).read_text(errors="replace").splitlines()[line - 1].split()
        key = next(word for word in words if word.startswith("AAAA"))
        return "SHA256:" + base64.b64encode(hashlib.sha256(base64.b64decode(key)).digest()).decode().rstrip("=")
    except (OSError, IndexError, ValueError, StopIteration):
        return ""


def _name(engine: EngineAddress) -> str:
    return engine.location.rpartition("@")[2]


_CHANGED = (
    "was the host reinstalled? Then forget its old key with ssh-keygen -R; if not, somebody else answers in its place"
)
_CAUSES = (
    ("Host key verification failed", "the host key of {where} is not known here",
     "connect once with ssh {name}, compare the fingerprint, and accept it"),
    ("Permission denied", "{where} refuses this user's keys",
     "check that ssh {name} works without a question (ssh-add, authorized_keys)"),
    ("Could not resolve hostname", "the name in {where} is not known", "check engine: in the inventory, or DNS"),
    ("Connection refused", "nothing listens at {where} (connection refused)", "is sshd running there?"),
    ("timed out", "no answer from {where}", "is the host up, and its ssh port open?"),
    ("No route to host", "there is no route to {where}", "is the host up?"),
    ("Bad owner or permissions", "ssh refuses its own configuration file", "chmod 600 it"),
)  # fmt: skip
