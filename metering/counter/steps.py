"""One step between two readings: what it gains, whether it is plausible, what leaving out costs."""

from __future__ import annotations

from typing import Final

import numpy as np

from metering.counter.model import Bools, Int64s, Policy, Readings, Register

_HOUR_US: Final = 3_600_000_000
_HOUR_MS: Final = 3_600_000


def limits(elapsed: Int64s, register: Register) -> Int64s:
    """Return the most ticks a counter can gain in ``elapsed`` µs, one tick of rounding included."""
    hours = elapsed // _HOUR_US
    rest_ms = (elapsed - hours * _HOUR_US) // 1000  # a whole product would pass 2⁶³
    most: Int64s = register.max_per_hour * hours + register.max_per_hour * rest_ms // _HOUR_MS + 1
    return most


def gains(
    before: Int64s, after: Int64s, elapsed: Int64s, register: Register
) -> tuple[Int64s, Bools]:
    """Return what each step gains, and whether it is plausible: normal, or a rollover.

    Args:
        before: ticks.
        after: ticks.
        elapsed: µs between them.
        register: how it counts.

    Returns:
        Ticks gained, those of a rollover corrected; and which steps cost nothing.
    """
    gain: Int64s = after - before
    most = limits(elapsed, register)
    free: Bools = (gain <= most) & (gain >= (-most if register.reversible else 0))
    if register.capacity is None or free.all():
        return gain, free
    turned: Int64s = gain - np.sign(gain) * register.capacity
    likely = np.minimum(most, register.capacity // 4)
    over = ~free & (gain < 0) & (turned >= 0) & (turned <= likely)
    if register.reversible:
        over |= ~free & (gain > 0) & (turned <= 0) & (turned >= -likely)
    return np.where(over, turned, gain), free | over


def weights(readings: Readings, policy: Policy) -> Int64s:
    """Return what leaving each reading out costs; the unit is T / N of a reading, in seconds.

    So a reading costs T, or N times its distance to the one before where that is more, at most
    N × T, which is also what believing a doubtful step costs: see :func:`doubt`.
    """
    least = policy.confirm_us // 1_000_000
    costs: Int64s = np.empty(len(readings), np.int64)
    costs[:1] = least  # what came before the first one is not known
    distance = (readings.ts[1:] - readings.ts[:-1]) // 1_000_000
    np.clip(distance * policy.confirm_readings, least, doubt(policy), out=costs[1:])
    return costs


def doubt(policy: Policy) -> int:
    """Return what it costs to believe a step that is not plausible, in the unit of weights."""
    return policy.confirm_readings * (policy.confirm_us // 1_000_000)
