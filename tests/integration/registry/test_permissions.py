from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest

from registry.audit import Act, lines
from registry.permissions import Permission, grant, grants, may, withdraw
from registry.refusal import RefusedError
from registry.track_reading import track_reading

ACT = Act("所长", datetime(2026, 11, 29, tzinfo=UTC))
READ = Permission.TRACK_READ


def test_while_nothing_was_granted_everybody_may_and_then_never_again(
    conn: psycopg.Connection,
) -> None:
    assert may(conn, "张三", READ)
    grant(conn, ACT, "李四", READ, "")
    assert (may(conn, "张三", READ), may(conn, "李四", READ)) == (False, True)
    withdraw(conn, ACT, "李四", READ)
    assert (may(conn, "张三", READ), may(conn, "李四", READ)) == (False, False)
    assert [line.action for line in lines(conn, "李四")] == [
        "permission.withdraw",
        "permission.grant",
    ]
    assert [(one.principal, one.withdrawn_by) for one in grants(conn)] == [("李四", "所长")]


def test_what_is_there_or_is_not_is_refused(conn: psycopg.Connection) -> None:
    grant(conn, ACT, "李四", READ, "")
    with pytest.raises(RefusedError, match="李四 已有"):
        grant(conn, ACT, "李四", READ, "")
    with pytest.raises(RefusedError, match="何人"):
        grant(conn, ACT, " ", READ, "")
    with pytest.raises(RefusedError, match="张三 没有"):
        withdraw(conn, ACT, "张三", READ)


def test_the_record_stands_or_falls_with_the_reading(conn: psycopg.Connection) -> None:
    with pytest.raises(ZeroDivisionError), track_reading(conn, ACT, "x.read", "v", "why", {}):
        raise ZeroDivisionError
    assert lines(conn, "v") == []
    with track_reading(conn, ACT, "x.read", "v", "why", {"n": 1}):
        pass
    assert [(line.action, line.detail) for line in lines(conn, "v")] == [
        ("x.read", {"n": 1, "reason": "why"})
    ]
