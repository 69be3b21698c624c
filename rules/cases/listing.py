"""Doubts as people look at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg

from registry.belonging import below
from registry.refusal import RefusedError
from rules.cases.life import State, Step, Verdict
from rules.kinds.model import Sort

# The unit is whose it was then: of a place, the institution of the building of its room.
_DOUBTS: Final[LiteralString] = """
SELECT doubt.id, doubt.state, doubt.sort, doubt.since, doubt.until, doubt.opened_at,
       doubt.rule_code AS rule, rule.title, rule.severity, rule.meaning ->> 'kind' AS kind,
       doubt.subject_id, doubt.subject, doubt.subject_name,
       room.name AS room, institution.code AS institution, institution.name AS institution_name,
       rule.route
FROM doubt_known AS doubt
JOIN LATERAL (
    SELECT title, severity, meaning, route FROM rule
    WHERE code = doubt.rule_code AND NOT isempty(valid)
    ORDER BY valid @> doubt.since DESC, lower(valid) DESC LIMIT 1
) AS rule ON true
LEFT JOIN room ON room.id = doubt.room_id
LEFT JOIN institution ON institution.id = doubt.institution_id
WHERE (%(ids)s::int[] IS NULL OR doubt.id = ANY(%(ids)s))
  AND doubt.until > %(begin)s AND doubt.since < %(end)s
  AND (%(states)s::text[] IS NULL OR doubt.state = ANY(%(states)s))
  AND (%(institutions)s::text[] IS NULL OR institution.code = ANY(%(institutions)s))
ORDER BY doubt.since DESC, doubt.id DESC
"""
_EVERYTHING: Final[Mapping[str, object]] = {
    "begin": "-infinity",
    "end": "infinity",
    "states": None,
    "institutions": None,
}
_DEEDS: Final[LiteralString] = """
SELECT at, principal, step, words, verdict, cause, measure FROM doubt_deed
WHERE doubt_id = %s ORDER BY id
"""
_VERDICTS: Final[LiteralString] = """
SELECT DISTINCT ON (doubt_id) doubt_id, verdict
FROM doubt_deed JOIN doubt ON doubt.id = doubt_id AND doubt.state = 'concluded'
WHERE doubt_id = ANY(%s) AND verdict IS NOT NULL
ORDER BY doubt_id, doubt_deed.id DESC
"""


@dataclass(frozen=True, slots=True)
class Listed:
    """A doubt with what people know it by.

    Attributes:
        id: its number.
        state: where it stands.
        sort: what it is about.
        since: when it began.
        until: when it ended, or how far it is known to go on.
        opened_at: when it was told.
        rule: code of the rule.
        title: of the rule, Chinese.
        severity: of the rule.
        kind: of the rule.
        subject_id: which.
        subject: its code.
        subject_name: what it is called.
        room: what its room is called; None: it is in none.
        institution: code; None: nobody's.
        institution_name: what it is called.
    """

    id: int
    state: State
    sort: Sort
    since: datetime
    until: datetime
    opened_at: datetime
    rule: str
    title: str
    severity: str
    kind: str
    subject_id: int
    subject: str
    subject_name: str
    room: str | None
    institution: str | None
    institution_name: str | None


@dataclass(frozen=True, slots=True)
class Done:
    """A step that was done with a doubt."""

    at: datetime
    principal: str
    step: Step
    words: str
    verdict: Verdict | None
    cause: str | None
    measure: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which doubts.

    Attributes:
        begin: those that go on behind it, aware.
        end: those that begin before it, aware.
        states: None: all.
        institutions: codes; theirs, and of all that stand below them; None: all.
        numbers: of doubts; None: all.
    """

    begin: datetime
    end: datetime
    states: Sequence[State] | None = None
    institutions: Sequence[str] | None = None
    numbers: Sequence[int] | None = None


def doubts(conn: psycopg.Connection[Any], wanted: Wanted) -> list[Listed]:
    """Return doubts, the newest first."""
    states = None if wanted.states is None else [state.value for state in wanted.states]
    institutions = None if wanted.institutions is None else below(conn, wanted.institutions)
    found = _listed(
        conn,
        {
            "ids": None if wanted.numbers is None else list(wanted.numbers),
            "begin": wanted.begin,
            "end": wanted.end,
            "states": states,
            "institutions": institutions,
        },
    )
    return [one for one, _ in found]


def doubt(conn: psycopg.Connection[Any], number: int) -> Listed:
    """Return one doubt.

    Raises:
        RefusedError: there is none with this number.
    """
    found = _listed(conn, {"ids": [number], **_EVERYTHING})
    if not found:
        raise RefusedError(f"没有编号为 {number} 的疑点；jieyong doubt list 列出全部。")
    return found[0][0]


def opened(
    conn: psycopg.Connection[Any], numbers: Sequence[int]
) -> list[tuple[Listed, str | None]]:
    """Return doubts by their numbers, each with the route of its rule."""
    return _listed(conn, {"ids": list(numbers), **_EVERYTHING}) if numbers else []


def history(conn: psycopg.Connection[Any], number: int) -> list[Done]:
    """Return what was done with a doubt, in order."""
    return [
        Done(at, who, Step(step), words, None if v is None else Verdict(v), cause, measure)
        for at, who, step, words, v, cause, measure in conn.execute(_DEEDS, [number])
    ]


def verdicts(conn: psycopg.Connection[Any], numbers: Sequence[int]) -> dict[int, Verdict]:
    """Return what doubts were concluded to be, of those that are concluded."""
    return {number: Verdict(word) for number, word in conn.execute(_VERDICTS, [list(numbers)])}


def _listed(
    conn: psycopg.Connection[Any], values: dict[str, object]
) -> list[tuple[Listed, str | None]]:
    rows = conn.execute(_DOUBTS, values).fetchall()
    return [
        (Listed(number, State(state), Sort(sort), *rest), route)
        for number, state, sort, *rest, route in rows
    ]
