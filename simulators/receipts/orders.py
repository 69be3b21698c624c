"""Dispatch orders of a life: one for each time that a vehicle left its yard."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from simulators import almanac, noise
from simulators.receipts.life import Life

_LEFT_S = 120


@dataclass(frozen=True, slots=True)
class Request:
    """A dispatch order; None: not stated.

    Attributes:
        number: its own.
        vehicle: code.
        true_s: when the vehicle left and came back; (-1, -1): it never did for this order.
        out_s, back_s: what the paper says; seconds since 1970, UTC.
        out_hm, back_hm: what it says of the odometer.
    """

    number: int
    vehicle: str
    true_s: tuple[int, int]
    out_s: int
    back_s: int | None
    out_hm: int | None
    back_hm: int | None

    @property
    def day(self) -> int:
        """Its local day."""
        return almanac.day_of(self.out_s * 1_000_000)


def outings(life: Life) -> list[tuple[int, int]]:
    """Return when a vehicle left its yard and came back, s UTC."""
    home = [(begin, end) for begin, end, at, _ in life.stays if at == life.car.yard.at]
    return [(left, back) for (_, left), (back, _) in pairwise(home) if back - left > _LEFT_S]


def orders(life: Life, number: int, seed: int) -> list[Request]:
    """Return the true orders of a vehicle, numbered from a number on.

    Times are rounded by people; some say no return, some no odometer.
    """
    rng = np.random.default_rng(noise.derive(seed, "orders", life.car.code))
    begun = int(rng.integers(10_000, 900_000))
    wrong = 1.0 + rng.normal(0.0, 0.012)
    found: list[Request] = []
    for left, back in outings(life):
        shown = rng.random() < 0.85
        km = np.interp([left, back], life.t, life.metres) / 1_000.0 * wrong
        out_hm, back_hm = (begun + int(one) * 10 for one in km)
        out_s, back_s = left - int(rng.uniform(0, 900)), back + int(rng.uniform(0, 900))
        found.append(
            Request(
                number + len(found),
                life.car.code,
                (left, back),
                out_s,
                back_s if rng.random() < 0.95 else None,
                out_hm if shown else None,
                back_hm if shown else None,
            )
        )
    return found
