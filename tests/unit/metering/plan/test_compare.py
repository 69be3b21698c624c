from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from metering.plan.compare import Basis, compare, month_on_month, pair, year_on_year
from metering.plan.usage import MonthTotal, Source, Usage, Window, month_of
from registry.calendar import DatedCalendar
from registry.day_kind import DayKind
from tests.unit.metering.plan.samples import KWH, NATIONAL_DAY, PLAIN, days, full_year, office

OCTOBER = month_of(date(2026, 10, 1))
LAST_OCTOBER = month_of(date(2025, 10, 1))
DATES = st.dates(date(2025, 1, 1), date(2026, 12, 31))
WINDOWS = st.tuples(DATES, DATES).map(lambda ends: Window(min(ends), max(ends)))
CALENDARS = st.dictionaries(DATES, st.sampled_from(DayKind), max_size=60).map(DatedCalendar)


def test_the_same_habits_are_no_change_whatever_the_weekdays_of_a_month() -> None:
    # May 2026 has 21 weekdays, May 2025 22: the totals differ by 60 kWh, the habits do not.
    now, then = Usage(full_year(2026)), Usage(full_year(2025))
    may = month_of(date(2026, 5, 1))
    assert now.total(may) != then.total(month_of(date(2025, 5, 1)))
    found = year_on_year(now, then, may, PLAIN)
    assert found.change == 0
    assert found.basis is Basis.DAYS
    assert found.days == 30
    assert len(found.uneven) == 2
    assert found.share == Decimal(30) / 31


def test_holidays_are_compared_with_holidays() -> None:
    def quiet(day: date) -> float:
        return 10 if NATIONAL_DAY.kind(day) is DayKind.HOLIDAY else 100

    moved = DatedCalendar({**NATIONAL_DAY.differing, date(2025, 10, 8): DayKind.HOLIDAY})
    now = Usage(days(OCTOBER, quiet))
    then = Usage(days(LAST_OCTOBER, lambda d: 10 if moved.kind(d) is DayKind.HOLIDAY else 100))
    found = year_on_year(now, then, OCTOBER, moved)
    assert found.change == 0
    assert found.published
    assert not year_on_year(now, then, OCTOBER, PLAIN).published


def test_partly_unknown_months_are_compared_over_days_known_in_both() -> None:
    now = {day: micro for day, micro in days(OCTOBER, lambda _: 110).items() if day.day != 20}
    then = days(LAST_OCTOBER, lambda _: 100)
    del then[date(2025, 10, 14)]
    found = year_on_year(Usage(now), Usage(then), OCTOBER, PLAIN)
    assert found.change == Decimal("0.1")
    assert found.unknown_now == (date(2026, 10, 20),)
    assert found.unknown_then == (date(2025, 10, 14),)
    assert found.days < 31
    assert found.now == found.days * 110 * KWH


def test_nothing_known_is_no_comparison_and_not_zero() -> None:
    found = year_on_year(Usage(days(OCTOBER, office)), Usage(), OCTOBER, PLAIN)
    assert (found.basis, found.now, found.then, found.change) == (Basis.NONE, None, None, None)
    assert found.share == 0


def test_whole_months_are_compared_when_days_are_not_known() -> None:
    then = Usage({}, {LAST_OCTOBER.first: MonthTotal(2000 * KWH, Source.ENTERED)})
    found = year_on_year(Usage(days(OCTOBER, lambda _: 100)), then, OCTOBER, PLAIN)
    assert (found.basis, found.now, found.then) == (Basis.WHOLE, 3100 * KWH, 2000 * KWH)
    assert found.change == Decimal("0.55")
    assert found.sources == {Source.METERED, Source.ENTERED}


def test_an_incomplete_month_is_not_held_against_a_whole_one() -> None:
    now = Usage({day: KWH for day in OCTOBER if day.day < 31})
    then = Usage({}, {LAST_OCTOBER.first: MonthTotal(2000 * KWH, Source.ENTERED)})
    assert year_on_year(now, then, OCTOBER, PLAIN).basis is Basis.NONE


def test_three_known_days_do_not_stand_for_a_month_when_both_totals_are_known() -> None:
    now = Usage(
        {day: KWH for day in OCTOBER if day.day < 4},
        {OCTOBER.first: MonthTotal(3000 * KWH, Source.BILLED)},
    )
    then = Usage(days(LAST_OCTOBER, lambda _: 100))
    found = year_on_year(now, then, OCTOBER, PLAIN)
    assert (found.basis, found.now) == (Basis.WHOLE, 3000 * KWH)


def test_february_against_january_compares_as_many_days_of_each_kind() -> None:
    found = month_on_month(Usage(full_year(2026)), month_of(date(2026, 2, 1)), PLAIN)
    assert found.change == 0
    assert found.days == 28
    assert found.share == Decimal(28) / 31


def test_the_first_days_of_a_month_are_held_against_the_first_days_of_the_last() -> None:
    ten = Window(date(2026, 10, 1), date(2026, 10, 10))
    found = month_on_month(Usage(full_year(2026)), ten, PLAIN)
    assert found.against == Window(date(2026, 9, 1), date(2026, 9, 10))
    assert found.change == 0
    all_but_one = Window(date(2026, 3, 1), date(2026, 3, 30))
    assert month_on_month(Usage(), all_but_one, PLAIN).against == month_of(date(2026, 2, 1))


def test_a_third_of_a_month_is_never_held_against_the_total_of_a_whole_one() -> None:
    ten = Window(date(2026, 10, 1), date(2026, 10, 10))
    now = Usage(days(ten, lambda _: 100))
    then = Usage({}, {date(2026, 9, 1): MonthTotal(3000 * KWH, Source.BILLED)})
    found = compare(now, then, (ten, month_of(date(2026, 9, 1))), PLAIN)
    assert found.totals == (1000 * KWH, 3000 * KWH)
    assert found.basis is Basis.NONE


def test_growth_from_zero_has_no_percentage() -> None:
    now, then = Usage(days(OCTOBER, office)), Usage(days(LAST_OCTOBER, lambda _: 0))
    found = year_on_year(now, then, OCTOBER, PLAIN)
    assert found.then == 0
    assert found.change is None


@given(WINDOWS, WINDOWS, CALENDARS)
def test_pairs_join_days_of_one_kind_each_day_once(
    window: Window, against: Window, calendar: DatedCalendar
) -> None:
    pairs = pair(window, against, calendar)
    assert len({one.now for one in pairs}) == len({one.then for one in pairs}) == len(pairs)
    for one in pairs:
        assert calendar.kind(one.now) is calendar.kind(one.then) is one.kind
        assert one.now in window
        assert one.then in against
    for kind in DayKind:
        counts = [sum(calendar.kind(day) is kind for day in w) for w in (window, against)]
        assert sum(one.kind is kind for one in pairs) == min(counts)


@given(
    st.dictionaries(DATES, st.integers(0, 10**9)),
    st.dictionaries(DATES, st.integers(0, 10**9)),
    st.tuples(WINDOWS, WINDOWS),
    CALENDARS,
)
def test_what_is_compared_is_known_in_both(
    now: dict[date, int],
    then: dict[date, int],
    windows: tuple[Window, Window],
    calendar: DatedCalendar,
) -> None:
    found = compare(Usage(now), Usage(then), windows, calendar)
    assert (found.now is None) == (found.then is None) == (found.basis is Basis.NONE)
    assert 0 <= found.share <= 1
    if found.basis is Basis.DAYS:
        assert found.days <= min(
            len(windows[0]) - len(found.unknown_now), len(windows[1]) - len(found.unknown_then)
        )


def test_spring_festival_in_january_and_in_february_is_no_saving() -> None:
    """2025 the days off began on 28 January, 2026 on 15 February: the same office, the same use."""
    festival = DatedCalendar(
        {
            date(year, 1, 27) + timedelta(days=n + shift): DayKind.HOLIDAY
            for year, shift in ((2025, 1), (2026, 19))
            for n in range(8)
        }
    )

    def closed(day: date) -> float:
        return 10 if festival.kind(day) is DayKind.HOLIDAY else office(day)

    now, then = Usage(full_year(2026, closed)), Usage(full_year(2025, closed))
    january = month_of(date(2026, 1, 1))
    both = Window(date(2026, 1, 1), date(2026, 2, 28))
    assert now.total(january) != then.total(month_of(date(2025, 1, 1)))
    for window in (january, month_of(date(2026, 2, 1)), both):
        found = year_on_year(now, then, window, festival)
        assert found.change == 0
        assert found.basis is Basis.DAYS


def test_a_leap_day_is_held_against_a_day_of_its_kind_or_left_out() -> None:
    february = month_of(date(2024, 2, 1))
    found = year_on_year(Usage(full_year(2024)), Usage(full_year(2023)), february, PLAIN)
    assert found.against == month_of(date(2023, 2, 1))
    assert found.change == 0
    assert (found.days, len(found.uneven)) == (28, 1)


def test_totals_of_march_and_february_are_compared() -> None:
    usage = Usage({}, {date(2026, n, 1): MonthTotal(n * KWH, Source.BILLED) for n in (2, 3)})
    found = month_on_month(usage, month_of(date(2026, 3, 1)), PLAIN)
    assert (found.basis, found.change) == (Basis.WHOLE, Decimal("0.5"))


def test_half_of_the_days_are_enough() -> None:
    windows = month_of(date(2026, 9, 1)), month_of(date(2025, 9, 1))
    totals = {window.first: MonthTotal(9000 * KWH, Source.BILLED) for window in windows}
    pairs = pair(*windows, PLAIN)
    then = Usage(days(windows[1], office), totals)
    for known, basis in ((15, Basis.DAYS), (14, Basis.WHOLE)):
        now = Usage({one.now: 100 * KWH for one in pairs[:known]}, totals)
        assert compare(now, then, windows, PLAIN).basis is basis
