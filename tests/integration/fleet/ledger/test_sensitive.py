"""A fact of the ledger makes a vehicle sensitive from a day on."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from fleet.ledger.entry import enter_facts, history
from fleet.ledger.store import withdraw
from fleet.ledger.words import words
from fleet.privacy.withholding import withhold_due
from tests.integration.fleet.ledger.world import ACT, ZONE, Conn, bring, cars
from tests.integration.fleet.world import NOW, add_terminal, bind, one, write
from tests.unit.fleet.drives import NOON, Fix

DAY = 86_400_000_000
JUNE = date(2026, 6, 1)
"""The day of ``NOON``."""


def test_the_ledgers_word_counts_from_its_day_on_until_it_is_withdrawn(
    conn: Conn, database: str, tmp_path: Path
) -> None:
    bring(conn, tmp_path / "a.xlsx", 车辆=cars())
    terminal = add_terminal(conn, "t")
    bind(conn, terminal, one(conn, "SELECT id FROM vehicle WHERE code = 'A01'"))
    fixes = [Fix(NOON + n * DAY, 30.6, 104.0, hash=n, odometer_km=9.0) for n in range(5)]
    write(database, fixes[:3], {1: terminal})
    assert withhold_due(conn, ZONE, NOW) == 0
    enter_facts(conn, ACT, "A01", ["涉密=涉密"], JUNE + timedelta(days=1), words())
    assert withhold_due(conn, ZONE, NOW) == 1
    write(database, fixes[3:4], {1: terminal})
    query = "SELECT array_agg(lat IS NOT NULL ORDER BY fix_time) FROM position"
    assert one(conn, query) == [True, False, False, False]
    (fact,) = (fact for fact in history(conn, "A01") if fact.name == "secrecy")
    withdraw(conn, ACT, "consumer_fact", fact.id, "录错")
    write(database, fixes[4:], {1: terminal})
    assert withhold_due(conn, ZONE, NOW) == 0
    assert one(conn, query) == [True, False, False, False, True], "what is gone stays gone"
