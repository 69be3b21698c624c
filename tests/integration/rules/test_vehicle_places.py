"""Where vehicles stood when they had to, from positions, fences and seals to doubts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg
import pytest

from fleet.ledger.words import words
from registry.calendar_store import load_calendar
from rules.cases.evidence import evidence
from rules.cases.listing import Wanted, doubts
from rules.ruleset.store import versions
from rules.subjects.model import Basis
from rules.subjects.places.modes import Modes
from storage.times import us_of
from tests.integration.fleet.fence.world import (
    SEALED,
    YARD,
    add,
    bring,
    enter,
    goes_out,
    stays,
)
from tests.integration.fleet.world import work
from tests.integration.rules.vehicles import LONG_AGO, RULES, episodes, look
from tests.integration.rules.world import GAUGES, ZONE, load_rules

Conn = psycopg.Connection[Any]
NOW = datetime(2026, 6, 10, tzinfo=ZONE)
TAIL = """
code: tail
title: 尾号
rules:
  - {code: plate-tail, kind: vehicle.plate_tail, title: 尾号限行日行驶, for: 1m, gap: 12h,
     silence: 12h, severity: notice, source: 测试}
"""


@pytest.fixture
def nights(conn: Conn, database: str) -> Conn:
    """At noon of the first of June one vehicle stands in its yard, another goes out at 20:00."""
    load_rules(conn, RULES.read_text("utf-8"), LONG_AGO)
    load_rules(conn, TAIL, LONG_AGO)
    enter(conn, "fences", **YARD)
    bring(database, add(conn, "home"), stays())
    bring(database, add(conn, "out"), goes_out())
    work(conn)
    assert words().choices["state"]
    return conn


def of(conn: Conn, *rules: str) -> set[tuple[str, str, str]]:
    return {one for one in episodes(conn) if one[0] in rules}


def test_who_was_not_in_its_yard_at_night_is_a_doubt_when_somebody_enters_the_yard_late(
    nights: Conn,
) -> None:
    look(nights, NOW)
    assert of(nights, "not-in-yard") == set()
    enter(nights, "yards", fence="Y1", since="2026-01-01")
    look(nights, NOW)
    assert of(nights, "not-in-yard") == {("not-in-yard", "out", "06-01 22:00")}
    enter(
        nights,
        "duty",
        vehicle="out",
        from_at="2026-06-01 18:00",
        to_at="2026-06-02 08:00",
        reason="值班",
    )
    look(nights, NOW)
    assert of(nights, "not-in-yard") == set()


def test_what_excuses_a_part_of_a_night_is_told_beside_the_rest(nights: Conn) -> None:
    enter(nights, "yards", fence="Y1", since="2026-01-01")
    enter(
        nights,
        "duty",
        vehicle="out",
        from_at="2026-06-01 18:00",
        to_at="2026-06-01 22:40",
        reason="防汛",
    )
    look(nights, NOW)
    assert of(nights, "not-in-yard") == {("not-in-yard", "out", "06-01 22:40")}
    (one,) = (one for one in doubts(nights, Wanted(LONG_AGO, NOW)) if one.rule == "not-in-yard")
    basis = Basis(versions(nights), GAUGES, load_calendar(nights), ZONE, Modes())
    (line,) = evidence(nights, basis, one, us_of(NOW)).compared
    assert "已扣除 值班 防汛（06-01 18:00 至 06-01 22:40）" in line


def test_a_sealed_vehicle_that_moved_is_a_doubt_of_notices_and_of_plates_another(
    nights: Conn,
) -> None:
    enter(nights, "sealed", **{**SEALED, "days": "周一", "vehicle": "out"})
    enter(nights, "sealed", **{**SEALED, "days": "周一", "vehicle": "home"})
    look(nights, NOW)
    assert of(nights, "sealed-moved", "plate-tail") == {("sealed-moved", "out", "06-01 20:00")}
    enter(nights, "sealed", **SEALED, tail="0、1、2、3、4、5、6、7、8、9")
    look(nights, NOW)
    assert of(nights, "plate-tail") == set(), "its days are no holidays"
    enter(nights, "sealed", **{**SEALED, "days": "周一"}, tail="0、1、2、3、4、5、6、7、8、9")
    nights.execute("UPDATE vehicle SET plate = '川A·D123F'")
    look(nights, NOW)
    assert of(nights, "plate-tail") == {("plate-tail", "out", "06-01 20:00")}
    assert of(nights, "sealed-moved") == {("sealed-moved", "out", "06-01 20:00")}


def test_late_positions_move_and_withdraw_what_was_found(nights: Conn, database: str) -> None:
    enter(nights, "yards", fence="Y1", since="2026-01-01")
    look(nights, NOW)
    assert of(nights, "not-in-yard")
    nights.execute("UPDATE terminal_vehicle SET valid = tstzrange('2026-06-05', NULL)")
    work(nights)
    look(nights, NOW)
    assert of(nights, "not-in-yard") == set(), "of that night nothing is known any more"
    nights.execute("UPDATE terminal_vehicle SET valid = '[,)'")
    work(nights)
    look(nights, NOW)
    assert of(nights, "not-in-yard") == {("not-in-yard", "out", "06-01 22:00")}


def test_where_a_sensitive_vehicle_stood_nobody_may_know(conn: Conn, database: str) -> None:
    load_rules(conn, RULES.read_text("utf-8"), LONG_AGO)
    enter(conn, "fences", **YARD)
    enter(conn, "yards", fence="Y1", since="2026-01-01")
    bring(database, add(conn, "out", sensitive=True), goes_out())
    work(conn)
    look(conn, NOW)
    assert episodes(conn) == set()
