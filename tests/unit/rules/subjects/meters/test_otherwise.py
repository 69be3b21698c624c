"""What a main meter, or the power of a device, tells of a meter that counts nothing."""

from __future__ import annotations

import numpy as np

from rules.subjects.meters.days import LEARNED
from rules.subjects.meters.otherwise import _by_day, behind, told_by

NAN = float("nan")
HOUR_US = 3_600_000_000
MAINS = np.array([7])
FRONT = np.full((1, 10), 7)


def balance(noise: float, missing: float) -> tuple[np.ndarray, np.ndarray]:
    """A main of 100 a day of which nobody counts 10, and more on the last ten days."""
    rng = np.random.default_rng(1)
    supplied = np.full((1, LEARNED + 10), 100.0)
    taken = 90.0 + rng.normal(0, noise, supplied.shape)
    taken[:, LEARNED:] -= missing
    return supplied, taken


def test_what_is_missing_at_the_main_is_told_less_what_chance_makes() -> None:
    usual = np.full((1, 10), 20.0)
    stuck = told_by(behind(*balance(0.5, 20.0)), MAINS, FRONT, usual)
    assert (stuck[0, :6] > 13).all()
    assert (stuck[0, :6] < 21).all()
    off = told_by(behind(*balance(0.5, 0.0)), MAINS, FRONT, usual)
    assert (off < 2).all()
    assert (off >= 0).all()


def test_what_nobody_counts_is_no_less_when_a_branch_is_off() -> None:
    supplied = np.full((1, LEARNED + 10), 100.0)
    supplied[:, LEARNED:] = 60.0
    taken = supplied - 40.0
    off = told_by(behind(supplied, taken), MAINS, FRONT, np.full((1, 10), 40.0))
    assert (off[0, :5] == 0).all()


def test_a_small_branch_of_an_uneven_main_is_not_told() -> None:
    usual = np.full((1, 10), 5.0)
    assert np.isnan(told_by(behind(*balance(3.0, 0.0)), MAINS, FRONT, usual)).all()


def test_what_has_no_main_is_not_told() -> None:
    usual = np.full((1, 10), 20.0)
    front = np.where(np.arange(10) < 5, -1, FRONT)
    found = told_by(behind(*balance(0.5, 20.0)), MAINS, front, usual)
    assert np.isnan(found[0, :5]).all()
    assert np.isfinite(found[0, 5])
    assert np.isnan(told_by(None, MAINS[:0], np.full((1, 10), -1), usual)).all()


def test_power_is_a_day_of_energy_where_most_of_the_day_is_known() -> None:
    slot = np.arange(3 * 96) * (HOUR_US // 4)
    kept = np.r_[np.ones(96), np.ones(80), np.zeros(16), np.ones(70), np.zeros(26)] == 1
    day = np.arange(3) * 24 * HOUR_US
    covered = np.full(int(kept.sum()), 900, np.int16)
    found = _by_day(slot[kept], np.full(len(covered), 2.0), covered, day, day + 24 * HOUR_US)
    assert np.allclose(found[:2], 48)
    assert np.isnan(found[2])
