"""Vehicles of the joining scene in a real database, with the rules that come with the program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from fleet.joining.model import Filling, Records
from rules.subjects.vehicles import due
from rules.work.settings import RulesSettings
from rules.work.worker import Worker
from storage.times import at_us
from tests.integration.fleet.joining.world import settle
from tests.integration.fleet.world import one
from tests.integration.rules.world import GAUGES, ZONE, Conn, load_rules
from tests.unit.fleet.joining.scene import us

RULES = Path(__file__).parents[3] / "rules" / "sets" / "default.yaml"
LONG_AGO = datetime(2025, 1, 1, tzinfo=ZONE)
AT_ONCE = timedelta(0)


def watched(conn: Conn, records: Records) -> None:
    """Vehicles with their papers and tracks, and all rules since ever."""
    load_rules(conn, RULES.read_text("utf-8"), LONG_AGO)
    settle(conn, records)


def look(conn: Conn, now: datetime) -> int:
    """Follow what changed at once, and compute; returns how many episodes were written."""
    due.follow(conn, AT_ONCE)
    worker = Worker(conn, RulesSettings(), GAUGES, ZONE, lambda: now)
    while True:
        outcome = worker.step()
        assert not outcome.failed, conn.execute("SELECT error FROM rules_failure").fetchall()
        if not outcome.done:
            return worker.episodes


def episodes(conn: Conn) -> set[tuple[str, str, str]]:
    """Rule, vehicle, and the local minute in which it began."""
    rows = conn.execute(
        "SELECT rule.code, vehicle.code, since FROM episode JOIN rule ON rule.id = rule_id"
        " JOIN vehicle ON sort = 'vehicle' AND vehicle.id = subject_id"
    )
    return {(rule, code, f"{at.astimezone(ZONE):%m-%d %H:%M}") for rule, code, at in rows}


def doubts(conn: Conn) -> list[tuple[str, str]]:
    rows = conn.execute(
        "SELECT rule_code, state FROM doubt WHERE sort = 'vehicle' ORDER BY rule_code, since"
    )
    return rows.fetchall()


def begin(month: int, day: int) -> datetime:
    return at_us(us(datetime(2026, month, day, tzinfo=ZONE).date()))


def add_members(
    conn: Conn, members: Mapping[str, Sequence[Filling]], facts: dict[str, str]
) -> None:
    """Vehicles with fillings of their own, paid at 7.5 yuan a litre, and facts since 2025."""
    conn.execute("INSERT INTO institution (code, name) VALUES ('i', '局') ON CONFLICT DO NOTHING")
    for code, fillings in members.items():
        owner = _add_member(conn, code, facts)
        rows = [
            (
                *(owner, at_us(paper.at_us), paper.product, paper.ml, (paper.ml or 0) * 3 // 4),
                *(paper.odometer_hm, paper.full, f"{code} {paper.number}"),
            )
            for paper in fillings
        ]
        with conn.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO fleet_spending (kind, consumer_id, at, timed, product, quantity, unit,"
                " fen, odometer_hm, full_tank, key, content, entered_by, entered_at)"
                " VALUES ('filling', %s, %s, true, %s, %s, 'ml', %s, %s, %s, %s, '', 'x', now())",
                rows,
            )


def _add_member(conn: Conn, code: str, facts: dict[str, str]) -> int:
    known = one(
        conn,
        "INSERT INTO vehicle (code, plate, institution_id, energy)"
        " SELECT %s, %s, id, 'petrol' FROM institution RETURNING id",
        [code, f"川A·{code}"],
    )
    owner: int = one(
        conn,
        "INSERT INTO fuel_consumer (code, kind, institution_id, vehicle_id, key, content,"
        " entered_by, entered_at) SELECT %s, 'vehicle', id, %s, %s, '', 'x', now()"
        " FROM institution RETURNING id",
        [code, known, code],
    )
    for name, value in facts.items():
        state(conn, owner, name, value)
    return owner


def state(conn: Conn, owner: int, name: str, value: str, since: str = "2025-01-01") -> None:
    """Enter a fact of the ledger."""
    conn.execute(
        "INSERT INTO consumer_fact (consumer_id, name, value, since, key, content, entered_by,"
        " entered_at) VALUES (%s, %s, %s, %s, %s, '', 'x', now())",
        [owner, name, value, since, f"{owner} {name} {since}"],
    )
