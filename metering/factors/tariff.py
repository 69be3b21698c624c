"""What a tariff is: flat, tiered, by time of use, or both, with an optional basic charge."""

from __future__ import annotations

import enum
import itertools
from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from metering.factors.basic import Basic
from metering.factors.files import Provenance
from metering.factors.rounding import product, total
from registry.day_kind import DayKind

QUARTERS: Final = 96
"""Quarter hours of a day by the clock."""


class Period(enum.IntEnum):
    """What the clock makes of an hour; the values are stored nowhere."""

    CRITICAL = 0
    PEAK = 1
    FLAT = 2
    VALLEY = 3
    DEEP_VALLEY = 4

    @property
    def chinese(self) -> str:
        """The word on a bill."""
        return ("尖", "峰", "平", "谷", "深谷")[self]

    @property
    def word(self) -> str:
        """The word in a file."""
        return self.name.lower().replace("_", "-")


class TierSpan(enum.StrEnum):
    """After what time tiers begin anew."""

    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Flat:
    """One price, yuan per unit."""

    price: Decimal


@dataclass(frozen=True, slots=True)
class Tier:
    """Use up to a bound costs ``price`` yuan per unit.

    Attributes:
        upto_micro: bound within the span, millionths of the unit; None: the last tier.
        price: yuan per unit.
    """

    upto_micro: int | None
    price: Decimal


@dataclass(frozen=True, slots=True)
class Tiered:
    """Prices by how much was used since the month or year began."""

    span: TierSpan
    tiers: tuple[Tier, ...]


def day_of_year(month: int, day: int) -> int:
    """Return a day of any year as one number, ``701`` for 1 July."""
    return 100 * month + day


EVERY_DAY: Final = tuple(
    day_of_year(month, day)
    for month in range(1, 13)
    for day in range(1, monthrange(2024, month)[1] + 1)
)
"""The 366 days a year can have, in order; see :func:`day_of_year`."""


@dataclass(frozen=True, slots=True)
class Season:
    """Some days of the year and day types.

    Attributes:
        code: its name in the file.
        dates: days of the year, see :func:`day_of_year`.
        days: day types.
        periods: of each quarter hour of the day by the clock, 96.
        rates: price, multiplier or difference of each period that occurs.
    """

    code: str
    dates: frozenset[int]
    days: frozenset[DayKind]
    periods: tuple[Period, ...]
    rates: Mapping[Period, Decimal]


@dataclass(frozen=True, slots=True)
class Seasons:
    """Periods by the clock; every moment of the year has exactly one season and period.

    Attributes:
        seasons: without overlap, without a gap.
    """

    seasons: tuple[Season, ...]

    def season(self, month: int, kind: DayKind, day: int = 1) -> int:
        """Index of the season of such a day."""
        date_ = day_of_year(month, day)
        return next(
            i for i, one in enumerate(self.seasons) if date_ in one.dates and kind in one.days
        )

    def needs_calendar(self, month: int, day: int = 1) -> bool:
        """Tell whether its type matters on a day of the year."""
        return len({self.season(month, kind, day) for kind in DayKind}) > 1


@dataclass(frozen=True, slots=True)
class TimeOfUse(Seasons):
    """Prices by the clock.

    Attributes:
        multiplies: rates multiply a base price; else they are prices, yuan per unit.
        bases: base prices, yuan per unit, each from a month on, ascending; may be empty where it
            is published month by month.
        surcharge: yuan per unit on top, not multiplied (funds, transmission).
    """

    multiplies: bool
    bases: tuple[tuple[date, Decimal], ...]
    surcharge: Decimal

    def price(self, season: int, period: Period, month: date) -> Decimal | None:
        """Yuan per unit; None: no base price is known for the month.

        Args:
            season: index.
            period: one that occurs in the season.
            month: its first day.
        """
        rate = self.seasons[season].rates[period]
        if not self.multiplies:
            return total([rate, self.surcharge])
        known = [base for since, base in self.bases if since <= month]
        return total([product(known[-1], rate), self.surcharge]) if known else None


@dataclass(frozen=True, slots=True)
class TieredTimeOfUse(Seasons):
    """What was used so far decides the tier; the clock changes the price of the tier.

    Attributes:
        tiered: the tiers.
        multiplies: rates multiply the price of the tier; else they are added to it.
        surcharge: yuan per unit on top, not multiplied.
    """

    tiered: Tiered
    multiplies: bool
    surcharge: Decimal

    def price(self, tier: Tier, season: int, period: Period) -> Decimal:
        """Yuan per unit of a tier in a period that occurs in the season."""
        rate = self.seasons[season].rates[period]
        own = product(tier.price, rate) if self.multiplies else total([tier.price, rate])
        return total([own, self.surcharge])


Scheme = Flat | Tiered | TimeOfUse | TieredTimeOfUse


@dataclass(frozen=True, slots=True)
class Tariff:
    """One version of a tariff.

    Attributes:
        code: stable.
        version: of the file; a correction is a new version.
        name: in Chinese.
        energy: code of the kind.
        unit: of the kind; what prices are for.
        jurisdiction: where it holds.
        since: first day it holds, until the next one of the same code begins.
        scheme: how energy is priced.
        basic: two-part tariffs only.
        provenance: source and confidence.
    """

    code: str
    version: int
    name: str
    energy: str
    unit: str
    jurisdiction: str
    since: date
    scheme: Scheme
    basic: Basic | None
    provenance: Provenance

    @property
    def full_name(self) -> str:
        """Code, first day and version, as figures name it."""
        return f"{self.code}@{self.since}.{self.version}"

    def with_bases(self, bases: Iterable[tuple[date, Decimal]]) -> Tariff:
        """Return the same tariff with base prices that are published by the month.

        Args:
            bases: first day of a month and yuan per unit from then on.

        Raises:
            ValueError: its rates multiply nothing.
        """
        if not isinstance(self.scheme, TimeOfUse) or not self.scheme.multiplies:
            raise ValueError(f"{self.full_name} has no base price: only multipliers have one")
        merged = dict(self.scheme.bases) | dict(bases)
        return replace(self, scheme=replace(self.scheme, bases=tuple(sorted(merged.items()))))


def in_force(tariffs: Iterable[Tariff], code: str, day: date) -> Tariff:
    """Return the tariff of a code that holds on a day, its newest version.

    Raises:
        LookupError: there is none.
    """
    found = [t for t in tariffs if t.code == code and t.since <= day]
    if not found:
        raise LookupError(f"no tariff {code} holds on {day}: add its file, or assign another one")
    return max(found, key=lambda t: (t.since, t.version))


def pieces(
    tariffs: Iterable[Tariff], code: str, begin: date, end: date
) -> list[tuple[date, date, Tariff]]:
    """Cut a time where the tariff of a code changes.

    Args:
        tariffs: all.
        code: of the tariff.
        begin: first day.
        end: day after the last.

    Returns:
        First day, day after the last, and what holds between.

    Raises:
        LookupError: on the first day none holds.
    """
    known = list(tariffs)
    inside = {t.since for t in known if t.code == code and begin < t.since < end}
    cuts = [begin, *sorted(inside), end]
    return [(first, last, in_force(known, code, first)) for first, last in itertools.pairwise(cuts)]
