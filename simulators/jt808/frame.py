"""Frames of JT/T 808: flags, escapes, checksum, and how a stream is cut into them."""

from __future__ import annotations

import functools
import operator
from typing import Final

FLAG: Final = b"\x7e"
_ESCAPE: Final = b"\x7d"
_ESCAPED: Final = {1: _ESCAPE, 2: FLAG}
_LONGEST: Final = 4096
"""More than any frame has between its flags: what is longer is cut off."""


class FrameError(ValueError):
    """What stands between two flags is no frame; says why."""


def checksum(content: bytes) -> int:
    """Return the XOR of all bytes."""
    return functools.reduce(operator.xor, content, 0)


def escape(content: bytes) -> bytes:
    """Replace the flag and the escape byte."""
    return content.replace(_ESCAPE, b"\x7d\x01").replace(FLAG, b"\x7d\x02")


def unescape(inside: bytes) -> bytes:
    """Undo :func:`escape`.

    Raises:
        FrameError: an escape byte is followed by neither 01 nor 02.
    """
    first, *rest = inside.split(_ESCAPE)
    parts = [first]
    for part in rest:
        meant = _ESCAPED.get(part[0]) if part else None
        if meant is None:
            raise FrameError(f"7D followed by {part[:1].hex() or 'nothing'}")
        parts += meant, part[1:]
    return b"".join(parts)


def wrap(content: bytes) -> bytes:
    """Return the frame of a header with its body."""
    return FLAG + escape(content + bytes((checksum(content),))) + FLAG


def unwrap(inside: bytes) -> bytes:
    """Return header and body of what stands between two flags.

    Raises:
        FrameError: an escape or the checksum is wrong, or there is nothing but a checksum.
    """
    raw = unescape(inside)
    if len(raw) < 2:
        raise FrameError(f"a frame of {len(raw)} bytes")
    if checksum(raw):  # the XOR of everything with its own checksum
        raise FrameError(f"checksum {raw[-1]:02x}, but it is {checksum(raw[:-1]):02x}")
    return raw[:-1]


class Splitter:
    """Cuts a stream at its flags, whatever the segments are."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return what has become whole: the bytes between flags, empty runs left out."""
        *whole, rest = (self._rest + data).split(FLAG)
        self._rest = rest[-_LONGEST:]
        return [inside for inside in whole if inside]
