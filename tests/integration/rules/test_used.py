"""What was used while doubts went on, and what it cost."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from metering.factors.assignments import Assignment, OfInstitution, OfMeter, assign
from metering.factors.base_prices import BasePrice, enter
from metering.factors.meter_cost import Pricing
from metering.factors.tariff import in_force
from registry.calendar_store import load_calendar
from registry.day_kind import DayKind
from rules.cases.life import State
from rules.cases.listing import Wanted, doubts, verdicts
from rules.cases.sums import Judged, Sum, sums
from rules.cases.used import Stretch, Used, used
from rules.kinds.model import Sort
from rules.ruleset.store import versions
from rules.subjects.model import Basis
from rules.subjects.places.modes import Modes
from storage.times import us_of
from tests.integration.metering.factors.world import tariffs
from tests.integration.rules.world import (
    ACT,
    GAUGES,
    ZONE,
    Conn,
    Room,
    add_room,
    at,
    load_rules,
    store,
)

D = Decimal
TEN_PM = 22 * 60.0
"""Before it a kWh costs 0.6 × 1.2 = 0.72 yuan, behind it 0.6 × 0.55 = 0.33."""
DAY = 1440.0
PRICING = Pricing(tariffs(), lambda _: DayKind.WORKDAY, ZONE, at(90 * DAY))


@pytest.fixture
def room(conn: Conn) -> Room:
    made = add_room(conn)
    load_rules(conn)
    return made


def priced(conn: Conn, tariff: str = "sh-single") -> None:
    of = OfInstitution("i", "electricity")
    assign(conn, ACT, of, Assignment(tariff, date(2026, 1, 1), None), tariffs())
    if tariff == "sh-single":
        found = in_force(tariffs(), tariff, date(2026, 7, 1))
        enter(conn, ACT, found, BasePrice(date(2026, 7, 1), D("0.6"), "7月公告"))


def tells_power(conn: Conn, room: Room, begin: float, end: float, watts: float) -> None:
    row = conn.execute(
        "INSERT INTO point (device_id, name, label, unit, class)"
        " SELECT device_id, 'power', '功率', 'W', 'gauge' FROM point WHERE id = %s"
        " ON CONFLICT (device_id, name) DO UPDATE SET unit = 'W' RETURNING id",
        [room.points["run"]],
    ).fetchone()
    assert row is not None
    steps = int((end - begin) // 10) + 1
    store(conn, row[0], [(begin + 10 * n, watts) for n in range(steps)])


def counts(conn: Conn, room: Room, begin: float, end: float, micro: int) -> None:
    """A meter hangs beside it."""
    conn.execute(
        "INSERT INTO meter (code, name, energy, unit, place_id) VALUES"
        " ('e', '分表', 'electricity', 'kWh', %s) ON CONFLICT DO NOTHING",
        [room.aircon],
    )
    for n in range(int((end - begin) // 15)):
        conn.execute(
            "INSERT INTO consumption (meter_id, slot, micro, estimated, covered_s, flags)"
            " SELECT id, %s, %s, 0, 900, 0 FROM meter",
            [at(begin + 15 * n), micro],
        )


def basis(conn: Conn) -> Basis:
    return Basis(versions(conn), GAUGES, load_calendar(conn), ZONE, Modes())


def of(conn: Conn, room: Room, begin: float, end: float) -> Used:
    one = Stretch(Sort.PLACE, room.aircon, us_of(at(begin)), us_of(at(end)))
    (found,) = used(conn, basis(conn), [one], PRICING)
    return found


def test_the_power_of_a_device_is_priced_by_the_hour(conn: Conn, room: Room) -> None:
    priced(conn)
    tells_power(conn, room, TEN_PM - 60, TEN_PM + 60, 1200.0)
    found = of(conn, room, TEN_PM - 25, TEN_PM + 20)
    assert (found.quantity, found.unit, found.how) == (D("0.900"), "kWh", "设备功率")
    assert found.yuan == D("0.5") * D("0.72") + D("0.4") * D("0.33")
    assert found.priced == "sh-single@2023-01-01.1"


def test_a_meter_stands_before_the_device_and_counts_parts_of_quarters(
    conn: Conn, room: Room
) -> None:
    priced(conn)
    tells_power(conn, room, TEN_PM - 60, TEN_PM + 60, 1200.0)
    counts(conn, room, TEN_PM - 60, TEN_PM + 60, 150_000)
    found = of(conn, room, TEN_PM - 5, TEN_PM + 30)
    assert (found.quantity, found.how) == (D("0.350"), "计量表")
    assert found.yuan == D("0.05") * D("0.72") + D("0.3") * D("0.33")
    own = Assignment("sh-two-part", date(2026, 1, 1), None)
    assign(conn, ACT, OfMeter("e"), own, tariffs())
    assert of(conn, room, TEN_PM, TEN_PM + 15).priced == "2026-07 没有平段基准电价"
    # Of what the meter did not see the device still tells.
    assert of(conn, room, TEN_PM - 75, TEN_PM - 45).how is None
    tells_power(conn, room, TEN_PM - 90, TEN_PM - 60, 600.0)
    assert of(conn, room, TEN_PM - 75, TEN_PM - 45).how == "设备功率"


def test_unknown_stays_unknown_and_says_why(conn: Conn, room: Room) -> None:
    assert of(conn, room, TEN_PM, TEN_PM + 30) == Used(None, "kWh", None)
    tells_power(conn, room, TEN_PM, TEN_PM + 30, 1200.0)
    found = of(conn, room, TEN_PM, TEN_PM + 30)
    assert (found.quantity, found.yuan, found.priced) == (D("0.600"), None, "没有指定电价")
    priced(conn, "sh-household-tiers")
    found = of(conn, room, TEN_PM, TEN_PM + 30)
    assert found.yuan is None
    assert "分档，单独一段用量无从定价" in found.priced


def open_doubt(
    conn: Conn, room: Room, rule: str, begin: float, end: float, *, verdict: str | None = None
) -> None:
    row = conn.execute(
        "INSERT INTO doubt (rule_code, sort, subject_id, since, until, opened_at, state,"
        " changed_at) VALUES (%s, 'place', %s, %s, %s, %s, %s, %s) RETURNING id",
        [
            *(rule, room.aircon, at(begin), at(end), at(end)),
            *("asked" if verdict is None else "concluded", at(end)),
        ],
    ).fetchone()
    assert row is not None
    if verdict is not None:
        conn.execute(
            "INSERT INTO doubt_deed (doubt_id, at, principal, step, words, verdict)"
            " VALUES (%s, now(), 'x', 'conclude', '', %s)",
            [row[0], verdict],
        )


def summed(conn: Conn, until: float = 60 * DAY) -> list[Sum]:
    found = doubts(conn, Wanted(at(0), at(until), list(State)))
    said = verdicts(conn, [one.id for one in found])
    judged = [Judged(one, said.get(one.id)) for one in found]
    return sums(conn, basis(conn), judged, (at(0), at(until)), PRICING)


def row(one: Sum) -> tuple[Any, ...]:
    counted = (f"{one.month:%m}", one.unit, one.doubts, one.open, one.waste)
    return (*counted, one.used.quantity, one.wasted.quantity, one.wasted.unknown)


def test_doubts_of_one_place_at_one_time_are_counted_once(conn: Conn, room: Room) -> None:
    priced(conn)
    tells_power(conn, room, TEN_PM - 60, TEN_PM + 120, 1000.0)
    open_doubt(conn, room, "night", TEN_PM - 60, TEN_PM, verdict="waste")
    open_doubt(conn, room, "cold", TEN_PM - 30, TEN_PM + 60, verdict="waste")
    open_doubt(conn, room, "lamp", TEN_PM - 60, TEN_PM + 30)
    # Not waste, and data that were wrong: left out.
    open_doubt(conn, room, "night", TEN_PM + 60, TEN_PM + 120, verdict="not-waste")
    (one,) = summed(conn)
    # Of the set point nobody knows how much less another one would have taken.
    assert row(one) == ("07", "kWh", 4, 1, 2, D("2.000"), D("1.000"), 1)
    assert (one.institution, one.name) == ("i", "局")
    assert one.used.yuan == D("0.72") + D("0.33")
    assert one.wasted.yuan == D("0.72")


def test_a_doubt_over_the_end_of_a_month_is_cut_there(conn: Conn, room: Room) -> None:
    end = 26 * DAY
    tells_power(conn, room, end - 60, end + 60, 1000.0)
    open_doubt(conn, room, "night", end - 60, end + 60, verdict="waste")
    open_doubt(conn, room, "night", end + 300, end + 330)
    assert [row(one) for one in summed(conn)] == [
        ("07", "kWh", 1, 0, 1, D("1.000"), D("1.000"), 0),
        ("08", "kWh", 1, 1, 0, D("1.000"), D("1.000"), 0),
    ]
    july, august = summed(conn)
    assert (july.used.unknown, august.used.unknown) == (0, 1)
    assert (july.used.unpriced, july.used.yuan) == (1, D(0))
    assert len(summed(conn, end - 30)) == 1
