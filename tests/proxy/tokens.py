"""nginx's configuration read back: directives as nested tuples, by nginx's own rules for words, quotes and blocks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""\s+|#[^\n]*|([{};])|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|((?:\\.|[^\s{};"'#\\])(?:\\.|[^\s{};\\])*)"""
)


@dataclass(frozen=True)
class Directive:
    name: str
    values: tuple[str, ...]
    block: tuple["Directive", ...] = ()

    def all(self, name: str) -> list["Directive"]:
        return [directive for directive in self.block if directive.name == name]

    def first(self, name: str) -> tuple[str, ...]:
        return next((directive.values for directive in self.block if directive.name == name), ())


def parse(text: str) -> Directive:
    """The whole file as the block of one nameless directive. Raises ValueError where nginx would refuse the syntax."""
    words = list(_words(text))
    block, rest = _block(words, 0)
    if rest != len(words):
        raise ValueError("a brace too many")
    return Directive("", (), block)


def _words(text: str) -> Iterator[tuple[str, bool]]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            raise ValueError(f"unreadable at {text[at : at + 20]!r}")
        at = match.end()
        mark, *values = match.groups()
        if mark:
            yield mark, True
        elif (value := next((value for value in values if value is not None), None)) is not None:
            yield value, False


def _block(words: list[tuple[str, bool]], at: int) -> tuple[tuple[Directive, ...], int]:
    found, line = [], []
    while at < len(words) and words[at] != ("}", True):
        word, is_mark = words[at]
        at += 1
        if not is_mark:
            line.append(word)
            continue
        inner: tuple[Directive, ...] = ()
        if word == "{":
            inner, at = _block(words, at)
            if at == len(words):
                raise ValueError("a block is not closed")
            at += 1
        found.append(Directive(line[0], tuple(line[1:]), inner))
        line = []
    if line:
        raise ValueError(f"no semicolon after {line}")
    return tuple(found), at
