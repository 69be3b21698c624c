from __future__ import annotations

from datetime import datetime

import pytest

from metering.facts.acts import withdraw_act
from metering.facts.move import Move, correct_move, move_place
from registry.refusal import RefusedError
from tests.integration.metering.facts.world import ACT, Conn, at, audit, due, effective


def rooms(conn: Conn) -> list[tuple[str, datetime | None, datetime | None]]:
    rows = conn.execute(
        "SELECT r.code, lower(b.valid), upper(b.valid) FROM place_room b"
        " JOIN room r ON r.id = b.room_id JOIN place p ON p.id = b.place_id"
        " WHERE p.code = 'p-1' AND NOT isempty(b.valid) ORDER BY lower(b.valid) NULLS FIRST"
    )
    return [(code, since, until) for code, since, until in rows.fetchall()]


def test_a_move_changes_the_room_and_no_consumption(conn: Conn) -> None:
    move_place(conn, ACT, Move("p-1", "r-2", at(100)))
    assert rooms(conn) == [("r-1", None, at(100)), ("r-2", at(100), None)]
    assert due(conn) == []
    assert audit(conn) == [("王芳", "move.enter", "p-1")]


def test_entered_late_it_holds_until_the_next_one(conn: Conn) -> None:
    move_place(conn, ACT, Move("p-1", "r-2", at(100)))
    move_place(conn, ACT, Move("p-1", "r-1", at(150)))
    correct = move_place(conn, ACT, Move("p-1", "r-2", at(200)))
    correct_move(conn, ACT, correct, Move("p-1", "r-2", at(210)))
    assert rooms(conn) == [
        ("r-1", None, at(100)),
        ("r-2", at(100), at(150)),
        ("r-1", at(150), at(210)),
        ("r-2", at(210), None),
    ]


def test_withdrawn_from_the_end_everything_is_as_before(conn: Conn) -> None:
    before = effective(conn)
    first = move_place(conn, ACT, Move("p-1", "r-2", at(100)))
    second = move_place(conn, ACT, Move("p-1", "r-1", at(150)))
    with pytest.raises(RefusedError, match="先撤销后来的操作"):
        withdraw_act(conn, ACT, first)
    withdraw_act(conn, ACT, second)
    withdraw_act(conn, ACT, first)
    assert effective(conn) == before


@pytest.mark.parametrize(
    ("place", "room", "words"),
    [
        ("p-3", "r-2", "没有编码为 p-3 的计量点"),
        ("p-1", "r-9", "没有编码为 r-9 的房间"),
        ("p-1", "r-1", "已经在这个房间"),
    ],
)
def test_what_cannot_be_is_refused(conn: Conn, place: str, room: str, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        move_place(conn, ACT, Move(place, room, at(100)))
    assert audit(conn) == []


def test_a_move_before_one_to_the_same_room_is_a_correction(conn: Conn) -> None:
    move_place(conn, ACT, Move("p-1", "r-2", at(100)))
    with pytest.raises(RefusedError, match="请更正或撤销那一次移位"):
        move_place(conn, ACT, Move("p-1", "r-2", at(50)))
    with pytest.raises(RefusedError, match="请更正或撤销那一次移位"):
        move_place(conn, ACT, Move("p-1", "r-1", at(100)))
