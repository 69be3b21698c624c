from __future__ import annotations

from datetime import date, timedelta
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.bills.share import (
    BillFigures,
    How,
    MeterDay,
    MeterDays,
    Share,
    Sharing,
    Stretch,
    days_of,
    portion,
    shares,
)

NEW_YEAR = date(2026, 1, 1)
DAYS = st.integers(-500, 500).map(lambda n: NEW_YEAR + timedelta(days=n))


def bill(
    first: date, end: date, micro: int | None, number: int = 1, settled: bool = True
) -> BillFigures:
    return BillFigures(number, first, end, settled, micro, None)


def of_month(bills: list[BillFigures], first: date, end: date) -> tuple[Share, ...]:
    return shares(bills, micro, list(days_of(first, end)), Sharing(None))


def micro(one: BillFigures) -> int | None:
    return one.micro


def months_of(first: date, end: date) -> list[tuple[date, date]]:
    month = first.replace(day=1)
    found = []
    while month < end:
        following = (month + timedelta(days=32)).replace(day=1)
        found.append((month, following))
        month = following
    return found


@given(
    total=st.integers(-(10**15), 10**15),
    weights=st.lists(st.integers(0, 10**13), min_size=1, max_size=80).filter(any),
    cuts=st.lists(st.integers(0, 80)),
)
def test_the_portions_of_any_division_add_up_to_the_whole(
    total: int, weights: list[int], cuts: list[int]
) -> None:
    marks = sorted({0, len(weights), *(cut for cut in cuts if cut < len(weights))})
    running = list(accumulate(weights, initial=0))
    whole = running[-1]
    parts = [portion(total, running[begin], running[end], whole) for begin, end in pairwise(marks)]
    assert sum(parts) == total
    for part, (begin, end) in zip(parts, pairwise(marks), strict=True):
        due = total * sum(weights[begin:end])
        assert abs(part * whole - due) < whole  # never a whole unit off
        assert any(weights[begin:end]) or not part


@given(
    first=DAYS,
    length=st.integers(1, 400),
    total=st.integers(0, 10**14),
    used=st.none() | st.lists(st.integers(0, 10**10), min_size=400, max_size=400),
)
def test_the_months_of_an_odd_period_add_up_to_the_bill(
    first: date, length: int, total: int, used: list[int] | None
) -> None:
    end = first + timedelta(days=length)
    one = bill(first, end, total)
    metered = None if used is None else counted(first, used[:length])
    found = [
        share
        for month in months_of(first, end)
        for share in shares([one], micro, list(days_of(*month)), Sharing(metered))
    ]
    assert sum(share.value for share in found) == total
    assert sum(share.days for share in found) == length
    if len(found) == 1:
        assert found[0].how is How.WHOLE
    elif used is None or not any(used[:length]):
        assert {share.how for share in found} == {How.DAYS}
    else:
        assert {share.how for share in found} == {How.METERED}


def counted(first: date, used: list[int]) -> MeterDays:
    days = enumerate(used)
    return MeterDays.of({first + timedelta(days=n): whole_day(value) for n, value in days})


def whole_day(value: int) -> MeterDay:
    return MeterDay(value, 0, complete=True)


def test_a_bill_read_on_the_25th_is_shared_out_by_days_over_the_turn_of_the_year() -> None:
    one = bill(date(2025, 12, 25), date(2026, 1, 25), 31_000_000)
    december = of_month([one], date(2025, 12, 1), NEW_YEAR)
    january = of_month([one], NEW_YEAR, date(2026, 2, 1))
    assert december == (Share(1, date(2025, 12, 25), NEW_YEAR, 7_000_000, How.DAYS, False),)
    assert january == (Share(1, NEW_YEAR, date(2026, 1, 25), 24_000_000, How.DAYS, False),)


def test_a_bill_is_shared_out_as_metering_saw_the_energy_used() -> None:
    one = bill(date(2025, 12, 25), date(2026, 1, 25), 1_000)
    used = [30] * 7 + [10] * 24  # 210 of 450 before the turn of the year
    metered = counted(one.first, used)
    (share,) = shares([one], micro, list(days_of(date(2025, 12, 1), NEW_YEAR)), Sharing(metered))
    assert (share.value, share.how) == (1_000 * 210 // 450, How.METERED)


@pytest.mark.parametrize("lack", ["absent", "incomplete", "nothing used", "below zero"])
def test_without_the_whole_period_metered_days_decide(lack: str) -> None:
    one = bill(date(2025, 12, 31), date(2026, 1, 2), 101)
    metered = {
        "absent": MeterDays.of({NEW_YEAR: whole_day(5)}),
        "incomplete": MeterDays.of(
            {date(2025, 12, 31): whole_day(95), NEW_YEAR: MeterDay(5, 0, complete=False)}
        ),
        "nothing used": counted(one.first, [0, 0]),
        "below zero": counted(one.first, [-5, 95]),  # a virtual meter may be
    }[lack]
    (share,) = shares([one], micro, [NEW_YEAR], Sharing(metered))
    assert (share.value, share.how) == (51, How.DAYS)


def test_a_bill_over_two_months_gives_each_its_part() -> None:
    one = bill(NEW_YEAR, date(2026, 3, 1), 59_000_001)
    values = [
        of_month([one], *month)[0].value
        for month in ((NEW_YEAR, date(2026, 2, 1)), (date(2026, 2, 1), date(2026, 3, 1)))
    ]
    assert values == [31_000_000, 28_000_001]


def test_settled_stands_before_estimated_day_by_day() -> None:
    estimated = bill(NEW_YEAR, date(2026, 2, 1), 3_100, 1, settled=False)
    settled = bill(date(2026, 1, 11), date(2026, 2, 11), 6_200, 2)
    found = of_month([settled, estimated], NEW_YEAR, date(2026, 2, 1))
    assert found == (
        Share(1, NEW_YEAR, date(2026, 1, 11), 1_000, How.DAYS, True),
        Share(2, date(2026, 1, 11), date(2026, 2, 1), 4_200, How.DAYS, False),
    )


def test_an_estimate_between_two_settled_bills_keeps_only_the_days_between() -> None:
    bills = [
        bill(NEW_YEAR, date(2026, 1, 11), 10, 1),
        bill(NEW_YEAR, date(2026, 2, 1), 310, 2, settled=False),
        bill(date(2026, 1, 21), date(2026, 2, 1), 11, 3),
    ]
    found = of_month(bills, NEW_YEAR, date(2026, 2, 1))
    assert [(s.bill_id, s.value) for s in found] == [(1, 10), (2, 100), (3, 11)]


def test_a_bill_that_states_no_quantity_hides_no_estimate_that_does() -> None:
    silent = bill(NEW_YEAR, date(2026, 2, 1), None, 1)
    estimated = bill(NEW_YEAR, date(2026, 2, 1), 7, 2, settled=False)
    (share,) = of_month([silent, estimated], NEW_YEAR, date(2026, 2, 1))
    assert (share.bill_id, share.value, share.how) == (2, 7, How.WHOLE)
    assert of_month([silent], NEW_YEAR, date(2026, 2, 1)) == ()


def test_two_bills_within_a_month_stay_two_shares() -> None:
    bills = [
        bill(NEW_YEAR, date(2026, 1, 16), 5, 1),
        bill(date(2026, 1, 16), date(2026, 2, 1), 6, 2),
    ]
    found = of_month(bills, NEW_YEAR, date(2026, 2, 1))
    assert [(s.value, s.how) for s in found] == [(5, How.WHOLE), (6, How.WHOLE)]


@given(
    known=st.dictionaries(
        st.integers(0, 40),
        st.builds(MeterDay, st.integers(-50, 50), st.integers(0, 9), st.booleans()),
    ),
    begin=st.integers(-10, 50),
    length=st.integers(0, 60),
)
def test_a_stretch_of_days_is_the_sum_of_its_days(
    known: dict[int, MeterDay], begin: int, length: int
) -> None:
    days = MeterDays.of({NEW_YEAR + timedelta(days=n): day for n, day in known.items()})
    inside = [day for n, day in known.items() if begin <= n < begin + length]
    first = NEW_YEAR + timedelta(days=begin)
    assert days.over(first, first + timedelta(days=length)) == Stretch(
        days=length,
        micro=sum(day.micro for day in inside),
        estimated=sum(day.estimated for day in inside),
        known=len(inside),
        complete=sum(day.complete for day in inside),
        below=sum(day.micro < 0 for day in inside),
    )
