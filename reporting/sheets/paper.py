"""A report as it is put on paper: figures, who signed, what was explained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from registry.refusal import RefusedError
from reporting.draft import store
from reporting.draft.period import Period
from reporting.draft.store import Draft
from reporting.forms.model import Edition
from reporting.forms.reading import edition_named
from reporting.life.acting import explained_of, signatures
from reporting.life.content import Explained
from reporting.life.life import Role

_HEAD: Final[LiteralString] = """
SELECT institution.name, institution.credit_code, report.id, encode(sha256, 'hex')
FROM report
JOIN institution ON institution.id = institution_id
JOIN report_revision AS revision ON revision.report_id = report.id AND number = %s
WHERE institution.code = %s AND cadence = %s AND first = %s
"""


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed, and on which local day."""

    name: str
    day: date


@dataclass(frozen=True, slots=True)
class Paper:
    """A revision with all that is printed of it.

    Attributes:
        name: of the institution.
        credit_code: 统一社会信用代码; empty: not known.
        edition: of its forms.
        draft: figures and findings.
        signatures: by role.
        explained: what was said of findings.
        sha256: of what is signed, hexadecimal; empty: of a draft.
    """

    name: str
    credit_code: str
    edition: Edition
    draft: Draft
    signatures: Mapping[Role, Signature]
    explained: Explained
    sha256: str


def read(  # noqa: PLR0913, PLR0917 - which, and how it is read
    conn: psycopg.Connection[Any],
    institution: str,
    period: Period,
    editions: tuple[Edition, ...],
    zone: ZoneInfo,
    number: int | None = None,
) -> Paper:
    """Read a revision of a report; without a number the last one.

    Raises:
        RefusedError: there is none.
    """
    found = store.revisions(conn, period, institution)
    draft = next((one for one in reversed(found) if number in {None, one.number}), None)
    if draft is None and found:
        raise RefusedError(f"{institution} {period.name}报表没有第 {number} 版：共 {len(found)} 版")
    if draft is None:
        raise store.missing(institution, period)
    values = [draft.number, institution, period.cadence.value, period.first]
    head = conn.execute(_HEAD, values).fetchone()
    name, credit_code, report, sha256 = head if head is not None else ("", None, 0, None)
    signed = signatures(conn, report, draft.number)
    return Paper(
        name,
        credit_code or "",
        edition_named(editions, draft.edition),
        draft,
        {one.role: Signature(one.name, one.at.astimezone(zone).date()) for one in signed},
        explained_of(conn, report, draft.number),
        sha256 or "",
    )
