"""How rules fare, as data; and what those that failed owe, until it is looked at again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row

from rules.derive.fared import Fared, Run
from rules.derive.recompute import Recomputed
from rules.derive.span import Look
from rules.kinds.catalogue import KINDS
from rules.kinds.model import Sort
from storage import arrays
from storage.due import FIRST_PAUSE, LONGEST_PAUSE, Claim

LOCK: Final = 0x6A69_6579_6F6E_6721

_OWE: Final[LiteralString] = """
INSERT INTO rule_owed (rule_id, sort, subject, ts_from, ts_to, since, error)
SELECT %(rule)s, %(sort)s, subject, ts_from, ts_to, %(now)s, error
FROM unnest(
    %(subjects)s::int[], %(froms)s::timestamptz[], %(tos)s::timestamptz[], %(errors)s::text[]
) AS owed (subject, ts_from, ts_to, error)
ON CONFLICT (rule_id, sort, subject) DO UPDATE SET
    ts_from = least(rule_owed.ts_from, excluded.ts_from),
    ts_to = greatest(rule_owed.ts_to, excluded.ts_to),
    error = excluded.error
"""
_NOTE: Final[LiteralString] = """
INSERT INTO rule_health AS known (
    rule_id, ran_at, took_us, subjects, failed, total_us, total_subjects, error, error_at
)
VALUES (%(rule)s, %(now)s, %(took)s, %(subjects)s, %(failed)s, %(took)s, %(subjects)s, %(error)s,
        CASE WHEN %(error)s::text IS NOT NULL THEN %(now)s END)
ON CONFLICT (rule_id) DO UPDATE SET
    ran_at = excluded.ran_at, took_us = excluded.took_us,
    subjects = excluded.subjects, failed = excluded.failed,
    total_us = known.total_us + excluded.total_us,
    total_subjects = known.total_subjects + excluded.total_subjects,
    error = coalesce(excluded.error, known.error),
    error_at = coalesce(excluded.error_at, known.error_at)
"""
# Due again, and owed no more: what fails again is owed again, by the transaction that finds it out.
# The pause doubles as long as anything is left when its time has come. What a rule owes of a kind
# that this program does not know waits for one that does: all other rules would look again in vain.
_DUE_AGAIN: Final[LiteralString] = """
WITH owing AS MATERIALIZED (
    SELECT rule.id AS rule_id FROM rule LEFT JOIN rule_health ON rule_id = rule.id
    WHERE (%(everything)s OR retry_at IS NULL OR retry_at <= %(now)s)
      AND meaning ->> 'kind' = ANY(%(kinds)s)
      AND EXISTS (SELECT FROM rule_owed WHERE rule_owed.rule_id = rule.id)
), again AS (
    DELETE FROM rule_owed USING owing WHERE rule_owed.rule_id = owing.rule_id
    RETURNING sort, subject, ts_from, ts_to
), due AS (
    INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
    SELECT sort, subject, min(ts_from), max(ts_to), 'a rule failed' FROM again
    GROUP BY sort, subject
)
INSERT INTO rule_health AS known (rule_id, tries, retry_at)
SELECT rule_id, 1, %(now)s + %(first)s FROM owing
ON CONFLICT (rule_id) DO UPDATE SET
    tries = known.tries + 1,
    retry_at = %(now)s
        + least(%(longest)s, %(first)s * power(2, least(known.tries, 30)))
"""
_CURED: Final[LiteralString] = """
UPDATE rule_health SET tries = 0, retry_at = NULL
WHERE tries > 0 AND retry_at <= %s
  AND NOT EXISTS (SELECT FROM rule_owed WHERE rule_owed.rule_id = rule_health.rule_id)
"""
_STANDING: Final[LiteralString] = """
SELECT rule.id AS rule, rule.code, rule.valid @> %(now)s::timestamptz AS in_force, ran_at,
       coalesce(took_us, 0) AS took_us, coalesce(subjects, 0) AS subjects,
       coalesce(total_us, 0) AS total_us, coalesce(total_subjects, 0) AS total_subjects,
       coalesce(owed.count, 0) AS owed, owed.since AS owed_since,
       coalesce(owed.error, health.error) AS error, error_at, retry_at
FROM rule
LEFT JOIN rule_health AS health ON health.rule_id = rule.id
LEFT JOIN LATERAL (
    SELECT count(*) AS count, min(since) AS since, max(error) AS error
    FROM rule_owed WHERE rule_id = rule.id HAVING count(*) > 0
) AS owed ON true
WHERE NOT isempty(valid)
ORDER BY rule.code, lower(valid) NULLS FIRST
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a version of a rule stands.

    Attributes:
        rule: its id.
        code: of the rule.
        in_force: whether it speaks of now.
        ran_at: when it last looked at anything; None: never.
        took_us: how long that batch of it took, µs.
        subjects: at how many it looked in it.
        total_us: how long it has worked altogether, µs.
        total_subjects: at how many it has looked, each time counted.
        owed: at how many it could not look, and has not since.
        owed_since: since when; None: it owes nothing.
        error: the last one.
        error_at: when that was.
        retry_at: when what it owes is tried again.
    """

    rule: int
    code: str
    in_force: bool
    ran_at: datetime | None
    took_us: int
    subjects: int
    total_us: int
    total_subjects: int
    owed: int
    owed_since: datetime | None
    error: str | None
    error_at: datetime | None
    retry_at: datetime | None


def owe(
    conn: psycopg.Connection[Any],
    sort: Sort,
    claims: Sequence[Claim],
    done: Recomputed,
    now: datetime,
) -> None:
    """Write down what rules could not look at, in the transaction that lets go of the claims.

    Where others are not what they were, too: one that speaks for its matter no more, or does now.

    Args:
        conn: in that transaction.
        sort: of the subjects.
        claims: each with a span.
        done: how the rules fared at them, and where episodes are others.
        now: the time, aware.
    """
    spans = {
        one.subject: Look(one.subject, one.spans[0].from_us, one.spans[-1].to_us)
        for one in claims
        if one.spans
    }
    for one in done.looks:
        spans[one.subject] = spans[one.subject].over((one.begin, one.end))
    for rule, failed in sorted(done.fared.failed().items()):
        subjects = sorted(failed)
        values = {
            "rule": rule,
            "sort": sort.value,
            "now": now,
            "subjects": arrays.ids(subjects),
            "froms": arrays.times([spans[one].begin for one in subjects]),
            "tos": arrays.times([spans[one].end for one in subjects]),
            "errors": [failed[one] for one in subjects],
        }
        conn.execute(_OWE, values)


def note(conn: psycopg.Connection[Any], fared: Fared, now: datetime) -> None:
    """Note how rules fared.

    Outside of the batch's transaction: workers side by side would wait for each other's rows.
    """
    for rule, run in sorted(fared.runs.items()):
        conn.execute(_NOTE, _noted(rule, run, now))


def due_again(conn: psycopg.Connection[Any], now: datetime, *, everything: bool = False) -> None:
    """Make due again what rules owe whose time has come; the pauses grow while they fail.

    Any number of programs may call it: one does it, the others return at once.

    Args:
        conn: an autocommit connection.
        now: the time, aware.
        everything: whether its time has come or not: somebody asks for it.
    """
    with conn.transaction():
        row = conn.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK]).fetchone()
        if row is None or not row[0]:
            return
        conn.execute(_CURED, [now])
        values = {"now": now, "first": FIRST_PAUSE, "longest": LONGEST_PAUSE, "kinds": list(KINDS)}
        conn.execute(_DUE_AGAIN, {**values, "everything": everything})


def standing(conn: psycopg.Connection[Any], now: datetime) -> list[Standing]:
    """Return how all versions of all rules stand, by code, then time."""
    with conn.cursor(row_factory=class_row(Standing)) as cursor:
        return cursor.execute(_STANDING, {"now": now}).fetchall()


def _noted(rule: int, run: Run, now: datetime) -> dict[str, object]:
    return {
        "rule": rule,
        "now": now,
        "took": run.took_us,
        "subjects": len(run.subjects),
        "failed": len(run.failed),
        "error": next(iter(run.failed.values()), None),
    }
