"""One step between two readings: what it gains, whether it is plausible, what leaving out costs."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from metering.counter.model import Bools, Int64s, Policy, Readings, Register

_HOUR_US: Final = 3_600_000_000
_HOUR_MS: Final = 3_600_000


def limits(begin: Int64s, end: Int64s, register: Register) -> Int64s:
    """Return the most ticks a counter can gain in steps, one tick of rounding included.

    Args:
        begin: of the steps, µs UTC.
        end: of the steps, by time.
        register: how it counts.
    """
    parts = [_limits((end - begin)[cut], one) for cut, one in _held(end, register)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def gains(
    before: Int64s, after: Int64s, begin: Int64s, end: Int64s, register: Register
) -> tuple[Int64s, Bools]:
    """Return what each step gains, and whether it is plausible: normal, or a rollover.

    Args:
        before: ticks.
        after: ticks.
        begin: of the steps, µs UTC.
        end: of the steps, by time.
        register: how it counts.

    Returns:
        Ticks gained, those of a rollover corrected; and which steps cost nothing.
    """
    gain, elapsed = after - before, end - begin
    parts = [_gains(gain[cut], elapsed[cut], one) for cut, one in _held(end, register)]
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def fineness(end: Int64s, register: Register) -> Int64s:
    """Return for steps in how many ticks at a time the register counted when they ended."""
    return np.concatenate(
        [np.full(len(end[cut]), one.fine, np.int64) for cut, one in _held(end, register)]
    )


def _held(end: Int64s, register: Register) -> list[tuple[slice, Register]]:
    """Cut steps by what held when they ended."""
    if not register.earlier:
        return [(slice(None), register)]
    cuts = [int(np.searchsorted(end, until, side="right")) for until, _ in register.earlier]
    registers = [*(one for _, one in register.earlier), register]
    bounds = pairwise([0, *cuts, len(end)])
    return [(slice(*bound), one) for bound, one in zip(bounds, registers, strict=True)]


def _limits(elapsed: Int64s, register: Register) -> Int64s:
    hours = elapsed // _HOUR_US
    rest_ms = (elapsed - hours * _HOUR_US) // 1000  # a whole product would pass 2⁶³
    most = register.max_per_hour * hours + register.max_per_hour * rest_ms // _HOUR_MS + 1
    fine: Int64s = most * register.fine
    return fine


def _gains(gain: Int64s, elapsed: Int64s, register: Register) -> tuple[Int64s, Bools]:
    most = _limits(elapsed, register)
    free: Bools = (gain <= most) & (gain >= (-most if register.reversible else 0))
    if register.capacity is None or free.all():
        return gain, free
    turned: Int64s = gain - np.sign(gain) * register.capacity * register.fine
    likely = np.minimum(most, register.capacity * register.fine // 4)
    over = ~free & (gain < 0) & (turned >= 0) & (turned <= likely)
    if register.reversible:
        over |= ~free & (gain > 0) & (turned <= 0) & (turned >= -likely)
    return np.where(over, turned, gain), free | over


def weights(readings: Readings, policy: Policy) -> Int64s:
    """Return what leaving each reading out costs; the unit is T / N of a reading, in seconds.

    A reading costs T if it stands F / (N − ½) or longer from both its neighbours. On a side where
    the neighbour is nearer, its half of that shrinks alike. So dense readings are N only when they
    take F, also behind a silence, which is half a reading and no part of how long they last. If
    a reading stands alone for longer than T / N on both sides it costs N times that, at most N × T,
    which is also what believing a doubtful step costs (see :func:`doubt`). On both sides, because
    a silence on one side makes nothing likelier of what was read on the other.

    What will come behind the last reading is not known: it costs half, which is no more than it
    will then. What came before the first is not known either: it costs as if the neighbour there
    stood as near as the other, which is more than it may among others (see :func:`surely`).
    """
    costs: Int64s = np.ones(len(readings), np.int64)
    if len(readings) < 2:
        return costs
    longest = policy.confirm_us // 1_000_000
    distance = np.minimum((readings.ts[1:] - readings.ts[:-1]) // 1_000_000, longest)
    rate = longest * (2 * policy.confirm_readings - 1)
    share = np.minimum(distance * rate // (2 * policy.confirm_least_us // 1_000_000), longest)
    distance *= policy.confirm_readings
    sides = np.concatenate((share[:1], share, [0]))
    alone = np.concatenate(([0], np.minimum(distance[1:], distance[:-1]), [0]))
    np.maximum((sides[1:] + sides[:-1]) // 2, alone, out=costs)
    return np.maximum(costs, 1, out=costs)


def surely(costs: Int64s) -> Int64s:
    """Return what leaving readings out costs at least, whatever stands before and behind them."""
    least = costs.copy()
    least[:1] = np.maximum(costs[:1] // 2, 1)
    return least


def doubt(policy: Policy) -> int:
    """Return what it costs to believe a step that is not plausible, in the unit of weights."""
    return policy.confirm_readings * (policy.confirm_us // 1_000_000)
