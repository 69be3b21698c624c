"""Rule sets in the database: each rule in versions that follow one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import psycopg
from psycopg.types.json import Jsonb
from psycopg.types.range import TimestamptzRange

from registry.audit import Act, record
from registry.refusal import RefusedError
from rules.ruleset.model import Escalation, Rule, RuleSet, Version
from rules.ruleset.restored import restored
from rules.subjects.catalogue import mark_all
from storage.times import ALWAYS_US, NEVER_US, us_of

_IN_FORCE: Final[LiteralString] = """
SELECT code, set_code, digest FROM rule WHERE upper_inf(valid) FOR UPDATE
"""
_CLOSE: Final[LiteralString] = """
UPDATE rule SET valid = valid * tstzrange(NULL, %s) WHERE code = ANY(%s) AND upper_inf(valid)
"""
_ADD: Final[LiteralString] = """
INSERT INTO rule (
    set_code, code, digest, meaning,
    title, severity, route, source, answer_days, answer_route, reading_unit, valid
)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_RENAME: Final[LiteralString] = """
UPDATE rule SET title = %s, severity = %s, route = %s, source = %s,
    answer_days = %s, answer_route = %s, reading_unit = %s
WHERE code = %s AND upper_inf(valid)
"""
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


def load(conn: psycopg.Connection[Any], act: Act, rule_set: RuleSet) -> Loaded:
    """Put a rule set in force from now on; what its rules found before stays as it is.

    A rule that was not there before speaks of the past only where its own ``from`` says so: nobody
    should have to answer for last year. Another version of a known one takes over now.

    Args:
        conn: a connection.
        act: who and when.
        rule_set: as it was read.

    Raises:
        RefusedError: a rule belongs to another set, or is about an institution that is not there.
    """
    with conn.transaction():
        conn.execute("LOCK TABLE rule IN SHARE ROW EXCLUSIVE MODE")
        known = {code: (of, digest) for code, of, digest in conn.execute(_IN_FORCE)}
        loaded = _compare(rule_set, known)
        _check_institutions(conn, rule_set)
        conn.execute(
            "INSERT INTO rule_set (code, text, loaded_at, loaded_by) VALUES (%s, %s, %s, %s)",
            [rule_set.code, rule_set.text, act.at, act.principal],
        )
        replaced = [code for code in loaded.added if code in known]
        conn.execute(_CLOSE, [act.at, [*replaced, *loaded.ended]])
        for rule in rule_set.rules:
            _put(conn, rule_set.code, rule, rule.code in loaded.kept, _valid(rule, act, replaced))
        if loaded.added or loaded.ended:
            mark_all(conn, "rules")
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


def _compare(rule_set: RuleSet, known: Mapping[str, tuple[str, str]]) -> Loaded:
    for rule in rule_set.rules:
        of = known.get(rule.code, (rule_set.code, ""))[0]
        if of != rule_set.code:
            raise RefusedError(
                f"规则 {rule.code}（第 {rule.line} 行）已属于规则集 {of}：请换一个编码，"
                f"或先从 {of} 中删去。"
            )
    same = [r.code for r in rule_set.rules if known.get(r.code, ("", ""))[1] == r.digest]
    codes = [rule.code for rule in rule_set.rules]
    gone = [c for c, (of, _) in known.items() if of == rule_set.code and c not in codes]
    return Loaded(tuple(c for c in codes if c not in same), tuple(sorted(gone)), tuple(same))


def _put(
    conn: psycopg.Connection[Any], set_code: str, rule: Rule, kept: bool, valid: TimestamptzRange
) -> None:
    answer = (rule.escalation.days, rule.escalation.route) if rule.escalation else (None, None)
    words = [rule.title, rule.severity.value, rule.route, rule.source, *answer, rule.reading]
    if kept:
        conn.execute(_RENAME, [*words, rule.code])
    else:
        meaning = Jsonb(rule.meaning)
        conn.execute(_ADD, [set_code, rule.code, rule.digest, meaning, *words, valid])


def _valid(rule: Rule, act: Act, replaced: Sequence[str]) -> TimestamptzRange:
    since = act.at if rule.code in replaced or rule.since is None else rule.since
    if rule.until is not None and rule.until <= since:
        raise RefusedError(
            f"规则 {rule.code}（第 {rule.line} 行）的 until 已过：删去这条规则，或改写 until。"
        )
    return TimestamptzRange(since, rule.until, "[)")


def _told(loaded: Loaded) -> dict[str, object]:
    return {"added": list(loaded.added), "ended": list(loaded.ended), "kept": len(loaded.kept)}
