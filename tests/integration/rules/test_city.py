"""A simulated city through a real database gives the doubts that its measurement rests on."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from jieyong.evaluation.city import places
from jieyong.evaluation.city.places import Basis
from jieyong.evaluation.city.reading import known, read_plan
from registry.calendar import DatedCalendar
from registry.published_days import published_days
from rules.ruleset.reading import read_rule_set
from simulators.city import rooms
from tests.integration.rules.city_database import bring, build
from tests.integration.rules.world import GAUGES, ZONE, Conn, load_rules, look

SETS = Path(__file__).parents[3] / "rules" / "sets"
FILES = [(SETS / name).read_text("utf-8") for name in ("default.yaml", "lighting-by-power.yaml")]
Doubts = list[tuple[str, str, int, int, int]]
"""Rule, place, since, confirmed, until; s UTC."""


@pytest.mark.timeout(900)
def test_readings_in_any_order_and_late_give_the_doubts_that_are_measured(
    conn: Conn, database: str
) -> None:
    path = known()["hamlet"]
    plan = read_plan(path.read_text("utf-8"), path.name)
    city = rooms.city(plan, 5)
    lived = [one for n in range(plan.institutions) for one in rooms.institution(city, n)]
    first, last = city.span
    build(conn, lived)
    for text in FILES:
        load_rules(conn, text, datetime.fromtimestamp(first, UTC))
    looked = [
        look(conn, datetime.fromtimestamp(last, UTC)) for _ in bring(database, conn, lived, 4)
    ]
    rules = [rule for text in FILES for rule in read_rule_set(text, "r.yaml", ZONE).rules]
    basis = Basis(rules, GAUGES, DatedCalendar(published_days()), ZONE, first, last)
    wanted = sorted(
        (one.rule, one.subject, one.since_s, one.confirmed_s, one.until_s)
        for one in places.doubts(lived, basis)
    )
    assert _stored(conn) == wanted
    assert _open(conn) == {(rule, place) for rule, place, *_ in wanted}
    # Every part of the data changed something, and all sorts of troubles are among them.
    assert all(looked)
    assert {rule for rule, *_ in wanted} >= {"cooling-below-26", "lighting-nobody"}
    assert any(len(one.series) > 4 for one in lived), "no device was replaced"


def _stored(conn: Conn) -> Doubts:
    rows = conn.execute(
        "SELECT rule.code, place.code, extract(epoch FROM since)::int8,"
        " extract(epoch FROM confirmed_at)::int8, extract(epoch FROM until)::int8 FROM episode"
        " JOIN rule ON rule.id = rule_id JOIN place ON sort = 'place' AND place.id = subject_id"
    )
    return sorted(rows)


def _open(conn: Conn) -> set[tuple[str, str]]:
    rows = conn.execute(
        "SELECT rule_code, place.code FROM doubt JOIN place ON place.id = subject_id"
        " WHERE state <> 'withdrawn'"
    )
    return set(rows)
