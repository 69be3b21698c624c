"""Which tags things have, of their own and from what stands above them: for scopes and exemptions.

A tag is handed down: institution → building → room → place, and institution → vehicle. What a place
inherits holds while it is in that room, too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import dict_row

from registry import tag_words

# Where a thing sits, and while it does. A place has its own tags wherever it is.
_SITS: Final[Mapping[str, LiteralString]] = {
    "institution": """
        SELECT id, NULL::int AS leaf_id, NULL::int AS room_id, NULL::int AS building_id,
               id AS institution_id, '(,)'::tstzrange AS held
        FROM asked
    """,
    "building": """
        SELECT b.id, NULL::int AS leaf_id, NULL::int AS room_id, b.id AS building_id,
               b.institution_id, '(,)'::tstzrange AS held
        FROM asked a JOIN building b ON b.id = a.id
    """,
    "room": """
        SELECT r.id, NULL::int AS leaf_id, r.id AS room_id, b.id AS building_id,
               b.institution_id, '(,)'::tstzrange AS held
        FROM asked a JOIN room r ON r.id = a.id JOIN building b ON b.id = r.building_id
    """,
    "place": """
        SELECT id, id AS leaf_id, NULL::int AS room_id, NULL::int AS building_id,
               NULL::int AS institution_id, '(,)'::tstzrange AS held
        FROM asked
        UNION ALL
        SELECT a.id, NULL, r.id, b.id, b.institution_id, p.valid
        FROM asked a CROSS JOIN LATERAL (
            SELECT room_id, valid FROM place_room WHERE place_id = a.id OFFSET 0
        ) p
        JOIN room r ON r.id = p.room_id JOIN building b ON b.id = r.building_id
        WHERE p.valid && tstzrange(%(since)s, %(until)s, %(bounds)s)
    """,
    "vehicle": """
        SELECT v.id, v.id AS leaf_id, NULL::int AS room_id, NULL::int AS building_id,
               v.institution_id, '(,)'::tstzrange AS held
        FROM asked a JOIN vehicle v ON v.id = a.id
    """,
}
# Many things have the same above them: tags are looked up once for all of these, by index.
# OFFSET keeps the planner from reading all tags for each of them while it has no statistics.
_TAGS: Final[LiteralString] = """
WITH asked AS (SELECT DISTINCT unnest(%(ids)s::int[]) AS id), sits AS ({sits}), above AS (
    SELECT u.kind, u.subject_id, s.held, array_agg(s.id) AS ids
    FROM sits s CROSS JOIN LATERAL (VALUES
        (%(kind)s, s.leaf_id), ('room', s.room_id), ('building', s.building_id),
        ('institution', s.institution_id)
    ) AS u (kind, subject_id)
    WHERE u.subject_id IS NOT NULL GROUP BY u.kind, u.subject_id, s.held
)
SELECT a.ids, t.tag, lower(h.span) AS since, upper(h.span) AS until, t.kind, n.code, n.name,
       t.id AS number, t.reason
FROM above a
CROSS JOIN LATERAL (
    SELECT * FROM tag
    WHERE kind = a.kind AND subject_id = a.subject_id AND withdrawn_at IS NULL
        AND valid && tstzrange(%(since)s, %(until)s, %(bounds)s)
    OFFSET 0
) t
CROSS JOIN LATERAL (VALUES (t.valid * a.held)) AS h (span)
CROSS JOIN LATERAL (
    SELECT code, name FROM institution WHERE t.kind = 'institution' AND id = t.subject_id
    UNION ALL SELECT code, name FROM building WHERE t.kind = 'building' AND id = t.subject_id
    UNION ALL SELECT code, name FROM room WHERE t.kind = 'room' AND id = t.subject_id
    UNION ALL SELECT code, name FROM place WHERE t.kind = 'place' AND id = t.subject_id
    UNION ALL SELECT code, code FROM vehicle WHERE t.kind = 'vehicle' AND id = t.subject_id
) n
WHERE h.span && tstzrange(%(since)s, %(until)s, %(bounds)s)
ORDER BY t.tag, h.span, t.id
"""


@dataclass(frozen=True, slots=True)
class DatedTag:
    """A tag of a thing while ``since`` ≤ t < ``until``, UTC; None is unbounded.

    Attributes:
        tag: the word.
        since: when it begins to hold, or the thing came below what has it.
        until: when either ends.
        kind: of what has it: one of :data:`registry.tag_words.KINDS`.
        code: of what has it; the thing itself, or what hands it down.
        name: of what has it; of a vehicle its code, for few may know a plate.
        number: of its row, by which an entered one is withdrawn.
        reason: why it was entered; None: the inventory states it.
    """

    tag: str
    since: datetime | None
    until: datetime | None
    kind: str
    code: str
    name: str
    number: int
    reason: str | None

    def __str__(self) -> str:
        """For evidence: ``机房（301室）``."""
        return f"{tag_words.name(self.tag)}（{self.name}）"

    def holds(self, at: datetime) -> bool:
        """Tell whether the thing has it at a time."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


def statement(kind: str) -> LiteralString:
    """Return what reads the tags of things of one kind."""
    return _TAGS.format(sits=_SITS[kind])


def tags_at(
    conn: psycopg.Connection[Any],
    kind: str,
    ids: Collection[int],
    since: datetime,
    until: datetime,
) -> dict[int, tuple[DatedTag, ...]]:
    """Return the tags that things have at any time of a window, inherited ones included.

    Args:
        conn: any connection.
        kind: of all the things: one of :data:`registry.tag_words.KINDS`.
        ids: of the things; one statement, however many there are.
        since: where the window begins, aware.
        until: where it ends, itself outside; equal to ``since``: the tags of that moment.

    Returns:
        Id → tags by word and date; things without any are not in it. Dates are not cut to the
        window. The same word comes several times where several hand it down, or a place moved.
    """
    if since.tzinfo is None or until.tzinfo is None:
        raise ValueError("the time has no zone: pass an aware datetime, for example in UTC")
    bounds = "[]" if since == until else "[)"
    values = {"kind": kind, "ids": list(ids), "since": since, "until": until, "bounds": bounds}
    found: dict[int, list[DatedTag]] = defaultdict(list)
    with conn.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(statement(kind), values):
            having = row.pop("ids")
            tag = DatedTag(**row)
            for one in having:
                found[one].append(tag)
    return {one: tuple(tags) for one, tags in found.items()}
