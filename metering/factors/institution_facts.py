"""Facts of institutions in the database: entered, changed from a day on, withdrawn, read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, LiteralString

import psycopg

from metering.factors.dated import Span
from metering.factors.entering import days, insert, institution_id, refusing_overlap, withdraw
from metering.factors.kinds import FactKind
from registry.audit import Act, record
from registry.refusal import RefusedError

_PERSON_DAYS: Final = "人·日"
_MICRO: Final = Decimal("0.000001")
_MOST: Final = Decimal(10) ** 13

_INSERT: Final[LiteralString] = """
    INSERT INTO institution_fact
        (institution_id, code, value, valid, source, entered_by, entered_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
_HELD: Final[LiteralString] = """
    SELECT id, value, lower(valid), upper(valid), source FROM institution_fact
    WHERE institution_id = %s AND code = %s AND valid @> %s AND withdrawn_at IS NULL
    FOR UPDATE
"""
_READ: Final[LiteralString] = """
    SELECT i.code, f.code, lower(f.valid), upper(f.valid), f.value
    FROM institution_fact f JOIN institution i ON i.id = f.institution_id
    WHERE f.withdrawn_at IS NULL AND i.code = ANY(%s) ORDER BY i.code, f.code, f.valid
"""


_LIST: Final[LiteralString] = """
    SELECT f.id, i.code, f.code, f.value, lower(f.valid), upper(f.valid), f.source,
        f.entered_by, f.entered_at
    FROM institution_fact f JOIN institution i ON i.id = f.institution_id
    WHERE f.withdrawn_at IS NULL AND i.code = %s ORDER BY f.code, f.valid
"""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something known of an institution.

    Attributes:
        institution: its code.
        code: of the kind of fact, for example ``floor-area``.
        value: in the unit of that kind, ≥ 0.
        begin: first day.
        end: day after the last; None: until further notice.
        source: where it comes from, for example a certificate's number.
    """

    institution: str
    code: str
    value: Decimal
    begin: date
    end: date | None
    source: str


def enter(
    conn: psycopg.Connection[Any], act: Act, fact: Fact, kinds: Mapping[str, FactKind]
) -> int:
    """Enter a fact, with its line in the audit log.

    Args:
        conn: any connection; it becomes part of an open transaction.
        act: who and when.
        fact: what is known.
        kinds: from :func:`metering.factors.kinds.load_fact_kinds`.

    Returns:
        Its id, for :func:`withdraw_fact`.

    Raises:
        RefusedError: an unknown code, a value or time that cannot be, or an overlap.
    """
    name = _check(fact, kinds)
    valid = days(fact.begin, fact.end)
    message = (
        f"{fact.institution} 的{name}在这段时间内已有记录：请先撤回原记录，或改用“自某日起变更”"
    )
    with refusing_overlap(message), conn.transaction():
        institution = institution_id(conn, fact.institution)
        values = [institution, fact.code, fact.value, valid, fact.source, act.principal, act.at]
        entry = insert(conn, _INSERT, values)
        record(conn, act, "fact.enter", fact.institution, _detail(fact, entry))
    return entry


def change(
    conn: psycopg.Connection[Any], act: Act, fact: Fact, kinds: Mapping[str, FactKind]
) -> int:
    """Say that a fact is another one from ``fact.begin`` on, as one act.

    What held on that day is withdrawn and entered again up to the day before; the new value lasts
    to ``fact.end``, or as long as the old one would have when that is None.

    Returns:
        The new entry's id.

    Raises:
        RefusedError: as :func:`enter`; or nothing held on that day.
    """
    name = _check(fact, kinds)
    with conn.transaction():
        institution = institution_id(conn, fact.institution)
        held = conn.execute(_HELD, [institution, fact.code, fact.begin]).fetchone()
        if held is None:
            raise RefusedError(
                f"{fact.institution} 在 {fact.begin} 没有{name}：没有可变更的记录，请直接录入"
            )
        entry, value, begin, end, source = held
        withdraw_fact(conn, act, entry)
        if begin < fact.begin:
            enter(
                conn,
                act,
                Fact(fact.institution, fact.code, value, begin, fact.begin, source),
                kinds,
            )
        upto = end if fact.end is None else fact.end
        if fact.end is not None and (end is None or fact.end < end):
            enter(conn, act, Fact(fact.institution, fact.code, value, fact.end, end, source), kinds)
        new = Fact(fact.institution, fact.code, fact.value, fact.begin, upto, fact.source)
        return enter(conn, act, new, kinds)


def withdraw_fact(conn: psycopg.Connection[Any], act: Act, entry: int) -> None:
    """Withdraw a fact: it stays in the table, and counts no more.

    Raises:
        RefusedError: there is none, or it is withdrawn already.
    """
    withdraw(conn, act, "institution_fact", "fact.withdraw", entry)


def read(
    conn: psycopg.Connection[Any], institutions: Iterable[str]
) -> dict[tuple[str, str], list[Span]]:
    """Return what counts, in the order of time, by institution and code of the fact."""
    found: dict[tuple[str, str], list[Span]] = {}
    for institution, code, begin, end, value in conn.execute(_READ, [list(institutions)]):
        found.setdefault((institution, code), []).append(Span(begin, end, value))
    return found


@dataclass(frozen=True, slots=True)
class Entered:
    """A fact that counts, with who entered it when; ``id`` is for :func:`withdraw_fact`."""

    id: int
    fact: Fact
    by: str
    at: datetime


def entered(conn: psycopg.Connection[Any], institution: str) -> list[Entered]:
    """Return what counts of an institution, for people.

    Raises:
        RefusedError: there is no such institution.
    """
    institution_id(conn, institution)
    return [
        Entered(entry, Fact(of, code, value, begin, end, source), by, at)
        for entry, of, code, value, begin, end, source, by, at in conn.execute(_LIST, [institution])
    ]


def _check(fact: Fact, kinds: Mapping[str, FactKind]) -> str:
    """Refuse what cannot be; return the Chinese name."""
    kind = kinds.get(fact.code)
    if kind is None:
        known = "、".join(kinds)
        raise RefusedError(f"没有名为 {fact.code} 的机构信息：可用 {known}")
    if not fact.value.is_finite() or not 0 <= fact.value < _MOST:
        raise RefusedError(f"{kind.name}为 {fact.value}：必须是不小于 0 的数")
    if fact.value % _MICRO:
        raise RefusedError(f"{kind.name}为 {fact.value}：最多六位小数")
    if kind.whole and fact.value % 1:
        raise RefusedError(f"{kind.name}为 {fact.value}：必须是整数")
    if not fact.source.strip():
        raise RefusedError(f"{kind.name}没有来源：请填写依据，例如不动产权证号或人事台账")
    if kind.unit == _PERSON_DAYS and fact.end is None:
        raise RefusedError(f"{kind.name}是一段时间内的合计：请填写截止日期")
    days(fact.begin, fact.end)
    return kind.name


def _detail(fact: Fact, entry: int) -> dict[str, object]:
    return {
        "id": entry,
        "code": fact.code,
        "value": str(fact.value),
        "begin": fact.begin.isoformat(),
        "end": None if fact.end is None else fact.end.isoformat(),
        "source": fact.source,
    }
