"""Durations and sizes as Compose writes them: parsed, and printed in one canonical form."""

import re

_DURATION_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:us|ms|s|m|h|d))+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h|d)")
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kmgtp]?)(i?b?)", re.IGNORECASE)
_SIZE_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40, "p": 2**50}


def parse_duration(text: str) -> float:
    """Seconds of "90s", "1m30s", "250ms". Raises ValueError; a bare number has no unit and is refused."""
    if not _DURATION.fullmatch(text):
        raise ValueError(f'"{text}" is not a duration such as "90s" or "1m30s"')
    return round(sum(float(n) * _DURATION_UNITS[unit] for n, unit in _DURATION_PART.findall(text)), 6)


def format_duration(seconds: float) -> str:
    """The canonical text: largest units first, none that is zero; "0s" for nothing."""
    rest = round(seconds * 1_000_000)
    parts = []
    for unit, size in (("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1000), ("us", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def parse_size(text: str | int) -> int:
    """Bytes of "512m", "512MiB", "1.5g", 1024; powers of 1024 as in Compose. Raises ValueError."""
    if isinstance(text, int):
        return text
    match = _SIZE.fullmatch(text)
    if not match:
        raise ValueError(f'"{text}" is not a size such as "512m" or "512MiB"')
    number, unit, _ = match.groups()
    return round(float(number) * _SIZE_UNITS[unit.lower()])


def format_size(size: int) -> str:
    """The canonical text, exact: the largest binary unit that divides the size, else bytes ("1536MiB", "1000B")."""
    for unit, factor in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return f"{size}B"
