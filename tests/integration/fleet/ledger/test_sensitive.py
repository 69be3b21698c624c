"""A fact of the ledger makes a vehicle sensitive from a day on."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from fleet.ledger.entry import enter_facts, history
from fleet.ledger.papers import account_tables
from fleet.ledger.store import withdraw
from fleet.ledger.words import words
from fleet.privacy.withholding import withhold_due
from tests.integration.fleet.ledger.world import ACT, ZONE, Conn, a_month, bring, cars, january
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


@pytest.mark.parametrize("how", ["inventory", "within"])
def test_an_account_of_a_sensitive_vehicle_shows_totals_alone(
    conn: Conn, tmp_path: Path, how: str
) -> None:
    bring(conn, tmp_path / "a.xlsx", **a_month())
    names = [table.name for table in account_tables([january(conn)["A01"]], words(), ZONE)]
    assert names == ["单车核算", "明细", "加满法"]
    if how == "inventory":
        conn.execute("UPDATE vehicle SET sensitive = true")
    else:
        enter_facts(conn, ACT, "A01", ["涉密=涉密"], date(2026, 1, 10), words())
        enter_facts(conn, ACT, "A01", ["涉密=一般"], date(2026, 1, 20), words())
    (table,) = account_tables([january(conn)["A01"]], words(), ZONE)
    assert table.title == "单车核算表：A01"
