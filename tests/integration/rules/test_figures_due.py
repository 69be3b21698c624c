"""What makes meters and institutions due, and what is told of their doubts."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from jieyong.commands.doubt_tables import row_of, shown
from metering.plan.progress import Kind, Per
from metering.plan.quota import Quota, enter_quota
from registry.audit import Act
from registry.calendar_store import enter_days, load_calendar
from registry.day_kind import DayKind
from rules.cases.evidence import evidence
from rules.cases.listing import Wanted, doubts
from rules.ruleset.store import versions
from rules.subjects import catalogue
from rules.subjects.model import Basis
from rules.subjects.places.modes import Modes
from storage.times import us_of
from tests.integration.metering.tree.town import Town
from tests.integration.rules.figures import found, load_rules, midnight, put
from tests.integration.rules.test_institutions import put as put_days
from tests.integration.rules.test_institutions import work
from tests.integration.rules.test_meters import LOAD, MAINS, NIGHT, STEP, usual
from tests.integration.rules.world import GAUGES, START, ZONE, Conn, look

ACT = Act("李会计", START)
YEAR = "code: year, kind: consumption.year_on_year.electricity, for: 28d"


@pytest.fixture
def town(conn: Conn) -> Town:
    town = Town(conn)
    town.house("i", "j")
    town.meter("m", "r-i", energy="electricity", unit="kWh")
    town.meter("water", "r-i", energy="water", unit="m3")
    return town


def waiting(conn: Conn) -> set[tuple[str, str, str]]:
    """Sort, code and why of what is due; then nothing is."""
    catalogue.follow(conn)
    rows = conn.execute(
        "DELETE FROM rules_due USING rules_subject AS known"
        " WHERE known.sort = kind AND known.id = subject"
        " RETURNING kind, known.code, why"
    )
    return {(kind, code, why) for kind, code, why in rows if kind in {"meter", "institution"}}


def settled(conn: Conn, *rules: str) -> None:
    load_rules(conn, *rules)
    look(conn)
    waiting(conn)


def test_metering_says_which_meters_it_computed_and_their_mains_are_due_too(
    conn: Conn, town: Town
) -> None:
    town.meter("sub", "r-i", energy="electricity", unit="kWh")
    town.hang("sub", "m")
    settled(conn, LOAD)
    put(town, "sub", 0, usual(1, 4.0, 30.0))
    assert waiting(conn) == {("meter", "sub", "consumption"), ("meter", "m", "consumption")}
    put(town, "water", 0, usual(1, 4.0, 30.0))
    assert waiting(conn) == {("meter", "water", "consumption")}


def test_without_a_rule_about_meters_none_is_due(conn: Conn, town: Town) -> None:
    look(conn)
    put(town, "water", 0, usual(1, 4.0, 30.0))
    assert waiting(conn) == set()


def test_another_calendar_a_tag_and_another_main_make_meters_due(conn: Conn, town: Town) -> None:
    town.meter("sub", "r-i", energy="electricity", unit="kWh")
    settled(conn, STEP, MAINS)
    enter_days(conn, ACT, {date(2026, 6, 1): DayKind.HOLIDAY}, "通知")
    everybody = {("meter", code) for code in ("m", "sub", "water")}
    everybody |= {("institution", code) for code in ("i", "j")}
    assert {row[:2] for row in waiting(conn)} == everybody
    conn.execute("INSERT INTO tag (tag, kind, subject_id, valid) VALUES ('ward','room', 1, '[,)')")
    assert waiting(conn) == {("meter", code, "tag") for code in ("m", "sub", "water")}
    town.hang("sub", "m")
    assert ("meter", "m", "main") in waiting(conn)


def test_what_is_entered_makes_those_due_who_report_it(conn: Conn, town: Town) -> None:
    settled(conn, YEAR)
    stated = Quota(
        *("i", "electricity", 2026, Kind.CONSTRAINT, Per.TOTAL),
        *(Decimal(1000), "kWh", "市发〔2026〕1号", date(2026, 1, 15)),
    )
    enter_quota(conn, ACT, stated)
    assert waiting(conn) == {("institution", "i", "reported")}
    conn.execute(
        "INSERT INTO reporting_relation (subject_kind, subject_id, kind, valid, entered_by,"
        " entered_at) VALUES ('institution', %s, 'on_behalf', '[,)', 'x', now())",
        [town.ids["j"]],
    )
    conn.execute("INSERT INTO reporting_share VALUES (1, %s, 1)", [town.ids["i"]])
    assert {row[:2] for row in waiting(conn)} == {("institution", "i"), ("institution", "j")}
    conn.execute(
        "INSERT INTO utility_account (code, number, supplier, energy, unit)"
        " VALUES ('a', 'a', 's', 'electricity', 'kWh')"
    )
    conn.execute(
        "INSERT INTO utility_account_institution"
        " (account_id, institution_id, valid, entered_by, entered_at)"
        " VALUES (1, %s, '[,)', 'x', now())",
        [town.ids["j"]],
    )
    # i reports for j.
    assert {row[:2] for row in waiting(conn)} == {("institution", "i"), ("institution", "j")}


def basis(conn: Conn) -> Basis:
    return Basis(versions(conn), GAUGES, load_calendar(conn), ZONE, Modes())


def test_a_doubt_of_a_meter_tells_what_was_held_against_what(conn: Conn, town: Town) -> None:
    load_rules(conn, NIGHT)
    hours = usual(45, 0.05, 2.0)
    hours[38:41] += 0.6
    put(town, "water", 0, hours)
    now = midnight(50)
    look(conn, now)
    (doubt,) = doubts(conn, Wanted(midnight(0), now))
    assert (doubt.subject, doubt.institution, doubt.room) == ("water", "i", "r-i")
    rests = evidence(conn, basis(conn), doubt, us_of(now))
    assert rests.excess == "约 43.2 m³"
    assert rests.used is not None
    assert (rests.used.how, rests.used.unit) == ("计量表", "m3")
    (row,) = shown(row_of(doubt, ZONE, now), rests).rows
    assert row["excess"] == rests.excess
    assert row["needless"] is None
    assert set(rests.course.columns) == set(rests.rule.kind.inputs)
    assert "违" not in rests.rule.sentence()


def test_a_doubt_of_an_institution_tells_its_months(conn: Conn, town: Town) -> None:
    load_rules(conn, YEAR)
    put_days(town, date(2025, 1, 1), date(2026, 4, 30))
    put_days(town, date(2026, 5, 1), date(2026, 5, 31), lambda day: work(day) * 1.5)
    assert not found(conn)
    now = START + timedelta(days=30)
    look(conn, now)
    (doubt,) = doubts(conn, Wanted(START - timedelta(days=400), now))
    assert (doubt.subject, doubt.institution, doubt.room) == ("i", "i", None)
    rests = evidence(conn, basis(conn), doubt, us_of(now))
    assert rests.compared == ["2026-05 用电：30 个可比日共 10200.0 kWh，上年 6800.0"]
    assert rests.excess is not None
    assert rests.excess.startswith("约 35")


def test_months_of_which_only_totals_are_known_are_told_as_such(conn: Conn, town: Town) -> None:
    load_rules(conn, YEAR)
    conn.execute(
        "INSERT INTO earlier_import (sha256, name, entered_by, entered_at)"
        " VALUES ('s', '台账.xlsx', 'x', now())"
    )
    conn.execute(
        "INSERT INTO earlier_month (import_id, institution_id, month, energy, unit, quantity)"
        " SELECT 1, %s, month, 'electricity', 'kWh', quantity"
        " FROM (VALUES (date '2025-05-01', 6000), (date '2026-05-01', 9000)) AS known"
        " (month, quantity)",
        [town.ids["i"]],
    )
    now = START + timedelta(days=30)
    look(conn, now)
    (doubt,) = doubts(conn, Wanted(START - timedelta(days=400), now))
    rests = evidence(conn, basis(conn), doubt, us_of(now))
    assert rests.compared == ["2026-05 用电：整月共 9000.0 kWh，上年 6000.0"]
    assert rests.rule.sentence() == (
        "当月用电量比按上年同月推算的用量高出 20% 以上（已计入面积、人数、气温的变化）。"
    )
