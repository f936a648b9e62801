"""Text that came from a host, made fit to be shown: an engine must not be able to write to the user's terminal."""

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def escape(text: str, *, limit: int = 2000) -> str:
    """One line without control, format (bidirectional) or unpaired characters, cut to `limit`."""
    text = text.strip()
    shown = text if len(text) <= limit else text[:limit] + "…"
    if shown.isascii() and shown.isprintable():
        return shown
    return "".join(_show(char) for char in shown)


def _show(char: str) -> str:
    if unicodedata.category(char) not in _HIDDEN:
        return char
    return " " if char in "\n\t" else char.encode("unicode_escape", "surrogatepass").decode("ascii")
