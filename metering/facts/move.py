"""A place moved to another room: its consumption counts there from that day on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import scalar_row, tuple_row

from metering.facts.acts import Rebinding, begin, rebind, refuse_other_act, withdraw_act
from metering.facts.refusal import nearest, shown, writing
from metering.facts.span import Span, of_range
from registry.audit import Act, record
from registry.importing import lock
from registry.refusal import Fault, RefusedError, refuse

_ROOMS: Final[LiteralString] = """
    SELECT room_id, valid FROM place_room
    WHERE place_id = %s AND NOT isempty(valid) ORDER BY lower(valid) NULLS FIRST
"""


@dataclass(frozen=True, slots=True)
class Move:
    """A place belongs to another room from a time on.

    Attributes:
        place: its code.
        room: code of the new room.
        since: from when on, aware; may be to come.
    """

    place: str
    room: str
    since: datetime


def move_place(conn: psycopg.Connection[Any], act: Act, move: Move, where: str = "移位") -> int:
    """Enter that a place was moved, as one act.

    Args:
        conn: in a transaction, or in autocommit mode.
        act: who and when.
        move: what is said.
        where: how a refusal names it.

    Returns:
        Id of the act.

    Raises:
        RefusedError: place or room are unknown, or it is in that room already.
    """
    place_id = _id(conn, "SELECT id FROM place WHERE code = %s", move.place)
    room_id = _id(conn, "SELECT id FROM room WHERE code = %s", move.room)
    if place_id is None or room_id is None:
        faults = []
        if place_id is None:
            faults.append(_unknown(conn, "SELECT code FROM place", "计量点", move.place))
        if room_id is None:
            faults.append(_unknown(conn, "SELECT code FROM room", "房间", move.room))
        raise RefusedError(*faults)
    with writing(conn, where):
        lock(conn)
        changes = _plan(conn, place_id, room_id, move.since, where)
        act_id = begin(conn, act, "move", move.place)
        rebind(conn, act_id, changes)
        since = move.since.astimezone(UTC).isoformat()
        record(
            conn, act, "move.enter", move.place, {"id": act_id, "room": move.room, "since": since}
        )
    return act_id


def correct_move(conn: psycopg.Connection[Any], act: Act, act_id: int, move: Move) -> int:
    """Withdraw a move and enter another in its place; both are kept.

    Raises:
        RefusedError: either is refused; then nothing changed.
    """
    with conn.transaction():
        refuse_other_act(conn, act_id, "move", move.place)
        withdraw_act(conn, act, act_id)
        return move_place(conn, act, move)


def _plan(
    conn: psycopg.Connection[Any], place_id: int, room_id: int, since: datetime, where: str
) -> list[Rebinding]:
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(_ROOMS, [place_id]).fetchall()
    held = [(room, span) for room, valid in rows if (span := of_range(valid)) is not None]
    current = next(((room, span) for room, span in held if since in span), None)
    if current is None:
        begins = [span.first for _, span in held if span.first > since]
        return [_bind(place_id, room_id, None, Span(since, min(begins, default=None)))]
    room, span = current
    if room == room_id:
        refuse(where, f"{shown(since)} 时已经在这个房间；请核对房间编码和日期")
    beside = {since if span.since == since else None, span.until} - {None}
    for other, near in held:
        if other == room_id and not beside.isdisjoint({near.since, near.until}):
            words = f"{shown(near.since)} 至 {shown(near.until)} 已登记在这个房间"
            refuse(where, f"{words}；请更正或撤销那一次移位，不要另记一次")
    kept = Span(span.since, since) if span.first < since else None
    return [
        _bind(place_id, room, span, kept),
        _bind(place_id, room_id, None, Span(since, span.until)),
    ]


def _bind(place_id: int, room_id: int, before: Span | None, after: Span | None) -> Rebinding:
    return Rebinding("place_room", place_id, room_id, before, after)


def _id(conn: psycopg.Connection[Any], query: LiteralString, code: str) -> int | None:
    with conn.cursor(row_factory=scalar_row) as cursor:
        found: int | None = cursor.execute(query, [code]).fetchone()
        return found


def _unknown(conn: psycopg.Connection[Any], query: LiteralString, what: str, code: str) -> Fault:
    with conn.cursor(row_factory=scalar_row) as cursor:
        codes = cursor.execute(query).fetchall()
    return Fault(what, f"没有编码为 {code} 的{what}{nearest(code, codes)}；先要写进设备清单并导入")
