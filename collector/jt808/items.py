"""The items behind a position: ``BYTE id | BYTE length | data``, any number of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Items:
    """What stands behind the 28 bytes of a position.

    Attributes:
        raw: the data of every item in hexadecimal digits, by its id in two of them; a list when an
            id comes more than once. Makers use ids of the standard for what they like, so what we
            do not decode, or decode wrongly, can be read later.
        values: what we decode, by its name; absent: unknown.
        misfits: items whose length is not the standard's; their values are unknown.
        rest: what is left where an item says it is longer than the body.
    """

    raw: Mapping[str, str | list[str]]
    values: Mapping[str, float]
    misfits: int
    rest: bytes


def _number(data: bytes) -> float:
    return int.from_bytes(data, "big")


def _tenths(data: bytes) -> float:
    return int.from_bytes(data, "big") / 10


def _fuel(data: bytes) -> float | None:
    """Return litres; a terminal without a sensor sends 0."""
    number = int.from_bytes(data, "big")
    # With the highest bit set some makers mean whole litres.
    litres = number & 0x7FFF if number & 0x8000 else number / 10
    return litres or None


_DECODED: Final[Mapping[int, tuple[str, int, Callable[[bytes], float | None]]]] = {
    0x01: ("odometer_km", 4, _tenths),
    0x02: ("fuel_l", 2, _fuel),
    0x03: ("recorder_kmh", 2, _tenths),
    0x30: ("csq", 1, _number),
    0x31: ("satellites", 1, _number),
}


def parse(data: bytes) -> Items:
    """Take items apart; whatever is wrong with one, the others stand."""
    raw: dict[str, str | list[str]] = {}
    values: dict[str, float] = {}
    misfits, at, end = 0, 0, len(data)
    while at + 2 <= end and at + 2 + data[at + 1] <= end:
        id_, body = data[at], data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + len(body)
        _keep(raw, f"{id_:02x}", body.hex())
        if id_ in _DECODED:
            name, size, decode = _DECODED[id_]
            misfits += len(body) != size
            value = decode(body) if len(body) == size else None
            if value is not None:
                values.setdefault(name, value)
    return Items(raw, values, misfits, data[at:])


def _keep(raw: dict[str, str | list[str]], id_: str, digits: str) -> None:
    before = raw.get(id_)
    if before is None:
        raw[id_] = digits
    elif isinstance(before, list):
        before.append(digits)
    else:
        raw[id_] = [before, digits]
