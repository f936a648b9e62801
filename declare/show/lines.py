"""Lines of styled text, laid out for a width. Whatever comes from a manifest or a host is made harmless here."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum


class Style(Enum):
    """What a piece of text means; colours are chosen by who paints it, and never carry meaning alone."""

    PLAIN = "plain"
    TITLE = "title"
    CREATE = "create"
    REMOVE = "remove"
    UPDATE = "update"
    QUIET = "quiet"
    WARNING = "warning"
    ERROR = "error"
    GOOD = "good"


@dataclass(frozen=True, slots=True)
class Span:
    """Harmless text in one style; made by `span`."""

    text: str
    style: Style = Style.PLAIN


@dataclass(frozen=True, slots=True)
class Line:
    """One line before wrapping; what does not fit continues `hang` columns in."""

    spans: tuple[Span, ...] = ()
    hang: int = 0

    def __str__(self) -> str:
        return "".join(span.text for span in self.spans)


_HARMFUL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1b": "\\e"}


def escape(text: str) -> str:
    """The text with every character spelled out that could move a cursor, reorder a line or hide in it."""
    if text.isascii() and text.isprintable():
        return text
    return _HARMFUL.sub(lambda match: _spell(match.group()), text)


def _spell(character: str) -> str:
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters: the beginning, and an ellipsis where something is missing."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"


def span(text: str, style: Style = Style.PLAIN) -> Span:
    """A span of any text, made harmless."""
    return Span(escape(text), style)


def line(*parts: str | Span, hang: int = 0) -> Line:
    """A line of spans and plain texts."""
    return Line(tuple(part if isinstance(part, Span) else span(part) for part in parts), hang)


def columns(text: str) -> int:
    """How many terminal columns a text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def pad(text: str, width: int) -> str:
    """The text, made harmless and filled with spaces up to `width` columns."""
    text = escape(text)
    return text + " " * (width - columns(text))


def wrap(lines: Iterable[Line], width: int | None) -> Iterator[Line]:
    """The lines, each folded between words into lines of at most `width` columns; None folds nothing."""
    for whole in lines:
        if width is None or columns(str(whole)) <= width:
            yield whole
        else:
            yield from _fold(whole, max(width, 20))


def _fold(whole: Line, width: int) -> Iterator[Line]:
    hang = min(whole.hang, width // 2)
    row: list[Span] = []
    used, started = 0, False
    for word in _words(whole.spans):
        blank = not word.text.strip()
        for piece in _cut(word, width - hang):
            size = columns(piece.text)
            if started and used + size > width:
                yield _trimmed(row)
                row, used, started = [Span(" " * hang)], hang, False
                if blank:
                    continue
            if blank and not started and used:
                continue
            row.append(piece)
            used += size
            started = started or not blank
    if started:
        yield _trimmed(row)


def _words(spans: Sequence[Span]) -> Iterator[Span]:
    for part in spans:
        for text in re.findall(r" +|[^ ]+", part.text):
            yield Span(text, part.style)


def _cut(word: Span, width: int) -> Iterator[Span]:
    text = word.text
    while columns(text) > width:
        end = (
            width
            if text.isascii()
            else next(n for n in range(len(text), 0, -1) if n == 1 or columns(text[:n]) <= width)
        )
        yield Span(text[:end], word.style)
        text = text[end:]
    yield Span(text, word.style)


def _trimmed(row: Sequence[Span]) -> Line:
    kept: list[Span] = []
    for part in row:
        if kept and kept[-1].style is part.style:
            kept[-1] = Span(kept[-1].text + part.text, part.style)
        else:
            kept.append(part)
    while kept and not kept[-1].text.strip():
        kept.pop()
    return Line(tuple(kept))


def to_text(lines: Iterable[Line], width: int | None = None) -> str:
    """The lines as plain text, each ended by a newline, without trailing spaces."""
    return "".join(str(row).rstrip() + "\n" for row in wrap(lines, width))


def listed(names: Sequence[str], *, limit: int = 6) -> str:
    """The names joined by commas; of a long list the first few, and how many more there are."""
    if len(names) <= limit:
        return ", ".join(names)
    return ", ".join(names[: limit - 1]) + f" and {len(names) - limit + 1} more"


def counted(count: int, noun: str) -> str:
    """ "1 host", "3 hosts", "2 replicas"."""
    return f"{count} {noun}" + ("" if count == 1 else "s")
