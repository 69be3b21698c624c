"""Values into registers: types, scales, byte orders, sentinels."""

from __future__ import annotations

import struct
from decimal import Decimal
from fractions import Fraction
from typing import Final

from simulators.modbus.profile import Point

_FLOATS: Final = {"f32": ">f", "f64": ">d"}
_ORDERS: Final = {
    # (words swapped, bytes swapped inside each word)
    "ABCD": (False, False),
    "CDAB": (True, False),
    "BADC": (False, True),
    "DCBA": (True, True),
}


def encode(point: Point, raw: float) -> bytes:
    """Return the registers that hold a raw number (before scale) as they go onto the wire."""
    swap_words, swap_bytes = _ORDERS[point.order]
    body = _plain(point, raw)
    words = [body[n : n + 2] for n in range(0, len(body), 2)]
    if swap_words:
        words.reverse()
    if swap_bytes:
        words = [word[::-1] for word in words]
    return b"".join(words)


def raw_of(point: Point, value: float) -> float:
    """Return the raw number that stands for a gauge's value: rounded and held inside the type."""
    if point.type in _FLOATS:
        return _as_float(point, float(Fraction(value) / point.scale))
    low, high = _range(point)
    return max(low, min(high, round(value / float(point.scale))))


def raw_of_counter(point: Point, base_units: int, base_per_unit: int) -> float:
    """Return the raw number of a counter; an integer register rolls over when it is full."""
    exact = Fraction(base_units, base_per_unit) / point.scale
    if point.type in _FLOATS:
        return _as_float(point, float(exact))
    return int(exact) % (highest(point) + 1)


def highest(point: Point) -> int:
    """Return the largest raw number of an integer type."""
    return _range(point)[1]


def decimal_of(point: Point, raw: float) -> str:
    """Return ``raw · scale`` as a decimal string, exact for integer registers."""
    numerator, denominator = point.scale.numerator, point.scale.denominator
    if point.type in _FLOATS:
        return repr(raw * numerator / denominator)
    return str(Decimal(int(raw)) * numerator / Decimal(denominator))


def _plain(point: Point, raw: float) -> bytes:
    if point.type in _FLOATS:
        return struct.pack(_FLOATS[point.type], raw)
    size = point.words * 2
    if point.type.startswith("bcd"):
        return bytes.fromhex(f"{int(raw):0{size * 2}d}")
    # Sentinels are written as the pattern in the register, also for signed types.
    return (int(raw) & ((1 << size * 8) - 1)).to_bytes(size, "big")


def _as_float(point: Point, raw: float) -> float:
    packed = struct.pack(_FLOATS[point.type], raw)
    (seen,) = struct.unpack(_FLOATS[point.type], packed)
    return float(seen)


def _range(point: Point) -> tuple[int, int]:
    if point.type.startswith("bcd"):
        return 0, int("9" * point.words * 4)
    bits = point.words * 16
    if point.type.startswith("s"):
        return -(1 << bits - 1), (1 << bits - 1) - 1
    return 0, (1 << bits) - 1
