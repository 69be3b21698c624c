"""Frames on the wire: ``7E | content | XOR | 7E``, with 7E and 7D escaped in between."""

from __future__ import annotations

import enum
from functools import reduce
from operator import xor
from typing import Final

_FLAG: Final = b"\x7e"
_ESCAPE: Final = b"\x7d"
_ESCAPED_FLAG: Final = b"\x7d\x02"
_ESCAPED_ESCAPE: Final = b"\x7d\x01"

MOST_BYTES: Final = 21 + 1023 + 1
"""Longest header, longest body (its length has ten bits), checksum."""

MOST_ON_WIRE: Final = 2 * MOST_BYTES
"""The same when every byte is escaped."""

_LEAST_BYTES: Final = 12 + 1


class FrameFault(enum.StrEnum):
    """Why a frame cannot be believed; the label of the counter."""

    OVERSIZE = "oversize"  # no end within the longest frame there is
    ESCAPE = "escape"  # 7D before something else than 01 or 02
    SHORT = "short"  # less than the shortest header
    CHECKSUM = "checksum"


class FrameError(ValueError):
    """A frame cannot be believed."""

    def __init__(self, fault: FrameFault, detail: str) -> None:
        super().__init__(f"{fault}: {detail}")
        self.fault = fault


class Splitter:
    """Cuts a stream of bytes at its flags; never keeps more than one frame's bytes.

    Every 7E both ends and begins: a lost one costs the two frames it stood between at most, and
    garbage costs itself. What is cut out is not yet checked.

    Attributes:
        oversize: frames given up because they did not end.
        discarded: bytes before the first flag, and of frames that did not end.
    """

    def __init__(self) -> None:
        self.oversize = 0
        self.discarded = 0
        self._in_sync = False
        self._pending = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes as they come; return the frames that end in them, without flags, escaped."""
        *ended, rest = data.split(_FLAG)
        found: list[bytes] = []
        for part in ended:
            self._add(part)
            if self._pending:
                found.append(self._pending)
            self._pending = b""
            self._in_sync = True
        self._add(rest)
        return found

    def _add(self, part: bytes) -> None:
        if not self._in_sync:
            self.discarded += len(part)
            return
        self._pending += part
        if len(self._pending) > MOST_ON_WIRE:
            self.discarded += len(self._pending)
            self.oversize += 1
            self._in_sync = False
            self._pending = b""


def checksum(data: bytes) -> int:
    """Return the XOR of all bytes."""
    return reduce(xor, data, 0)


def escape(data: bytes) -> bytes:
    """Make bytes fit to stand between two flags."""
    return data.replace(_ESCAPE, _ESCAPED_ESCAPE).replace(_FLAG, _ESCAPED_FLAG)


def unescape(data: bytes) -> bytes:
    """Undo :func:`escape`.

    Raises:
        FrameError: an escape byte that escapes nothing.
    """
    escapes = data.count(_ESCAPE)
    if not escapes:
        return data
    if escapes != data.count(_ESCAPED_FLAG) + data.count(_ESCAPED_ESCAPE):
        raise FrameError(FrameFault.ESCAPE, "7D is followed by something else than 01 or 02")
    # In this order: the first pass makes no 7D, so the second sees only those that came.
    return data.replace(_ESCAPED_FLAG, _FLAG).replace(_ESCAPED_ESCAPE, _ESCAPE)


def wrap(content: bytes) -> bytes:
    """Return a whole frame around header and body."""
    return _FLAG + escape(content + bytes((checksum(content),))) + _FLAG


def unwrap(raw: bytes) -> bytes:
    """Return header and body of a frame that :class:`Splitter` cut out.

    Raises:
        FrameError: it cannot be believed.
    """
    whole = unescape(raw)
    if len(whole) < _LEAST_BYTES:
        raise FrameError(FrameFault.SHORT, f"{len(whole)} bytes are less than a header")
    if len(whole) > MOST_BYTES:
        raise FrameError(FrameFault.OVERSIZE, f"{len(whole)} bytes are more than a frame can hold")
    if checksum(whole):  # the XOR of all with their own XOR is zero
        raise FrameError(FrameFault.CHECKSUM, "the checksum does not fit")
    return whole[:-1]
