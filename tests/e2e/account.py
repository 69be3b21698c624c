"""What must hold of a world when it has ended, whatever happened in it."""

from __future__ import annotations

import psycopg

from collector.spool_model import Fate
from storage.records import Kind
from tests.e2e.world import Outcome, World


def assert_delivered(outcome: Outcome, one: World) -> None:
    """Everything the spools ever accepted is in the database, once."""
    for kind in (Kind.READING, Kind.POSITION):
        accepted = outcome.count(kind, Fate.ACCEPTED)
        assert accepted > 0
        assert outcome.count(kind, Fate.DELIVERED) == accepted
        assert outcome.count(kind, Fate.REJECTED) == 0
    assert one.rows("reading") == outcome.count(Kind.READING, Fate.ACCEPTED)
    assert one.rows("reading_conflict") == 0
    assert outcome.verdict.duplicated == 0
    assert outcome.verdict.invented == 0
    assert outcome.figures.waiting == 0


def assert_latest_is_newest(one: World) -> None:
    with psycopg.connect(one.database.url) as conn:
        wrong = conn.execute(
            "SELECT count(*) FROM (SELECT point_id, max(ts) AS ts FROM reading GROUP BY 1) AS n"
            " FULL JOIN latest_reading AS l USING (point_id) WHERE l.ts IS DISTINCT FROM n.ts"
        ).fetchone()
    assert wrong == (0,)


def stored_numbers(one: World) -> set[tuple[str, int]]:
    with psycopg.connect(one.database.url) as conn:
        rows = conn.execute(
            "SELECT t.code, p.seq FROM position p JOIN terminal t ON t.id = p.terminal_id"
        )
        return {(code, seq) for code, seq in rows}
