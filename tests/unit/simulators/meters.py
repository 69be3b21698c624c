"""Small devices for the tests of the Modbus simulator."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from simulators.almanac import QUARTERS, Days
from simulators.modbus.profile import Point, Profile
from simulators.models.counter import Counter

KWH = 1_000_000


def point(name: str, address: int, type_: str = "u16", **more: object) -> Point:
    """Return a point with the defaults of a holding register."""
    given: dict[str, object] = {
        "unit": "kWh" if more.get("class_") == "counter" else "",
        "class_": "gauge",
        "table": "holding",
        "order": "ABCD",
        "scale": Fraction(1),
        "sentinels": (),
        "words": {"u16": 1, "s16": 1, "bit": 1, "bcd16": 1, "f64": 4, "u64": 4, "s64": 4}.get(
            type_, 2
        ),
    }
    return Point(name=name, address=address, type=type_, **(given | more))  # type: ignore[arg-type]


def profile(*points: Point, max_hole: int = 4) -> Profile:
    """Return a profile of these points."""
    return Profile("test", 125, max_hole, (), points)


class FixedModel:
    """Shows the values it was given, at any time."""

    def __init__(
        self, values: Mapping[str, float], counters: Mapping[str, int] | None = None
    ) -> None:
        self._values = dict(values)
        self.counters = {
            name: Counter(_nothing, 0, base, 1) for name, base in (counters or {}).items()
        }

    def values(self, t_us: int) -> dict[str, float]:
        """Return the values."""
        return self._values


def _nothing(days: Days) -> NDArray[np.int64]:
    return np.zeros((len(days), QUARTERS), np.int64)
