"""Times that are reported: months, quarters, years, in local days."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from metering.derive.times import next_month
from registry.refusal import RefusedError
from registry.years import YEARS
from reporting.forms.model import Cadence

_CODE: Final = re.compile(r"(\d{4})(?:-(\d{2})|Q([1-4]))?")


@dataclass(frozen=True, slots=True)
class Period:
    """A time that is reported.

    Attributes:
        cadence: how long it is.
        first: its first day.
    """

    cadence: Cadence
    first: date

    @property
    def code(self) -> str:
        """``2026-10``, ``2026Q4`` or ``2026``."""
        if self.cadence is Cadence.MONTH:
            return f"{self.first:%Y-%m}"
        quarter = f"Q{(self.first.month + 2) // 3}" if self.cadence is Cadence.QUARTER else ""
        return f"{self.first.year}{quarter}"

    @property
    def name(self) -> str:
        """The same in Chinese, as it stands on forms."""
        year = f"{self.first.year}年"
        if self.cadence is Cadence.MONTH:
            return f"{year}{self.first.month}月"
        quarter = f"第{'一二三四'[self.first.month // 3]}季度"
        return year + quarter if self.cadence is Cadence.QUARTER else year

    def months(self) -> tuple[date, ...]:
        """Return the first days of its months."""
        found = [self.first]
        while len(found) < self.cadence.months:
            found.append(next_month(found[-1]))
        return tuple(found)

    @property
    def end(self) -> date:
        """The first day behind it."""
        return next_month(self.months()[-1])

    @property
    def last(self) -> date:
        """Its last day."""
        return self.end - timedelta(days=1)

    def quarters(self) -> tuple[Period, ...]:
        """Return the quarters of a year, in order."""
        return tuple(Period(Cadence.QUARTER, month) for month in self.months()[::3])

    def year_before(self) -> Period:
        """Return the same time of the year before."""
        return Period(self.cadence, self.first.replace(year=self.first.year - 1))


def period_of(code: str) -> Period:
    """Return the period that a code names: ``2026-10``, ``2026Q4``, ``2026``.

    Raises:
        RefusedError: it names none of our time.
    """
    found = _CODE.fullmatch(code.strip())
    year, month, quarter = found.groups() if found else (None, None, None)
    if year is None or int(year) not in YEARS or int(month or 1) not in range(1, 13):
        raise RefusedError(f"{code} 不是报告期：请写 2026-10（月）、2026Q4（季度）或 2026（年）")
    if month is not None:
        return Period(Cadence.MONTH, date(int(year), int(month), 1))
    if quarter is not None:
        return Period(Cadence.QUARTER, date(int(year), int(quarter) * 3 - 2, 1))
    return Period(Cadence.YEAR, date(int(year), 1, 1))
