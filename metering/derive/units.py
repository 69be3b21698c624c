"""From the unit of a counter's point to the unit of its meter, and what a counter can gain."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

_SAME: Final = {"m³": "m3", "立方米": "m3", "千瓦时": "kWh", "度": "kWh", "kwh": "kWh", "l": "L"}
_FACTORS: Final = {
    ("Wh", "kWh"): Decimal("0.001"),
    ("MWh", "kWh"): Decimal(1000),
    ("L", "m3"): Decimal("0.001"),
    ("m3", "L"): Decimal(1000),
    ("kg", "t"): Decimal("0.001"),
    ("MJ", "GJ"): Decimal("0.001"),
    ("kWh", "GJ"): Decimal("0.0036"),
    ("MWh", "GJ"): Decimal("3.6"),
}
_MOST_PER_HOUR: Final = {
    "electricity": Decimal(1000),
    "water": Decimal(500),
    "gas": Decimal(1000),
    "heat": Decimal(100),
    "cooling": Decimal(100),
}
_MOST_OF_OTHERS: Final = Decimal(1000)


def factor(point_unit: str, meter_unit: str) -> Decimal:
    """Return how many of the meter's unit one of the point's unit is.

    Raises:
        ValueError: there is no way from one to the other.
    """
    one, other = _SAME.get(point_unit, point_unit), _SAME.get(meter_unit, meter_unit)
    if one == other:
        return Decimal(1)
    known = _FACTORS.get((one, other))
    if known is None:
        raise ValueError(
            f"the counter counts {point_unit or 'without a unit'}, its meter {meter_unit}: no "
            "factor is known; correct the meter's unit or the point's in its profile"
        )
    return known


def most_per_hour(energy: str) -> Decimal:
    """Return what a counter can gain in an hour at most when nobody declared it.

    Generous: it is there to tell a spike from a load. Before CT and PT, in the usual unit of the
    energy's meters (kWh, m3, GJ). A larger counter declares its own in ``device_register``.
    """
    return _MOST_PER_HOUR.get(energy, _MOST_OF_OTHERS)
