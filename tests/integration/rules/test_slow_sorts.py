"""What takes long is one worker's at a time: others are left for what is new."""

from __future__ import annotations

import psycopg

from rules.kinds.model import Sort
from rules.subjects.catalogue import SUBJECTS
from rules.work.settings import RulesSettings
from rules.work.worker import Worker
from tests.integration.rules.world import GAUGES, START, ZONE, Conn, add_room

_MARK = """
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
VALUES (%s, 1, '2026-01-01Z', '2026-01-02Z', 'test')
"""


def _due(conn: Conn) -> set[str]:
    return {kind for (kind,) in conn.execute("SELECT DISTINCT kind FROM rules_due")}


def test_while_one_worker_is_at_it_another_does_the_rest(database: str) -> None:
    with (
        psycopg.connect(database, autocommit=True) as conn,
        psycopg.connect(database, autocommit=True) as other,
    ):
        add_room(conn)
        conn.execute("TRUNCATE rules_due")
        for sort in SUBJECTS:
            conn.execute(_MARK, [sort.value])
        busy = Worker(other, RulesSettings(), GAUGES, ZONE, lambda: START)
        free = Worker(conn, RulesSettings(), GAUGES, ZONE, lambda: START)
        with busy._alone() as alone:
            assert alone
            while free.step().done:
                pass
            assert _due(conn) == {Sort.VEHICLE.value, Sort.INSTITUTION.value}
        while free.step().done:
            pass
        assert _due(conn) == set()
