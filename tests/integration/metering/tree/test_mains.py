from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from psycopg.types.range import TimestamptzRange

from metering.tree.mains import Grain, balances, mains, negative_remainders, periods
from metering.tree.remainder import Balance, Cause, Tolerance
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
    spans = periods(Grain.DAY, DAY, DAY + timedelta(days=1), ZONE)
    (finding,) = negative_remainders(two.conn, Grain.DAY, spans, Tolerance())
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
