"""What is learned of many vehicles is kept, and followed: late data says what fresh data would."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, LiteralString

import numpy as np
import psycopg
import pytest

from metering.gauge.settings import GaugeSettings
from registry.audit import Act
from registry.calendar_store import load_calendar
from rules.ruleset.reading import read_rule_set
from rules.ruleset.store import load
from rules.subjects.model import Basis
from rules.subjects.places.modes import Modes
from rules.subjects.vehicles import due, kept
from rules.subjects.vehicles.kept import Part
from rules.subjects.vehicles.many import Many, months_of
from rules.subjects.vehicles.settling import settle
from rules.work.learning import not_learned
from rules.work.settings import RulesSettings
from rules.work.worker import Worker
from tests.bench import fleet_books
from tests.integration.rules.vehicles import LONG_AGO, RULES
from tests.integration.rules.world import ZONE

VEHICLES: Final = 12
FIRST: Final = date(2025, 11, 3)
LAST: Final = date(2026, 5, 22)
NOW: Final = datetime.combine(LAST, datetime.min.time(), UTC) + timedelta(days=1)
Conn = psycopg.Connection[Any]
_EPISODES: Final = """
SELECT rule.code, subject_id, since, until, stood_us FROM episode JOIN rule ON rule.id = rule_id
ORDER BY 1, 2, 3
"""
_PAPER: Final = """
INSERT INTO fleet_spending (kind, consumer_id, card, at, timed, product, quantity, unit, fen,
    merchant, key, content, entered_by, entered_at)
VALUES ('filling', 7, 'C7', '2026-05-19 10:00+8', true, 'petrol', 90000, 'ml', 72000, '加油站3',
    'one', '', 'test', now())
"""


@pytest.fixture
def conn(database: str) -> Iterator[Conn]:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("INSERT INTO institution (code, name) VALUES ('i', '')")
        fleet_books.furnish(connection, VEHICLES, FIRST, LAST)
        rules = read_rule_set(RULES.read_text("utf-8"), "rules.yaml", ZONE)
        load(connection, Act("test", LONG_AGO), rules)
        yield connection


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the fleet a large one, of which things are learned again once a day."""
    monkeypatch.setattr(kept, "FEW", 5)


def look(conn: Conn) -> None:
    worker = Worker(conn, RulesSettings(), GaugeSettings(), ZONE, lambda: NOW)
    while worker.step().done:
        pass
    failed = conn.execute("SELECT error FROM rules_failure").fetchall()
    assert not failed


def follow(conn: Conn) -> None:
    due.follow(conn, timedelta(0))
    look(conn)


def fresh(conn: Conn) -> None:
    """Look at everything, knowing nothing from before."""
    due.mark_all(conn, "test")
    assert conn.execute("SELECT count(*) FROM rules_vehicle_learned").fetchone() == (0,)
    look(conn)


def a_day_passes(conn: Conn) -> None:
    conn.execute("UPDATE rules_vehicle_learned SET learned_at = learned_at - interval '1 day'")


def episodes(conn: Conn) -> list[tuple[Any, ...]]:
    return conn.execute(_EPISODES).fetchall()


@pytest.mark.usefixtures("large")
def test_one_paper_is_told_by_what_is_kept(conn: Conn, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh(conn)
    conn.execute(_PAPER)
    with monkeypatch.context() as kept_alone:
        kept_alone.setattr(kept, "learned", _refused)
        follow(conn)
    assert ("overfill", 7) in {(code, one) for code, one, *_ in episodes(conn)}


@pytest.mark.usefixtures("large")
def test_what_is_not_kept_is_learned(conn: Conn) -> None:
    conn.execute(_PAPER)
    due.follow(conn, timedelta(0))
    conn.execute("DELETE FROM rules_due WHERE subject <> 7")
    look(conn)
    assert ("overfill", 7) in {(code, one) for code, one, *_ in episodes(conn)}
    parts = conn.execute("SELECT DISTINCT part FROM rules_vehicle_learned ORDER BY 1").fetchall()
    assert parts == [("papers",), ("upkeep",)]


@pytest.mark.usefixtures("large")
def test_what_has_changed_is_learned_again_once_a_day(
    conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh(conn)
    assert stale(conn) == set()
    conn.execute(_PAPER)
    follow(conn)
    assert {"2026-05-01", "2026-06-01"} <= stale(conn)
    assert "2026-01-01" not in stale(conn), "too long ago"
    with monkeypatch.context() as not_yet:
        not_yet.setattr(kept, "learned", _refused)
        look(conn)
    a_day_passes(conn)
    look(conn)
    assert stale(conn) == set()


def test_what_says_the_same_once_learned_again_makes_nobody_due(conn: Conn) -> None:
    fresh(conn)
    before = episodes(conn)
    conn.execute("UPDATE rules_vehicle_learned SET stale = true")
    conn.execute("DELETE FROM episode")
    look(conn)
    assert episodes(conn) == [], "nobody was looked at"
    assert stale(conn) == set()
    assert before


def test_what_cannot_be_learned_again_holds_nobody_up(
    conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh(conn)
    conn.execute(_PAPER)
    assert not_learned(conn) == []
    with monkeypatch.context() as context:
        context.setattr(kept, "learned", _refused)
        follow(conn)
        look(conn)
        assert ("overfill", 7) in {(code, one) for code, one, *_ in episodes(conn)}
        assert "2026-05-01" in stale(conn), "it is tried again"
        (told,) = not_learned(conn)
        assert (told.sort, told.since, told.tried_at) == ("vehicle", NOW, NOW)
        assert "AssertionError" in told.error
    look(conn)
    assert not_learned(conn) == []


def stale(conn: Conn) -> set[str]:
    rows = conn.execute("SELECT month::text FROM rules_vehicle_learned WHERE stale")
    return {month for (month,) in rows}


# What comes late, or is corrected, of any vehicle: of one that is in no inventory, too.
_CHANGES: Final[dict[str, LiteralString]] = {
    "papers are corrected": """
        UPDATE fleet_spending SET quantity = quantity * 13 / 10
        WHERE consumer_id %% 3 = 0 AND kind = 'filling' AND at >= %(at)s
            AND at < %(at)s::timestamptz + interval '50 days'""",
    "papers are withdrawn": """
        UPDATE fleet_spending SET withdrawn_at = now(), withdrawn_by = 'x'
        WHERE consumer_id = %(one)s AND at >= %(at)s""",
    "fuel gets dearer": """
        UPDATE fleet_spending SET fen = fen * 5 / 4
        WHERE kind = 'filling' AND at >= %(at)s AND consumer_id <> %(one)s""",
    "fillings are paid back": """
        INSERT INTO fleet_spending (kind, consumer_id, card, at, timed, product, quantity, unit,
            fen, key, content, entered_by, entered_at)
        SELECT 'refund', consumer_id, card, at + interval '20 days', true, product, quantity, unit,
            fen, 'back ' || key, '', 'test', now() FROM fleet_spending
        WHERE kind = 'filling' AND consumer_id = %(one)s AND at >= %(at)s AND at < '2026-04-20'""",
    "a repair comes late": """
        INSERT INTO fleet_spending (kind, consumer_id, at, timed, fen, merchant, part, key, content,
            entered_by, entered_at)
        SELECT 'maintenance', id, %(at)s::timestamptz + n * interval '9 days', true, 400000 + n,
            '修理厂501', '更换机油', 'late ' || n, '', 'test', now()
        FROM fuel_consumer, generate_series(1, 4) AS n WHERE id = %(one)s""",
    "ways come late": """
        UPDATE trip SET distance_mm = distance_mm * 2
        WHERE vehicle_id = %(one)s AND started_at >= %(at)s""",
    "stops come late": """
        UPDATE vehicle_stop SET lat = lat + 0.02
        WHERE vehicle_id %% 2 = 0 AND began_at >= %(at)s AND ended_at < '2026-05-20'""",
    "orders are withdrawn": """
        UPDATE dispatch_order SET withdrawn_at = now(), withdrawn_by = 'x'
        WHERE consumer_id = %(one)s AND day >= %(at)s::date""",
    "a dashboard is read": """
        INSERT INTO dashboard_reading (vehicle_id, read_at, km, entered_by, entered_at)
        VALUES (%(one)s, %(at)s, 9000, 'test', now())""",
    "a class is another": """
        INSERT INTO consumer_fact (consumer_id, name, value, since, key, content, entered_by,
            entered_at)
        SELECT id, 'class', 'sedan', %(at)s::date, 'class ' || id, '', 'test', now()
        FROM fuel_consumer WHERE id %% 4 = 1""",
    "one runs on something else": """
        INSERT INTO consumer_fact (consumer_id, name, value, since, key, content, entered_by,
            entered_at)
        SELECT id, 'energy', 'hybrid', %(at)s::date + 40, 'energy ' || id, '', 'test', now()
        FROM fuel_consumer WHERE id %% 3 = 1""",
    "a tank is another": """
        UPDATE consumer_fact SET value = '45000' WHERE name = 'tank' AND consumer_id = %(one)s""",
    "a card is another's": """
        UPDATE fuel_card_fact SET consumer_id = 1 WHERE card = 'C' || %(one)s::int""",
    "one leaves the ledger": """
        UPDATE fuel_consumer SET withdrawn_at = now() WHERE id = %(one)s""",
    "one is in no inventory": """
        UPDATE fuel_consumer SET vehicle_id = NULL WHERE id = %(one)s""",
    "one was sensitive": """
        INSERT INTO consumer_fact (consumer_id, name, value, since, key, content, entered_by,
            entered_at)
        SELECT id, 'secrecy', 'sensitive', %(at)s::date, 'secret ' || id, '', 'test', now()
        FROM fuel_consumer WHERE id %% 5 = 2""",
    "one is sensitive": """
        UPDATE vehicle SET sensitive = true WHERE id %% 7 = 3""",
}


def _some(seed: int) -> list[Callable[[Conn], object]]:
    """Return changes in some order, of vehicles and from moments at random."""
    rng = np.random.default_rng(seed)

    def change(name: str) -> Callable[[Conn], object]:
        named = {
            "one": int(rng.integers(2, VEHICLES + 1)),
            "at": datetime(2026, 1, 3, tzinfo=UTC) + timedelta(days=int(rng.integers(0, 130))),
        }
        return lambda conn: conn.execute(_CHANGES[name], named)

    return [change(name) for name in rng.permutation(list(_CHANGES)).tolist()]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.usefixtures("large")
def test_in_any_order_late_data_says_what_one_fresh_look_says(conn: Conn, seed: int) -> None:
    fresh(conn)
    begun = episodes(conn)
    for number, change in enumerate(_some(seed)):
        change(conn)
        if number % 3 == 0:
            follow(conn)
        if number % 6 == 3:
            a_day_passes(conn)
            look(conn)
    follow(conn)
    a_day_passes(conn)
    look(conn)
    assert stale(conn) == set()
    found = episodes(conn)
    fresh(conn)
    assert found == episodes(conn)
    assert found != begun


def test_whatever_changes_what_is_kept_is_what_is_learned(conn: Conn) -> None:
    basis = Basis((), GaugeSettings(), load_calendar(conn), ZONE, Modes())
    months = months_of(FIRST, LAST)
    many = Many(basis)
    with conn.transaction():
        many.used(conn, months)
        many.upkeep(conn, months)
    before, idle = learned(conn), set[str]()
    for number, (name, statement) in enumerate(_CHANGES.items()):
        one = 2 + number * 2 % VEHICLES
        conn.execute(statement, {"one": one, "at": datetime(2026, 2, 3, tzinfo=UTC)})
        due.follow(conn, timedelta(0))
        settle(conn, lambda: basis)
        now = bodies(conn, months, basis)
        assert learned(conn) == now, name
        if now == before:
            idle.add(name)
        before = now
    assert len(idle) <= 2, idle
    each: dict[tuple[str, date], bytes] = {}
    for month in months:
        each |= bodies(conn, [month], basis)
    assert each == before, "it matters which months are learned together"


def bodies(conn: Conn, months: Sequence[date], basis: Basis) -> dict[tuple[str, date], bytes]:
    return {
        (part.value, month): body
        for part in Part
        for found in kept.learn(conn, part, months, basis)
        for month, body in found.items()
    }


def learned(conn: Conn) -> dict[tuple[str, date], bytes]:
    rows = conn.execute("SELECT part, month, body FROM rules_vehicle_learned")
    return {(part, month): body for part, month, body in rows}


def _refused(*_: object) -> None:
    raise AssertionError("everything is read")
