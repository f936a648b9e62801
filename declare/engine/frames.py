"""A container's output as the engine multiplexes it: frames of standard output and error, joined as they come."""

import http.client
from collections.abc import Iterable, Iterator

_HEADER = 8
_LARGEST = 16 * 1024 * 1024
_LONGEST_LINE = 1024 * 1024


def join_frames(pieces: Iterable[bytes], *, raw: bool) -> Iterator[bytes]:
    """The content of the frames; `raw` is the form of a container with a terminal, which has none.

    Raises HTTPException where the stream is not made of frames, or ends within one.
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
                raise http.client.HTTPException("the output is not made of frames")
            if len(rest) < _HEADER + size:
                break
            yield rest[_HEADER : _HEADER + size]
            rest = rest[_HEADER + size :]
    if rest:
        raise http.client.HTTPException("the output ends within a frame")


def cap(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same pieces; more than anybody wants to hold in memory is an HTTPException."""
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > _LARGEST:
            raise http.client.HTTPException(f"more than {_LARGEST} bytes of output")
        yield piece


def split_lines(contents: Iterable[bytes]) -> Iterator[str]:
    """Whole lines as they come, without their ends; an unfinished last one too, and endless ones in parts."""
    rest = b""
    for content in contents:
        *lines, rest = (rest + content).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            lines, rest = [*lines, rest], b""
        yield from (line.rstrip(b"\r").decode(errors="replace") for line in lines)
    if rest:
        yield rest.decode(errors="replace")
