"""Figures that are missing as a deadline nears: asked about in time, gone when they are there."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

import psycopg
import pytest

from metering.plan.usage import month_of
from registry.calendar_store import load_calendar
from rules.cases.life import State
from rules.cases.listing import Wanted, doubts
from rules.ruleset.store import versions
from rules.subjects import catalogue
from rules.subjects.institutions import due
from rules.subjects.institutions.missing import later
from rules.subjects.institutions.subjects import INSTITUTIONS
from rules.subjects.model import Basis
from rules.subjects.places.modes import Modes
from storage import dirty
from storage.migrate import DIRECTORY, migrate
from storage.times import midnight, us_of
from tests.integration.metering.tree.town import Town
from tests.integration.rules.figures import load_rules
from tests.integration.rules.world import GAUGES, ZONE, Conn, look

MONTH = "code: month, kind: report.missing.month, within: 15, ahead: 5, for: 1h"
QUARTER = "code: quarter, kind: report.missing.quarter, within: 15, ahead: 5, for: 1h"
YEAR = "code: year, kind: report.missing.year, within: 90, ahead: 15, for: 1h"
_BILL = """
INSERT INTO bill (account_id, period, quantity, unit, status, entered_by, entered_at)
SELECT id, daterange(%s, %s), %s, unit, 'settled', 'x', now() FROM utility_account WHERE code = %s
"""


@pytest.fixture
def town(conn: Conn, monkeypatch: pytest.MonkeyPatch) -> Town:
    """An institution with an account of electricity and one of gas; a year is billed."""
    town = Town(conn)
    town.house("i")
    account(town, "e", "electricity", "kWh")
    account(town, "g", "gas", "m3")
    for n in range(12):
        bill(town, later(date(2025, 1, 1), n))
    begins(monkeypatch, date(2025, 1, 1))
    due.begin_month(conn)
    begins(monkeypatch, date(2026, 1, 1))
    return town


def account(town: Town, code: str, energy: str, unit: str) -> None:
    town.conn.execute(
        "INSERT INTO utility_account (code, number, supplier, energy, unit)"
        " VALUES (%s, %s, 's', %s, %s)",
        [code, code, energy, unit],
    )
    town.conn.execute(
        "INSERT INTO utility_account_institution"
        " (account_id, institution_id, valid, entered_by, entered_at)"
        " SELECT id, %s, '[2025-01-01,)', 'x', now() FROM utility_account WHERE code = %s",
        [town.ids["i"], code],
    )


def bill(town: Town, month: date, code: str = "e", quantity: float = 100) -> None:
    end = month_of(month).last + timedelta(days=1)
    town.conn.execute(_BILL, [month, end, quantity, code])


def withdraw(conn: Conn, number: int, day: date, hours: float = 0) -> None:
    at = midnight(day, ZONE) + timedelta(hours=hours)
    conn.execute(
        "UPDATE bill SET withdrawn_by = 'x', withdrawn_at = %s WHERE id = %s", [at, number]
    )


def begins(monkeypatch: pytest.MonkeyPatch, month: date) -> None:
    """The clock: a month that has begun."""
    monkeypatch.setattr(
        due, "_BEGIN_MONTH", due._BEGIN_MONTH.replace(due.THIS_MONTH, f"'{month}'::date")
    )
    monkeypatch.setattr(due, "THIS_MONTH", f"'{month}'::date")


def told(conn: Conn, day: date) -> list[tuple[str, str, str, State]]:
    """Rule, from and until which local day, state; as it stands at the end of a day."""
    look(conn, midnight(day, ZONE) + timedelta(hours=23))
    begin, end = (midnight(date(year, 1, 1), ZONE) for year in (2020, 2030))
    return [
        (
            one.rule,
            f"{one.since.astimezone(ZONE):%y-%m-%d}",
            f"{one.until.astimezone(ZONE):%y-%m-%d}",
            one.state,
        )
        for one in sorted(doubts(conn, Wanted(begin, end)), key=lambda one: (one.since, one.rule))
        if one.since >= midnight(date(2026, 1, 1), ZONE)
    ]


def test_it_is_asked_some_days_before_the_deadline_and_not_sooner(conn: Conn, town: Town) -> None:
    load_rules(conn, MONTH)
    bill(town, date(2026, 1, 1))
    assert told(conn, date(2026, 1, 20)) == []


def test_a_month_that_is_over_is_missing_without_anything_new(
    conn: Conn, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_rules(conn, MONTH)
    assert told(conn, date(2026, 1, 31)) == []
    begins(monkeypatch, date(2026, 2, 1))
    assert told(conn, date(2026, 2, 10)) == []
    # The tenth day behind the end; nothing came, nothing was due since the month began.
    assert told(conn, date(2026, 2, 11)) == [("month", "26-02-11", "26-03-01", State.ASKED)]
    bill(town, date(2026, 1, 1))
    assert told(conn, date(2026, 2, 12)) == [("month", "26-02-11", "26-03-01", State.WITHDRAWN)]


def test_who_begins_to_use_the_program_is_asked_from_that_month_on(
    conn: Conn, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    conn.execute("TRUNCATE rules_report_month")
    load_rules(conn, MONTH, QUARTER)
    begins(monkeypatch, date(2026, 2, 1))
    assert told(conn, date(2026, 2, 20)) == []
    bill(town, date(2026, 2, 1))
    begins(monkeypatch, date(2026, 4, 1))
    assert told(conn, date(2026, 4, 20)) == [
        ("month", "26-04-11", "26-05-01", State.ASKED),
        ("quarter", "26-04-11", "26-07-01", State.ASKED),
    ]
    bill(town, date(2026, 3, 1))
    assert {row[-1] for row in told(conn, date(2026, 4, 21))} == {State.WITHDRAWN}


def test_where_the_program_is_in_use_all_is_asked_for_as_before(
    blank_database: str, tmp_path: Path
) -> None:
    for file in DIRECTORY.glob("*.sql"):
        if file.name < "0039":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    migrate(blank_database, tmp_path)
    with psycopg.connect(blank_database, autocommit=True) as conn:
        conn.execute("INSERT INTO rules_report_month (month) VALUES ('2026-03-01')")
        migrate(blank_database)
        assert conn.execute("SELECT month, first FROM rules_report_month").fetchall() == [
            (date(2026, 3, 1), date(2000, 1, 1))
        ]


def test_what_is_missing_of_two_months_is_two_doubts(
    conn: Conn, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_rules(conn, MONTH)
    begins(monkeypatch, date(2026, 3, 1))
    assert [row[1:3] for row in told(conn, date(2026, 3, 20))] == [
        ("26-02-11", "26-03-01"),
        ("26-03-11", "26-04-01"),
    ]


def test_quarters_and_years_have_deadlines_of_their_own(
    conn: Conn, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_rules(conn, QUARTER, YEAR)
    withdraw(conn, 12, date(2026, 1, 2))
    begins(monkeypatch, date(2026, 3, 1))
    assert told(conn, date(2026, 3, 17)) == [
        ("quarter", "26-01-11", "26-04-01", State.ASKED),
        ("year", "26-03-17", "27-01-01", State.ASKED),
    ]
    # The first quarter is asked about when it is over, the year no more.
    begins(monkeypatch, date(2026, 4, 1))
    bill(town, date(2025, 12, 1))
    assert told(conn, date(2026, 4, 20)) == [
        ("quarter", "26-01-11", "26-04-01", State.WITHDRAWN),
        ("year", "26-03-17", "27-01-01", State.WITHDRAWN),
        ("quarter", "26-04-11", "26-07-01", State.ASKED),
    ]


def test_gas_is_missed_only_where_it_was_used_in_that_month_of_last_year(
    conn: Conn, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_rules(conn, MONTH)
    for month in (1, 2, 3):
        bill(town, date(2026, month, 1))
    bill(town, date(2025, 2, 1), "g")
    begins(monkeypatch, date(2026, 4, 1))
    assert [row[1] for row in told(conn, date(2026, 4, 20))] == ["26-03-11"]
    bill(town, date(2026, 2, 1), "g", 0)
    assert [row[-1] for row in told(conn, date(2026, 4, 20))] == [State.WITHDRAWN]


def test_who_hands_over_an_account_is_missed_no_more(
    conn: Conn, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_rules(conn, MONTH)
    bill(town, date(2025, 2, 1), "g")
    conn.execute("UPDATE utility_account_institution SET valid = '[2025-01-01,2026-02-01)'")
    bill(town, date(2026, 1, 1))
    begins(monkeypatch, date(2026, 4, 1))
    assert told(conn, date(2026, 4, 20)) == []


def test_a_bill_that_is_taken_back_is_missed_from_then_on_and_not_when_it_is_entered_anew(
    conn: Conn, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_rules(conn, MONTH)
    account(town, "e2", "electricity", "kWh")
    for code, month in (("e2", 12), ("e2", 13), ("e", 13)):
        bill(town, later(date(2024, 12, 1), month), code)
    begins(monkeypatch, date(2026, 2, 1))
    assert told(conn, date(2026, 2, 19)) == []
    withdraw(conn, 15, date(2026, 2, 20), 22.5)
    assert told(conn, date(2026, 2, 20)) == []
    assert told(conn, date(2026, 2, 21)) == [("month", "26-02-20", "26-03-01", State.ASKED)]
    bill(town, date(2026, 1, 1))
    assert told(conn, date(2026, 2, 22)) == [("month", "26-02-20", "26-03-01", State.WITHDRAWN)]
    # Of another account nothing ever came: it is missing all the time, whatever is taken back.
    account(town, "e3", "electricity", "kWh")
    withdraw(conn, 16, date(2026, 2, 23))
    assert [row[1:] for row in told(conn, date(2026, 2, 23)) if row[-1] is State.ASKED] == [
        ("26-01-11", "26-02-01", State.ASKED),
        ("26-02-11", "26-03-01", State.ASKED),
    ]


def test_what_is_metered_needs_no_bill_and_a_gap_is_missing(
    conn: Conn, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_rules(conn, MONTH)
    for month in (1, 2):
        bill(town, date(2026, month, 1))
    town.meter("w", "r-i", energy="water", unit="m3")
    first = date(2025, 12, 1)
    with conn.transaction():
        town.days("w", {first + timedelta(days=n): 10**6 for n in range(31 + 31 + 27)})
        begin, end = (us_of(midnight(day, ZONE)) for day in (first, date(2026, 2, 28)))
        dirty.note(conn, "consumption", [(town.ids["w"], begin, end)])
    begins(monkeypatch, date(2026, 3, 1))
    assert [row[1] for row in told(conn, date(2026, 3, 20))] == ["26-03-11"]


def test_in_whatever_order_bills_come_the_same_stands_there(
    conn: Conn, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_rules(conn, MONTH, QUARTER, YEAR)
    papers = [(later(date(2025, 1, 1), n), "g") for n in (0, 1, 2, 9, 10, 11)]
    papers += [(later(date(2026, 1, 1), n), "e") for n in range(14) if n not in {4, 9}]
    Random(3).shuffle(papers)
    begun = date(2026, 1, 1)
    for first in range(0, len(papers), 4):
        for month, code in papers[first : first + 4]:
            bill(town, month, code)
        begun = later(begun, 4)
        begins(monkeypatch, begun)
        told(conn, date(2027, 12, 31))
    kept = conn.execute("SELECT rule_id, since, until FROM episode ORDER BY 1, 2").fetchall()
    assert len(kept) > 10
    assert all(a[2] < b[1] for a, b in pairwise(kept) if a[0] == b[0])
    conn.execute("TRUNCATE episode")
    catalogue.mark_all(conn, "test")
    told(conn, date(2027, 12, 31))
    again = conn.execute("SELECT rule_id, since, until FROM episode ORDER BY 1, 2").fetchall()
    assert again == kept


def test_a_month_makes_institutions_due_once_and_only_where_a_rule_asks(
    conn: Conn, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert due.begin_month(conn) == 0
    load_rules(conn, MONTH)
    begins(monkeypatch, date(2026, 2, 1))
    assert [due.begin_month(conn), due.begin_month(conn)] == [1, 0]
    begins(monkeypatch, date(2026, 1, 1))
    assert due.begin_month(conn) == 0


def test_evidence_names_what_is_missing(
    conn: Conn, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_rules(conn, QUARTER)
    bill(town, date(2025, 2, 1), "g")
    bill(town, date(2026, 3, 1))
    begins(monkeypatch, date(2026, 4, 1))
    told(conn, date(2026, 4, 20))
    basis = Basis(versions(conn), GAUGES, load_calendar(conn), ZONE, Modes())
    since, until = (us_of(midnight(date(2026, 4, day), ZONE)) for day in (11, 20))
    lines = INSTITUTIONS.compared(conn, basis, town.ids["i"], since, until)
    assert list(lines) == ["未齐：2026-01 电；2026-02 电、天然气"]
