"""Acts: what one person did in one go, and withdrawing it in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import dict_row, scalar_row, tuple_row

from metering.facts import entry, marks
from metering.facts.refusal import refuse_other, shown, writing
from metering.facts.span import Span, differing, of_range, to_range
from registry.audit import Act, record
from registry.importing import lock
from registry.refusal import Fault, raise_if_any, refuse

ActKind = Literal["replace", "move", "import"]
Binding = Literal["device_place", "place_room"]
_COLUMNS: Final[dict[Binding, tuple[LiteralString, LiteralString]]] = {
    "device_place": ("device_id", "place_id"),
    "place_room": ("place_id", "room_id"),
}
_BEGIN: Final[LiteralString] = """
    INSERT INTO fact_act (kind, subject, sha256, entered_by, entered_at)
    VALUES (%s, %s, %s, %s, %s) RETURNING id
"""
_JOURNAL: Final[LiteralString] = """
    INSERT INTO fact_act_binding (act_id, step, binding, subject_id, target_id, before, after)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
_STEPS: Final[LiteralString] = """
    SELECT binding, subject_id, target_id, before, after FROM fact_act_binding
    WHERE act_id = %s ORDER BY step
"""
_KINDS: Final = {"replace": "换表", "move": "移位", "import": "读数导入"}
_WITHDRAW: Final[LiteralString] = """
    UPDATE fact_act SET withdrawn_by = %s, withdrawn_at = %s
    WHERE id = %s AND withdrawn_at IS NULL RETURNING kind, subject
"""
_ENTRIES: Final[LiteralString] = """
    SELECT id FROM counter_entry WHERE act_id = %s AND withdrawn_at IS NULL ORDER BY id
"""
# Several rows can be empty: one is as good as another.
_SET: Final[LiteralString] = """
    UPDATE {binding} SET valid = %s WHERE ctid = (
        SELECT ctid FROM {binding}
        WHERE {subject} = %s AND {target} = %s AND valid = %s LIMIT 1)
"""
_ADD: Final[LiteralString] = (
    "INSERT INTO {binding} ({subject}, {target}, valid) VALUES (%s, %s, %s)"
)
_HELD: Final[LiteralString] = """
    SELECT d.code, b.valid FROM device_place b JOIN device d ON d.id = b.device_id
    WHERE b.place_id = %s AND NOT isempty(b.valid) ORDER BY lower(b.valid) NULLS FIRST, d.code
"""


_ORPHANS: Final[LiteralString] = """
    SELECT d.code, e.id, e.ts, e.value
    FROM counter_entry e JOIN device d ON d.id = e.device_id
    WHERE e.device_id = ANY(%s) AND e.withdrawn_at IS NULL AND NOT EXISTS (
        SELECT FROM device_place b WHERE b.device_id = e.device_id AND NOT isempty(b.valid)
            AND tstzrange(lower(b.valid), upper(b.valid), '[]') @> e.ts)
    ORDER BY e.ts, e.id
"""


@dataclass(frozen=True, slots=True)
class Rebinding:
    """One binding that changes.

    Attributes:
        binding: which table.
        subject_id: the device, or the place.
        target_id: its place, or its room.
        before: None: there was none.
        after: None: it turned out never to have been true.
    """

    binding: Binding
    subject_id: int
    target_id: int
    before: Span | None
    after: Span | None


def begin(
    conn: psycopg.Connection[Any], act: Act, kind: ActKind, subject: str, sha256: str | None = None
) -> int:
    """Open an act, in the caller's transaction.

    Returns:
        Its id.
    """
    with conn.cursor(row_factory=scalar_row) as cursor:
        values = [kind, subject, sha256, act.principal, act.at]
        found: int | None = cursor.execute(_BEGIN, values).fetchone()
    assert found is not None  # noqa: S101 - RETURNING
    return found


def rebind(conn: psycopg.Connection[Any], act_id: int, changes: Sequence[Rebinding]) -> None:
    """Change bindings and keep what was, in the caller's transaction; marks what they touch.

    Raises:
        RefusedError: a binding is no longer what it was.
    """
    for step, change in enumerate(changes):
        _set(conn, change, change.before, change.after)
        conn.execute(
            _JOURNAL,
            [
                *(act_id, step, change.binding, change.subject_id, change.target_id),
                *(to_range(change.before), to_range(change.after)),
            ],
        )
        _mark(conn, change, f"act {act_id} entered")


def withdraw_act(conn: psycopg.Connection[Any], act: Act, act_id: int) -> None:
    """Withdraw a replacement, a move or an import: its entries, and what it did to bindings.

    Raises:
        RefusedError: there is none with this id, it was withdrawn already, or something later
            builds on it.
    """
    where = f"操作 #{act_id}"
    with writing(conn, where):
        devices = undo(conn, act, act_id)
        raise_if_any(orphans(conn, devices, where))


def refuse_other_act(conn: psycopg.Connection[Any], act_id: int, kind: str, subject: str) -> None:
    """Refuse to correct an act of another kind, or at another place.

    Args:
        conn: any.
        act_id: the act; one that there is not is left to :func:`undo`.
        kind: ``replace`` or ``move``.
        subject: code of the place.

    Raises:
        RefusedError: it is another one; nothing was changed.
    """
    row = conn.execute("SELECT kind, subject FROM fact_act WHERE id = %s", [act_id]).fetchone()
    if row is not None and row[0] != kind:
        words = f"它是{_KINDS[row[0]]}，不是{_KINDS[kind]}；请核对编号：jieyong meter show"
        refuse(f"操作 #{act_id}", words)
    if row is not None:
        refuse_other(f"操作 #{act_id}", row[1], subject)


def undo(conn: psycopg.Connection[Any], act: Act, act_id: int) -> list[int]:
    """Withdraw an act, in the caller's transaction, whose end must leave no :func:`orphans`.

    Returns:
        Ids of the devices that hang elsewhere now.
    """
    where = f"操作 #{act_id}"
    lock(conn)
    with conn.cursor(row_factory=dict_row) as cursor:
        done = cursor.execute(_WITHDRAW, [act.principal, act.at, act_id]).fetchone()
        if done is None:
            refuse(where, "没有这次操作，或已经撤销；用 jieyong meter show 查看编号")
        changes = [_rebinding(row) for row in cursor.execute(_STEPS, [act_id]).fetchall()]
        entries = [row["id"] for row in cursor.execute(_ENTRIES, [act_id]).fetchall()]
    record(conn, act, f"{done['kind']}.withdraw", done["subject"], {"id": act_id})
    for entry_id in entries:  # while it is still known at whose meter they were read
        entry.cancel(conn, act, entry_id)
    for change in reversed(changes):
        _set(conn, change, change.after, change.before, where)
        _mark(conn, change, f"act {act_id} withdrawn")
    hung = [c for c in changes if c.binding == "device_place"]
    for place_id in {c.target_id for c in hung}:
        raise_if_any(overlaps(conn, place_id, where))
    return [c.subject_id for c in hung]


def orphans(conn: psycopg.Connection[Any], devices: Sequence[int], where: str) -> list[Fault]:
    """Name the entries of devices that would lie outside their time at any place."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(_ORPHANS, [list(devices)]).fetchall()
    return [
        Fault(
            where,
            f"{device} 在 {shown(at)} 有人工读数 {value.normalize():f}（#{number}），"
            "那时它将不在任何计量点；请先撤销这个读数，改好后再录入",
        )
        for device, number, at, value in rows
    ]


def overlaps(conn: psycopg.Connection[Any], place_id: int, where: str) -> list[Fault]:
    """Name the devices that would hang at one place at the same time."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(_HELD, [place_id]).fetchall()
    faults = []
    last_code, last = "", None
    for code, valid in rows:
        span = of_range(valid)
        if span is None:
            continue
        if last is not None and last.meets(span):
            common = f"{shown(span.since)} 至 {shown(min(last.end, span.end))}"
            words = f"{last_code} 与 {code} 会在 {common} 同时装在一处；请改正时间"
            faults.append(Fault(where, words))
        if last is None or last.end < span.end:
            last_code, last = code, span
    return faults


def _set(
    conn: psycopg.Connection[Any],
    change: Rebinding,
    old: Span | None,
    new: Span | None,
    where: str = "安装关系",
) -> None:
    subject, target = _COLUMNS[change.binding]
    names = {
        "binding": sql.Identifier(change.binding),
        "subject": sql.Identifier(subject),
        "target": sql.Identifier(target),
    }
    ids = [change.subject_id, change.target_id]
    if old is None and change.before is None:
        conn.execute(sql.SQL(_ADD).format(**names), [*ids, to_range(new)])
        return
    statement = sql.SQL(_SET).format(**names)
    if conn.execute(statement, [to_range(new), *ids, to_range(old)]).rowcount != 1:
        refuse(where, "安装关系已被后来的操作或设备清单改动；请先撤销后来的操作")


def _mark(conn: psycopg.Connection[Any], change: Rebinding, why: str) -> None:
    if change.binding == "device_place":
        spans = differing(change.before, change.after)
        marks.at_place(conn, change.target_id, spans, why)


def _rebinding(row: dict[str, Any]) -> Rebinding:
    before, after = of_range(row.pop("before")), of_range(row.pop("after"))
    return Rebinding(**row, before=before, after=after)
