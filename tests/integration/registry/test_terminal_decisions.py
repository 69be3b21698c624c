"""An import of the inventory does not close what was let in by command."""

from __future__ import annotations

import pytest

from registry.audit import Act
from registry.importing import diff
from registry.refusal import RefusedError
from registry.terminal_decisions import Approval, approve, decisions, turn_away
from tests.integration.registry.imports import START, Conn, at, bring
from tests.unit.registry.samples import catalogue, document, inventory

ACT = Act("李主任", START)


def vehicle(conn: Conn) -> tuple[int, str]:
    row = conn.execute("SELECT id, code FROM vehicle ORDER BY id LIMIT 1").fetchone()
    assert row is not None
    return row[0], row[1]


def test_an_import_that_lacks_it_is_refused_and_one_that_has_it_is_not(conn: Conn) -> None:
    content = document()
    bring(conn, content)
    number, code = vehicle(conn)
    approve(conn, ACT, Approval("4711", number, code, at(1)))
    known = catalogue()
    with pytest.raises(RefusedError, match="终端 4711 由 李主任 批准接入"):
        bring(conn, content, 2)
    with pytest.raises(RefusedError, match="终端 4711 由 李主任 批准接入"):
        diff(conn, inventory(content, known), known, now=at(2))
    turn_away(conn, Act("李主任", at(3)), "4711", "已拆除")
    assert decisions(conn)["4711"].terminal_id is None
    bring(conn, content, 4)


def test_a_number_with_other_zeros_is_the_same_terminal(conn: Conn) -> None:
    bring(conn, document())
    conn.execute("INSERT INTO terminal (code) VALUES ('0815')")
    number, code = vehicle(conn)
    with pytest.raises(RefusedError, match="已有终端 0815"):
        approve(conn, ACT, Approval("815", number, code, at(1)))
    assert decisions(conn) == {}
