"""Fleets of which some vehicles use, or pay, more from a day on."""

from __future__ import annotations

import numpy as np
import pytest

from simulators import almanac
from simulators.receipts.costly import CHANGED, VEHICLES, Costly, costly


def per_km(made: Costly, code: str, *, behind: bool) -> float:
    """Litres a kilometre of fillings before its day, or behind it."""
    life, day = made.lives[code], made.changed[code]
    edge = almanac.start_of(day) // 1_000_000
    its = [one for one in life.pumped if (one.at_s >= edge) is behind]
    return sum(one.litres for one in its[1:]) / (its[-1].km - its[0].km)


def test_only_the_changed_use_more_from_their_day_on() -> None:
    usual, more = costly(5), costly(5, litres_pct=40)
    assert len(more.changed) == CHANGED
    assert len(more.lives) == VEHICLES
    grown = [
        per_km(more, code, behind=True) / per_km(more, code, behind=False) for code in more.changed
    ]
    same = [
        per_km(usual, code, behind=True) / per_km(usual, code, behind=False)
        for code in usual.changed
    ]
    assert float(np.median(grown)) == pytest.approx(1.4 * float(np.median(same)), rel=0.06)
    for code in more.like:
        assert more.lives[code].pumped == usual.lives[code].pumped


def test_what_is_paid_follows_the_price_and_the_changed_pay_more() -> None:
    usual, more = costly(5), costly(5, yuan_pct=40)
    for one in usual.receipts:
        day = almanac.day_of(one.at_s * 1_000_000)
        changed = one.vehicle in usual.changed and day >= usual.changed[one.vehicle]
        if one.ml is None:
            assert one.number not in usual.fen
            continue
        ratio = more.fen[one.number] / usual.fen[one.number]
        assert ratio == pytest.approx(1.4 if changed else 1.0, abs=0.001)
