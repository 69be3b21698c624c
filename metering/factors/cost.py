"""What consumption costs by a tariff: exact by the millionth, for whole years and many meters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from metering.counter.model import GRAIN_US, Int64s, Quarters
from metering.day_kind import DayKind
from metering.factors.clock import LocalQuarters, date_of, local_day, local_quarters, midnight_us
from metering.factors.rounding import of_micro, product, total
from metering.factors.tariff import (
    QUARTERS,
    Period,
    Tariff,
    Tiered,
    TierSpan,
    TimeOfUse,
)

Calendar = Callable[[date], str]
"""Says ``workday``, ``weekend`` or ``holiday`` of a day; raises when it does not know the year."""

_INT64_MAX: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Part:
    """One line of a bill.

    Attributes:
        begin: first day of the month (or year, for yearly tiers) it belongs to.
        label: period or tier, in Chinese; empty for a flat price.
        micro: millionths of the unit.
        price: yuan per unit; None: no base price is known for the month.
        yuan: exact; None: unknown.
    """

    begin: date
    label: str
    micro: int
    price: Decimal | None
    yuan: Decimal | None


@dataclass(frozen=True, slots=True)
class Cost:
    """What a window of consumption costs.

    Attributes:
        tariff: its full name.
        parts: by month and period, in order; only what was used.
        quarters: how many quarter hours it rests on; what is unknown is not in it.
    """

    tariff: str
    parts: tuple[Part, ...]
    quarters: int

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
    price: Decimal | None


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
        self._fresh = begin_us == midnight_us(self._lines[0].begin, zone)

    def cost(self, quarters: Quarters, *, already_micro: int | None = None) -> Cost:
        """Price the quarters of one meter.

        Args:
            quarters: inside the window; what is absent is unknown and costs nothing here.
            already_micro: what was used since the tier's month or year began, up to the window's
                begin; needed by tiers unless the window begins there.

        Raises:
            ValueError: a quarter outside the window, a tier's start that is not given, or tiers
                over consumption that runs backwards.
            OverflowError: sums pass 64 bits.
        """
        sums = self._sums(quarters)
        if isinstance(self.tariff.scheme, Tiered):
            parts = self._tiered(self.tariff.scheme, sums, already_micro)
        else:
            used = ((line, micro) for line, micro in zip(self._lines, sums, strict=True) if micro)
            parts = [_part(line.begin, line.label, micro, line.price) for line, micro in used]
        return Cost(self.tariff.full_name, tuple(parts), len(quarters.slot))

    def _sums(self, quarters: Quarters) -> list[int]:
        """Exact sum by line."""
        slot, micro = quarters.slot, quarters.micro
        if not len(slot):
            return [0] * len(self._lines)
        if int(slot.min()) < self._begin_us or int(slot.max()) >= self._end_us:
            raise ValueError("there are quarters outside the window: cut them first")
        if (slot % GRAIN_US).any():
            raise ValueError("a slot is off the quarter hour: give quarters")
        if int(np.abs(micro.astype(np.float64)).max()) > _INT64_MAX // len(micro):
            raise OverflowError("the quantities are too large to add: is a ratio wrong?")
        return _add_up(self._keys[(slot - self._begin_us) // GRAIN_US], micro, len(self._lines))

    def _tiered(self, scheme: Tiered, sums: Sequence[int], already: int | None) -> list[Part]:
        if already is None and not self._fresh:
            raise ValueError(
                "tiers count from the begin of their month or year: pass already_micro, "
                "what was used from there to the begin of the window"
            )
        if min([*sums, already or 0]) < 0:
            raise ValueError("tiers over consumption below 0 have no meaning: use another tariff")
        parts = []
        before = already or 0
        for line, micro in zip(self._lines, sums, strict=True):
            parts += _through_tiers(scheme, line.begin, before, before + micro)
            before = 0
        return parts


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


def basic_charge(tariff: Tariff, kilowatts: Decimal | None, months: int = 1) -> Decimal | None:
    """Return the basic charge in exact yuan; None: unknown; 0 for a tariff without one.

    Args:
        tariff: of the month.
        kilowatts: the month's highest demand in kW, or the transformers' kVA; None: unknown.
        months: how many, with the same kilowatts.
    """
    if tariff.basic is None:
        return Decimal(0)
    if kilowatts is None:
        return None
    return product(tariff.basic.price, kilowatts, Decimal(months))


def _lay(
    tariff: Tariff, calendar: Calendar, clock: LocalQuarters
) -> tuple[npt.NDArray[np.int32], list[_Line]]:
    """Return for each quarter hour its line, and the lines."""
    days, of_day = np.unique(clock.day, return_inverse=True)
    dates = [date_of(int(day)) for day in days]
    scheme = tariff.scheme
    if isinstance(scheme, TimeOfUse):
        return _lay_time_of_use(scheme, calendar, dates, of_day, clock.quarter)
    yearly = isinstance(scheme, Tiered) and scheme.span == TierSpan.YEAR
    begins = [date(day.year, 1 if yearly else day.month, 1) for day in dates]
    price = None if isinstance(scheme, Tiered) else scheme.price
    lines = [_Line(begin, "", price) for begin in dict.fromkeys(begins)]
    index = {line.begin: i for i, line in enumerate(lines)}
    return np.asarray([index[begin] for begin in begins], np.int32)[of_day], lines


def _lay_time_of_use(
    scheme: TimeOfUse,
    calendar: Calendar,
    dates: Sequence[date],
    of_day: npt.NDArray[np.intp],
    quarter: Int64s,
) -> tuple[npt.NDArray[np.int32], list[_Line]]:
    matters = {month: scheme.needs_calendar(month) for month in range(1, 13)}
    seasons = [
        scheme.season(d.month, _day_type(calendar, d) if matters[d.month] else DayKind.WORKDAY)
        for d in dates
    ]
    kinds = list(dict.fromkeys((d.replace(day=1), s) for d, s in zip(dates, seasons, strict=True)))
    index = {kind: i for i, kind in enumerate(kinds)}
    of_kind = np.asarray(
        [index[d.replace(day=1), s] for d, s in zip(dates, seasons, strict=True)], np.int32
    )
    periods = np.asarray([one.periods for one in scheme.seasons], np.int32).reshape(-1, QUARTERS)
    of_season = np.asarray(seasons, np.int32)[of_day]
    keys = of_kind[of_day] * len(Period) + periods[of_season, quarter]
    lines = [
        _Line(
            month,
            period.chinese,
            scheme.price(season, period, month) if period in scheme.seasons[season].rates else None,
        )
        for month, season in kinds
        for period in Period
    ]
    return keys, lines


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


def _through_tiers(scheme: Tiered, begin: date, since: int, upto: int) -> list[Part]:
    """Cut what was used from ``since`` to ``upto`` within a span into tiers."""
    parts = []
    floor = 0
    for number, tier in enumerate(scheme.tiers, start=1):
        top = upto if tier.upto_micro is None else min(upto, tier.upto_micro)
        micro = top - max(since, floor)
        if micro > 0:
            parts.append(_part(begin, f"第{number}档", micro, tier.price))
        floor = tier.upto_micro or floor
    return parts


def _part(begin: date, label: str, micro: int, price: Decimal | None) -> Part:
    yuan = None if price is None else product(of_micro(micro), price)
    return Part(begin, label, micro, price, yuan)
