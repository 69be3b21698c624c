"""Findings of walking inspectors: doubts like any other, with what was seen instead of measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg
from psycopg import errors

from registry import tag_words
from registry.audit import Act, record
from registry.belonging import belonging
from registry.refusal import RefusedError, refuse
from registry.tags import tags_at
from rules.cases.life import State
from rules.cases.photo import Photo
from rules.cases.telling import tell
from rules.kinds.model import Sort
from rules.ruleset.model import Rule, Version
from storage.times import us_of

SEEN_FOR: Final = timedelta(minutes=1)
"""How long a moment lasts: doubts have a begin and an end."""
_LARGEST: Final = Decimal(1_000_000_000)

_ROOM: Final[LiteralString] = "SELECT id, valid @> %s::timestamptz FROM room WHERE code = %s"
_ROOMS: Final[LiteralString] = "SELECT code FROM room"
_OPEN: Final[LiteralString] = """
INSERT INTO doubt (rule_code, sort, subject_id, since, until, opened_at, state, changed_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
_PHOTO: Final[LiteralString] = """
INSERT INTO inspection_photo (sha256, type, content) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""
_FINDING: Final[LiteralString] = """
INSERT INTO inspection (
    doubt_id, seen_at, inspector, words, reading, unit, photo_sha256, photo_name, entered_at
)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_RECORDED: Final[LiteralString] = """
SELECT seen_at, inspector, words, reading, unit, photo_name, photo_sha256, photo.type,
       octet_length(photo.content), entered_at
FROM inspection LEFT JOIN inspection_photo AS photo ON photo.sha256 = photo_sha256
WHERE doubt_id = %s
"""
_CONTENT: Final[LiteralString] = """
SELECT photo_name, content FROM inspection JOIN inspection_photo ON sha256 = photo_sha256
WHERE doubt_id = %s
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """What an inspector saw.

    Attributes:
        room: code.
        kind: code or title of a rule of the kind ``inspection``.
        seen_at: when, aware.
        words: what there was to see.
        reading: what was read off an instrument; None: nothing.
        photo: None: there is none.
    """

    room: str
    kind: str
    seen_at: datetime
    words: str
    reading: Decimal | None = None
    photo: Photo | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A finding as it is on record.

    Attributes:
        seen_at: when.
        inspector: who saw it.
        words: what there was to see.
        reading: what was read; None: nothing.
        unit: of the reading.
        photo: name of its file; None: there is none.
        sha256: of its bytes.
        type: of the photo: ``image/jpeg`` …
        size: of the photo, bytes.
        entered_at: when it was reported.
    """

    seen_at: datetime
    inspector: str
    words: str
    reading: Decimal | None
    unit: str | None
    photo: str | None
    sha256: str | None
    type: str | None
    size: int | None
    entered_at: datetime


def report(
    conn: psycopg.Connection[Any],
    act: Act,
    finding: Finding,
    versions: Sequence[Version],
    zone: ZoneInfo,
) -> int:
    """Open a doubt about what an inspector saw; it is told like any other, however old it is.

    Args:
        conn: a connection.
        act: who saw it, and when it is reported.
        finding: what was seen.
        versions: of all rules.
        zone: of the site.

    Returns:
        The number of the doubt.

    Raises:
        RefusedError: the room or the kind does not exist, the room is exempt, it was reported
            already, or something is not as it should be.
    """
    rule = _rule(versions, finding.kind, act.at)
    _check(finding, rule, act.at)
    with conn.transaction():
        room = _room(conn, finding)
        _check_tags(conn, rule, room, finding)
        number = _open(conn, act, rule, room, finding)
        sha256, name = _put(conn, finding.photo)
        unit = None if finding.reading is None else rule.reading
        seen = [finding.seen_at, act.principal, finding.words.strip(), finding.reading, unit]
        conn.execute(_FINDING, [number, *seen, sha256, name, act.at])
        detail = {"room": finding.room, "rule": rule.code, "photo": sha256}
        record(conn, act, "doubt.report", str(number), detail)
        tell(conn, [number], zone, act.at, old_news=True)
    return number


def recorded(conn: psycopg.Connection[Any], number: int) -> Recorded | None:
    """Return what an inspector saw; None: the doubt is none of an inspector."""
    row = conn.execute(_RECORDED, [number]).fetchone()
    return None if row is None else Recorded(*row)


def photo_of(conn: psycopg.Connection[Any], number: int) -> Photo:
    """Return the photo of a doubt, byte by byte as it came.

    Raises:
        RefusedError: it has none.
    """
    row = conn.execute(_CONTENT, [number]).fetchone()
    if row is None:
        raise RefusedError(f"疑点 {number} 没有照片")
    return Photo(row[0], bytes(row[1]))


def _rule(versions: Sequence[Version], named: str, now: datetime) -> Rule:
    known = [
        one.rule
        for one in versions
        if one.rule.kind.reported and one.since <= us_of(now) < one.until
    ]
    if not known:
        refuse("--kind", "没有启用巡查类规则：jieyong rules load rules/sets/inspection.yaml")
    chosen = next((rule for rule in known if named in {rule.code, rule.title}), None)
    if chosen is None:
        words = "、".join(f"{rule.code}（{rule.title}）" for rule in known)
        refuse("--kind", f"没有巡查类别 {named}；可用：{words}")
    return chosen


def _check(finding: Finding, rule: Rule, now: datetime) -> None:
    if finding.seen_at > now:
        refuse("--at", "晚于现在；请核对时间")
    if not finding.words.strip():
        refuse("--words", "请写明见到的情况")
    if finding.reading is not None and rule.reading is None:
        refuse("--reading", f"“{rule.title}”没有读数")
    if finding.reading is not None and not (
        finding.reading.is_finite() and abs(finding.reading) < _LARGEST
    ):
        refuse("--reading", f"{finding.reading} 不是合理的读数")


def _room(conn: psycopg.Connection[Any], finding: Finding) -> int:
    row = conn.execute(_ROOM, [finding.seen_at, finding.room]).fetchone()
    if row is None:
        known = [code for (code,) in conn.execute(_ROOMS)]
        near = "、".join(get_close_matches(finding.room, known))
        refuse("--room", f"房间 {finding.room} 不存在{f'；相近的有 {near}' if near else ''}")
    if not row[1]:
        refuse("--room", f"房间 {finding.room} 当时没有启用；请核对时间")
    return int(row[0])


def _check_tags(conn: psycopg.Connection[Any], rule: Rule, room: int, finding: Finding) -> None:
    """Refuse what the rule does not ask of this room: an inspector may not know its tags."""
    at = finding.seen_at
    having = tags_at(conn, "room", [room], at, at).get(room, ())
    exempt = [str(tag) for tag in having if tag.tag in rule.without]
    if exempt:
        refuse("--room", f"该房间不作“{rule.title}”检查：{'、'.join(exempt)}")
    if rule.institutions and not belonging(conn, "room", [room], rule.institutions):
        words = "、".join(sorted(rule.institutions))
        refuse("--room", f"“{rule.title}”只查这些机构及其下级：{words}")
    if rule.only and not any(tag.tag in rule.only for tag in having):
        words = "、".join(map(tag_words.name, sorted(rule.only)))
        refuse("--room", f"“{rule.title}”只查有这些标签的房间：{words}")


def _open(conn: psycopg.Connection[Any], act: Act, rule: Rule, room: int, finding: Finding) -> int:
    since = finding.seen_at
    values = [rule.code, Sort.ROOM.value, room, since, since + SEEN_FOR, act.at]
    try:
        with conn.transaction():
            row = conn.execute(_OPEN, [*values, State.ASKED.value, act.at]).fetchone()
    except errors.ExclusionViolation as error:
        raise RefusedError(
            f"房间 {finding.room} 同一时间的“{rule.title}”已经报过：jieyong doubt list"
        ) from error
    assert row is not None  # noqa: S101 - RETURNING of one row
    return int(row[0])


def _put(conn: psycopg.Connection[Any], photo: Photo | None) -> tuple[str | None, str | None]:
    if photo is None:
        return None, None
    conn.execute(_PHOTO, [photo.sha256, photo.type(), photo.content])
    return photo.sha256, photo.name
