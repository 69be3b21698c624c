"""Who may do what only few may: granted to a name, dated, withdrawn and never edited."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row

from registry.audit import Act, record
from registry.refusal import RefusedError

_GRANT: Final[LiteralString] = """
INSERT INTO permission_grant (principal, permission, note, entered_by, entered_at)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (principal, permission) WHERE withdrawn_at IS NULL DO NOTHING RETURNING id
"""
_WITHDRAW: Final[LiteralString] = """
UPDATE permission_grant SET withdrawn_by = %s, withdrawn_at = %s
WHERE principal = %s AND permission = %s AND withdrawn_at IS NULL RETURNING id
"""
_ALL: Final[LiteralString] = """
SELECT id, principal, permission, note, entered_by, entered_at, withdrawn_by, withdrawn_at
FROM permission_grant ORDER BY id
"""
# A grant that was withdrawn counts too: taking the last one away must not open the door to all.
_MAY: Final[LiteralString] = """
SELECT NOT EXISTS (SELECT FROM permission_grant WHERE permission = %(permission)s) OR EXISTS (
    SELECT FROM permission_grant
    WHERE permission = %(permission)s AND principal = %(principal)s AND withdrawn_at IS NULL
)
"""


class Permission(enum.StrEnum):
    """What is granted."""

    TRACK_READ = "track.read"


NAMES: Final = {Permission.TRACK_READ: "查看行车轨迹"}


@dataclass(frozen=True, slots=True)
class Grant:
    """A permission of somebody; ``withdrawn_at``: it no longer stands."""

    id: int
    principal: str
    permission: str
    note: str
    entered_by: str
    entered_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None


def grant(
    conn: psycopg.Connection[Any], act: Act, principal: str, permission: Permission, note: str
) -> None:
    """Grant a permission.

    Args:
        conn: in any state.
        act: who grants it, and when.
        principal: to whom: the name that commands are told with ``--by``.
        permission: which.
        note: on whose order.

    Raises:
        RefusedError: the name is empty, or has it already.
    """
    if not principal.strip():
        raise RefusedError("请写明授予何人")
    with conn.transaction():
        values = [principal, permission, note, act.principal, act.at]
        if conn.execute(_GRANT, values).fetchone() is None:
            raise RefusedError(f"{principal} 已有“{NAMES[permission]}”权限")
        detail = {"permission": permission.value, "note": note}
        record(conn, act, "permission.grant", principal, detail)


def withdraw(
    conn: psycopg.Connection[Any], act: Act, principal: str, permission: Permission
) -> None:
    """Withdraw a permission.

    Raises:
        RefusedError: nobody of this name has it.
    """
    with conn.transaction():
        values = [act.principal, act.at, principal, permission]
        if conn.execute(_WITHDRAW, values).fetchone() is None:
            raise RefusedError(f"{principal} 没有“{NAMES[permission]}”权限")
        record(conn, act, "permission.withdraw", principal, {"permission": permission.value})


def grants(conn: psycopg.Connection[Any]) -> list[Grant]:
    """Return all grants, withdrawn ones too, in the order they were entered."""
    with conn.cursor(row_factory=class_row(Grant)) as cursor:
        return cursor.execute(_ALL).fetchall()


def may(conn: psycopg.Connection[Any], principal: str, permission: Permission) -> bool:
    """Tell whether somebody may; while it was never granted to anybody, everybody may."""
    values = {"principal": principal, "permission": permission}
    row = conn.execute(_MAY, values).fetchone()
    return row is not None and bool(row[0])
