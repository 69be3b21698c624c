"""Fuel for a distance: Σ over Σ, with what the tank leaves open; from full tank to full tank.

Litres a hundred kilometres are millilitres over hundreds of metres, and kilowatt-hours are
watt-hours over them: whole numbers divided once, when they are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from fleet.ledger.events import Event, Stretch, Unknown, doubtful, in_order

_CENT: Final = Decimal("0.01")
_USUAL: Final = {"ml": "filling", "dm3": "filling", "g": "filling", "wh": "charging"}


@dataclass(frozen=True, slots=True)
class Consumption:
    """What was used on a stretch, in whole units.

    Attributes:
        unit: of the quantities.
        filled: Σ of fillings on the stretch: what was used, if the tank held as much at both ends.
        low: the least that can have been used; None: the tank's size is not known.
        high: the most; the same.
        hm: hundreds of metres, more than 0.
    """

    unit: str
    filled: int
    low: int | None
    high: int | None
    hm: int

    @property
    def per_100_km(self) -> Decimal:
        """L, kWh, m³ or kg a hundred kilometres."""
        return ratio(self.filled, self.hm)

    @property
    def bounds(self) -> tuple[Decimal, Decimal] | None:
        """The truth lies between these; None: the tank's size is not known."""
        if self.low is None or self.high is None:
            return None
        return ratio(self.low, self.hm), ratio(self.high, self.hm)


@dataclass(frozen=True, slots=True)
class Leg:
    """From a full tank to the next one: what was filled is what was used."""

    first: Event
    last: Event
    quantity: int
    hm: int


def consumption(
    events: Iterable[Event], stretch: Stretch, unit: str, capacity: int | None
) -> Consumption | Unknown:
    """Return what was used on a stretch, by Σ of fillings and what the tank leaves open.

    used = level at the begin + Σ fillings − level at the end. A level is between nothing and the
    tank; after a filling at least that filling; after one to the brim the whole tank.

    Args:
        events: of one vehicle.
        stretch: the kilometres.
        unit: which of its energies.
        capacity: of its tank or battery, in that unit; None: not known.
    """
    inside = [one for one in stretch.inside(events) if _brings(one, unit)]
    if any(one.missed for one in inside):
        return Unknown("其间有未登记的加油")
    blank = sum(one.quantity is None for one in inside)
    if blank:
        return Unknown(f"其间有 {blank} 笔没有数量")
    if stretch.hm <= 0:
        return Unknown("其间没有行驶")
    filled = sum(one.quantity or 0 for one in inside)
    begin = _level(stretch.first, unit, capacity)
    end = _level(stretch.last, unit, capacity)
    if begin == end == "full":
        return Consumption(unit, filled, filled, filled, stretch.hm)
    if capacity is None:
        return Consumption(unit, filled, None, None, stretch.hm)
    (least, most), (left_least, left_most) = (_bounds(one, capacity) for one in (begin, end))
    low, high = filled + least - left_most, filled + most - left_least
    return Consumption(unit, filled, max(low, 0), max(high, 0), stretch.hm)


def legs(events: Iterable[Event], unit: str) -> Iterator[Leg]:
    """Yield the legs from full tank to full tank (field cases 13 and 21 of vehicles).

    A partial filling is carried forward to the next full one; a full one without a reading too.
    After a missed filling, one without litres, or with another dashboard it begins anew. A leg that
    nobody can have driven rests on a wrong reading, and is none.
    """
    begin: Event | None = None
    carried = 0
    for one in in_order(one for one in events if one.restarts or _brings(one, unit)):
        if one.restarts:
            begin, carried = None, 0
            continue
        if one.missed or one.quantity is None:
            begin = None
        carried += one.quantity or 0
        if not one.full or one.odometer_hm is None:
            continue
        hm = one.odometer_hm - (begin.odometer_hm or 0) if begin else 0
        if begin is not None and hm > 0 and not doubtful(begin, one):
            yield Leg(begin, one, carried, hm)
        begin, carried = one, 0


def together(parts: Sequence[Consumption]) -> Consumption | Unknown:
    """Return Σ over Σ of several stretches or vehicles, never the mean of their ratios."""
    if not parts:
        return Unknown("没有可以合计的车辆")
    lows, highs = [one.low for one in parts], [one.high for one in parts]
    open_ = None in lows or None in highs
    return Consumption(
        parts[0].unit,
        sum(one.filled for one in parts),
        None if open_ else sum(low or 0 for low in lows),
        None if open_ else sum(high or 0 for high in highs),
        sum(one.hm for one in parts),
    )


def ratio(quantity: int, hm: int) -> Decimal:
    """Divide, and round once to hundredths."""
    return (Decimal(quantity) / Decimal(hm)).quantize(_CENT, ROUND_HALF_EVEN)


def yuan_per_km(fen: int, hm: int) -> Decimal:
    """Return yuan a kilometre, rounded once to hundredths."""
    return (Decimal(fen) / (Decimal(hm) * 10)).quantize(_CENT, ROUND_HALF_EVEN)


def _brings(one: Event, unit: str) -> bool:
    """Tell whether an event brings energy of a unit; a filling without litres may have."""
    return one.energy and (one.unit == unit or (one.unit is None and one.kind == _USUAL[unit]))


def _level(one: Event | None, unit: str, capacity: int | None) -> str | int:
    """Return ``full``, or the least that the tank holds after an event."""
    if one is None or not one.energy or one.unit != unit or one.quantity is None:
        return 0
    if one.full:
        return "full"
    return max(one.quantity, 0) if capacity is None else min(max(one.quantity, 0), capacity)


def _bounds(level: str | int, capacity: int) -> tuple[int, int]:
    return (capacity, capacity) if isinstance(level, str) else (level, capacity)
