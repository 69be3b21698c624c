"""What was more than usual is a part of the waste that people concluded."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from metering.factors.assignments import Assignment, OfInstitution, assign
from metering.factors.base_prices import BasePrice, enter
from metering.factors.meter_cost import Pricing
from metering.factors.tariff import in_force
from registry.calendar_store import load_calendar
from registry.day_kind import DayKind
from rules.cases.life import State
from rules.cases.listing import Wanted, doubts, verdicts
from rules.cases.sums import Judged, Sum, sums
from rules.ruleset.store import versions
from rules.subjects.model import Basis
from rules.subjects.places.modes import Modes
from tests.integration.metering.factors.world import tariffs
from tests.integration.metering.tree.town import Town
from tests.integration.rules.figures import load_rules, midnight, put
from tests.integration.rules.test_meters import LOAD, STEP, behind_power
from tests.integration.rules.world import ACT, GAUGES, ZONE, Conn

D = Decimal


@pytest.fixture
def town(conn: Conn) -> Town:
    """A main meter draws 6 kW more than usual for five days, all of it behind one sub-meter."""
    town = Town(conn)
    town.house("i")
    town.meter("power", "r-i", energy="electricity", unit="kWh")
    load_rules(conn, LOAD, STEP)
    main, sub, other = behind_power(town, 45)
    main[36:41] += 6.0
    sub[36:41] += 6.0
    for meter, hours in (("power", main), ("sub", sub), ("other", other)):
        put(town, meter, 0, hours)
    return town


def conclude(town: Town, rule: str, meter: str, days: tuple[int, int], verdict: str) -> None:
    since, until = days
    row = town.conn.execute(
        "INSERT INTO doubt (rule_code, sort, subject_id, since, until, opened_at, state,"
        " changed_at) VALUES (%s, 'meter', %s, %s, %s, %s, 'concluded', %s) RETURNING id",
        [rule, town.ids[meter], midnight(since), midnight(until), *[midnight(until)] * 2],
    ).fetchone()
    assert row
    town.conn.execute(
        "INSERT INTO doubt_deed (doubt_id, at, principal, step, words, verdict)"
        " VALUES (%s, now(), 'x', 'conclude', '', %s)",
        [row[0], verdict],
    )


def summed(conn: Conn) -> list[Sum]:
    window = (midnight(0), midnight(60))
    found = doubts(conn, Wanted(*window, list(State)))
    said = verdicts(conn, [one.id for one in found])
    pricing = Pricing(tariffs(), lambda _: DayKind.WORKDAY, ZONE, midnight(90))
    basis = Basis(versions(conn), GAUGES, load_calendar(conn), ZONE, Modes())
    return sums(conn, basis, [Judged(one, said.get(one.id)) for one in found], window, pricing)


def test_what_was_more_than_usual_is_waste_once(conn: Conn, town: Town) -> None:
    conclude(town, "load", "power", (36, 41), "waste")
    conclude(town, "load", "sub", (36, 41), "waste")
    conclude(town, "step", "power", (36, 41), "waste")
    (one,) = summed(conn)
    # 6 kW for 120 hours, by nights that differ by a tenth; step and sub-meter tell of the same.
    assert abs(one.wasted.quantity - 720) < 40
    assert (one.waste, one.wasted.unknown, one.wasted.unpriced) == (3, 0, 1)


def test_what_people_call_no_waste_is_none_and_what_nobody_knows_is_unknown(
    conn: Conn, town: Town
) -> None:
    conclude(town, "load", "power", (36, 41), "not-waste")
    conclude(town, "load", "other", (3, 5), "waste")
    june, july = summed(conn)
    assert (june.wasted.quantity, june.wasted.unknown) == (D(0), 1)
    assert (july.wasted.quantity, july.wasted.unknown) == (D(0), 0)


def test_it_costs_what_use_cost_meanwhile_and_is_cut_at_months(conn: Conn, town: Town) -> None:
    of = OfInstitution("i", "electricity")
    assign(conn, ACT, of, Assignment("sh-single", date(2026, 1, 1), None), tariffs())
    found = in_force(tariffs(), "sh-single", date(2026, 7, 1))
    enter(conn, ACT, found, BasePrice(date(2026, 7, 1), D("0.6"), "7月公告"))
    conclude(town, "load", "power", (36, 41), "waste")
    (july,) = summed(conn)
    mean = july.used.yuan / july.used.quantity
    assert abs(july.wasted.yuan - july.wasted.quantity * mean) < D("0.01")
    assert july.wasted.yuan > 200
