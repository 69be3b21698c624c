"""The cells of a report: what stands in a line of a form, and what it leads back to."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from metering.bills.month import Reason, Source


class Standing(enum.StrEnum):
    """What is known of a cell."""

    KNOWN = "known"
    MISSING = "missing"
    """It should be there, and is not known."""
    ABSENT = "absent"
    """Nothing tells of it: no account, meter, purchase, record or fact."""


STANDINGS: Final[Mapping[Standing, str]] = {
    Standing.KNOWN: "",
    Standing.MISSING: "未知",
    Standing.ABSENT: "—",
}
"""What stands in the place of a value."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What one month gives to a cell.

    Attributes:
        month: its first day.
        value: exact, in the line's unit; None: not known.
        by_source: what it rests on, exact; adds up to what is known.
        estimated: the part of it that is estimated.
        by_days: the part of it that was shared out by days alone.
        metered: what meters say of the same, as far as known.
        difference: bills − meters; None: they cannot be compared.
        reasons: why bills and meters differ or cannot be compared.
        members: codes of the institutions it contains.
        bills: ids.
        purchases: ids.
        meters: ids.
    """

    month: date
    value: Decimal | None
    by_source: Mapping[Source, Decimal]
    estimated: Decimal
    by_days: Decimal
    metered: Decimal | None
    difference: Decimal | None
    reasons: tuple[Reason, ...]
    members: tuple[str, ...]
    bills: tuple[int, ...]
    purchases: tuple[int, ...]
    meters: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a line.

    Attributes:
        code: of the line.
        value: as it is reported, rounded; None: not known, or absent.
        standing: which.
        why: in Chinese, why it is not known; else empty.
        traces: of what adds up from months; of a year those of its quarters.
        before: what stood there for the same time a year before; None: nothing known.
    """

    code: str
    value: Decimal | None
    standing: Standing
    why: str = ""
    traces: tuple[Trace, ...] = ()
    before: Decimal | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.standing is Standing.KNOWN):
            raise ValueError("a cell is known by its value, and only by that")
        if bool(self.why) != (self.standing is Standing.MISSING):
            raise ValueError("a cell that is missing says why, and no other")
