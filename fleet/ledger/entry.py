"""Facts entered one at a time, and their history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row

from fleet.ledger.cells import shown as in_units
from fleet.ledger.fact_lines import FACTS, WHOLE, fact_line, fact_value
from fleet.ledger.lines import Line
from fleet.ledger.store import lock, put, standing
from fleet.ledger.words import Words
from registry.audit import Act, record
from registry.refusal import Fault, RefusedError
from registry.sheet import Refusals, Row, Sheet, plain

_HISTORY: Final[LiteralString] = """
    SELECT f.id, f.name, f.value, f.since, f.entered_by, f.entered_at, f.withdrawn_by,
        f.withdrawn_at
    FROM consumer_fact f JOIN fuel_consumer c ON c.id = f.consumer_id
    WHERE c.code = %s ORDER BY f.since, f.id
"""
_CONSUMER: Final[LiteralString] = """
    SELECT 1 FROM fuel_consumer WHERE code = %s AND withdrawn_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact as it was entered; ``withdrawn_at``: it no longer stands."""

    id: int
    name: str
    value: str
    since: date
    entered_by: str
    entered_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None


def enter_facts(  # noqa: PLR0913, PLR0917 - who says what of whom, since when
    conn: psycopg.Connection[Any],
    act: Act,
    code: str,
    said: Sequence[str],
    since: date,
    words: Words,
) -> int:
    """Enter facts of a consumer, all of them or none; return how many are new.

    Args:
        conn: in any state.
        act: who and when, in the site's zone.
        code: of the consumer.
        said: each ``状态=封存``, by the headings of the sheet of vehicles.
        since: the day from which on they hold.
        words: headings and choices.

    Raises:
        RefusedError: with everything that is wrong; nothing was entered.
    """
    with conn.transaction():
        lock(conn)
        if conn.execute(_CONSUMER, [code]).fetchone() is None:
            raise RefusedError(f"车辆 {code} 没有建账，请核对编码，或先导入“车辆”表")
        lines = _lines(code, said, since, words, act.at.date())
        there = standing(conn, "consumer_fact", [line.key for line in lines])
        wrong = [
            f"{words.heading('consumers', str(line.values['name']))}：自 {since} 起已录入"
            f"（编号 {there[line.key].id}），若要更正，请先撤回"
            for line in lines
            if line.key in there and there[line.key].content != line.content
        ]
        if wrong:
            raise RefusedError(*wrong)
        new = [line for line in lines if line.key not in there]
        put(conn, act, new, None)
        detail = {str(line.values["name"]): line.values["value"] for line in new}
        if new:
            record(conn, act, "vehicle.facts", code, {"since": since.isoformat(), **detail})
    return len(new)


def history(conn: psycopg.Connection[Any], code: str) -> list[Fact]:
    """Return all facts of a consumer, withdrawn ones too, by day."""
    with conn.cursor(row_factory=class_row(Fact)) as cursor:
        return cursor.execute(_HISTORY, [code]).fetchall()


def shown(name: str, value: str, words: Words) -> str:
    """Return a fact as sheets write it."""
    if name in WHOLE:
        return in_units(int(value), WHOLE[name][0])
    if name == "energy":
        return words.name("energies", value)
    return words.name(name, value) if name in words.choices else value


def _lines(code: str, said: Sequence[str], since: date, words: Words, today: date) -> list[Line]:
    known = {
        plain(heading): field
        for field, headings in words.headings["consumers"].items()
        if field in FACTS
        for heading in headings
    }
    refusals = Refusals()
    lines: list[Line] = []
    faults: list[Fault] = []
    for text in said:
        name, _, value = text.partition("=")
        field = known.get(plain(name))
        if field is None or not value.strip():
            usual = "、".join(words.heading("consumers", one) for one in FACTS)
            faults.append(Fault(text, f"不认识，请写成 状态=封存；可写：{usual}"))
            continue
        if field in (line.values["name"] for line in lines):
            faults.append(Fault(name, "写了两次，请删去一个"))
            continue
        sheet = Sheet("consumers", text, {}, {}, (), 1, ())
        row = Row(sheet, 1, {field: value}, refusals)
        found = fact_value(row, field, words, today)
        if found is not None:
            lines.append(fact_line(row, code, field, since, found))
    # A refusal names a cell, text!1: here the text alone was written.
    faults += [Fault("", one.replace("!1：", "：", 1)) for one in refusals.found]
    if faults:
        raise RefusedError(*faults)
    return lines
