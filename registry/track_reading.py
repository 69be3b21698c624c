"""The door to every place that is stored: it asks for a permission and a reason, and takes note."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg

from registry.audit import Act, record
from registry.permissions import NAMES, Permission, may
from registry.refusal import refuse


@contextmanager
def track_reading(  # noqa: PLR0913, PLR0917 - who looks at what of whom, and why
    conn: psycopg.Connection[Any],
    act: Act,
    action: str,
    subject: str,
    reason: str,
    detail: Mapping[str, object],
) -> Iterator[None]:
    """Read places inside: the record is committed with the reading, before anything is shown.

    Args:
        conn: an autocommit connection.
        act: who reads, and when.
        action: what is read, for example ``trips.read``.
        subject: of whom: a vehicle's code.
        reason: why; for the record.
        detail: what else a later reader of the record needs.

    Raises:
        RefusedError: no reason is given, or it is not permitted; that somebody tried is recorded.
    """
    said = _admitted(conn, act, action, subject, reason, detail)
    with conn.transaction():
        record(conn, act, action, subject, said)
        yield


@contextmanager
def tracks_reading(  # noqa: PLR0913, PLR0917 - who looks at what of whom, and why
    conn: psycopg.Connection[Any],
    act: Act,
    action: str,
    subject: str,
    reason: str,
    detail: Mapping[str, object],
) -> Iterator[set[str]]:
    """Read places of many inside, and add the codes of those of whom something will be shown.

    There is a record of each of them and one of what was asked for, committed before anything is
    shown. Arguments and errors as of :func:`track_reading`; ``subject``: what was asked for.
    """
    said = _admitted(conn, act, action, subject, reason, detail)
    with conn.transaction():
        shown = {subject}
        yield shown
        for one in sorted(shown):
            record(conn, act, action, one, said)


def _admitted(  # noqa: PLR0913, PLR0917 - who looks at what of whom, and why
    conn: psycopg.Connection[Any],
    act: Act,
    action: str,
    subject: str,
    reason: str,
    detail: Mapping[str, object],
) -> dict[str, object]:
    """Return what the record says besides; refuse whoever may not look, and take note of that."""
    if not reason.strip():
        refuse("--reason", "请写明查看轨迹的原因，将记入操作日志")
    said = {**detail, "reason": reason.strip()}
    if not may(conn, act.principal, Permission.TRACK_READ):
        record(conn, act, "track.refused", subject, {**said, "action": action})
        name = NAMES[Permission.TRACK_READ]
        how = "由管理员用 jieyong permission grant 授予"
        refuse("", f"{act.principal} 没有“{name}”权限，本次已记录；{how}")
    return said
