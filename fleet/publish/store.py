"""Publications in their table: what stands, freezing one, withdrawing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from fleet.publish.content import Content, packed, unpacked
from registry.audit import Act, record
from registry.refusal import refuse

_COLUMNS: Final[LiteralString] = """
    SELECT p.id, i.code AS institution, i.name, p.month, p.revision, p.content AS text, p.basis,
        p.why, p.published_by, p.published_at, p.withdrawn_by, p.withdrawn_at, p.withdrawn_why
    FROM vehicle_publication p JOIN institution i ON i.id = p.institution_id
"""
_STANDING: Final[LiteralString] = (
    _COLUMNS
    + """
    WHERE i.code = %s AND p.month = %s AND p.withdrawn_at IS NULL ORDER BY p.revision DESC LIMIT 1
"""
)
_ALL: Final[LiteralString] = (
    _COLUMNS
    + """
    WHERE (%(month)s::date IS NULL OR p.month = %(month)s)
        AND (%(only)s::text[] IS NULL OR i.code = ANY(%(only)s))
    ORDER BY p.month DESC, i.code, p.revision
"""
)
_PUT: Final[LiteralString] = """
    INSERT INTO vehicle_publication (institution_id, month, revision, content, basis, why,
        published_by, published_at)
    SELECT i.id, %(month)s, 1 + coalesce((
            SELECT max(revision) FROM vehicle_publication
            WHERE institution_id = i.id AND month = %(month)s
        ), 0), %(content)s, %(basis)s, %(why)s, %(by)s, %(at)s
    FROM institution i WHERE i.code = %(institution)s RETURNING revision
"""
_WITHDRAW: Final[LiteralString] = """
    UPDATE vehicle_publication SET withdrawn_by = %s, withdrawn_at = %s, withdrawn_why = %s
    WHERE id = %s AND withdrawn_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Publication:
    """What was posted; see ``storage/migrations/0019_publication.sql``."""

    id: int
    institution: str
    name: str
    month: date
    revision: int
    text: str
    basis: Mapping[str, Any]
    why: str
    published_by: str
    published_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None
    withdrawn_why: str | None

    @property
    def content(self) -> Content:
        """What it says."""
        return unpacked(self.text)


def standing(conn: psycopg.Connection[Any], institution: str, month: date) -> Publication | None:
    """Return the newest publication that is not withdrawn; None: there is none."""
    with conn.cursor(row_factory=class_row(Publication)) as cursor:
        return cursor.execute(_STANDING, [institution, month]).fetchone()


def publications(
    conn: psycopg.Connection[Any],
    month: date | None = None,
    institutions: Sequence[str] | None = None,
) -> list[Publication]:
    """Return publications, the newest month first, withdrawn ones among them."""
    only = None if institutions is None else list(institutions)
    with conn.cursor(row_factory=class_row(Publication)) as cursor:
        return cursor.execute(_ALL, {"month": month, "only": only}).fetchall()


def freeze(  # noqa: PLR0913, PLR0917 - what is published, by whom, on what, and why
    conn: psycopg.Connection[Any],
    act: Act,
    month: date,
    content: Content,
    basis: Mapping[str, object],
    why: str,
) -> int:
    """Keep what is published, for good; return its revision.

    Args:
        conn: in the transaction in which the content was made, with the ledger locked.
        act: who and when.
        month: its first day.
        content: of the sheet.
        basis: vehicle → the records that its figures stand on.
        why: of a correction; empty for a first publication.
    """
    named = {
        "month": month,
        "content": packed(content),
        "basis": Jsonb(dict(basis)),
        "why": why,
        "by": act.principal,
        "at": act.at,
        "institution": content.institution,
    }
    row = conn.execute(_PUT, named).fetchone()
    if row is None:
        raise RuntimeError(f"institution {content.institution} is gone")
    revision = int(row[0])
    detail = {"month": content.month, "revision": revision, "why": why}
    record(conn, act, "vehicle.publish", content.institution, detail)
    return revision


def withdraw(
    conn: psycopg.Connection[Any], act: Act, institution: str, month: date, why: str
) -> int:
    """Withdraw what stands; the revision before it stands again. Return the withdrawn revision.

    Raises:
        RefusedError: nothing stands.
    """
    with conn.transaction():
        found = standing(conn, institution, month)
        if (
            found is None
            or not conn.execute(_WITHDRAW, [act.principal, act.at, why, found.id]).rowcount
        ):
            return refuse(institution, f"{month:%Y-%m} 没有有效的公示，不需要撤回")
        detail = {"month": f"{month:%Y-%m}", "revision": found.revision, "why": why}
        record(conn, act, "vehicle.publish.withdraw", institution, detail)
    return found.revision
