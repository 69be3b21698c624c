"""Tags that people enter for a time, beside those of the inventory: an import leaves them alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Final, LiteralString, NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import class_row, scalar_row

from registry import tag_words
from registry.audit import Act, record
from registry.refusal import refuse
from registry.tag_words import KINDS, Misuse
from registry.vehicles import find_vehicle

_INSERT: Final[LiteralString] = """
INSERT INTO tag (kind, subject_id, tag, valid, reason, entered_by, entered_at)
VALUES (%(kind)s, %(id)s, %(tag)s, tstzrange(%(since)s, %(until)s), %(reason)s, %(by)s, %(at)s)
RETURNING id
"""
_STANDS: Final[LiteralString] = """
SELECT id FROM tag
WHERE kind = %(kind)s AND subject_id = %(id)s AND tag = %(tag)s AND entered_at IS NOT NULL
    AND withdrawn_at IS NULL AND valid && tstzrange(%(since)s, %(until)s)
ORDER BY valid LIMIT 1
"""
_SELECT: Final[LiteralString] = """
SELECT t.id AS number, t.kind, coalesce(i.code, b.code, r.code, p.code, v.code) AS code,
       coalesce(i.name, b.name, r.name, p.name, v.code) AS name, t.tag, lower(t.valid) AS since,
       upper(t.valid) AS until, t.reason, t.entered_by, t.entered_at, t.withdrawn_by, t.withdrawn_at
FROM tag t
LEFT JOIN institution i ON i.id = t.institution_id LEFT JOIN building b ON b.id = t.building_id
LEFT JOIN room r ON r.id = t.room_id LEFT JOIN place p ON p.id = t.place_id
LEFT JOIN vehicle v ON v.id = t.vehicle_id
WHERE t.entered_at IS NOT NULL
"""
_ONE: Final[LiteralString] = _SELECT + " AND t.id = %s FOR UPDATE OF t"
_ALL: Final[LiteralString] = _SELECT + " AND (t.withdrawn_at IS NULL OR %s) ORDER BY t.id"
_WITHDRAW: Final[LiteralString] = """
UPDATE tag SET withdrawn_by = %s, withdrawn_at = %s WHERE id = %s
"""


class Subject(NamedTuple):
    """What a tag is entered for; ``name``: of a vehicle its code, for few may know a plate."""

    kind: str
    id: int
    code: str
    name: str


class Said(NamedTuple):
    """A tag that holds for ``since`` ≤ t < ``until`` (aware), and why, in words."""

    tag: str
    since: datetime
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A tag that was entered; ``withdrawn_at``: it no longer stands. See :func:`enter`."""

    number: int
    kind: str
    code: str
    name: str
    tag: str
    since: datetime
    until: datetime
    reason: str
    entered_by: str
    entered_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None


def find(conn: psycopg.Connection[Any], kind: str, said: str) -> Subject:
    """Return the thing that somebody means; a vehicle also by its plate.

    Args:
        conn: any connection.
        kind: of the thing; one of :data:`registry.tag_words.KINDS`.
        said: its code.

    Raises:
        RefusedError: there is none; names those that are near.
    """
    if kind == "vehicle":
        vehicle = find_vehicle(conn, said, "--vehicle")
        return Subject(kind, vehicle.id, vehicle.code, vehicle.code)
    things = sql.SQL("SELECT code, id, name FROM {}").format(sql.Identifier(kind))
    known = {code: Subject(kind, id_, code, name) for code, id_, name in conn.execute(things)}
    if said not in known:
        near = "、".join(get_close_matches(said, known))
        like = f"；相近的有 {near}" if near else ""
        refuse(f"--{kind}", f"没有编码为“{said}”的{KINDS[kind]}；请核对设备清单{like}")
    return known[said]


def enter(conn: psycopg.Connection[Any], act: Act, subject: Subject, said: Said) -> int:
    """Enter a tag for a time.

    Args:
        conn: in any state.
        act: who enters it, and when.
        subject: what has it then, with all that stands below.
        said: a well-known word or one that begins with ``x-``, how long it holds, and why.

    Returns:
        Its number.

    Raises:
        RefusedError: the word is not known or not for such a thing, there is no reason or no time,
            or the thing was given the tag for a part of that time already.
    """
    _refuse_word(said.tag, subject.kind)
    if not said.reason.strip():
        refuse("--reason", "请写明原因，如批准文号")
    if said.until <= said.since:
        refuse("--until", "截止时间（不含）应晚于起始时间；请改正")
    values = {"kind": subject.kind, "id": subject.id, **said._asdict()}
    with conn.transaction():
        try:
            with conn.transaction():
                number = _one(conn, _INSERT, {**values, "by": act.principal, "at": act.at})
        except psycopg.errors.ExclusionViolation:
            other, named = _one(conn, _STANDS, values), tag_words.name(said.tag)
            words = f"{subject.name} 在这段时间已有录入的“{named}”，编号 {other}"
            refuse("--tag", f"{words}；请改时间，或先撤销它")
        record(conn, act, "tag.enter", subject.code, _detail(number, subject.kind, said))
    return number


def withdraw(conn: psycopg.Connection[Any], act: Act, number: int, reason: str) -> Entry:
    """Withdraw a tag that was entered; its row stays.

    Raises:
        RefusedError: there is none of this number that stands.
    """
    with conn.transaction(), conn.cursor(row_factory=class_row(Entry)) as cursor:
        entry = cursor.execute(_ONE, [number]).fetchone()
        if entry is None or entry.withdrawn_at is not None:
            refuse(str(number), "没有这个编号的、未撤销的标签，见 jieyong tag list")
        conn.execute(_WITHDRAW, [act.principal, act.at, number])
        said = Said(entry.tag, entry.since, entry.until, reason)
        record(conn, act, "tag.withdraw", entry.code, _detail(number, entry.kind, said))
    return entry


def entries(conn: psycopg.Connection[Any], *, withdrawn: bool = False) -> list[Entry]:
    """Return the tags that people entered, as they were entered; ``withdrawn``: these, too."""
    with conn.cursor(row_factory=class_row(Entry)) as cursor:
        return cursor.execute(_ALL, [withdrawn]).fetchall()


def _refuse_word(tag: str, kind: str) -> None:
    wrong = tag_words.misuse(tag, kind)
    if wrong is Misuse.FORM:
        refuse("--tag", f"“{tag}”不是标签：只用小写字母、数字和 -，最多 64 个")
    if wrong is Misuse.ELSEWHERE:
        of = "、".join(KINDS[one] for one in tag_words.known()[tag].of)
        refuse("--tag", f"“{tag_words.name(tag)}”只用于{of}")
    if wrong is Misuse.UNKNOWN:
        near = "、".join(get_close_matches(tag, tag_words.known()))
        like = f"；相近的有 {near}" if near else ""
        own = f"自定的以 {tag_words.OWN} 开头"
        refuse("--tag", f"没有标签“{tag}”，见 jieyong tag words；{own}{like}")


def _detail(number: int, kind: str, said: Said) -> dict[str, object]:
    dates = {"since": said.since.isoformat(), "until": said.until.isoformat()}
    return {"number": number, "kind": kind, **said._asdict(), **dates}


def _one(conn: psycopg.Connection[Any], query: LiteralString, values: dict[str, Any]) -> int:
    with conn.cursor(row_factory=scalar_row) as cursor:
        found: int | None = cursor.execute(query, values).fetchone()
    assert found is not None  # noqa: S101 - RETURNING, or what the constraint named
    return found
