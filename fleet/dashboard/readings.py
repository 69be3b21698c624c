"""Dashboard readings: entered, corrected, withdrawn; each in the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row

from registry.audit import Act, record
from registry.refusal import refuse
from registry.vehicles import Vehicle

_INSERT: Final[LiteralString] = """
INSERT INTO dashboard_reading (vehicle_id, read_at, km, restarts, note, entered_by, entered_at)
VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
_WITHDRAW: Final[LiteralString] = """
UPDATE dashboard_reading d SET withdrawn_by = %s, withdrawn_at = %s
FROM vehicle v WHERE v.id = d.vehicle_id AND d.id = %s AND d.withdrawn_at IS NULL
RETURNING v.code, d.read_at, d.km
"""
_STANDING: Final[LiteralString] = """
SELECT id, read_at, km, restarts, note, entered_by FROM dashboard_reading
WHERE vehicle_id = %s AND withdrawn_at IS NULL ORDER BY read_at
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a dashboard showed.

    Attributes:
        id: to withdraw it by.
        read_at: when.
        km: what it showed.
        restarts: another dashboard, or one set anew: nothing was driven between the last and this.
        note: of who entered it.
        entered_by: who.
    """

    id: int
    read_at: datetime
    km: Decimal
    restarts: bool
    note: str
    entered_by: str


def enter(  # noqa: PLR0913 - what a reading consists of, each by its name
    conn: psycopg.Connection[Any],
    act: Act,
    vehicle: Vehicle,
    read_at: datetime,
    km: Decimal,
    *,
    restarts: bool = False,
    note: str = "",
    instead_of: int | None = None,
) -> int:
    """Enter what a dashboard showed.

    Args:
        conn: in a transaction, or in autocommit mode.
        act: who and when.
        vehicle: whose.
        read_at: when it was read, aware.
        km: what it showed.
        restarts: it may lie below what was read before.
        note: anything worth knowing.
        instead_of: a reading that is withdrawn for it.

    Returns:
        Its id.

    Raises:
        RefusedError: it cannot be true beside the others, or lies ahead.
    """
    if read_at > act.at:
        refuse("抄表时间", "晚于现在；请核对日期")
    if km != round(km, 1) or not 0 <= km < 10_000_000:
        refuse("里程", f"{km} 不是里程表读数；请填写 0 至 9999999.9 的公里数，最多一位小数")
    with conn.transaction():
        conn.execute("SELECT FROM vehicle WHERE id = %s FOR NO KEY UPDATE", [vehicle.id])
        if instead_of is not None:
            withdraw(conn, act, instead_of)
        _check(standing(conn, vehicle.id), read_at, km, restarts=restarts)
        values = [vehicle.id, read_at, km, restarts, note, act.principal, act.at]
        row = conn.execute(_INSERT, values).fetchone()
        if row is None:
            raise RuntimeError("an INSERT returned no id")
        number = int(row[0])
        detail = {"id": number, "at": read_at.isoformat(), "km": str(km), "restarts": restarts}
        record(conn, act, "odometer.enter", vehicle.code, detail)
    return number


def withdraw(conn: psycopg.Connection[Any], act: Act, number: int) -> None:
    """Withdraw a reading: it stays, and counts no more.

    Raises:
        RefusedError: there is none of that number, or it is withdrawn already.
    """
    with conn.transaction():
        row = conn.execute(_WITHDRAW, [act.principal, act.at, number]).fetchone()
        if row is None:
            refuse(f"里程读数 #{number}", "没有这条读数，或已经撤销")
        detail = {"id": number, "at": row[1].isoformat(), "km": str(row[2])}
        record(conn, act, "odometer.withdraw", row[0], detail)


def standing(conn: psycopg.Connection[Any], vehicle_id: int) -> list[Reading]:
    """Return the readings of a vehicle that stand, by time."""
    with conn.cursor(row_factory=class_row(Reading)) as cursor:
        return cursor.execute(_STANDING, [vehicle_id]).fetchall()


def _check(known: list[Reading], at: datetime, km: Decimal, *, restarts: bool) -> None:
    for one in known:
        if one.read_at == at:
            refuse("抄表时间", f"这一时刻已有读数 #{one.id}（{one.km} km）；更正请用 --instead-of")
    before = max((one for one in known if one.read_at < at), key=lambda r: r.read_at, default=None)
    behind = min((one for one in known if one.read_at > at), key=lambda r: r.read_at, default=None)
    if before is not None and km < before.km and not restarts:
        refuse(
            "里程", f"{km} km 小于此前的读数 #{before.id}（{before.km} km）；换表请加 --restarts"
        )
    if behind is not None and km > behind.km and not behind.restarts:
        refuse("里程", f"{km} km 大于此后的读数 #{behind.id}（{behind.km} km）；请核对")
