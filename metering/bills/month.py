"""What the figure of a month is made of, and what it says."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from metering.bills.model import First
from metering.bills.share import Share, days_of
from metering.derive.times import next_month


class Source(enum.StrEnum):
    """What a figure rests on."""

    BILLED = "billed"
    MIXED = "mixed"  # billed while there is an account, metered on the other days
    METERED = "metered"
    ENTERED = "entered"
    NONE = "none"


class Reason(enum.StrEnum):
    """Why bill and meter differ or cannot be compared; the likeliest comes first."""

    NO_BILL = "no_bill"  # days of the month have no bill that states a quantity
    NO_METER = "no_meter"
    METER_GAP = "meter_gap"
    BILL_ESTIMATED = "bill_estimated"
    RATIO = "ratio"  # the bill is a whole multiple of the meter, or the other way round
    READING_DAY = "reading_day"  # the bill's period is not the month: it was shared out
    BELOW_ZERO = "below_zero"  # meters saw more passed on than bills say was there
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Metered:
    """What meters counted in the days of a month.

    Attributes:
        micro: millionths of the unit, as far as known; None: nothing is.
        estimated: the part of it allotted over gaps.
        complete: every meter was covered on every day.
        meters: their ids, each once.
    """

    micro: int | None
    estimated: int
    complete: bool
    meters: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Entered:
    """A month brought in from earlier records.

    Attributes:
        micro: millionths of the unit; None: not stated.
        fen: hundredths of a yuan; None: not stated.
        ids: where it comes from.
    """

    micro: int | None
    fen: int | None
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PurchaseFigures:
    """A purchase as figures see it; quantities as in :class:`BillFigures`."""

    id: int
    consumer: str
    micro: int | None
    fen: int | None


@dataclass(frozen=True, slots=True)
class AccountMonth:
    """What one account gives to the month of one institution.

    Attributes:
        code: of the account.
        days: on which it was the institution's.
        quantity: shares of bills, millionths.
        amount: shares of bills, hundredths of a yuan.
        metered: by its meters; None: it has none.
        ratio: bill ÷ meter, when that is nearly a whole number n ≥ 2 (n) or its inverse (−n).
    """

    code: str
    days: tuple[date, ...]
    quantity: tuple[Share, ...]
    amount: tuple[Share, ...]
    metered: Metered | None
    ratio: int | None

    @property
    def micro(self) -> int | None:
        """What bills say of all its days; None when they do not."""
        return _whole(self.quantity, len(self.days))

    @property
    def fen(self) -> int | None:
        """What bills cost for all its days; None when they do not say."""
        return _whole(self.amount, len(self.days))


@dataclass(frozen=True, slots=True)
class MonthFacts:
    """All there is to know of an institution, an energy, and a month.

    Attributes:
        institution: code.
        energy: code.
        month: its first day.
        accounts: utility accounts.
        purchases: energy bought.
        meters: what its meters counted on the days on which it has no account of this energy.
        entered: what was brought in from earlier records.
        first: what the figure rests on when both are there.
    """

    institution: str
    energy: str
    month: date
    accounts: tuple[AccountMonth, ...] = ()
    purchases: tuple[PurchaseFigures, ...] = ()
    meters: Metered | None = None
    entered: Entered | None = None
    first: First = First.BILL

    @property
    def is_empty(self) -> bool:
        """Whether nothing is there of which anything could be known."""
        return not (self.accounts or self.purchases or self.entered or self.meters)

    def days(self) -> Iterator[date]:
        """Yield the days of the month."""
        return days_of(self.month, next_month(self.month))

    def beside(self, meters: Metered | None) -> MonthFacts:
        """Return the same with what meters counted on the days without an account.

        Purchases beside accounts tell of those days.
        """
        told = self.accounts and self.purchases
        return self if meters is None or told else replace(self, meters=meters)

    @property
    def is_mixed(self) -> bool:
        """Whether accounts tell of some days of the month, meters of the others."""
        return bool(self.accounts) and self.meters is not None

    @property
    def of_accounts(self) -> Metered | None:
        """What the meters of its accounts counted together; None: there are none."""
        return _together([account.metered for account in self.accounts])

    @property
    def metered(self) -> Metered | None:
        """What the meters of its accounts, and those of the other days, counted; None: none."""
        if not self.is_mixed:
            return self.of_accounts if self.accounts else self.meters
        return _together([*(account.metered for account in self.accounts), self.meters])

    @property
    def fen(self) -> int | None:
        """Hundredths of a yuan by bills and purchases; None when they do not say all."""
        told = total([a.fen for a in self.accounts] + [p.fen for p in self.purchases])
        return None if self.is_mixed else told


@dataclass(frozen=True, slots=True)
class Figure:
    """The figure of a month. None is "not known", never 0.

    Attributes:
        facts: what it rests on, down to the ids of bills, purchases, and meters.
        source: which of them is the figure.
        micro: millionths of the unit.
        fen: hundredths of a yuan; from bills and purchases, whatever the quantity rests on.
        estimated: the part of ``micro`` that is estimated.
        by_days: the part of ``micro`` that was shared out by days alone.
        billed: by bills and purchases.
        metered: by meters, as far as known.
        difference: bills of accounts − their meters; None: nothing to compare.
        reasons: why they differ or cannot be compared.
    """

    facts: MonthFacts
    source: Source
    micro: int | None
    fen: int | None
    estimated: int
    by_days: int
    billed: int | None
    metered: int | None
    difference: int | None
    reasons: tuple[Reason, ...]

    @property
    def known(self) -> int | None:
        """``micro``, or what bills and purchases, or else meters, tell of it; None: nothing."""
        if self.micro is not None:
            return self.micro
        facts = self.facts
        told = [share.value for account in facts.accounts for share in account.quantity]
        bought = [p.micro for p in facts.purchases if p.micro is not None]
        by_bills = total([*told, *bought])
        counted = facts.of_accounts if facts.is_mixed else facts.metered
        papers = counted.micro if by_bills is None and counted is not None else by_bills
        beside = facts.meters.micro if facts.is_mixed and facts.meters is not None else None
        return total(micro for micro in (papers, beside) if micro is not None)

    @property
    def by_source(self) -> Mapping[Source, int]:
        """Millionths by what they rest on; they add up to ``micro``. Empty: it is not known."""
        if self.micro is None:
            return {}
        meters = self.facts.meters
        if self.source is not Source.MIXED or meters is None:
            return {self.source: self.micro}
        counted = meters.micro or 0
        return {Source.BILLED: self.micro - counted, Source.METERED: counted}

    @property
    def bill_ids(self) -> tuple[int, ...]:
        """The bills it rests on."""
        both = (share for a in self.facts.accounts for share in (*a.quantity, *a.amount))
        return tuple(sorted({share.bill_id for share in both}))

    @property
    def purchase_ids(self) -> tuple[int, ...]:
        """The purchases it rests on."""
        return tuple(purchase.id for purchase in self.facts.purchases)

    @property
    def meter_ids(self) -> tuple[int, ...]:
        """The meters it is compared with or rests on."""
        found = self.facts.metered
        return () if found is None else found.meters

    def of_consumer(self, consumer: str) -> tuple[int | None, int | None]:
        """Return millionths and hundredths of a yuan that were bought for a class of consumers."""
        bought = [p for p in self.facts.purchases if p.consumer == consumer]
        return total(p.micro for p in bought), total(p.fen for p in bought)


def _together(each: Sequence[Metered | None]) -> Metered | None:
    """Add up what is there; None among them: there it is not complete."""
    found = [one for one in each if one is not None]
    if not found or len(each) == 1:
        return found[0] if found else None
    return Metered(
        micro=total([one.micro for one in found if one.micro is not None]),
        estimated=sum(one.estimated for one in found),
        complete=len(found) == len(each) and all(one.complete for one in found),
        meters=tuple(sorted({meter for one in found for meter in one.meters})),
    )


def _whole(parts: Sequence[Share], days: int) -> int | None:
    if len(parts) == 1:
        return parts[0].value if parts[0].days == days else None
    if sum([part.days for part in parts]) != days:
        return None
    return sum([part.value for part in parts])


def total(values: Iterable[int | None]) -> int | None:
    """Return the sum, or None when a value is not known or there is none at all."""
    found = [*values]
    known = [value for value in found if value is not None]
    return sum(known) if found and len(known) == len(found) else None
