"""Which nginx an image holds, as far as its reference tells."""

import re

_TAGGED = re.compile(r"(?:^|/)nginx:(1\.\d{1,3}(?:\.\d{1,3})?)(?:[-+@]|$)")


def parse_image_version(reference: str) -> tuple[int, ...] | None:
    """(1, 28) for "nginx:1.28-alpine"; None for a tag that is no number, or an image of another name."""
    match = _TAGGED.search(reference)
    return tuple(int(part) for part in match[1].split(".")) if match else None
