"""What a plain YAML scalar means: the core rules of YAML 1.2, so that `no`, `on` and `2222:22` are text."""

import re

Scalar = None | bool | int | float | str

_WORDS: dict[str, Scalar] = dict.fromkeys(("", "~", "null", "Null", "NULL"))
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(("false", "False", "FALSE"), False)
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_OCTAL_OR_HEX = re.compile(r"0o[0-7]{1,20}|0x[0-9a-fA-F]{1,16}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")


def resolve(text: str) -> Scalar:
    """The value of a plain scalar.

    Numbers that readers disagree about (`010` is 8 or 10), that no field can mean (`.inf`) or that don't fit 64
    bits stay text: a field that wants a number refuses them.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789" or len(text) > 64:
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _OCTAL_OR_HEX.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text) and abs(number := float(text)) < 1e300:
        return number
    return text
