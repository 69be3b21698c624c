"""Reporting relations: for whom a meter, room, building or institution counts, by local days.

They are entered and withdrawn, never edited: a correction withdraws one and enters another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final, LiteralString

import psycopg

from metering.tree import facts
from metering.tree.entering import days, id_of, scalar, shown_days
from metering.tree.holders import Holder, Places, Reporters
from metering.tree.timeline import Timeline
from registry import audit
from registry.refusal import RefusedError


class Kind(StrEnum):
    """For whom a subject's energy counts."""

    OWN = "own"  # for one institution that is named; an institution: for itself
    ON_BEHALF = "on_behalf"  # another reports it
    MERGED = "merged"  # both report as one
    SHARED = "shared"  # several, by fixed parts
    EXCLUDED = "excluded"  # nobody: let out, contractor, staff housing


SHOWN: Final[Mapping[str, str]] = {
    Kind.OWN: "自报",
    Kind.ON_BEHALF: "代报",
    Kind.MERGED: "合署",
    Kind.SHARED: "分摊",
    Kind.EXCLUDED: "不计入",
}
_ENTER: Final[LiteralString] = """
INSERT INTO reporting_relation (subject_kind, subject_id, kind, valid, note, entered_by, entered_at)
VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
_SHARE: Final[LiteralString] = """
INSERT INTO reporting_share (relation_id, institution_id, parts) VALUES (%s, %s, %s)
"""
_WITHDRAW: Final[LiteralString] = """
UPDATE reporting_relation SET withdrawn_by = %s, withdrawn_at = %s
WHERE id = %s AND withdrawn_at IS NULL RETURNING subject_kind
"""
# What holds already on one of the days.
_RIVAL: Final[LiteralString] = """
SELECT id, kind, valid FROM reporting_relation
WHERE subject_kind = %s AND subject_id = %s AND withdrawn_at IS NULL AND valid && %s
ORDER BY lower(valid) NULLS FIRST LIMIT 1
"""
_VIRTUAL: Final[LiteralString] = "SELECT formula IS NOT NULL FROM meter WHERE id = %s"
MOST_PARTS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Relation:
    """For whom a subject counts on some days.

    Attributes:
        subject_kind: ``institution``, ``building``, ``room`` or ``meter``.
        subject: its code.
        kind: how.
        shares: parts of each institution, by code; one institution unless shared, none when
            excluded, and none for an institution's own.
        since: first day; None: always.
        until: the day behind the last; None: for ever.
        note: why, for people.
    """

    subject_kind: str
    subject: str
    kind: Kind
    shares: Mapping[str, int] = field(default_factory=dict)
    since: date | None = None
    until: date | None = None
    note: str = ""


def enter_relation(conn: psycopg.Connection[Any], act: audit.Act, relation: Relation) -> int:
    """Enter a reporting relation.

    Returns:
        Its id, for :func:`withdraw_relation`.

    Raises:
        RefusedError: a code is unknown, the meter is virtual, the institutions do not fit the
            kind, there is no day in it, another relation of the subject holds on one of its days,
            or institutions would report for each other in a ring.
    """
    _check_shares(relation)
    valid = days(relation.since, relation.until)
    with conn.transaction():
        # One after the other: two that overlap or make a ring together must not miss each other.
        conn.execute("LOCK TABLE reporting_relation IN SHARE ROW EXCLUSIVE MODE")
        subject = id_of(conn, relation.subject_kind, relation.subject)
        _check_counted(conn, relation, subject)
        holders = {id_of(conn, "institution", code): n for code, n in relation.shares.items()}
        _check_rivals(conn, relation, subject)
        whose = [relation.subject_kind, subject, relation.kind.value, valid, relation.note]
        entered: int = scalar(conn, _ENTER, [*whose, act.principal, act.at])
        for holder, parts in holders.items():
            conn.execute(_SHARE, [entered, holder, parts])
        _check_rings(conn, relation)
        detail = {"id": entered, "kind": relation.kind.value, "shares": dict(relation.shares)}
        subject_shown = f"{relation.subject_kind} {relation.subject}"
        audit.record(conn, act, "relation.enter", subject_shown, {**detail, "days": str(valid)})
    return entered


def withdraw_relation(conn: psycopg.Connection[Any], act: audit.Act, relation_id: int) -> None:
    """Withdraw a relation: it never held.

    Raises:
        RefusedError: there is none with this id, or it is withdrawn already.
    """
    with conn.transaction():
        row = conn.execute(_WITHDRAW, [act.principal, act.at, relation_id]).fetchone()
        if row is None:
            raise RefusedError(f"没有编号为 {relation_id} 的有效上报关系：可能已经撤销")
        audit.record(conn, act, "relation.withdraw", f"relation {relation_id}")


def reporters(conn: psycopg.Connection[Any]) -> dict[int, Timeline[Holder]]:
    """Return for whom the figures of institutions count; those without a relation are absent.

    For what hangs at no meter, as bills and purchases do: a figure given to the holders by their
    shares (``shares.largest_remainder``) counts once in every summary.
    """
    known = facts.relations(conn)
    found = Reporters(known, Places({}, {}))
    return {id_: found.of_institution(id_) for kind, id_ in known if kind == "institution"}


def _check_shares(relation: Relation) -> None:
    fits = {
        Kind.OWN: len(relation.shares) == (relation.subject_kind != "institution"),
        Kind.ON_BEHALF: len(relation.shares) == 1,
        Kind.MERGED: len(relation.shares) == 1,
        Kind.SHARED: len(relation.shares) > 1,
        Kind.EXCLUDED: not relation.shares,
    }
    shown = f"{relation.subject}（{SHOWN[relation.kind]}）"
    if not fits[relation.kind]:
        raise RefusedError(
            f"{shown}：列了 {len(relation.shares)} 家机构；自报、代报、合署写 1 家"
            "（机构自报不写），分摊至少 2 家，不计入不写"
        )
    itself = relation.subject_kind == "institution" and relation.subject in relation.shares
    if itself and relation.kind is not Kind.SHARED:
        raise RefusedError(f"{shown}：机构不能由自己代报或与自己合署，请改成自报或更正机构")
    wrong = [code for code, n in relation.shares.items() if not 1 <= n <= MOST_PARTS]
    if wrong:
        raise RefusedError(f"{shown}：{wrong[0]} 的份额应是 1 到 {MOST_PARTS} 的整数")


def _check_counted(conn: psycopg.Connection[Any], relation: Relation, subject: int) -> None:
    """A virtual meter counts for nobody: a relation of it would do nothing, without a word."""
    if relation.subject_kind == "meter" and scalar(conn, _VIRTUAL, [subject]):
        raise RefusedError(
            f"{relation.subject} 是虚拟表，本身不计入任何机构：请对组成它的表录入上报关系"
        )


def _check_rivals(conn: psycopg.Connection[Any], relation: Relation, subject: int) -> None:
    valid = days(relation.since, relation.until)
    rival = conn.execute(_RIVAL, [relation.subject_kind, subject, valid]).fetchone()
    if rival is not None:
        id_, kind, held = rival
        raise RefusedError(
            f"{relation.subject}：{shown_days(held)} 已有{SHOWN[kind]}关系（编号 {id_}）；"
            "请先撤销它，或改掉重叠的日期"
        )


def _check_rings(conn: psycopg.Connection[Any], relation: Relation) -> None:
    if relation.subject_kind != "institution":
        return
    found = Reporters(facts.relations(conn), Places({}, {}))
    found.of_institution(id_of(conn, "institution", relation.subject))
    if found.rings:
        rows = conn.execute(
            "SELECT code FROM institution WHERE id = ANY(%s) ORDER BY code", [sorted(found.rings)]
        )
        codes = "、".join(code for (code,) in rows)
        raise RefusedError(f"{relation.subject}：机构 {codes} 会互相代报成环；请更正上报机构或日期")
