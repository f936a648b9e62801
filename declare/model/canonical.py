"""One JSON text for one value, so that hashes and comparisons never depend on the order of a mapping."""

import hashlib
import hmac
import json
from typing import Any

Json = Any
"""None, bool, int, float, str, list of Json or dict from str to Json; held as frozen by convention."""


def canonical_json(value: Json) -> str:
    """The shortest JSON text with sorted keys; equal values give equal texts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Json) -> str:
    """SHA-256 of the canonical JSON text, 64 hexadecimal characters."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def fingerprint(key: bytes, secret: bytes) -> str:
    """A keyed hash (HMAC-SHA-256, first 32 hexadecimal characters): equal secrets show as equal under one key only."""
    return hmac.new(key, secret, hashlib.sha256).hexdigest()[:32]
