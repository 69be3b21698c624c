"""Reporting relations and standings as they are entered, for lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg

from metering.tree.relations import Kind, Relation
from metering.tree.standing import Standing

_RELATIONS: Final[LiteralString] = """
SELECT r.id, subject_kind,
       CASE subject_kind
           WHEN 'institution' THEN (SELECT code FROM institution WHERE id = subject_id)
           WHEN 'building' THEN (SELECT code FROM building WHERE id = subject_id)
           WHEN 'room' THEN (SELECT code FROM room WHERE id = subject_id)
           ELSE (SELECT code FROM meter WHERE id = subject_id)
       END AS subject,
       kind,
       coalesce((SELECT jsonb_object_agg(code, parts)
                 FROM reporting_share JOIN institution i ON i.id = institution_id
                 WHERE relation_id = r.id), '{}'),
       lower(valid), upper(valid), note, entered_by, entered_at, withdrawn_by, withdrawn_at
FROM reporting_relation r WHERE %s OR withdrawn_at IS NULL
ORDER BY subject_kind, subject, lower(valid) NULLS FIRST, r.id
"""
_STANDINGS: Final[LiteralString] = """
SELECT p.id, code, district, type, level, lower(p.valid), upper(p.valid),
       entered_by, entered_at, withdrawn_by, withdrawn_at
FROM institution_place p JOIN institution ON institution.id = institution_id
WHERE %s OR withdrawn_at IS NULL ORDER BY code, lower(p.valid) NULLS FIRST, p.id
"""


@dataclass(frozen=True, slots=True)
class Entered:
    """Who entered it, and who withdrew it.

    Attributes:
        id: to withdraw it by.
        by: who entered it.
        at: when.
        withdrawn_by: None: it stands.
        withdrawn_at: the same.
    """

    id: int
    by: str
    at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None


def listed_relations(
    conn: psycopg.Connection[Any], *, withdrawn: bool = False
) -> list[tuple[Entered, Relation]]:
    """Return reporting relations by subject and day.

    Args:
        conn: any.
        withdrawn: those that were withdrawn, too.
    """
    return [_relation(*row) for row in conn.execute(_RELATIONS, [withdrawn])]


def listed_standings(
    conn: psycopg.Connection[Any], *, withdrawn: bool = False
) -> list[tuple[Entered, Standing]]:
    """Return where institutions stand, by institution and day.

    Args:
        conn: any.
        withdrawn: what was withdrawn, too.
    """
    return [
        (Entered(id_, *entered), Standing(code, district, type_, level, since, until))
        for id_, code, district, type_, level, since, until, *entered in conn.execute(
            _STANDINGS, [withdrawn]
        )
    ]


def _relation(id_: int, *row: Any) -> tuple[Entered, Relation]:  # noqa: ANN401 - a row of the list
    subject_kind, subject, kind, shares, since, until, note, *entered = row
    held: Mapping[str, int] = dict(sorted(shares.items()))
    return (
        Entered(id_, *entered),
        Relation(subject_kind, subject, Kind(kind), held, since, until, note),
    )
