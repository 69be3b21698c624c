"""From the bytes of replies to values, many replies at a time.

All replies of one layout are decoded together with numpy: gather the bytes of all points into
big-endian order (which undoes byte orders and skips holes in one step), view them by type, scale.
That costs a few microseconds a poll where a loop over points costs fifty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from collector.modbus.frame import DATA_AT
from collector.modbus.plan import Block
from collector.profile_model import Order, Point, Type
from storage.records import ReadingFlag

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.int16]
Replies = npt.NDArray[np.uint8]
"""Whole reply frames of one layout, one a row."""

EXACT: Final = 2**53
"""Whole numbers up to here are exact as float64."""

DTYPES: Final = {
    Type.BIT: "u1",
    Type.U16: ">u2",
    Type.S16: ">i2",
    Type.U32: ">u4",
    Type.S32: ">i4",
    Type.U64: ">u8",
    Type.S64: ">i8",
    Type.F32: ">f4",
    Type.F64: ">f8",
}


@dataclass(frozen=True, slots=True)
class _Group:
    """The points of one type in a block.

    Attributes:
        type: of all of them.
        gather: position in the reply of each byte, point by point, most significant byte first.
        shifts: for bits, how far right the bit must go.
        ratios: value = ticks * n / d, as (n, d) for each point.
        sentinels: (index in the group, value in the register) pairs.
    """

    type: Type
    gather: npt.NDArray[np.intp]
    shifts: npt.NDArray[np.uint8]
    ratios: tuple[tuple[int, int], ...]
    sentinels: tuple[tuple[int, int | float], ...]

    def decode(self, replies: Replies) -> tuple[Values, Flags]:
        raw = np.ascontiguousarray(replies[:, self.gather])
        ticks = raw.view(DTYPES[self.type])
        if self.type is Type.BIT:
            ticks = (ticks >> self.shifts) & 1
        flags = np.zeros(ticks.shape, np.int16)
        for index, sentinel in self.sentinels:
            flags[ticks[:, index] == sentinel, index] = ReadingFlag.SENTINEL
        values = self._scale(ticks)
        if self.type.is_float:
            flags[~np.isfinite(values) & (flags == 0)] = ReadingFlag.NOT_FINITE
        return values, flags

    def _scale(self, ticks: npt.NDArray[np.generic]) -> Values:
        if self._fits_float64():
            numerators, denominators = np.array(self.ratios, np.float64).T
            scaled: Values = ticks.astype(np.float64) * numerators / denominators
            return scaled
        rows = [
            [_exact(tick, n, d) for tick, (n, d) in zip(row, self.ratios, strict=True)]
            for row in ticks.tolist()
        ]
        return np.array(rows, np.float64)

    def _fits_float64(self) -> bool:
        """Whether ticks * n / d rounds only once when every operand is a float64."""
        if self.type.is_float:
            return all(ratio == (1, 1) for ratio in self.ratios)
        highest = 2**self.type.bits
        return all(n * highest <= EXACT and d <= EXACT for n, d in self.ratios)


class Layout:
    """How the replies to one block are decoded; devices with the same plan share it.

    Attributes:
        points: the points in the order of the decoded columns, which is not that of the block.
    """

    def __init__(self, block: Block) -> None:
        groups: dict[Type, list[Point]] = {}
        for point in block.points:
            groups.setdefault(point.type, []).append(point)
        self.points = tuple(point for points in groups.values() for point in points)
        self._groups = [_group(points, block.span.first) for points in groups.values()]

    def decode(self, replies: Sequence[bytes]) -> tuple[Values, Flags]:
        """Decode reply frames into values and :class:`ReadingFlag`, one row a reply.

        Where a flag says that there is no value, the value has no meaning.
        """
        frames = np.frombuffer(b"".join(replies), np.uint8).reshape(len(replies), -1)
        with np.errstate(invalid="ignore"):  # a signalling NaN is data here
            parts = [group.decode(frames) for group in self._groups]
        if len(parts) == 1:
            return parts[0]
        return np.hstack([values for values, _ in parts]), np.hstack([flags for _, flags in parts])


def _group(points: list[Point], first: int) -> _Group:
    kind = points[0].type
    where = [_bytes_of(point, point.address - first) for point in points]
    return _Group(
        type=kind,
        gather=np.array([at for places in where for at in places], np.intp) + DATA_AT,
        shifts=np.array([_shift(point, point.address - first) for point in points], np.uint8),
        ratios=tuple(point.scale.as_integer_ratio() for point in points),
        sentinels=tuple(
            (index, _in_register(kind, sentinel))
            for index, point in enumerate(points)
            for sentinel in point.sentinels
        ),
    )


def _bytes_of(point: Point, offset: int) -> list[int]:
    """Positions of a point's bytes behind the byte count, most significant first."""
    if point.table.holds_bits:
        return [offset // 8]
    if point.bit is not None:
        low = 1 if point.order is Order.ABCD else 0
        return [2 * offset + (low if point.bit < 8 else 1 - low)]
    words = list(range(offset, offset + point.size))
    if point.order in {Order.CDAB, Order.DCBA}:
        words.reverse()
    swapped = point.order in {Order.BADC, Order.DCBA}
    return [2 * word + byte for word in words for byte in ((1, 0) if swapped else (0, 1))]


def _shift(point: Point, offset: int) -> int:
    if point.type is not Type.BIT:
        return 0
    return (offset if point.bit is None else point.bit) % 8


def _in_register(kind: Type, sentinel: object) -> int | float:
    """Return a sentinel as numpy shows the register: signed types negative, f32 rounded."""
    if kind.is_float:
        return float(np.dtype(DTYPES[kind]).type(float(str(sentinel))))
    ticks = int(str(sentinel))
    return ticks - (1 << kind.bits) if kind.lowest < 0 and ticks >= -kind.lowest else ticks


def _exact(tick: float, numerator: int, denominator: int) -> float:
    """Return tick * n / d rounded once; NaN when it is not finite."""
    try:
        whole, part = tick.as_integer_ratio()
        return (whole * numerator) / (part * denominator)
    except (OverflowError, ValueError):
        return float("nan")
