"""Letting terminals in that wait, or turning them away: by command, beside the inventory."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row

from registry.audit import Act, record
from registry.refusal import Fault, RefusedError, refuse

# Two codes that differ only in their zeros are one number on the wire.
_SAME: Final[LiteralString] = """
SELECT id, code, upper_inf(valid) FROM terminal
WHERE ltrim(lower(code), '0') = ltrim(lower(%s), '0')
"""
_OPEN: Final[LiteralString] = """
INSERT INTO terminal (code) VALUES (%s)
ON CONFLICT (code) DO UPDATE SET valid = tstzrange(lower(terminal.valid), NULL) RETURNING id
"""
_BIND: Final[LiteralString] = """
INSERT INTO terminal_vehicle (terminal_id, vehicle_id, valid) VALUES (%s, %s, tstzrange(%s, NULL))
"""
_CLOSE: Final[LiteralString] = """
UPDATE terminal SET valid = tstzrange(lower(valid), %s) WHERE id = %s
"""
_UNBIND: Final[LiteralString] = """
UPDATE terminal_vehicle SET valid = valid * tstzrange(NULL, %s) WHERE terminal_id = %s
"""
_WITHDRAW: Final[LiteralString] = """
UPDATE terminal_decision SET withdrawn_by = %s, withdrawn_at = %s
WHERE code = %s AND withdrawn_at IS NULL RETURNING terminal_id
"""
_DECIDE: Final[LiteralString] = """
INSERT INTO terminal_decision (code, terminal_id, note, entered_by, entered_at)
VALUES (%s, %s, %s, %s, %s)
"""
_STANDING: Final[LiteralString] = """
SELECT d.code, d.terminal_id, d.note, d.entered_by, d.entered_at
FROM terminal_decision d WHERE d.withdrawn_at IS NULL ORDER BY d.code
"""
_ADVICE: Final = "请把它和所绑定的车辆写入清单，或用 jieyong terminal refuse 撤销批准"


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided of a terminal; ``terminal_id`` None: it is refused."""

    code: str
    terminal_id: int | None
    note: str
    entered_by: str
    entered_at: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """Whom a terminal is let in for.

    Attributes:
        code: its identity on the wire.
        vehicle_id: the vehicle it speaks for.
        vehicle: code of that, for the record.
        since: from when on, aware.
        note: on whose order.
    """

    code: str
    vehicle_id: int
    vehicle: str
    since: datetime
    note: str = ""


def approve(conn: psycopg.Connection[Any], act: Act, approval: Approval) -> int:
    """Let a terminal in and bind it to a vehicle; return its id.

    Args:
        conn: in any state; the caller holds off imports (:func:`registry.importing.lock`).
        act: who and when.
        approval: whom for.

    Raises:
        RefusedError: it is in the inventory, or bound at that time already.
    """
    code = approval.code.strip()
    with conn.transaction():
        for _, known, stands in conn.execute(_SAME, [code]).fetchall():
            if stands or known != code:
                refuse(code, f"设备清单中已有终端 {known}；请在清单中绑定车辆")
        conn.execute(_WITHDRAW, [act.principal, act.at, code])
        row = conn.execute(_OPEN, [code]).fetchone()
        terminal_id = 0 if row is None else int(row[0])
        try:
            with conn.transaction():
                conn.execute(_BIND, [terminal_id, approval.vehicle_id, approval.since])
        except psycopg.errors.ExclusionViolation:
            refuse(
                "--since", f"终端 {code} 在 {approval.since:%Y-%m-%d %H:%M} 之后已有绑定；请改日期"
            )
        values = [code, terminal_id, approval.note, act.principal, act.at]
        conn.execute(_DECIDE, values)
        detail = {
            "vehicle": approval.vehicle,
            "since": approval.since.isoformat(),
            "note": approval.note,
        }
        record(conn, act, "terminal.approve", code, detail)
    return terminal_id


def turn_away(conn: psycopg.Connection[Any], act: Act, code: str, why: str) -> None:
    """Refuse a terminal that waits, or one that was let in by command: it is unbound from now on.

    Raises:
        RefusedError: it is in the inventory, which decides then; or no reason is given.
    """
    code = code.strip()
    if not why.strip():
        refuse("--reason", "请写明拒绝的原因")
    with conn.transaction():
        withdrawn = conn.execute(_WITHDRAW, [act.principal, act.at, code]).fetchone()
        if withdrawn is not None and withdrawn[0] is not None:
            conn.execute(_CLOSE, [act.at, withdrawn[0]])
            conn.execute(_UNBIND, [act.at, withdrawn[0]])
        for _, known, stands in conn.execute(_SAME, [code]).fetchall():
            if stands:
                refuse(code, f"终端 {known} 由设备清单登记；请在清单中删去")
        conn.execute(_DECIDE, [code, None, why.strip(), act.principal, act.at])
        record(conn, act, "terminal.refuse", code, {"why": why.strip()})


def decisions(conn: psycopg.Connection[Any]) -> dict[str, Decision]:
    """Return the decisions that stand, by code."""
    with conn.cursor(row_factory=class_row(Decision)) as cursor:
        return {one.code: one for one in cursor.execute(_STANDING).fetchall()}


def refuse_to_close(conn: psycopg.Connection[Any], codes: Collection[str]) -> None:
    """Refuse an import that would close terminals which were let in by command.

    Raises:
        RefusedError: it would; names each of them.
    """
    if not codes:
        return
    lost = [
        Fault("terminals", f"终端 {one.code} 由 {one.entered_by} 批准接入，清单中没有；{_ADVICE}")
        for one in decisions(conn).values()
        if one.code in codes and one.terminal_id is not None
    ]
    if lost:
        raise RefusedError(*lost)
