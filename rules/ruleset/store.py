"""Rule sets in the database: each rule in versions that follow one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg.types.json import Jsonb
from psycopg.types.range import TimestamptzRange

from registry.audit import Act, record
from registry.refusal import RefusedError
from rules.kinds.catalogue import KINDS
from rules.kinds.model import Sort
from rules.ruleset.model import Escalation, Rule, RuleSet, Version
from rules.ruleset.restored import restored
from rules.subjects.catalogue import SUBJECTS, mark_from
from storage.times import ALWAYS_US, NEVER_US, us_of

# Of each rule at most one version: what follows another begins where that ends.
_GOES_ON: Final[LiteralString] = """
NOT isempty(valid) AND (upper_inf(valid) OR upper(valid) > %s)
"""
_IN_FORCE: Final[LiteralString] = f"""
SELECT code, set_code, digest, meaning ->> 'kind', upper(valid) FROM rule
WHERE {_GOES_ON} FOR UPDATE
"""  # noqa: S608 - our own text
_CLOSE: Final[LiteralString] = f"""
UPDATE rule SET valid = valid * tstzrange(NULL, %s) WHERE code = ANY(%s) AND {_GOES_ON}
"""  # noqa: S608 - our own text
_ADD: Final[LiteralString] = """
INSERT INTO rule (
    set_code, code, digest, meaning,
    title, severity, route, source, answer_days, answer_route, reading_unit, valid
)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_RENAME: Final[LiteralString] = f"""
UPDATE rule SET title = %s, severity = %s, route = %s, source = %s,
    answer_days = %s, answer_route = %s, reading_unit = %s, valid = tstzrange(lower(valid), %s)
WHERE code = %s AND {_GOES_ON}
"""  # noqa: S608 - our own text
_ALL: Final[LiteralString] = """
SELECT id, code, title, severity, route, source, meaning, answer_days, answer_route,
       reading_unit, lower(valid), upper(valid)
FROM rule WHERE NOT isempty(valid) ORDER BY code, lower(valid) NULLS FIRST
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading a rule set changed, by the codes of rules.

    Attributes:
        added: new rules, and new versions of known ones.
        ended: rules that the set held before and holds no more.
        kept: rules that mean what they meant.
    """

    added: tuple[str, ...]
    ended: tuple[str, ...]
    kept: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """A version that goes on: of which set and kind, what it means, until when."""

    set_code: str
    digest: str
    kind: str
    until: datetime | None


def load(conn: psycopg.Connection[Any], act: Act, rule_set: RuleSet) -> Loaded:
    """Put a rule set in force from now on; what its rules found before stays as it is.

    A rule that was not there before speaks of the past only where its own ``from`` says so: nobody
    should have to answer for last year. Another version of a known one takes over now.

    Args:
        conn: a connection.
        act: who and when.
        rule_set: as it was read.

    Raises:
        RefusedError: a rule belongs to another set, its end has passed, or it is about an
            institution that is not there.
    """
    with conn.transaction():
        conn.execute("LOCK TABLE rule IN SHARE ROW EXCLUSIVE MODE")
        known = {code: _Known(*row) for code, *row in conn.execute(_IN_FORCE, [act.at])}
        loaded = _compare(rule_set, known)
        _check_institutions(conn, rule_set)
        conn.execute(
            "INSERT INTO rule_set (code, text, loaded_at, loaded_by) VALUES (%s, %s, %s, %s)",
            [rule_set.code, rule_set.text, act.at, act.principal],
        )
        replaced = [code for code in loaded.added if code in known]
        conn.execute(_CLOSE, [act.at, [*replaced, *loaded.ended], act.at])
        changes = [(known[code].kind, act.at) for code in (*replaced, *loaded.ended)]
        for rule in rule_set.rules:
            valid = _valid(rule, act, replaced)
            if rule.code in loaded.kept:
                _rename(conn, rule, act.at)
                changes += _other_end(known[rule.code], rule)
            else:
                _add(conn, rule_set.code, rule, valid)
                changes.append((rule.kind.code, valid.lower or act.at))
        _mark(conn, changes)
        record(conn, act, "rules.load", rule_set.code, _told(loaded))
    return loaded


def versions(conn: psycopg.Connection[Any]) -> tuple[Version, ...]:
    """Return all versions of all rules."""
    return tuple(
        Version(
            id_,
            restored(
                code, title, severity, route, source, meaning, _escalation(days, above), reading
            ),
            ALWAYS_US if begin is None else us_of(begin),
            NEVER_US if end is None else us_of(end),
        )
        for (
            id_,
            code,
            title,
            severity,
            route,
            source,
            meaning,
            days,
            above,
            reading,
            begin,
            end,
        ) in conn.execute(_ALL)
    )


def _escalation(days: int | None, route: str | None) -> Escalation | None:
    return None if days is None else Escalation(days, route)


def _check_institutions(conn: psycopg.Connection[Any], rule_set: RuleSet) -> None:
    known = {code for (code,) in conn.execute("SELECT code FROM institution")}
    for rule in rule_set.rules:
        missing = sorted(rule.institutions - known)
        if missing:
            raise RefusedError(
                f"规则 {rule.code}（第 {rule.line} 行）的 institutions：机构 "
                f"{'、'.join(missing)} 不存在，请核对编码"
            )


def _compare(rule_set: RuleSet, known: Mapping[str, _Known]) -> Loaded:
    for rule in rule_set.rules:
        of = known[rule.code].set_code if rule.code in known else rule_set.code
        if of != rule_set.code:
            raise RefusedError(
                f"规则 {rule.code}（第 {rule.line} 行）已属于规则集 {of}：请换一个编码，"
                f"或先从 {of} 中删去。"
            )
    same = [r.code for r in rule_set.rules if r.code in known and known[r.code].digest == r.digest]
    codes = [rule.code for rule in rule_set.rules]
    gone = [c for c, k in known.items() if k.set_code == rule_set.code and c not in codes]
    return Loaded(tuple(c for c in codes if c not in same), tuple(sorted(gone)), tuple(same))


def _rename(conn: psycopg.Connection[Any], rule: Rule, now: datetime) -> None:
    conn.execute(_RENAME, [*_words(rule), rule.until, rule.code, now])


def _add(conn: psycopg.Connection[Any], set_code: str, rule: Rule, valid: TimestamptzRange) -> None:
    meaning = Jsonb(rule.meaning)
    conn.execute(_ADD, [set_code, rule.code, rule.digest, meaning, *_words(rule), valid])


def _words(rule: Rule) -> list[object]:
    answer = (rule.escalation.days, rule.escalation.route) if rule.escalation else (None, None)
    return [rule.title, rule.severity.value, rule.route, rule.source, *answer, rule.reading]


def _other_end(known: _Known, rule: Rule) -> list[tuple[str, datetime]]:
    """From when on a rule that means the same says something else, for it ends at another time."""
    ends = [end for end in (known.until, rule.until) if end is not None]
    return [(known.kind, min(ends))] if known.until != rule.until else []


def _mark(conn: psycopg.Connection[Any], changes: Sequence[tuple[str, datetime]]) -> None:
    """Make due what rules are about that say something else now: from then on, not all before."""
    since: dict[Sort, datetime] = {}
    for kind, at in changes:
        # Of a kind that this program does not know, nobody here can say what it is about.
        for sort in {KINDS[kind].sort} & SUBJECTS.keys() if kind in KINDS else SUBJECTS:
            since[sort] = min(at, since.get(sort, at))
    for sort, at in since.items():
        mark_from(conn, sort, at, "rules")


def _valid(rule: Rule, act: Act, replaced: Sequence[str]) -> TimestamptzRange:
    since = act.at if rule.since is None else rule.since
    if rule.code in replaced:
        since = max(since, act.at)
    if rule.until is not None and rule.until <= since:
        raise RefusedError(
            f"规则 {rule.code}（第 {rule.line} 行）的 until 已过：删去这条规则，或改写 until。"
        )
    return TimestamptzRange(since, rule.until, "[)")


def _told(loaded: Loaded) -> dict[str, object]:
    return {"added": list(loaded.added), "ended": list(loaded.ended), "kept": len(loaded.kept)}
