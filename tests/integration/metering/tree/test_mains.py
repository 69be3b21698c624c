from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from psycopg.types.range import TimestamptzRange

from metering.derive.rollup import Window
from metering.tree.mains import balances, mains
from metering.tree.periods import Grain, periods
from metering.tree.remainder import Balance, Cause, Tolerance, judge
from metering.tree.virtual import recompute_virtual
from storage.times import us_of
from tests.integration.metering.tree.town import QUARTER, ZONE, Town, midnight

DAY = date(2026, 6, 1)
BEGIN = midnight(DAY).astimezone(UTC)
WHOLE = range(96)


def of(town: Town, grain: Grain, begin: date = DAY, end: date | None = None) -> list[Balance]:
    spans = periods(grain, begin, end or begin + timedelta(days=1), ZONE)
    return [found for _, found in balances(town.conn, [town.ids["M"]], grain, spans)]


@pytest.fixture
def two(town: Town) -> Town:
    town.house("A")
    for code in ("M", "S", "T"):
        town.meter(code, "r-A")
    town.known("M", BEGIN, dict.fromkeys(WHOLE, 100))
    return town


def test_by_hour_and_by_day(two: Town) -> None:
    two.hang("S", "M")
    two.hang("T", "M")
    two.known("S", BEGIN, dict.fromkeys(WHOLE, 30))
    two.known("T", BEGIN, dict.fromkeys(WHOLE, 20) | {5: None})

    hours = of(two, Grain.HOUR)
    assert [hour.remainder for hour in hours] == [200, None, *[200] * 22]
    assert hours[1].unknown == ("T",)
    (day,) = of(two, Grain.DAY)
    assert day.remainder is None
    two.known("T", BEGIN, {5: 20})
    (day,) = of(two, Grain.DAY)
    assert day.remainder == 96 * 50
    assert day.begin == BEGIN


def test_a_month(two: Town) -> None:
    two.hang("S", "M")
    quarters = range(30 * 96)
    two.known("M", BEGIN, dict.fromkeys(quarters, 100))
    two.known("S", BEGIN, dict.fromkeys(quarters, 99))
    (month,) = of(two, Grain.MONTH, end=date(2026, 7, 1))
    assert month.remainder == len(quarters)


def test_a_sub_meter_that_comes_within_the_day_counts_from_then_on(two: Town) -> None:
    moved = BEGIN + 40 * QUARTER + timedelta(minutes=7)  # its first whole quarter is number 41
    two.hang("S", "M", TimestamptzRange(moved, None))
    two.hang("T", "M", TimestamptzRange(None, moved))
    for code in ("S", "T"):
        two.known(code, BEGIN, {n: 1000 if n in (40, 41) else 1 for n in WHOLE})

    (day,) = of(two, Grain.DAY)

    assert [(sub.meter, sub.micro, sub.complete) for sub in day.subs] == [
        ("S", 1000 + 54, True),
        ("T", 40 + 1000, True),
    ]
    assert day.remainder == 9600 - 1054 - 1040


def test_pv_behind_the_main_and_supply_to_outsiders(two: Town) -> None:
    two.meter("PV", "r-A", direction="generated")
    two.meter("X", "r-A", direction="out")
    for code, micro in (("PV", 10), ("X", 4), ("S", 90)):
        two.hang(code, "M")
        two.known(code, BEGIN, dict.fromkeys(WHOLE, micro))
    (day,) = of(two, Grain.DAY)
    assert day.remainder == 96 * (100 + 10 - 4 - 90)


def test_a_negative_remainder_names_the_sub_meter_and_its_ratio(two: Town) -> None:
    two.hang("S", "M")
    two.known("M", BEGIN, dict.fromkeys(WHOLE, 10**6))
    two.known("S", BEGIN, dict.fromkeys(WHOLE, 30 * 10**6))
    two.conn.execute(
        "INSERT INTO meter_ratio (meter_id, ct, pt, valid, entered_by, entered_at)"
        " VALUES (%s, 40, 1, '[,)', '王', now())",
        [two.ids["S"]],
    )
    (day,) = of(two, Grain.DAY)
    finding = judge(day, Tolerance())
    assert finding is not None
    assert finding.excess == 96 * 29 * 10**6
    assert finding.balance.subs[0].ratio == Decimal(40)
    assert [(c.cause, c.meter) for c in finding.candidates] == [
        (Cause.SUB_RATIO, "S"),
        (Cause.WRONG_MAIN, "S"),
        (Cause.MAIN_RATIO, "M"),
    ]


def test_mains_are_those_that_had_a_sub_meter_then(two: Town) -> None:
    two.hang("S", "M", TimestamptzRange(BEGIN, BEGIN + QUARTER))
    assert mains(two.conn, BEGIN, BEGIN + QUARTER) == [two.ids["M"]]
    assert mains(two.conn, BEGIN + QUARTER, datetime(2027, 1, 1, tzinfo=UTC)) == []


def test_a_virtual_sub_meter_is_not_counted_beside_its_sources(two: Town) -> None:
    two.virtual("V", "{S} + {T}")
    for code in ("S", "T", "V"):
        two.hang(code, "M")
    for code, micro in (("S", 50), ("T", 40), ("V", 90)):
        two.known(code, BEGIN, dict.fromkeys(WHOLE, micro))
    (day,) = of(two, Grain.DAY)
    assert [sub.meter for sub in day.subs] == ["S", "T"]
    assert day.aside == ("V",)
    assert day.remainder == 96 * 10


def test_a_virtual_sub_meter_stands_aside_for_a_source_however_deep(two: Town) -> None:
    two.meter("D", "r-A")
    two.virtual("V", "{D} + {T}")
    two.virtual("W", "2 * {V}")
    two.hang("S", "M")
    two.hang("D", "S")
    two.hang("W", "M")
    for code, micro in (("S", 50), ("D", 10), ("W", 60)):
        two.known(code, BEGIN, dict.fromkeys(WHOLE, micro))
    (day,) = of(two, Grain.DAY)
    assert [sub.meter for sub in day.subs] == ["S"]


def test_a_virtual_sub_meter_counts_while_none_of_its_sources_hangs_there(two: Town) -> None:
    two.virtual("V", "{S} + {T}")
    two.virtual("R", "{M} - {S}")
    two.hang("V", "M")
    two.hang("S", "M", TimestamptzRange(BEGIN, BEGIN + 8 * QUARTER))
    two.hang("R", "M", TimestamptzRange(BEGIN + 8 * QUARTER, None))
    for code, micro in (("S", 30), ("V", 50), ("R", 20)):
        two.known(code, BEGIN, dict.fromkeys(WHOLE, micro))
    (day,) = of(two, Grain.DAY)
    assert [(sub.meter, sub.micro) for sub in day.subs] == [
        *(("R", 88 * 20), ("S", 8 * 30), ("V", 88 * 50)),
    ]
    two.conn.execute("UPDATE meter_main SET valid = '[,)' WHERE meter_id = %s", [two.ids["S"]])
    (day,) = of(two, Grain.DAY)
    assert [sub.meter for sub in day.subs] == ["R", "S"], "V stands aside, the rest of M does not"


def test_a_virtual_sub_meter_adds_what_is_left_net_of_all_formulas(two: Town) -> None:
    two.meter("X", "r-A")
    two.virtual("V", "{S} + {T}")
    two.virtual("W", "{V} - {S}")  # T alone, which hangs nowhere
    two.virtual("R", "{M} - {S}")
    two.virtual("U", "{X} + {M} - {R}")  # X and S
    for code in ("S", "W", "U"):
        two.hang(code, "M")
    for code, micro in (("S", 50), ("T", 40), ("W", 40), ("U", 70)):
        two.known(code, BEGIN, dict.fromkeys(WHOLE, micro))
    (day,) = of(two, Grain.DAY)
    assert [sub.meter for sub in day.subs] == ["S", "W"], "U adds S again, W does not"


def test_who_comes_and_goes_between_two_quarters_has_no_part_and_no_gap(two: Town) -> None:
    two.hang("S", "M")
    minute = timedelta(minutes=1)
    two.hang("T", "M", TimestamptzRange(BEGIN + 2 * minute, BEGIN + 9 * minute))
    two.known("S", BEGIN, dict.fromkeys(WHOLE, 30))
    (day,) = of(two, Grain.DAY)
    assert [sub.meter for sub in day.subs] == ["S"]
    assert day.remainder == 96 * 70


def test_hours_of_a_zone_that_is_not_whole_hours_from_utc(two: Town) -> None:
    zone = ZoneInfo("Asia/Kolkata")
    begin = datetime(2026, 6, 1, tzinfo=zone).astimezone(UTC)
    two.hang("S", "M")
    for code, micro in (("M", 100), ("S", 30)):
        two.known(code, begin, {n: micro + n for n in WHOLE})
    spans = periods(Grain.HOUR, DAY, DAY + timedelta(days=1), zone)
    found = [balance for _, balance in balances(two.conn, [two.ids["M"]], Grain.HOUR, spans)]
    assert [hour.main.micro for hour in found[:2]] == [406, 422]
    assert [hour.remainder for hour in found] == [280] * 24


def sharing(town: Town, *, v1: str = "{A} + {B}", v2: str = "{A} + {C}") -> None:
    """Hang two virtual meters below M whose sources hang elsewhere or nowhere."""
    for code, micro in (("A", 10), ("B", 20), ("C", 30)):
        town.meter(code, "r-A")
        town.known(code, BEGIN, {n: micro + n % 2 for n in WHOLE})
    town.virtual("V1", v1)
    town.virtual("V2", v2)
    for code in ("V1", "V2"):
        town.hang(code, "M")


def compute(town: Town) -> None:
    """Compute the virtual meters from their sources."""
    end = us_of(BEGIN + 96 * QUARTER)
    with town.conn.transaction():
        windows = [
            Window(id_, us_of(BEGIN), end) for code, id_ in town.ids.items() if code in "ABC"
        ]
        recompute_virtual(town.conn, windows, ZONE)


def off(balance: Balance) -> list[tuple[str, dict[str, Fraction], int | None, bool]]:
    return [(one.meter, dict(one.within), one.micro, one.complete) for one in balance.shared]


def test_what_two_virtual_sub_meters_share_counts_once(two: Town) -> None:
    sharing(two)
    two.hang("A", "T")  # below another main
    compute(two)
    (day,) = of(two, Grain.DAY)
    both = {"V1": Fraction(1), "V2": Fraction(1)}
    a, b, c = (96 * n + 48 for n in (10, 20, 30))
    assert off(day) == [("A", both, a, True)]
    assert day.taken == a + b + c
    assert day.remainder == 9600 - a - b - c
    hours = of(two, Grain.HOUR)
    assert [hour.remainder for hour in hours] == [400 - 42 - 82 - 122] * 24
    two.conn.execute("UPDATE meter_main SET main_id = %s WHERE meter_id = %s", ids(two, "M", "A"))
    (day,) = of(two, Grain.DAY)
    assert [sub.meter for sub in day.subs] == ["A"], "below the same main both stand aside"
    assert off(day) == []


def ids(town: Town, *codes: str) -> list[int]:
    return [town.ids[code] for code in codes]


def test_parts_of_a_source_are_right_up_to_the_whole_of_it(two: Town) -> None:
    sharing(two, v1="0.6 * {A} + {B}", v2="0.4 * {A} + {C}")
    compute(two)
    assert off(of(two, Grain.DAY)[0]) == []
    two.conn.execute("UPDATE meter SET formula = '0.75 * {A} + {C}' WHERE code = 'V2'")
    compute(two)
    (day,) = of(two, Grain.DAY)
    parts = {"V1": Fraction("0.6"), "V2": Fraction("0.75")}
    assert off(day) == [("A", parts, 353, True)]  # 0.35 × 1008 is 352.8, rounded once


def test_a_source_is_shared_through_others_and_for_its_time_alone(two: Town) -> None:
    sharing(two, v1="{B} + 2 * ({A} - {C})", v2="{C} + {B}")
    moved = BEGIN + 40 * QUARTER + timedelta(minutes=7)  # its first whole quarter is number 41
    two.virtual("W", "{V1} + {C}")
    two.conn.execute("DELETE FROM meter_main WHERE meter_id = %s", ids(two, "V1"))
    two.hang("W", "M", TimestamptzRange(moved, None))
    compute(two)
    (day,) = of(two, Grain.DAY)
    b = sum(20 + n % 2 for n in range(41, 96))
    assert off(day) == [("B", {"V2": Fraction(1), "W": Fraction(1)}, b, True)]
    w = sum(20 + n % 2 + 2 * (10 + n % 2) - (30 + n % 2) for n in range(41, 96))
    assert day.taken == w + sum(50 + 2 * (n % 2) for n in WHOLE) - b


def test_what_is_generated_by_two_virtual_meters_came_in_once(two: Town) -> None:
    sharing(two)
    two.conn.execute("UPDATE meter SET direction = 'generated' WHERE code IN ('V1', 'V2')")
    compute(two)
    (day,) = of(two, Grain.DAY)
    assert [one.generated for one in day.shared] == [True]
    assert day.remainder == 9600 + 96 * 60 + 3 * 48


def test_a_gap_of_a_shared_source_leaves_the_remainder_unknown(two: Town) -> None:
    sharing(two)
    compute(two)
    two.known("A", BEGIN, {7: None})
    (day,) = of(two, Grain.DAY)
    assert off(day)[0][3] is False
    assert day.unknown == ("A",)
    two.known("A", BEGIN, dict.fromkeys(WHOLE))
    assert off(of(two, Grain.DAY)[0])[0][2:] == (None, False)


def test_the_hour_that_comes_twice_when_clocks_go_back_is_two_hours(two: Town) -> None:
    zone, day = ZoneInfo("Europe/Berlin"), date(2026, 10, 25)
    two.conn.execute("SET TIME ZONE 'Europe/Berlin'")
    begin = datetime(2026, 10, 24, 22, tzinfo=UTC)
    sharing(two)
    two.known("M", begin, dict.fromkeys(range(100), 100))
    for code, micro in (("A", 10), ("B", 20), ("C", 30), ("V1", 30), ("V2", 40)):
        two.known(code, begin, dict.fromkeys(range(100), micro))
    spans = periods(Grain.HOUR, day, day + timedelta(days=1), zone)
    found = [balance for _, balance in balances(two.conn, [two.ids["M"]], Grain.HOUR, spans)]
    assert [hour.begin for hour in found] == [begin + n * timedelta(hours=1) for n in range(25)]
    assert {hour.remainder for hour in found} == {4 * (100 - 60)}
