"""The two ways a write can fail, and which database error is which."""

from __future__ import annotations

import psycopg


class StorageUnavailable(Exception):  # noqa: N818 - named for what the caller must know
    """The database cannot take the rows now: keep them and try again later.

    The connection was lost or refused, the server is shutting down or read-only, its disk is full,
    a lock or a statement took too long, the schema is not there yet, or anything else that is not
    the rows' own fault. After a connection lost during the commit the rows may be in: trying again
    does not double them.
    """


class RowsRefused(Exception):  # noqa: N818 - named for what the caller must know
    """At least one row can never be stored as it is: find it, put it aside, deliver the others."""


class AlreadyThere(Exception):  # noqa: N818 - an answer, not a fault
    """A key exists already; the slow path sorts it out."""


_ROWS_FAULT = (
    "22",  # data exception: out of range, broken packing, bytes that are not text
    "23",  # a constraint, other than the key
    "54",  # program limit: a document nested too deep or too large for the server
)


def translated(error: psycopg.Error) -> Exception:
    """Say what a database error means to the writer's caller.

    Returns:
        :class:`AlreadyThere`, :class:`RowsRefused` or :class:`StorageUnavailable`.
    """
    state = error.sqlstate or ""
    text = str(error).strip() or type(error).__name__
    if isinstance(error, psycopg.errors.UniqueViolation):
        return AlreadyThere(text)
    if state[:2] in _ROWS_FAULT:
        return RowsRefused(f"{text} (SQLSTATE {state})")
    return StorageUnavailable(f"{text} (SQLSTATE {state})" if state else text)
