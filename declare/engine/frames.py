"""A container's output as the engine multiplexes it: frames of standard output and error, joined as they come."""

from collections.abc import Iterable, Iterator

_HEADER = 8
_LARGEST = 16 * 1024 * 1024


def join_frames(pieces: Iterable[bytes], *, raw: bool) -> Iterator[bytes]:
    """The content of the frames; `raw` is the form of a container with a terminal, which has none.

    Raises ValueError where the stream is not made of frames.
    """
    if raw:
        yield from pieces
        return
    rest = b""
    for piece in pieces:
        rest += piece
        while len(rest) >= _HEADER:
            size = int.from_bytes(rest[4:_HEADER], "big")
            if rest[0] > 3 or size > _LARGEST:
                raise ValueError("the output is not made of frames")
            if len(rest) < _HEADER + size:
                break
            yield rest[_HEADER : _HEADER + size]
            rest = rest[_HEADER + size :]


def split_lines(contents: Iterable[bytes]) -> Iterator[str]:
    """Whole lines as they come, without their ends; an unfinished last one too."""
    rest = b""
    for content in contents:
        *lines, rest = (rest + content).split(b"\n")
        yield from (line.rstrip(b"\r").decode(errors="replace") for line in lines)
    if rest:
        yield rest.decode(errors="replace")
