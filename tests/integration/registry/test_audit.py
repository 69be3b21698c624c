from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest

from registry.audit import Act, lines, record
from tests.integration.registry.imports import Conn

ACT = Act("王芳", datetime(2026, 9, 1, tzinfo=UTC))


def test_lines_tell_who_did_what_the_newest_first(conn: Conn) -> None:
    record(conn, ACT, "ratio.enter", "p-1", {"ct": "80"})
    record(conn, ACT, "ratio.withdraw", "p-1")
    record(conn, ACT, "ratio.enter", "p-2")
    found = lines(conn, "p-1")
    assert [(x.principal, x.at, x.action, x.detail) for x in found] == [
        ("王芳", ACT.at, "ratio.withdraw", {}),
        ("王芳", ACT.at, "ratio.enter", {"ct": "80"}),
    ]
    assert len(lines(conn, "p-1", most=1)) == 1


def test_a_line_is_written_or_not_with_what_it_speaks_of(conn: Conn) -> None:
    with conn.transaction(force_rollback=True):
        record(conn, ACT, "ratio.enter", "p-1")
    assert lines(conn, "p-1") == []


@pytest.mark.parametrize(
    "statement",
    [
        b"UPDATE audit_log SET principal = 'x'",
        b"DELETE FROM audit_log",
        b"TRUNCATE audit_log",
        (
            b"INSERT INTO audit_log (at, principal, action, subject) VALUES (now(), 'x', 'a', 's')"
            b" ON CONFLICT (id) DO UPDATE SET principal = 'y'"
        ),
    ],
)
def test_nobody_changes_the_log(conn: Conn, statement: bytes) -> None:
    record(conn, ACT, "ratio.enter", "p-1")
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        conn.execute(statement)
    assert len(lines(conn, "p-1")) == 1
