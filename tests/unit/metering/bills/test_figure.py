from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from metering.bills.figure import account_month, figure
from metering.bills.model import First
from metering.bills.month import (
    AccountMonth,
    Entered,
    Metered,
    MonthFacts,
    PurchaseFigures,
    Reason,
    Source,
)
from metering.bills.share import BillFigures, MeterDay, MeterDays, days_of

JANUARY = date(2026, 1, 1)
FEBRUARY = date(2026, 2, 1)
DAYS = tuple(days_of(JANUARY, FEBRUARY))
WHOLE = BillFigures(1, JANUARY, FEBRUARY, settled=True, micro=3_100, fen=6_200)
READ_ON_25TH = (
    BillFigures(1, date(2025, 12, 25), date(2026, 1, 25), settled=True, micro=3_100, fen=310),
    BillFigures(2, date(2026, 1, 25), date(2026, 2, 25), settled=True, micro=3_100, fen=310),
)


def metered(
    daily: int, first: date = JANUARY, end: date = FEBRUARY, estimated: int = 0
) -> dict[date, MeterDay]:
    return {day: MeterDay(daily, estimated, complete=True) for day in days_of(first, end)}


def account(
    *bills: BillFigures, days: dict[date, MeterDay] | None = None, code: str = "a"
) -> AccountMonth:
    known = None if days is None else MeterDays.of(days)
    return account_month(code, DAYS, bills, known, [] if days is None else [7])


def facts(*accounts: AccountMonth, first: First = First.BILL) -> MonthFacts:
    return MonthFacts("i-1", "electricity", JANUARY, accounts, first=first)


def test_the_settled_bill_is_the_figure_and_metering_the_check() -> None:
    found = figure(facts(account(WHOLE, days=metered(101))))
    assert (found.source, found.micro, found.fen) == (Source.BILLED, 3_100, 6_200)
    assert (found.metered, found.difference) == (3_131, -31)
    assert found.reasons == (Reason.UNEXPLAINED,)
    assert (found.bill_ids, found.meter_ids) == ((1,), (7,))
    assert (found.estimated, found.by_days) == (0, 0)


def test_where_bill_and_meter_agree_there_is_nothing_to_explain() -> None:
    found = figure(facts(account(WHOLE, days=metered(100))))
    assert (found.difference, found.reasons) == (0, ())


def test_metering_first_is_the_figure_with_the_money_of_the_bill() -> None:
    found = figure(facts(account(WHOLE, days=metered(101, estimated=2)), first=First.METER))
    assert (found.source, found.micro, found.fen) == (Source.METERED, 3_131, 6_200)
    assert found.estimated == 62
    assert found.billed == 3_100


def test_metering_first_with_a_gap_falls_back_to_the_bill() -> None:
    days = metered(101)
    days[JANUARY] = replace(days[JANUARY], complete=False)
    found = figure(facts(account(WHOLE, days=days), first=First.METER))
    assert (found.source, found.micro) == (Source.BILLED, 3_100)
    assert found.reasons == (Reason.METER_GAP,)


def test_without_a_bill_metering_is_the_figure_and_says_so() -> None:
    found = figure(facts(account(days=metered(100))))
    assert (found.source, found.micro, found.fen) == (Source.METERED, 3_100, None)
    assert (found.billed, found.difference) == (None, None)
    assert found.reasons == (Reason.NO_BILL,)


def test_of_what_nothing_is_known_there_is_no_zero() -> None:
    found = figure(facts(account()))
    assert found.source is Source.NONE
    assert [found.micro, found.fen, found.billed, found.metered, found.difference] == [None] * 5
    assert found.reasons == (Reason.NO_BILL, Reason.NO_METER)


def test_a_bill_that_covers_only_part_of_the_month_is_no_figure_of_it() -> None:
    found = figure(facts(account(READ_ON_25TH[0])))
    assert (found.source, found.micro, found.billed) == (Source.NONE, None, None)
    assert found.bill_ids == (1,)  # what is known can be shown all the same


def test_one_account_without_its_bill_leaves_the_whole_unknown() -> None:
    found = figure(facts(account(WHOLE), account(code="b")))
    assert (found.source, found.micro) == (Source.NONE, None)


def test_bills_and_meters_are_not_mixed_into_one_figure() -> None:
    billed = account(WHOLE, days=metered(100))
    only_metered = account(days=metered(200), code="b")
    found = figure(facts(billed, only_metered))
    assert (found.source, found.micro) == (Source.METERED, 9_300)


def test_a_reading_day_within_the_month_is_named_as_the_reason() -> None:
    days = metered(99, date(2025, 12, 25), date(2026, 2, 25))
    found = figure(facts(account(*READ_ON_25TH, days=days)))
    assert found.micro == 3_100  # 24 of 31 days of the one, 7 of 31 of the other
    assert found.reasons == (Reason.READING_DAY,)
    assert found.by_days == 0  # metering says how it was spread


def test_a_bill_shared_out_by_days_alone_says_how_much() -> None:
    found = figure(facts(account(*READ_ON_25TH)))
    assert (found.micro, found.by_days) == (3_100, 3_100)


def test_an_estimated_bill_is_counted_as_estimated_until_a_settled_one_comes() -> None:
    estimate = replace(WHOLE, id=9, settled=False, micro=4_000)
    before = figure(facts(account(estimate, days=metered(100))))
    assert (before.micro, before.estimated) == (4_000, 4_000)
    assert before.reasons == (Reason.BILL_ESTIMATED,)
    after = figure(facts(account(estimate, WHOLE, days=metered(100))))
    assert (after.micro, after.estimated, after.bill_ids) == (3_100, 0, (1,))


@pytest.mark.parametrize(
    ("daily", "ratio"),
    [(5, 20), (2_000, -20), (100, None), (67, None), (51, 2), (49, None)],
    ids=["×20 missing", "×20 twice", "equal", "half as much again", "1.96", "2.04"],
)
def test_a_whole_multiple_raises_the_question_of_the_ratio(daily: int, ratio: int | None) -> None:
    one = account(WHOLE, days=metered(daily))
    assert one.ratio == ratio
    if ratio is not None:
        assert figure(facts(one)).reasons[0] is Reason.RATIO


def test_an_estimated_bill_raises_no_question_of_the_ratio() -> None:
    assert account(replace(WHOLE, settled=False), days=metered(5)).ratio is None


def test_amount_without_quantity_keeps_the_amount_and_leaves_the_quantity_unknown() -> None:
    found = figure(facts(account(replace(WHOLE, micro=None))))
    assert (found.source, found.micro, found.fen) == (Source.NONE, None, 6_200)
    assert Reason.NO_BILL in found.reasons


def test_quantity_without_amount_keeps_the_quantity() -> None:
    found = figure(facts(account(replace(WHOLE, fen=None))))
    assert (found.source, found.micro, found.fen) == (Source.BILLED, 3_100, None)


def test_purchases_add_up_by_consumer() -> None:
    bought = (
        PurchaseFigures(1, "vehicle", 50_000_000, 40_000),
        PurchaseFigures(2, "vehicle", 30_000_000, None),
        PurchaseFigures(3, "other", 20_000_000, 16_000),
    )
    found = figure(MonthFacts("i-1", "petrol", JANUARY, purchases=bought))
    assert (found.source, found.micro, found.fen) == (Source.BILLED, 100_000_000, None)
    assert found.of_consumer("vehicle") == (80_000_000, None)
    assert found.of_consumer("other") == (20_000_000, 16_000)
    assert found.of_consumer("boat") == (None, None)
    assert found.purchase_ids == (1, 2, 3)
    assert found.reasons == ()


def test_nothing_bought_is_unknown_until_someone_says_zero() -> None:
    assert figure(MonthFacts("i-1", "petrol", JANUARY)).micro is None
    none = (PurchaseFigures(1, "vehicle", 0, 0),)
    assert figure(MonthFacts("i-1", "petrol", JANUARY, purchases=none)).micro == 0


def test_earlier_records_count_only_where_there_is_neither_bill_nor_metering() -> None:
    earlier = Entered(5_000, 900, (4,))
    with_bill = replace(facts(account(WHOLE)), entered=earlier)
    assert figure(with_bill).source is Source.BILLED
    alone = MonthFacts("i-1", "electricity", JANUARY, entered=earlier)
    found = figure(alone)
    assert (found.source, found.micro, found.fen) == (Source.ENTERED, 5_000, 900)


def test_an_institution_without_an_account_is_what_its_meters_say() -> None:
    meters = Metered(42, 2, complete=True, meters=(3, 5))
    found = figure(MonthFacts("i-1", "electricity", JANUARY, meters=meters))
    assert (found.source, found.micro, found.estimated) == (Source.METERED, 42, 2)
    assert found.meter_ids == (3, 5)


def test_a_day_that_is_not_the_institutions_is_not_its_to_account_for() -> None:
    days = tuple(days_of(date(2026, 1, 16), FEBRUARY))
    one = account_month("a", days, [WHOLE], None, [])
    assert one.micro == 3_100 - 3_100 * 15 // 31
    earlier = tuple(days_of(JANUARY, JANUARY + timedelta(days=15)))
    other = account_month("a", earlier, [WHOLE], None, [])
    assert (one.micro or 0) + (other.micro or 0) == 3_100


def test_an_entered_month_keeps_the_money_of_the_bill() -> None:
    amount_only = replace(facts(account(replace(WHOLE, micro=None))), entered=Entered(5, 900, (4,)))
    found = figure(amount_only)
    assert (found.source, found.micro, found.fen) == (Source.ENTERED, 5, WHOLE.fen)


def test_meters_of_some_accounts_are_not_the_figure_of_all() -> None:
    with_meter, without = account(WHOLE, days=metered(100)), account(WHOLE, code="b")
    found = figure(facts(with_meter, without, first=First.METER))
    assert (found.source, found.micro, found.metered) == (Source.BILLED, 6_200, 3_100)
    assert found.reasons == (Reason.NO_METER,)


def begun(*, bill: bool = True, complete: bool = True, first: First = First.BILL) -> MonthFacts:
    """An account from the 11th on, 2,100 of a bill and 90 a day of its meter; 50 before."""
    days = DAYS[10:]
    bills = [BillFigures(1, days[0], FEBRUARY, settled=True, micro=2_100, fen=9)] if bill else []
    one = account_month("a", days, bills, MeterDays.of(metered(90)), [7])
    before = Metered(50, 3, complete=complete, meters=(8,))
    return MonthFacts("i-1", "electricity", JANUARY, (one,), first=first).beside(before)


def test_days_before_the_account_are_metered_and_the_others_billed() -> None:
    found = figure(begun())
    assert (found.source, found.micro, found.estimated) == (Source.MIXED, 2_150, 3)
    assert found.by_source == {Source.BILLED: 2_100, Source.METERED: 50}
    assert (found.billed, found.metered, found.difference) == (2_100, 1_940, 210)
    assert (found.fen, found.known, found.meter_ids) == (None, 2_150, (7, 8))


@pytest.mark.parametrize(
    ("facts", "source", "micro", "known"),
    [
        (begun(bill=False), Source.METERED, 1_940, 1_940),
        (begun(first=First.METER), Source.METERED, 1_940, 1_940),
        (begun(complete=False), Source.NONE, None, 2_150),
        (begun(complete=False, bill=False), Source.NONE, None, 1_940),
        (begun(complete=False, first=First.METER), Source.NONE, None, 2_150),
    ],
    ids=["no bill", "meter first", "gap before", "gap and no bill", "meter first with a gap"],
)
def test_neither_part_stands_for_the_whole(
    facts: MonthFacts, source: Source, micro: int | None, known: int
) -> None:
    found = figure(facts)
    assert (found.source, found.micro, found.known) == (source, micro, known)
    assert sum(found.by_source.values()) == (micro or 0)


def test_purchases_beside_an_account_tell_of_the_other_days() -> None:
    bought = PurchaseFigures(1, "other", 500, 40)
    facts = replace(begun(), meters=None, purchases=(bought,))
    assert facts.beside(Metered(50, 3, complete=True, meters=(8,))) == facts
    assert figure(facts).micro == 2_600
