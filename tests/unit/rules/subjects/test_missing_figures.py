"""Which figures are missing, and for how long."""

from __future__ import annotations

import itertools
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from rules.kinds.missing import NOTHING
from rules.subjects.institutions.missing import (
    Begun,
    Period,
    Told,
    days_since,
    later,
    missing,
    over,
)
from storage.times import at_us, us_of

ZONE = ZoneInfo("Asia/Shanghai")
JUNE = date(2026, 6, 1)
KNOWN, UNKNOWN, UNBOUND, GONE = (
    *(Told(5, bound=True), Told(None, bound=True)),
    *(Told(5, bound=False), Told(None, bound=False)),
)


def of(energy: str, told: dict[int, Told], month: date = JUNE) -> list[tuple[date, str]]:
    """What is missing of a month, by what is told of months so many before it."""
    return missing({energy: {later(month, -n): one for n, one in told.items()}}, Period(month, 1))


@pytest.mark.parametrize("energy", ["electricity", "water"])
def test_an_account_or_a_meter_without_a_figure_is_missing_one(energy: str) -> None:
    assert of(energy, {0: UNKNOWN}) == [(JUNE, energy)]
    assert of(energy, {0: KNOWN}) == []


def test_a_figure_of_zero_is_one() -> None:
    assert of("electricity", {0: Told(0, bound=True)}) == []


def test_what_was_reported_without_an_account_is_expected_for_a_year() -> None:
    assert of("electricity", {0: GONE, 12: UNBOUND}) == [(JUNE, "electricity")]
    assert of("electricity", {12: UNBOUND}) == [(JUNE, "electricity")]
    assert of("electricity", {0: GONE, 13: UNBOUND}) == []
    assert of("electricity", {0: GONE, 3: Told(0, bound=False)}) == []


def test_an_account_that_ended_is_missed_no_more() -> None:
    assert of("electricity", {0: GONE, 1: KNOWN, 2: KNOWN}) == []


@pytest.mark.parametrize("energy", ["heat", "gas"])
def test_who_hands_over_an_account_of_what_is_used_in_seasons_is_missed_no_more(
    energy: str,
) -> None:
    assert of(energy, {0: GONE, 12: KNOWN}) == []
    assert of(energy, {12: KNOWN}) == []
    # It was bought without an account: whether it is still used, nobody knows.
    assert of(energy, {0: GONE, 12: UNBOUND}) == [(JUNE, energy)]


@pytest.mark.parametrize("energy", ["heat", "gas", "petrol", "coal"])
def test_what_is_used_in_seasons_is_judged_by_the_same_month_of_last_year(energy: str) -> None:
    assert of(energy, {0: UNKNOWN, 12: KNOWN}) == [(JUNE, energy)]
    assert of(energy, {0: UNKNOWN, 12: Told(0, bound=True)}) == []
    # In the first year nobody knows when it is used.
    assert of(energy, {0: UNKNOWN, 1: KNOWN, 11: KNOWN, 13: KNOWN}) == []


def test_a_quarter_lacks_what_any_of_its_months_lacks() -> None:
    figures = {"water": {JUNE: KNOWN, later(JUNE, -1): UNKNOWN, later(JUNE, -2): KNOWN}}
    assert missing(figures, Period(date(2026, 4, 1), 3)) == [(date(2026, 5, 1), "water")]


@pytest.mark.parametrize(
    ("months", "first", "last", "begun", "expected"),
    [
        (1, (2026, 6, 5), (2026, 6, 5), (2026, 6, 1), [(2026, 5, 1)]),
        (1, (2026, 6, 30), (2026, 7, 1), (2026, 7, 1), [(2026, 5, 1), (2026, 6, 1)]),
        (1, (2026, 6, 30), (2027, 7, 1), (2026, 6, 1), [(2026, 5, 1)]),
        (3, (2026, 6, 30), (2026, 7, 1), (2026, 7, 1), [(2026, 1, 1), (2026, 4, 1)]),
        (3, (2026, 1, 1), (2026, 1, 1), (2026, 1, 1), [(2025, 10, 1)]),
        (12, (2026, 6, 5), (2027, 6, 5), (2026, 12, 1), [(2025, 1, 1)]),
        (12, (2026, 12, 31), (2027, 1, 1), (2027, 1, 1), [(2025, 1, 1), (2026, 1, 1)]),
    ],
)
def test_the_last_period_that_is_over_is_asked_for_until_the_next_one_is(
    months: int,
    first: tuple[int, int, int],
    last: tuple[int, int, int],
    begun: tuple[int, int, int],
    expected: list[tuple[int, int, int]],
) -> None:
    found = list(over(date(*first), date(*last), months, Begun(date(*begun), date.min)))
    assert [one.first for one in found] == [date(*one) for one in expected]
    assert all(a.next_end == b.end for a, b in itertools.pairwise(found))


def test_of_a_period_only_months_since_the_program_is_in_use_are_asked_for() -> None:
    found = list(over(date(2026, 6, 30), date(2026, 6, 30), 3, Begun(JUNE, date(2026, 2, 1))))
    assert [one.each() for one in found] == [[date(2026, 2, 1), date(2026, 3, 1)]]
    figures = {"water": {date(2026, n, 1): UNKNOWN for n in (1, 2, 3)}}
    assert [month.month for month, _ in missing(figures, found[0])] == [2, 3]


def test_days_are_counted_from_the_end_and_begin_anew_with_the_next_period() -> None:
    figures = {"water": {date(2026, 1, 1): UNKNOWN, date(2026, 2, 1): KNOWN, JUNE: UNKNOWN}}
    rows = days_since([Period(date(2026, 1, 1), 1), Period(date(2026, 2, 1), 1)], figures, ZONE)
    assert [value for *_, value in rows] == [*range(28), NOTHING]
    begins = [at_us(since).astimezone(ZONE) for since, _, _ in rows]
    assert [begin.replace(tzinfo=None).isoformat() for begin in begins[:2]] == [
        "2026-02-01T00:00:00",
        "2026-02-02T00:00:00",
    ]
    assert at_us(rows[-1][1]).astimezone(ZONE).date() == date(2026, 4, 1)
    assert all(a[1] == b[0] for a, b in itertools.pairwise(rows))
    assert begins[-1] - begins[0] == timedelta(days=28)


def test_what_was_taken_back_is_missing_since_then() -> None:
    begin, noon = (us_of(datetime(2026, 7, *at, tzinfo=ZONE)) for at in ((1, 0), (20, 12)))
    back = Told(None, bound=True, gone_us=noon)
    period = Period(JUNE, 1)
    rows = days_since([period], {"water": {JUNE: back}}, ZONE)
    assert rows[0] == (begin, noon, NOTHING)
    assert (rows[1][0], rows[1][2], len(rows)) == (noon, 19.0, 1 + 12)
    assert all(one[1] == other[0] for one, other in itertools.pairwise(rows))
    # Something else never was there.
    both = {"water": {JUNE: back}, "electricity": {JUNE: UNKNOWN}}
    assert days_since([period], both, ZONE)[0][2] == 0.0
    later_on = Told(None, bound=True, gone_us=us_of(datetime(2026, 8, 2, tzinfo=ZONE)))
    assert [row[2] for row in days_since([period], {"water": {JUNE: later_on}}, ZONE)] == [NOTHING]
