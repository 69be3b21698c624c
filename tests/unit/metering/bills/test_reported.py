from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from metering.bills.figure import account_month, figure
from metering.bills.month import Figure, MonthFacts, PurchaseFigures, Source
from metering.bills.reported import Part, Reported, routed, shared
from metering.bills.share import BillFigures, MeterDay, MeterDays, Sharing, days_of, shares
from metering.tree.holders import Holder, sole

JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
DAYS = tuple(days_of(JANUARY, FEBRUARY))
BILL = BillFigures(1, date(2025, 12, 20), date(2026, 2, 7), settled=True, micro=1_000, fen=77)
Keep = Callable[[str | None, date], bool]


def facts(*bills: BillFigures, keep: Keep = lambda _, __: True) -> MonthFacts:
    days = [day for day in DAYS if keep("a", day)]
    accounts = (account_month("a", days, bills, None, []),) if days else ()
    bought = (PurchaseFigures(9, "vehicle", 50, 400),) if keep(None, date(2026, 1, 9)) else ()
    return MonthFacts("i-1", "lpg", JANUARY, accounts, bought)


def parts_of(own: Figure, holder: Holder) -> list[Part]:
    return [part for _, part in shared(own, holder)]


@given(
    st.integers(-(10**12), 10**12),
    st.lists(st.integers(1, 1000), min_size=2, max_size=6),
)
def test_shares_are_whole_and_add_up(micro: int, parts: list[int]) -> None:
    own = replace(figure(facts(BILL)), micro=micro)
    whole = sum(parts)
    holder = tuple((n, Fraction(part, whole)) for n, part in enumerate(parts, 1))
    given = parts_of(own, holder)
    assert sum(part.amounts.micro or 0 for part in given) == micro
    assert sum(part.amounts.fen or 0 for part in given) == own.fen
    off = [
        abs((part.amounts.micro or 0) - micro * share)
        for part, (_, share) in zip(given, holder, strict=True)
    ]
    assert max(off) < 1


def test_what_is_unknown_is_unknown_in_every_share() -> None:
    own = figure(facts(replace(BILL, end=date(2026, 1, 11))))
    halves = ((1, Fraction(1, 2)), (2, Fraction(1, 2)))
    given = parts_of(own, halves)
    assert [part.amounts.micro for part in given] == [None, None]
    assert own.known is not None
    assert sum(part.amounts.known or 0 for part in given) == own.known
    assert Reported("x", "lpg", JANUARY, tuple(given)).micro is None


def test_no_part_at_all_is_unknown() -> None:
    nothing = Reported("x", "lpg", JANUARY, ())
    assert (nothing.micro, nothing.fen, nothing.known, nothing.metered) == (None, None, None, None)


@given(st.lists(st.integers(1, 3), min_size=31, max_size=31))
def test_a_month_split_any_way_adds_up(ways: list[int]) -> None:
    own = figure(facts(BILL))
    assert own.source is Source.BILLED

    def route(_: str | None, day: date) -> list[Holder]:
        return [sole(ways[day.day - 1])]

    def restrict(holder: Holder) -> MonthFacts:
        return facts(BILL, keep=lambda _, day: [holder] == route(None, day))

    split = list(routed(own, route, restrict))
    assert {holder for holder, _ in split} == {sole(way) for way in ways}
    assert sum(found.micro or 0 for _, found in split) == own.micro
    assert sum(found.fen or 0 for _, found in split) == own.fen
    assert {found.source for _, found in split} == {Source.BILLED}


def test_what_goes_one_way_is_not_touched() -> None:
    own = figure(facts(BILL))
    ((holder, found),) = routed(own, lambda _, __: [sole(5)], lambda _: facts())
    assert (holder, found) == (sole(5), own)


BILLS = st.lists(
    st.tuples(st.integers(1, 20), st.integers(0, 9), st.booleans()), min_size=0, max_size=6
)


@given(BILLS, BILLS, st.sets(st.sampled_from(DAYS)), st.booleans())
def test_each_day_belongs_to_the_settled_bill_or_else_the_estimate(
    settled: list[tuple[int, int, bool]],
    estimated: list[tuple[int, int, bool]],
    wanted: set[date],
    metered: bool,
) -> None:
    bills = [*_chain(settled, settled=True), *_chain(estimated, settled=False)]
    days = sorted(wanted)
    meter = MeterDays.of({day: MeterDay(day.day % 3, 0, complete=True) for day in DAYS})
    found = shares(bills, lambda bill: bill.micro, days, Sharing(meter if metered else None))
    owners = {day: share.bill_id for share in found for day in days_of(share.first, share.end)}
    by_day: dict[date, int] = {}
    for bill in sorted(bills, key=lambda b: b.settled):
        if bill.micro is not None:
            by_day |= {day: bill.id for day in days_of(bill.first, bill.end) if day in wanted}
    assert owners == by_day
    assert [share.first for share in found] == sorted(share.first for share in found)


def _chain(drawn: list[tuple[int, int, bool]], *, settled: bool) -> list[BillFigures]:
    """Bills with gaps between them; some say nothing."""
    found, at = [], date(2025, 12, 25)
    for number, (length, gap, silent) in enumerate(drawn):
        first = at + timedelta(days=gap)
        at = first + timedelta(days=length)
        id_ = number if settled else 100 + number
        micro = None if silent else 1_000 + number
        found.append(BillFigures(id_, first, at, settled, micro, None))
    return found
