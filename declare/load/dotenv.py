"""Files of NAME=value lines, read as Compose reads `.env` and `env_file`."""

import re

from declare.load.interpolation import Lookup, substitute
from declare.load.problems import Mistake, Problems
from declare.model.problem import Source

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*(?:([=:])[ \t]*(.*))?", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "$": "$$"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def parse_dotenv(text: str, file: str, *, lookup: Lookup, problems: Problems, raw: bool = False) -> dict[str, str]:
    """The variables of a file, in its order. A name without a value takes it from `lookup`, or is left out.

    Single quotes keep text as it is; double quotes and bare values may refer to `lookup` and to earlier lines. `raw`
    takes everything behind the first = literally.
    """
    problems.keep_text(file, text)
    lines, found, number = text.splitlines(), dict[str, str](), 0

    def look(name: str) -> str | None:
        value = lookup(name)
        return found.get(name) if value is None else value

    while number < len(lines):
        start = number
        line, number = _take_line(lines, number, raw=raw)
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        source = Source(file, start + 1, 1, max(len(lines[start]), 1))
        try:
            name, value = _parse_line(line, look, raw=raw)
        except Mistake as mistake:
            problems.collect(mistake, source)
            continue
        if value is not None:
            found[name] = value
    return found


def _take_line(lines: list[str], number: int, *, raw: bool) -> tuple[str, int]:
    """A line, and the ones after it as long as its quotes are open."""
    line = lines[number]
    match = _LINE.fullmatch(line)
    quote = match.group(3)[:1] if match and match.group(3) else ""
    if not raw and quote in ("'", '"'):
        while _closing(line, line.index(quote) + 1, quote) < 0 and number + 1 < len(lines):
            number += 1
            line += "\n" + lines[number]
    return line, number + 1


def _parse_line(line: str, lookup: Lookup, *, raw: bool) -> tuple[str, str | None]:
    match = _LINE.fullmatch(line)
    if match is None:
        raise Mistake("this is no NAME=value line")
    name, separator, value = match.groups()
    if not separator:
        return name, lookup(name)
    if raw:
        return name, value
    quote = value[:1]
    if quote in ("'", '"'):
        end = _closing(value, 1, quote)
        if end < 0:
            raise Mistake(f"the value of {name} has no closing quote")
        if value[end + 1 :].strip() and not value[end + 1 :].lstrip().startswith("#"):
            raise Mistake(f"there is text behind the closing quote of {name}")
        value = value[1:end]
        return name, value if quote == "'" else substitute(_ESCAPE.sub(_unescape, value), lookup)
    return name, substitute(re.split(r"(?:^|\s)#", value, maxsplit=1)[0].rstrip(), lookup)


def _closing(text: str, start: int, quote: str) -> int:
    at = start
    while at < len(text):
        if text[at] == "\\" and quote == '"':
            at += 1
        elif text[at] == quote:
            return at
        at += 1
    return -1


def _unescape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match.group(1), match.group())
