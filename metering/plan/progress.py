"""How far a year's quota is used up, against where it should be by now. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Final

from metering.plan.curve import Curve, Shape
from metering.plan.usage import Source, Usage, Window

TOLERANCE: Final = Decimal("0.05")
"""Within so much of the plan is on plan."""
ENOUGH_KNOWN: Final = Decimal("0.5")
"""Share of the plan so far that must be known before anything is said about it."""
_MICRO: Final = 1_000_000


class Kind(enum.StrEnum):
    """What a quota demands."""

    CONSTRAINT = "constraint"  # 约束值
    BASELINE = "baseline"  # 基准值
    GUIDE = "guide"  # 引导值


class Per(enum.StrEnum):
    """What a quota's value is for."""

    TOTAL = "total"
    M2 = "m2"
    HEAD = "head"


class State(enum.StrEnum):
    """How consumption stands to the plan."""

    AHEAD = "ahead"  # less was used than planned
    ON_PLAN = "on_plan"
    OVER = "over"
    UNKNOWN = "unknown"


class Lack(enum.StrEnum):
    """Why nothing is said."""

    NO_FIGURES = "no_figures"
    TOO_LITTLE_KNOWN = "too_little_known"
    NO_BASE = "no_base"  # per m² or per head, and nobody entered how many


@dataclass(frozen=True, slots=True)
class Base:
    """What a specific quota is multiplied with; None: not known.

    Attributes:
        area_m2: floor area, m².
        heads: energy users.
    """

    area_m2: Decimal | None = None
    heads: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """A quota at a day.

    Attributes:
        limit: the year's quota, millionths of the unit; None when its base is not known.
        used: what is known to be used up to the day; None: nothing is known.
        planned: what the plan gives to the days that `used` covers.
        known: which part of the plan up to the day lies on known days, 0 to 1.
        unknown_days: days up to the day that nobody knows.
        sources: what `used` rests on.
        shape: what the plan follows.
        state: how it stands.
        lack: why the state is unknown.
    """

    limit: int | None
    used: int | None
    planned: int | None
    known: Decimal
    unknown_days: tuple[date, ...]
    sources: frozenset[Source]
    shape: Shape
    state: State
    lack: Lack | None = None

    @property
    def share(self) -> Decimal | None:
        """Which part of the year's quota is used; more than 1: it is exceeded."""
        if self.used is None or not self.limit:
            return None
        return Decimal(self.used) / self.limit


def limit_of(value: Decimal, per: Per, base: Base) -> int | None:
    """A quota in millionths of its unit, for the whole institution.

    Args:
        value: in its unit, per what `per` says.
        per: total, m² or head.
        base: how many of them.
    """
    times = {Per.TOTAL: Decimal(1), Per.M2: base.area_m2, Per.HEAD: base.heads}[per]
    if times is None:
        return None
    return int((value * times * _MICRO).to_integral_value(ROUND_HALF_EVEN))


def progress(limit: int | None, usage: Usage, curve: Curve, until: date) -> Progress:
    """Hold what was used against the plan, both over the days that are known.

    Args:
        limit: the year's quota in millionths of the unit.
        usage: what is known of the year.
        curve: of the same year.
        until: the last day that is over.
    """
    so_far = Window(date(until.year, 1, 1), until)
    pieces = usage.pieces(so_far)
    covered = {day for piece in pieces for day in piece.window}
    used = sum(piece.micro for piece in pieces) if pieces else None
    share, elapsed = curve.share(covered), curve.share(so_far)
    known = share / elapsed if elapsed else Fraction(0)
    planned = None if limit is None else int(limit * share)
    lack = _lack(limit, used, known)
    return Progress(
        limit=limit,
        used=used,
        planned=planned,
        known=Decimal(known.numerator) / known.denominator,
        unknown_days=tuple(day for day in so_far if day not in covered),
        sources=frozenset(piece.source for piece in pieces),
        shape=curve.shape,
        state=State.UNKNOWN if lack else _state(limit, used, planned),
        lack=lack,
    )


def _lack(limit: int | None, used: int | None, known: Fraction) -> Lack | None:
    if limit is None:
        return Lack.NO_BASE
    if used is None:
        return Lack.NO_FIGURES
    return Lack.TOO_LITTLE_KNOWN if known < Fraction(ENOUGH_KNOWN) else None


def _state(limit: int | None, used: int | None, planned: int | None) -> State:
    if limit is None or used is None or planned is None:
        return State.UNKNOWN
    if used > limit or used > planned * (1 + TOLERANCE):
        return State.OVER
    return State.AHEAD if used < planned * (1 - TOLERANCE) else State.ON_PLAN
