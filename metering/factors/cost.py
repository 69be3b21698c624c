"""What consumption costs by a tariff: exact by the millionth, for whole years and many meters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from metering.counter.model import GRAIN_US, Int64s, Quarters
from metering.factors.clock import LocalQuarters, date_of, local_day, local_quarters, midnight_us
from metering.factors.rounding import of_micro, product, total
from metering.factors.tariff import (
    QUARTERS,
    Period,
    Seasons,
    Tariff,
    Tiered,
    TieredTimeOfUse,
    TierSpan,
    TimeOfUse,
)
from registry.day_kind import DayKind

Calendar = Callable[[date], str]
"""Says ``workday``, ``weekend`` or ``holiday`` of a day; raises when it does not know the year."""

_INT64_MAX: Final = 2**63 - 1
_NO_TIERS: Final = Tiered(TierSpan.MONTH, ())


@dataclass(frozen=True, slots=True)
class Part:
    """One line of a bill.

    Attributes:
        begin: first day of the month (or year, for yearly tiers) it belongs to.
        label: period or tier, in Chinese; empty for a flat price.
        micro: millionths of the unit.
        price: yuan per unit; None: no base price is known for the month.
        yuan: exact; None: unknown.
        yearly: ``begin`` begins a year.
    """

    begin: date
    label: str
    micro: int
    price: Decimal | None
    yuan: Decimal | None
    yearly: bool = False


@dataclass(frozen=True, slots=True)
class Cost:
    """What a window of consumption costs.

    Attributes:
        tariff: its full name.
        parts: by month and period, in order; only what was used.
        quarters: how many quarter hours it rests on; what is unknown is not in it.
        backward_quarters: how many of them are below 0 (fed in, or a sum of meters that differ);
            they are taken off at the same price, or out of the tier they had filled.
        backward_micro: their sum, millionths of the unit, 0 or below.
        estimated_micro: the part that was allotted over gaps; its periods are not certain.
    """

    tariff: str
    parts: tuple[Part, ...]
    quarters: int
    backward_quarters: int = 0
    backward_micro: int = 0
    estimated_micro: int = 0

    @property
    def micro(self) -> int:
        """All consumption, millionths of the unit."""
        return sum(part.micro for part in self.parts)

    @property
    def yuan(self) -> Decimal | None:
        """The exact sum; None when any part is unknown. Round at the edge, to two digits."""
        known = [part.yuan for part in self.parts if part.yuan is not None]
        return total(known) if len(known) == len(self.parts) else None

    @property
    def why(self) -> str:
        """Why the sum is unknown, in Chinese; else empty."""
        months = dict.fromkeys(f"{p.begin:%Y-%m}" for p in self.parts if p.yuan is None)
        return f"{'、'.join(months)} 没有平段基准电价" if months else ""

    def by_label(self) -> dict[str, int]:
        """Return millionths by period or tier."""
        found: dict[str, int] = {}
        for part in self.parts:
            found[part.label] = found.get(part.label, 0) + part.micro
        return found


@dataclass(frozen=True, slots=True)
class _Line:
    begin: date
    label: str
    price: Decimal | None = None
    season: int = 0
    period: Period = Period.FLAT


class Pricer:
    """A tariff laid over a window once, for any number of meters.

    Args:
        tariff: what holds in the whole window (cut with :func:`metering.factors.tariff.pieces`).
        calendar: asked only for months in which day types matter.
        zone: whose clock the tariff means.
        begin_us: begin of the window, µs UTC, on a quarter hour.
        end_us: its end.

    Raises:
        ValueError: the window is empty or off the quarter hours, the tariff does not hold at its
            begin, or the calendar says an unknown word.
    """

    def __init__(
        self, tariff: Tariff, calendar: Calendar, zone: ZoneInfo, begin_us: int, end_us: int
    ) -> None:
        self.tariff = tariff
        self._begin_us, self._end_us = begin_us, end_us
        first = local_day(begin_us, zone)
        if first < tariff.since:
            raise ValueError(f"{tariff.full_name} does not hold on {first} yet: choose by the day")
        clock = local_quarters(begin_us, end_us, zone)
        self._keys, self._lines = _lay(tariff, calendar, clock)
        self._tiered = tiers_of(tariff)
        tiered = self._tiered or _NO_TIERS
        spans = [span_begin(tiered, line.begin) for line in self._lines]
        self._spans = list(dict.fromkeys(spans))
        self._span_of_line = np.asarray([self._spans.index(span) for span in spans], np.int64)
        self._fresh = begin_us == midnight_us(self._spans[0], zone)

    def cost(self, quarters: Quarters, *, already_micro: int | None = None) -> Cost:
        """Price the quarters of one meter.

        Args:
            quarters: inside the window, in order; what is absent is unknown and costs nothing here.
            already_micro: what was used since the tier's month or year began, up to the window's
                begin; needed by tiers unless the window begins there.

        Raises:
            ValueError: a quarter outside the window or out of order, a tier's start that is not
                given.
            OverflowError: sums pass 64 bits.
        """
        if self._tiered is not None and already_micro is None and not self._fresh:
            raise ValueError(
                "tiers count from the begin of their month or year: pass already_micro, "
                "what was used from there to the begin of the window"
            )
        keys = self._keys_of(quarters, already_micro or 0)
        if self._tiered is None:
            sums = _add_up(keys, quarters.micro, len(self._lines))
            used = ((line, micro) for line, micro in zip(self._lines, sums, strict=True) if micro)
            parts = [_part(line.begin, line.label, micro, line.price) for line, micro in used]
        else:
            parts = self._through_tiers(self._tiered, keys, quarters.micro, already_micro or 0)
        below = quarters.micro[quarters.micro < 0]
        return Cost(
            tariff=self.tariff.full_name,
            parts=tuple(parts),
            quarters=len(quarters.slot),
            backward_quarters=len(below),
            backward_micro=int(below.sum()),
            estimated_micro=int(quarters.estimated.sum()),
        )

    def _keys_of(self, quarters: Quarters, already_micro: int) -> npt.NDArray[np.int32]:
        """Return the line of each quarter, after what cannot be priced is refused."""
        slot, micro = quarters.slot, quarters.micro
        if not len(slot):
            return np.zeros(0, np.int32)
        if int(slot.min()) < self._begin_us or int(slot.max()) >= self._end_us:
            raise ValueError("there are quarters outside the window: cut them first")
        if (slot % GRAIN_US).any():
            raise ValueError("a slot is off the quarter hour: give quarters")
        if (np.diff(slot) <= 0).any():
            raise ValueError("quarters must be in the order of time, each once: sort them first")
        most = max(int(np.abs(micro.astype(np.float64)).max()), abs(already_micro))
        if most > _INT64_MAX // (len(micro) + 1):
            raise OverflowError("the quantities are too large to add: is a ratio wrong?")
        return self._keys[(slot - self._begin_us) // GRAIN_US]

    def _through_tiers(
        self, tiered: Tiered, keys: npt.NDArray[np.int32], micro: Int64s, already: int
    ) -> list[Part]:
        """Cut each quarter at the bounds of the tiers, in the order of time."""
        span = self._span_of_line[keys]
        upto = np.zeros(len(micro), np.int64)
        for index in np.unique(span):
            mine = span == index
            upto[mine] = np.cumsum(micro[mine]) + (already if index == 0 else 0)
        since = upto - micro
        found: list[tuple[date, int, int, Part]] = []
        floor = -_INT64_MAX
        for number, tier in enumerate(tiered.tiers, start=1):
            top = _INT64_MAX if tier.upto_micro is None else tier.upto_micro
            inside = np.clip(upto, floor, top) - np.clip(since, floor, top)
            for place, used in enumerate(_add_up(keys, inside, len(self._lines))):
                if used:
                    line = self._lines[place]
                    part = self._tier_part(tiered, line, number, used)
                    found.append((line.begin, number, place, part))
            floor = top
        return [part for *_, part in sorted(found, key=lambda one: one[:3])]

    def _tier_part(self, tiers: Tiered, line: _Line, number: int, micro: int) -> Part:
        scheme, tier = self.tariff.scheme, tiers.tiers[number - 1]
        if not isinstance(scheme, TieredTimeOfUse):
            part = _part(line.begin, f"第{number}档", micro, tier.price)
            return replace(part, yearly=tiers.span == TierSpan.YEAR)
        price = scheme.price(tier, line.season, line.period)
        return _part(line.begin, f"第{number}档 {line.label}", micro, price)


def cost(
    quarters: Quarters,
    tariff: Tariff,
    calendar: Calendar,
    zone: ZoneInfo,
    *,
    already_micro: int | None = None,
) -> Cost:
    """Price the quarters of one meter; see :class:`Pricer` for many meters.

    Raises:
        ValueError: there is no quarter, or what :class:`Pricer` refuses.
    """
    if not len(quarters.slot):
        raise ValueError("there is no quarter to price: nothing is known, that is not 0 yuan")
    begin, end = int(quarters.slot.min()), int(quarters.slot.max()) + GRAIN_US
    return Pricer(tariff, calendar, zone, begin, end).cost(quarters, already_micro=already_micro)


def tiers_of(tariff: Tariff) -> Tiered | None:
    """Return the tiers of a tariff that has some."""
    if isinstance(tariff.scheme, TieredTimeOfUse):
        return tariff.scheme.tiered
    return tariff.scheme if isinstance(tariff.scheme, Tiered) else None


def span_begin(tiered: Tiered, day: date) -> date:
    """Return the first day of the month or year in which tiers count on a day."""
    return day.replace(month=1, day=1) if tiered.span == TierSpan.YEAR else day.replace(day=1)


def _lay(
    tariff: Tariff, calendar: Calendar, clock: LocalQuarters
) -> tuple[npt.NDArray[np.int32], list[_Line]]:
    """Return for each quarter hour its line, and the lines."""
    days, of_day = np.unique(clock.day, return_inverse=True)
    dates = [date_of(int(day)) for day in days]
    scheme = tariff.scheme
    if isinstance(scheme, Seasons):
        return _lay_seasons(scheme, calendar, dates, of_day, clock.quarter)
    tiered = tiers_of(tariff) or _NO_TIERS
    begins = [span_begin(tiered, day) for day in dates]
    price = None if isinstance(scheme, Tiered) else scheme.price
    lines = [_Line(begin, "", price) for begin in dict.fromkeys(begins)]
    index = {line.begin: i for i, line in enumerate(lines)}
    return np.asarray([index[begin] for begin in begins], np.int32)[of_day], lines


def _lay_seasons(
    scheme: Seasons,
    calendar: Calendar,
    dates: Sequence[date],
    of_day: npt.NDArray[np.intp],
    quarter: Int64s,
) -> tuple[npt.NDArray[np.int32], list[_Line]]:
    seasons = [_season(scheme, calendar, day) for day in dates]
    months = [day.replace(day=1) for day in dates]
    kinds = list(dict.fromkeys(zip(months, seasons, strict=True)))
    index = {kind: i for i, kind in enumerate(kinds)}
    of_kind = np.asarray([index[k] for k in zip(months, seasons, strict=True)], np.int32)
    periods = np.asarray([one.periods for one in scheme.seasons], np.int32).reshape(-1, QUARTERS)
    of_season = np.asarray(seasons, np.int32)[of_day]
    keys = of_kind[of_day] * len(Period) + periods[of_season, quarter]
    lines = [
        _Line(month, period.chinese, _price(scheme, season, period, month), season, period)
        for month, season in kinds
        for period in Period
    ]
    return keys, lines


def _season(scheme: Seasons, calendar: Calendar, day: date) -> int:
    matters = scheme.needs_calendar(day.month, day.day)
    kind = _day_type(calendar, day) if matters else DayKind.WORKDAY
    return scheme.season(day.month, kind, day.day)


def _price(scheme: Seasons, season: int, period: Period, month: date) -> Decimal | None:
    """Return the price of a line; None also where the tier decides it."""
    occurs = period in scheme.seasons[season].rates
    return scheme.price(season, period, month) if isinstance(scheme, TimeOfUse) and occurs else None


def _day_type(calendar: Calendar, day: date) -> DayKind:
    word = calendar(day)
    if word not in set(DayKind):
        raise ValueError(f"the calendar calls {day} {word!r}: it must be {', '.join(DayKind)}")
    return DayKind(word)


def _add_up(keys: npt.NDArray[np.int32], micro: Int64s, lines: int) -> list[int]:
    """Add whole numbers by key; numpy's bincount would add floats."""
    order = np.argsort(keys, kind="stable")
    sorted_keys = keys[order]
    starts = np.flatnonzero(np.diff(sorted_keys, prepend=-1))
    sums = np.zeros(lines, np.int64)
    sums[sorted_keys[starts]] = np.add.reduceat(micro[order], starts)
    return [int(value) for value in sums]


def _part(begin: date, label: str, micro: int, price: Decimal | None) -> Part:
    yuan = None if price is None else product(of_micro(micro), price)
    return Part(begin, label, micro, price, yuan)
