"""What vehicles use, pay and are mended for, from the ledger to doubts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import psycopg
import pytest

from fleet.norms.compare import compared
from fleet.norms.load import Reading, everyone, norms
from rules.subjects.vehicles import due
from rules.subjects.vehicles.tags import tags
from tests.integration.rules.vehicles import (
    LONG_AGO,
    RULES,
    add_members,
    begin,
    look,
    state,
)
from tests.integration.rules.world import ZONE, load_rules
from tests.unit.fleet.norms.test_compare import RATES, from_april
from tests.unit.fleet.norms.town import BEGINS, Habits, member, number_of, papers
from tests.unit.fleet.norms.town import RULES as BELIEVED

FACTS = {"tank": "60000", "energy": "petrol", "class": "sedan"}
END = begin(7, 5)
Conn = psycopg.Connection[Any]


@pytest.fixture
def fleet(conn: Conn) -> Conn:
    load_rules(conn, RULES.read_text("utf-8"), LONG_AGO)
    habits = {f"c{n}": Habits(rate=lambda _, rate=rate: rate) for n, rate in enumerate(RATES)}  # type: ignore[misc]
    habits["v"] = Habits(rate=from_april(1.4))
    until = int(END.timestamp() * 1e6)
    known = {
        code: [one for one in papers(code, its) if one.at_us < until]
        for code, its in habits.items()
    }
    add_members(conn, known, FACTS)
    return conn


def found(conn: Conn) -> set[tuple[str, str, str]]:
    rows = conn.execute(
        "SELECT rule.code, vehicle.code, since, until FROM episode JOIN rule ON rule.id = rule_id"
        " JOIN vehicle ON vehicle.id = subject_id WHERE sort = 'vehicle'"
    )
    return {(rule, code, f"{_day(since)} {_day(until)}") for rule, code, since, until in rows}


def _maybe(at: datetime | None) -> str | None:
    return None if at is None else _day(at)


def _day(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%m-%d}"


def test_the_database_says_what_the_pure_part_says(fleet: Conn) -> None:
    its = [member(f"c{n}", Habits(rate=lambda _, rate=rate: rate)) for n, rate in enumerate(RATES)]  # type: ignore[misc]
    its.append(member("v", Habits(rate=from_april(1.4))))
    month = number_of(date(2026, 5, 1))
    expected = compared(its, BEGINS, [month], BELIEVED)[month]
    reading = Reading(fleet, date(2026, 5, 9), date(2026, 5, 10), ZONE, BELIEVED)
    told = norms(reading, everyone(fleet))
    (month_told,) = told.rate.values()
    assert sorted(month_told, key=repr) == sorted(expected, key=repr)
    litres, money = (
        next(one for one in its[date(2026, 5, 1)] if (one.code, one.months) == ("v", 1))
        for its in (told.rate, told.cost)
    )
    assert litres.own is not None
    assert money.own is not None
    assert money.own.least == pytest.approx(litres.own.least, abs=0.1), "all pay the same"
    assert told.prices.at("petrol", BEGINS[month]) == pytest.approx(0.75, rel=0.001)


def test_more_litres_from_april_on_are_a_doubt_in_april_and_while_they_last(fleet: Conn) -> None:
    look(fleet, END)
    assert ("fuel-rate", "v", "04-01 08-01") in found(fleet)
    assert {code for rule, code, _ in found(fleet) if rule.startswith("fuel")} == {"v"}


def test_a_late_paper_withdraws_what_it_explains(fleet: Conn) -> None:
    """The litres had been misread: other lines, entered late."""
    look(fleet, END)
    assert found(fleet)
    fleet.execute(
        "UPDATE fleet_spending SET quantity = quantity * 10 / 14 WHERE at >= %s"
        " AND consumer_id = (SELECT id FROM fuel_consumer WHERE code = 'v')",
        [begin(4, 1)],
    )
    look(fleet, END)
    assert not [one for one in found(fleet) if one[0] == "fuel-rate"]


def test_another_price_is_no_doubt_and_a_dearer_litre_than_others_pay_is_one(fleet: Conn) -> None:
    fleet.execute("UPDATE fleet_spending SET quantity = 40000 WHERE quantity > 44000")
    fleet.execute("UPDATE fleet_spending SET fen = quantity * 75 / 100")
    fleet.execute("UPDATE fleet_spending SET fen = fen * 14 / 10 WHERE at >= %s", [begin(3, 1)])
    look(fleet, END)
    assert not [one for one in found(fleet) if one[0] == "fuel-cost"]
    fleet.execute(
        "UPDATE fleet_spending SET fen = fen * 14 / 10 WHERE at >= %s"
        " AND consumer_id = (SELECT id FROM fuel_consumer WHERE code = 'c2')",
        [begin(4, 1)],
    )
    look(fleet, END)
    assert {code for rule, code, _ in found(fleet) if rule == "fuel-cost"} == {"c2"}
    assert not [one for one in found(fleet) if one[0] == "fuel-rate" and one[1] == "c2"]


def test_an_energy_that_litres_do_not_tell_of_is_not_compared(fleet: Conn) -> None:
    fleet.execute(
        "UPDATE consumer_fact SET value = 'plug_in_hybrid' WHERE name = 'energy'"
        " AND consumer_id = (SELECT id FROM fuel_consumer WHERE code = 'v')"
    )
    look(fleet, END)
    assert not [one for one in found(fleet) if one[0].startswith("fuel")]


def mend(conn: Conn, code: str, at: datetime, fen: int, part: str = "") -> None:
    conn.execute(
        "INSERT INTO fleet_spending (kind, consumer_id, at, timed, fen, part, key, content,"
        " entered_by, entered_at) SELECT 'maintenance', id, %s, false, %s, %s, %s, '', 'x', now()"
        " FROM fuel_consumer WHERE code = %s",
        [at, fen, part, f"{code} {at} {part}", code],
    )


def test_upkeep_and_a_part_replaced_again_are_doubts(fleet: Conn) -> None:
    for day in (1, 10, 20):
        for n in range(len(RATES)):
            mend(fleet, f"c{n}", begin(3, day), 100_000)
        mend(fleet, "v", begin(3, day), 400_000)
    mend(fleet, "v", begin(3, 1), 80_000, "蓄电池")
    mend(fleet, "c0", begin(3, 2), 1_200_000, "变速箱大修")  # One dear repair explains itself.
    mend(fleet, "v", begin(5, 20), 80_000, "更换电瓶")
    look(fleet, END)
    assert ("repeated-part", "v", "05-20 05-21") in found(fleet)
    upkeep = {(code, span) for rule, code, span in found(fleet) if rule == "maintenance-cost"}
    assert {code for code, _ in upkeep} == {"v"}
    assert any(span.startswith("03-01") for _, span in upkeep)


def test_the_ledger_hands_down_what_a_vehicle_is_and_a_tag_speaks_where_it_is_silent(
    fleet: Conn,
) -> None:
    vehicles = {code: number for number, code in fleet.execute("SELECT id, code FROM vehicle")}
    owners = {code: number for number, code in fleet.execute("SELECT id, code FROM fuel_consumer")}
    state(fleet, owners["v"], "use", "law", "2026-04-01")
    state(fleet, owners["v"], "use", "business", "2026-06-01")
    for tag in ("law-enforcement", "emergency-response"):
        fleet.execute(
            "INSERT INTO tag (kind, subject_id, tag, valid) VALUES ('institution', 1, %s, '[,)')",
            [tag],
        )
    told = tags(fleet, [vehicles["v"], vehicles["c1"]], begin(1, 1), begin(8, 1))

    def spans(code: str, tag: str) -> list[tuple[str | None, str | None]]:
        its = [one for one in told[vehicles[code]] if one.tag == tag]
        return [(_maybe(one.since), _maybe(one.until)) for one in its]

    assert spans("v", "law-enforcement") == [(None, "04-01"), ("04-01", "06-01")]
    assert spans("c1", "law-enforcement") == [(None, None)]
    assert spans("v", "emergency-response") == [(None, None)]


def test_what_is_stored_does_not_depend_on_where_one_looks(fleet: Conn) -> None:
    look(fleet, END)
    before = found(fleet)
    fleet.execute(
        "INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)"
        " SELECT 'vehicle', id, %s, %s, 'part' FROM vehicle",
        [begin(5, 10), begin(5, 11)],
    )
    assert look(fleet, END) == 0
    assert found(fleet) == before
    assert due.mark_all(fleet, "all") == len(RATES) + 1
    assert look(fleet, END) == 0
    assert found(fleet) == before
