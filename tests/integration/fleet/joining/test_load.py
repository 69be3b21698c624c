"""What the database gives is compared as the pure part compares it, in a handful of statements."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from fleet.joining.check import verdicts
from fleet.joining.load import checked
from fleet.joining.model import Card, Records
from fleet.joining.verdict import Check, Doubt, Finding, Verdict, Why
from storage.times import NEVER_US, at_us
from tests.integration.fleet.joining.world import card_of, settle, spend
from tests.unit.fleet.joining.scene import (
    AT_A,
    AT_B,
    HOME,
    MENDED,
    RULES,
    ZONE,
    Car,
    filling,
    in_may,
    order,
    repair,
    subject,
    us,
)

FIRST, END = in_may(1), in_may(31)
# What an order of the scene does not say.
MISSING = ("乘车人", "出车里程", "回车里程")


@pytest.fixture
def records() -> Records:
    silent = us(in_may(18), "10:00"), us(in_may(18), "16:00")
    days = {
        in_may(5): AT_A,
        in_may(6): AT_B,
        in_may(16): HOME,
        in_may(18): HOME,
        in_may(20): MENDED,
    }
    return subject(
        Car("v", days, silent=(silent,)),
        filling(1, in_may(5), "09:27"),
        filling(2, in_may(6), "09:27"),
        filling(3, in_may(12), "13:00"),
        filling(4, in_may(16), "13:00", ml=70_000),
        filling(5, in_may(18), "13:00"),
        filling(6, in_may(22), "", timed=False),
        filling(7, in_may(23), "13:00", "第九加油站"),
        repair(20, in_may(21)),
        repair(21, in_may(8)),
        order(30, in_may(8), "08:50", "10:10", missing=MISSING),
        order(31, in_may(16), "08:50", "10:10", missing=MISSING),
    )


def by_paper(found: Any) -> dict[tuple[str, Check, int], Verdict]:  # noqa: ANN401
    return {(one.vehicle, one.check, one.number): one for one in found}


def test_the_database_gives_the_verdicts_of_the_pure_part(
    conn: psycopg.Connection, records: Records
) -> None:
    settle(conn, records)
    found = by_paper(checked(conn, FIRST, END, ZONE, RULES))
    expected = by_paper(verdicts(records, us(FIRST), us(END), RULES))
    assert found == expected
    assert found["v", Check.PLACE, 1].finding is Finding.AGREES
    assert found["v", Check.PLACE, 2].doubt is Doubt.STATION_ELSEWHERE
    assert found["v", Check.PLACE, 3].doubt is Doubt.BORROWED_CARD
    assert found["v", Check.TRAVEL, 4].doubt is Doubt.WITHOUT_TRAVEL
    assert found["v", Check.TANK, 4].doubt is Doubt.OVERFILL
    assert found["v", Check.TRAVEL, 5].why is Why.TRACK_INCOMPLETE
    assert found["v", Check.GARAGE, 20].finding is Finding.AGREES
    assert found["v", Check.GARAGE, 21].doubt is Doubt.GARAGE_NEVER_VISITED
    assert found["v", Check.ORDER, 31].doubt is Doubt.ORDER_WITHOUT_TRIP


def test_the_driver_of_an_order_is_held_against_the_card_in_the_terminal(
    conn: psycopg.Connection, records: Records
) -> None:
    vehicle = records.vehicles["v"]
    cards = (
        Card(0, us(in_may(8), "08:55"), "in", "李四", NEVER_US),
        Card(0, us(in_may(8), "10:05"), "out", None, NEVER_US),
        Card(0, us(in_may(9), "08:55"), "in", "张三", NEVER_US),
    )
    orders = tuple(replace(one, driver="张三") for one in vehicle.orders)
    orders = (*orders, order(32, in_may(9), "08:50", "10:10", missing=MISSING, driver="张三"))
    told = Records({**records.vehicles, "v": replace(vehicle, cards=cards, orders=orders)})
    settle(conn, told)
    found = by_paper(checked(conn, FIRST, END, ZONE, RULES))
    assert found == by_paper(verdicts(told, us(FIRST), us(END), RULES))
    assert found["v", Check.DRIVER, 30].doubt is Doubt.OTHER_DRIVER
    assert found["v", Check.DRIVER, 31].why is Why.NO_TRIP
    assert found["v", Check.DRIVER, 32].finding is Finding.AGREES
    conn.execute("UPDATE terminal_vehicle SET valid = tstzrange(NULL, %s)", [at_us(cards[1].at_us)])
    found = by_paper(checked(conn, FIRST, END, ZONE, RULES, only=["v"]))
    assert found["v", Check.DRIVER, 30].doubt is Doubt.OTHER_DRIVER
    assert found["v", Check.DRIVER, 32].why is Why.NO_CARD, "of a terminal that had left it"


def test_a_fence_says_where_a_station_is_on_the_days_that_it_holds(
    conn: psycopg.Connection, records: Records
) -> None:
    """Filling 7 of the 23rd, 13:00, names a station of which nothing is learned."""
    settle(conn, records)
    for since, until, lat in ((in_may(1), None, 30.6), (in_may(23), in_may(24), 30.7)):
        conn.execute(
            "INSERT INTO fleet_fence (code, name, purpose, kind, datum, original, wgs84, radius_m,"
            " margin_m, dwell_s, since, until, key, content, entered_by, entered_at)"
            " VALUES ('S9', '第九加油站', 'station', 'circle', 'wgs84', '', %s, 60, 50, 0, %s, %s,"
            " %s, '', 'test', now())",
            [f'{{"type": "Point", "coordinates": [104.0, {lat}]}}', since, until, str(since)],
        )
    found = by_paper(checked(conn, FIRST, END, ZONE, RULES, only=["v"]))
    one = found["v", Check.PLACE, 7]
    assert one.doubt is Doubt.BORROWED_CARD
    (fences,) = (figure.value for figure in one.figures if figure.name == "place_fences")
    assert fences == "S9"
    conn.execute("UPDATE fleet_fence SET withdrawn_at = now() WHERE since = %s", [in_may(23)])
    there = by_paper(checked(conn, FIRST, END, ZONE, RULES, only=["v"]))["v", Check.PLACE, 7]
    assert there.why is Why.TIME_DIFFERS, "it stood there, in the yard, before and behind"
    conn.execute("UPDATE fleet_fence SET until = %s WHERE withdrawn_at IS NULL", [in_may(23)])
    none = by_paper(checked(conn, FIRST, END, ZONE, RULES, only=["v"]))["v", Check.PLACE, 7]
    assert none.why is Why.PLACE_UNKNOWN


def test_one_vehicle_is_compared_with_what_all_of_them_teach(
    conn: psycopg.Connection, records: Records
) -> None:
    settle(conn, records)
    mine = by_paper(checked(conn, FIRST, END, ZONE, RULES, only=["v"]))
    everything = by_paper(checked(conn, FIRST, END, ZONE, RULES))
    assert mine == {key: one for key, one in everything.items() if key[0] == "v"}
    assert mine["v", Check.PLACE, 3].doubt is Doubt.BORROWED_CARD


def test_the_holder_of_the_card_at_its_time_decides(
    conn: psycopg.Connection, records: Records
) -> None:
    settle(conn, records)
    card_of(conn, "lost", None)
    spend(conn, 50, "filling", "lost", filling(50, in_may(9), "09:27"))
    found = by_paper(checked(conn, FIRST, END, ZONE, RULES))
    assert found["", Check.PLACE, 50].why is Why.CARD_UNHELD
    conn.execute("UPDATE fuel_card_fact SET since = '2026-05-25' WHERE card = 'card v'")
    assert by_paper(checked(conn, FIRST, END, ZONE, RULES))["", Check.PLACE, 1].why is (
        Why.CARD_UNHELD
    )


def test_a_statement_that_names_another_vehicle_than_the_card_s_is_a_doubt_of_the_holder(
    conn: psycopg.Connection, records: Records
) -> None:
    settle(conn, records)
    for number, written in ((50, "c0"), (51, "v")):
        line = filling(number, in_may(9), "09:27", written=written)
        spend(conn, number, "filling", "card v", line)
    found = by_paper(checked(conn, FIRST, END, ZONE, RULES, only=["v"]))
    one = found["v", Check.HOLDER, 50]
    assert one.doubt is Doubt.OTHER_VEHICLE
    told = {figure.name: figure.value for figure in one.figures}
    assert (told["card"], told["holder"], told["written"]) == ("card v", "v", "c0")
    assert found["v", Check.HOLDER, 51].finding is Finding.AGREES
    assert found["v", Check.HOLDER, 1].why is Why.VEHICLE_UNSTATED


def test_a_filling_that_was_given_back_is_not_compared(
    conn: psycopg.Connection, records: Records
) -> None:
    settle(conn, records)
    given = replace(filling(4, in_may(17), "08:00"), ml=-70_000)
    spend(conn, 60, "refund", "card v", given)
    found = by_paper(checked(conn, FIRST, END, ZONE, RULES))
    assert not any(number in {4, 60} for _, _, number in found)


def test_the_number_of_statements_does_not_grow_with_the_papers(
    conn: psycopg.Connection, records: Records
) -> None:
    settle(conn, records)

    def statements(days: int) -> int:
        before = len(seen)
        list(checked(conn, FIRST, FIRST + timedelta(days=days), ZONE, RULES))
        return len(seen) - before

    seen: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        execute = psycopg.Cursor.execute

        def counted(self: psycopg.Cursor, query: Any, *rest: Any, **more: Any) -> Any:  # noqa: ANN401
            seen.append(str(query))
            return execute(self, query, *rest, **more)

        patch.setattr(psycopg.Cursor, "execute", counted)
        assert statements(2) + 1 >= statements(30)


def test_stops_of_before_silences_were_measured_say_nothing_for_sure(
    conn: psycopg.Connection, records: Records
) -> None:
    settle(conn, records)
    conn.execute("UPDATE vehicle_stop SET silent_s = NULL")
    found = by_paper(checked(conn, FIRST, END, ZONE, RULES))
    assert found["v", Check.GARAGE, 21].why is Why.TRACK_INCOMPLETE


def test_a_sensitive_vehicle_is_compared_by_the_times_of_its_fixes_alone(
    conn: psycopg.Connection,
) -> None:
    silent = us(in_may(16), "03:00"), us(in_may(16), "06:00")
    car = Car("v", {in_may(16): HOME}, silent=(silent,), sensitive=True)
    settle(conn, subject(car, filling(1, in_may(16), "13:00"), repair(2, in_may(20))))
    # What stands in its rows of positions is of no use here.
    found = by_paper(checked(conn, FIRST, END, ZONE, RULES, only=["v"]))
    assert found["v", Check.PLACE, 1].why is Why.SENSITIVE
    assert found["v", Check.GARAGE, 2].why is Why.SENSITIVE
    assert found["v", Check.TRAVEL, 1].doubt is Doubt.WITHOUT_TRAVEL
    names = {figure.name for one in found.values() for figure in one.figures}
    assert not names & {"nearest_mm", "other_station"}


@pytest.mark.parametrize(
    ("since", "until", "sensitive"),
    [
        (in_may(-20), in_may(1), False),  # until before the first day that is checked
        (in_may(-20), in_may(2), True),
        (in_may(12), in_may(20), True),
        (END + timedelta(days=20), None, True),
    ],
)
def test_whoever_is_sensitive_on_a_day_of_the_papers_is_not_compared(
    conn: psycopg.Connection, since: date, until: date | None, *, sensitive: bool
) -> None:
    settle(conn, subject(Car("v", {in_may(16): HOME}), filling(1, in_may(16), "13:00")))
    for value, day in (("sensitive", since), ("ordinary", until)):
        if day is not None:
            conn.execute(
                "INSERT INTO consumer_fact (consumer_id, name, value, since, key, content,"
                " entered_by, entered_at) SELECT id, 'secrecy', %s, %s, %s, '', 'test', now()"
                " FROM fuel_consumer WHERE code = 'v'",
                [value, day, f"v {value}"],
            )
    found = by_paper(checked(conn, FIRST, END, ZONE, RULES, only=["v"]))["v", Check.PLACE, 1]
    assert (found.why is Why.SENSITIVE) is sensitive
