"""What a tariff is: flat, tiered or by time of use, with an optional basic charge."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from metering.day_kind import DayKind
from metering.factors.files import Provenance
from metering.factors.rounding import product, total

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


@dataclass(frozen=True, slots=True)
class Season:
    """The days of some months and day types.

    Attributes:
        code: its name in the file.
        months: 1 to 12.
        days: day types.
        periods: of each quarter hour of the day by the clock, 96.
        rates: price or multiplier of each period that occurs.
    """

    code: str
    months: frozenset[int]
    days: frozenset[DayKind]
    periods: tuple[Period, ...]
    rates: Mapping[Period, Decimal]


@dataclass(frozen=True, slots=True)
class TimeOfUse:
    """Prices by the clock; every moment of the year has exactly one season and period.

    Attributes:
        seasons: without overlap, without a gap.
        multiplies: rates multiply a base price; else they are prices, yuan per unit.
        bases: base prices, yuan per unit, each from a month on, ascending; may be empty where it
            is published month by month.
        surcharge: yuan per unit on top, not multiplied (funds, transmission).
    """

    seasons: tuple[Season, ...]
    multiplies: bool
    bases: tuple[tuple[date, Decimal], ...]
    surcharge: Decimal

    def season(self, month: int, day: DayKind) -> int:
        """Index of the season of such a day."""
        return next(
            i for i, one in enumerate(self.seasons) if month in one.months and day in one.days
        )

    def needs_calendar(self, month: int) -> bool:
        """Tell whether day types matter in a month."""
        return len({self.season(month, day) for day in DayKind}) > 1

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


class BasicBy(enum.StrEnum):
    """What the basic charge of a two-part tariff is taken on."""

    DEMAND = "demand"
    CAPACITY = "capacity"


@dataclass(frozen=True, slots=True)
class Basic:
    """Basic charge: yuan per month and kW of highest demand, or kVA of transformers."""

    by: BasicBy
    price: Decimal


@dataclass(frozen=True, slots=True)
class Tariff:
    """One version of a tariff.

    Attributes:
        code: stable.
        version: of the file; a correction is a new version.
        name: in Chinese.
        energy: code of the kind.
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
    jurisdiction: str
    since: date
    scheme: Flat | Tiered | TimeOfUse
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
