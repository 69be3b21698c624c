"""Looking at what was refused."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

_ADVICE = "`jieyong quarantine list` shows what there is"
_NEWEST = """
SELECT source, origin, encode(digest, 'hex') AS digest, reason, length(payload) AS size, received_at
FROM quarantine
WHERE %(source)s::text IS NULL OR source = %(source)s
ORDER BY received_at DESC, digest LIMIT %(most)s
"""


class NotInQuarantineError(LookupError):
    """No refused message has the digest asked for."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One refused message, without its bytes.

    Attributes:
        digest: its key, in hexadecimal digits.
        size: bytes of the payload.
    """

    source: str
    origin: str
    digest: str
    reason: str
    size: int
    received_at: datetime


def newest(
    conn: psycopg.Connection, most: int = 50, source: str | None = None
) -> tuple[Quarantined, ...]:
    """The messages refused last, newest first; of one source when it is named."""
    with conn.cursor(row_factory=class_row(Quarantined)) as cursor:
        cursor.execute(_NEWEST, {"source": source, "most": most})
        return tuple(cursor)


def payload(conn: psycopg.Connection, digest: str) -> bytes:
    """The bytes of a refused message, as they arrived.

    Raises:
        NotInQuarantineError: no message has this digest (hexadecimal digits).
    """
    with contextlib.suppress(ValueError):
        query = "SELECT payload FROM quarantine WHERE digest = %s"
        row = conn.execute(query, [bytes.fromhex(digest)]).fetchone()
        if row is not None:
            return bytes(row[0])
    raise NotInQuarantineError(f"nothing in quarantine has the digest {digest!r}; {_ADVICE}")
