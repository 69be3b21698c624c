"""Did a vehicle move while it was sealed? Pure. Of sensitive ones: odometer and ignition only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from fleet.track.rules import SECOND_US
from fleet.yards.days import Window
from fleet.yards.spans import Span, joined, total, within, without
from fleet.yards.verdicts import (
    Agrees,
    CannotTell,
    Doubt,
    DoubtKind,
    Evidence,
    Excuse,
    Verdict,
    Why,
)

_SLACK_MM: Final = 1_000_000
_SAME_MM: Final = 150_000
"""A standing vehicle's odometer shows the same; the last digit may turn."""
_HOLDS_US: Final = 600 * SECOND_US
"""An ignition seen on is believed so long without another message."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What a terminal said besides where it was; a basement does not hide it.

    Attributes:
        t_us: when, µs UTC.
        terminal: id.
        acc: ignition; None: unknown.
        odometer_mm: None: unknown.
    """

    t_us: int
    terminal: int
    acc: bool | None
    odometer_mm: int | None


@dataclass(frozen=True, slots=True)
class Driven:
    """A trip: when, and how far by positions, whole millimetres; None: no place was stored."""

    from_us: int
    to_us: int
    distance_mm: int | None


@dataclass(frozen=True, slots=True)
class Limits:
    """What is let pass.

    Attributes:
        moved_mm: shorter ways do not count: put elsewhere in the yard.
        ignition_us: the ignition may be on so long: the battery is kept alive.
        asleep_us: a terminal may be silent so long.
        fastest_kmh: an odometer that gains more has leapt.
    """

    moved_mm: int
    ignition_us: int
    asleep_us: int
    fastest_kmh: int = 200


def movement(  # noqa: PLR0913, PLR0917 - the day, what is known, and what is let pass
    window: Window,
    signs: Sequence[Sign],
    trips: Sequence[Driven] | None,
    excuses: Sequence[Excuse],
    limits: Limits,
    now_us: int,
) -> Verdict:
    """Say whether a sealed vehicle moved in a window.

    Args:
        window: when it was sealed.
        signs: of its terminals, by time: those of the window, one before and one behind.
        trips: that touch it; None: nobody may know (sensitive).
        excuses: by orders and duty.
        limits: what is let pass.
        now_us: what lies ahead is not judged.
    """
    whole = [(window.from_us, min(window.to_us, now_us))]
    met = [one for one in excuses if one.from_us < whole[0][1] and one.to_us > whole[0][0]]
    certain = joined(one.span for one in met if not one.open)
    maybe = joined(one.span for one in met if one.open)
    steps = _steps(signs, limits)
    watched = without(whole, certain)
    sure = without(watched, maybe)
    unknown = without(_silent(signs, steps, whole[0], limits, now_us), certain)
    away = within(joined((one.from_us, one.to_us) for one in trips or ()), watched)
    evidence = Evidence(
        window,
        away=tuple(away),
        unknown=tuple(unknown),
        excuses=tuple(met),
        moved_mm=None if trips is None else _driven(trips, watched),
        odometer_mm=_gained(steps, watched),
        ignition_us=_ignition(signs, watched),
    )
    if _moved(_driven(trips or (), sure), _gained(steps, sure), limits):
        return Doubt(DoubtKind.MOVED_SEALED, evidence)
    if _moved(evidence.moved_mm, evidence.odometer_mm, limits):
        return CannotTell(Why.ORDER_OPEN, evidence)
    on_us = _ignition(signs, sure) or 0
    by_nothing_else = evidence.moved_mm is None and evidence.odometer_mm is None
    if by_nothing_else and on_us >= limits.ignition_us:
        return Doubt(DoubtKind.IGNITION_SEALED, evidence)
    if unknown:
        heard = any(whole[0][0] <= one.t_us < whole[0][1] for one in signs)
        return CannotTell(Why.SILENT if heard else Why.NO_POSITIONS, evidence)
    if by_nothing_else and evidence.ignition_us is None:
        return CannotTell(Why.SENSITIVE, evidence)
    return Agrees(evidence)


@dataclass(frozen=True, slots=True)
class _Step:
    """From one odometer reading of a terminal to the next; None: it fell or leapt.

    Many terminals count by their receiver, and creep while they stand: with the ignition off at
    both ends a step that is no move by itself gained nothing.
    """

    terminal: int
    from_us: int
    to_us: int
    gained_mm: int | None


def _steps(signs: Sequence[Sign], limits: Limits) -> list[_Step]:
    found = list[_Step]()
    for terminal in sorted({one.terminal for one in signs}):
        its = [one for one in signs if one.terminal == terminal and one.odometer_mm is not None]
        for one, other in pairwise(its):
            gained = _step_mm(one, other, limits)
            found.append(_Step(terminal, one.t_us, other.t_us, gained))
    return found


def _step_mm(one: Sign, other: Sign, limits: Limits) -> int | None:
    if one.odometer_mm is None or other.odometer_mm is None:
        return None
    gained = other.odometer_mm - one.odometer_mm
    seconds = (other.t_us - one.t_us) // SECOND_US
    most = _SLACK_MM + limits.fastest_kmh * 1_000_000 * seconds // 3_600
    if not 0 <= gained <= most:
        return None
    off = one.acc is False and other.acc is False
    return 0 if off and gained < limits.moved_mm else gained


def _gained(steps: Sequence[_Step], spans: Sequence[Span]) -> int | None:
    """Return what the odometer gained in steps that lie within; of several terminals the most.

    A step across an edge may have been driven beyond it.
    """
    gained = Counter[int]()
    for one in steps:
        inside = any(start <= one.from_us and one.to_us <= end for start, end in spans)
        if inside and one.gained_mm is not None:
            gained[one.terminal] += one.gained_mm
    return max(gained.values(), default=None)


def _driven(trips: Sequence[Driven], spans: Sequence[Span]) -> int | None:
    """Return how far trips went in some spans, by their time; None: of one of them unknown."""
    driven = 0
    for one in trips:
        inside = total(within([(one.from_us, one.to_us)], spans))
        if inside and one.distance_mm is None:
            return None
        driven += (one.distance_mm or 0) * inside // (one.to_us - one.from_us)
    return driven


def _moved(driven_mm: int | None, gained_mm: int | None, limits: Limits) -> bool:
    return max(driven_mm or 0, gained_mm or 0) >= limits.moved_mm


def _ignition(signs: Sequence[Sign], spans: Sequence[Span]) -> int | None:
    """Return how long the ignition was on; None: no terminal says."""
    if all(one.acc is None for one in signs):
        return None
    on = joined(
        (one.t_us, min(other.t_us, one.t_us + _HOLDS_US))
        for one, other in pairwise(signs)
        if one.acc
    )
    return total(within(on, spans))


def _silent(
    signs: Sequence[Sign], steps: Sequence[_Step], whole: Span, limits: Limits, now_us: int
) -> list[Span]:
    """Return the time of which no terminal says anything, and no odometer that it stood."""
    stood = joined(
        (one.from_us, one.to_us)
        for one in steps
        if one.gained_mm is not None and one.gained_mm <= _SAME_MM
    )
    heard = [one.t_us for one in signs]
    if not heard:
        return [whole]
    pauses = [*pairwise(heard), (heard[-1], now_us)]
    quiet = [one for one in pauses if one[1] - one[0] > limits.asleep_us]
    # Nothing was heard of it before, however short that is.
    quiet.append((whole[0], heard[0]))
    return without(within(joined(quiet), [whole]), stood)
