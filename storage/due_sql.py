"""The statements of a queue, of which :mod:`storage.due` says what they do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from psycopg import sql

MOST_DEATHS: Final = 3
"""A subject that killed its worker so often in a row is set aside."""

_MARK: Final = """
INSERT INTO {due} ({columns}, ts_from, ts_to, why) VALUES ({values}, %s, %s, %s)
"""
# None of these statements ever waits for another worker: rows that somebody holds stay due. A pause
# longer than any comes from a clock that ran ahead.
_RESTS: Final = "failed.retry_at > %(now)s AND failed.retry_at <= %(now)s + %(longest)s"
_PICK: Final = """
WITH picked AS MATERIALIZED (
    SELECT due.{subject} AS subject FROM {due} AS due
    WHERE {due_kind} AND {wanted} AND NOT EXISTS (
        SELECT FROM {failure} AS failed
        WHERE {failed_kind} AND failed.{subject} = due.{subject} AND {left_alone}
    )
    ORDER BY {order} LIMIT %(most)s FOR UPDATE SKIP LOCKED
), subjects AS MATERIALIZED (
    SELECT DISTINCT subject FROM picked
)
SELECT subject FROM subjects WHERE pg_try_advisory_xact_lock(%(lock)s, subject)
"""
# What fails is tried as a whole, or each success with its newest would hide what is wrong with it.
_NEWEST: Final = {
    "wanted": "due.ts_from >= %(since)s",
    "left_alone": "true",
    "order": "due.ts_from DESC",
}
_OLDEST: Final = {
    "wanted": "true",
    "left_alone": f"(failed.deaths > 0 OR {_RESTS})",
    "order": "due.id",
}
_SUSPECTS: Final = """
SELECT failed.{subject} FROM {failure} AS failed
WHERE {failed_kind} AND failed.deaths > 0 AND failed.deaths < {most_deaths} AND NOT ({rests})
  AND EXISTS (
    SELECT FROM {due} AS due WHERE {due_kind} AND due.{subject} = failed.{subject}
  )
ORDER BY failed.retry_at LIMIT %(most)s
"""
_ROWS: Final = """
SELECT due.id, due.{subject}, greatest(ts_from, '1900-01-01Z'), least(ts_to, '2900-01-01Z')
FROM {due} AS due
WHERE {due_kind} AND due.{subject} = ANY(%s::int[])
  AND ts_from >= coalesce(%s::timestamptz, '-infinity')
ORDER BY due.{subject}, ts_from, due.id FOR UPDATE SKIP LOCKED
"""
_FOLD: Final = """
WITH gone AS (
    DELETE FROM {due} WHERE id = ANY(%(rows)s::int8[]) RETURNING {subject} AS subject, added_at
), since AS (
    SELECT subject, min(added_at) AS added_at FROM gone GROUP BY subject
)
INSERT INTO {due} ({columns}, ts_from, ts_to, why, added_at)
SELECT {listed}, ts_from, ts_to, 'failed before', added_at
FROM unnest(%(subjects)s::int[], %(froms)s::timestamptz[], %(tos)s::timestamptz[])
    AS span (subject, ts_from, ts_to)
JOIN since USING (subject)
"""
_DONE: Final = "DELETE FROM {due} WHERE id = ANY(%s::int8[])"
_FAILED: Final = """
INSERT INTO {failure} AS known ({columns}, error, failures, first_at, last_at, retry_at)
SELECT {listed}, error, 1, %(now)s, %(now)s, %(now)s::timestamptz + %(first)s
FROM unnest(%(subjects)s::int[], %(errors)s::text[]) AS fresh (subject, error)
WHERE EXISTS (SELECT FROM {due} AS due WHERE {due_kind} AND due.{subject} = fresh.subject)
ON CONFLICT ({columns}) DO UPDATE
SET error = excluded.error, failures = known.failures + 1, last_at = excluded.last_at,
    retry_at = excluded.last_at
        + least(%(longest)s, %(first)s * power(2, least(known.failures, 20)))
"""
# After the first death there is no pause: it was in company, and is innocent in all likelihood.
_DIED: Final = """
INSERT INTO {failure} AS known ({columns}, error, failures, deaths, first_at, last_at, retry_at)
SELECT {listed}, 'a worker ended in the middle of it, killed or cut off; it is tried alone',
    1, 1, %(now)s, %(now)s, %(now)s
FROM unnest(%(subjects)s::int[]) AS fresh (subject)
WHERE EXISTS (SELECT FROM {due} AS due WHERE {due_kind} AND due.{subject} = fresh.subject)
ON CONFLICT ({columns}) DO UPDATE
SET failures = known.failures + 1, deaths = known.deaths + 1, last_at = excluded.last_at,
    retry_at = excluded.last_at
        + least(%(longest)s, %(first)s * power(2, least(known.failures, 20))),
    error = format(
        'workers ended in the middle of it, killed or cut off, %%s times in a row; %%s',
        known.deaths + 1,
        CASE WHEN known.deaths + 1 < {most_deaths} THEN 'it is tried alone' ELSE
            'it is set aside: find out why in the log of the kernel (out of memory?), '
            'then have it computed again' END)
"""
_CURED: Final = """
DELETE FROM {failure} AS failed WHERE {failed_kind} AND failed.{subject} = ANY(%s::int[])
"""
_PARDON: Final = """
UPDATE {failure} AS failed SET deaths = {most_deaths} - 1, retry_at = %(now)s
WHERE {failed_kind} AND failed.deaths >= {most_deaths}
  AND (%(subject)s::int IS NULL OR failed.{subject} = %(subject)s)
"""
# So many rows of one that nobody takes are worth putting together.
_GROWN: Final = """
SELECT failed.{subject} FROM {failure} AS failed
WHERE {failed_kind} AND failed.deaths > 0 AND failed.deaths >= {most_deaths} AND 100 = (
    SELECT count(*) FROM (
        SELECT FROM {due} AS due WHERE {due_kind} AND due.{subject} = failed.{subject} LIMIT 100
    ) AS part
)
"""
_WAITING: Final = """
SELECT count(*),
    min(due.added_at) FILTER (
        WHERE coalesce(failed.deaths, 0) < {most_deaths} AND ({rests}) IS NOT true),
    (SELECT count(*) FROM {failure} AS failed WHERE {failed_kind}),
    (SELECT count(*) FROM {failure} AS failed
     WHERE {failed_kind} AND failed.deaths > 0 AND failed.deaths >= {most_deaths})
FROM {due} AS due
LEFT JOIN {failure} AS failed ON {failed_kind} AND failed.{subject} = due.{subject}
WHERE {due_kind}
"""


@dataclass(frozen=True, slots=True)
class Statements:
    """What a queue says to the database."""

    mark: sql.Composed
    newest: sql.Composed
    oldest: sql.Composed
    suspects: sql.Composed
    rows: sql.Composed
    fold: sql.Composed
    done: sql.Composed
    failed: sql.Composed
    died: sql.Composed
    cured: sql.Composed
    pardon: sql.Composed
    grown: sql.Composed
    waiting: sql.Composed


def statements(tables: str, subject: str, kind: str | None) -> Statements:
    """Return the statements of a queue; see :class:`storage.due.Queue` for the arguments."""
    column, word = sql.Identifier(subject), sql.Literal(kind)
    parts: dict[str, sql.Composable] = {
        "due": sql.Identifier(f"{tables}_due"),
        "failure": sql.Identifier(f"{tables}_failure"),
        "subject": column,
        "columns": column,
        "values": sql.SQL("%s"),
        "listed": sql.SQL("subject"),
        "due_kind": sql.SQL("true"),
        "failed_kind": sql.SQL("true"),
        "rests": sql.SQL(_RESTS),
        "most_deaths": sql.Literal(MOST_DEATHS),
    }
    if kind is not None:
        parts |= {
            "columns": sql.SQL("kind, {}").format(column),
            "values": sql.SQL("{}, %s").format(word),
            "listed": sql.SQL("{}, subject").format(word),
            "due_kind": sql.SQL("due.kind = {}").format(word),
            "failed_kind": sql.SQL("failed.kind = {}").format(word),
        }

    def made(text: str, **more: str) -> sql.Composed:
        return sql.SQL(text).format(**parts, **{name: sql.SQL(more[name]) for name in more})

    return Statements(
        mark=made(_MARK),
        newest=made(_PICK, **_NEWEST),
        oldest=made(_PICK, **_OLDEST),
        suspects=made(_SUSPECTS),
        rows=made(_ROWS),
        fold=made(_FOLD),
        done=made(_DONE),
        failed=made(_FAILED),
        died=made(_DIED),
        cured=made(_CURED),
        pardon=made(_PARDON),
        grown=made(_GROWN),
        waiting=made(_WAITING),
    )
