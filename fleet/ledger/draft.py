"""What an import would do: the file held against what stands. Reads only."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from fleet.ledger import fact_lines, record_lines
from fleet.ledger.holders import Dated, standing_holders
from fleet.ledger.lines import COLUMNS, Line, Reading
from fleet.ledger.sheets import read_sheets
from fleet.ledger.store import standing
from fleet.ledger.words import Papers
from registry.sheet import Refusals, Row, Sheet

_INSTITUTIONS: Final[LiteralString] = "SELECT code FROM institution"
_VEHICLES: Final[LiteralString] = """
    SELECT v.code, i.code FROM vehicle v JOIN institution i ON i.id = v.institution_id
"""
_HELD: Final[LiteralString] = """
    SELECT card, since, consumer_id IS NOT NULL FROM fuel_card_fact
    WHERE withdrawn_at IS NULL AND card = ANY(%s)
"""
_ORDER: Final = ("consumers", "cards", "orders", "spending", "parties", "budgets")
"""Consumers first: the rest names them."""

Progress = Callable[[int, int], None]
"""Told how many rows are read, and of how many."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What an import would bring in. Nothing: everything of the file stands already.

    Attributes:
        source: name of the file.
        sha256: of its bytes.
        provider: who uploads records of its own; empty: the institution.
        lines: what is new.
        unchanged: lines that stand already, or twice in the file under one transaction id.
        warnings: what deserves a look, in Chinese, with the cell.
        ignored: headings that mean nothing to us, by sheet.
    """

    source: str
    sha256: str
    provider: str
    lines: tuple[Line, ...]
    unchanged: int
    warnings: tuple[str, ...]
    ignored: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.lines)

    def counts(self) -> dict[str, int]:
        """Return table → number of new lines."""
        return dict(Counter(line.table for line in self.lines))


def draft(  # noqa: PLR0913, PLR0917 - the file, and how it is read
    conn: psycopg.Connection[Any],
    path: Path,
    papers: Papers,
    zone: ZoneInfo,
    today: date,
    progress: Progress = lambda _done, _of: None,
) -> Draft:
    """Read a file and say what importing it would do; nothing is changed.

    Args:
        conn: in any state.
        path: our template filled in, or a provider's export.
        papers: the words, with the provider's mapping for its export.
        zone: the site's; times on paper are local.
        today: there; what is said to have happened later is refused.
        progress: told after every row.

    Raises:
        RefusedError: with every mistake and its cell.
    """
    refusals = Refusals()
    sheets = read_sheets(path, papers, refusals)
    reading = Reading(papers, zone, today, standing_holders(conn))
    lines = list(_lines(sheets, reading, refusals, progress))
    _refuse_unknown(conn, lines)
    new, unchanged = new_lines(conn, lines)
    refusals.raise_if_any()
    return Draft(
        source=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        provider=papers.provider,
        lines=tuple(new),
        unchanged=unchanged,
        warnings=tuple(_unbound(conn, new)),
        ignored=tuple(
            f"{sheet.name}：{'、'.join(sheet.ignored)}" for sheet in sheets if sheet.ignored
        ),
    )


def _lines(
    sheets: Sequence[Sheet], reading: Reading, refusals: Refusals, progress: Progress
) -> Iterator[Line]:
    same: Counter[str] = Counter()
    done, every = 0, sum(len(sheet.rows) for sheet in sheets)
    for sheet in sorted(sheets, key=lambda one: _ORDER.index(one.kind)):
        if sheet.kind == "spending":
            record_lines.check_units(sheet, refusals)
        for row in sheet.lines(refusals):
            done += 1
            progress(done, every)
            if not _is_total(row, reading):
                yield from _of_row(row, reading, same)
    progress(every, every)


def _of_row(row: Row, reading: Reading, same: Counter[str]) -> Iterator[Line]:
    words = reading.papers.words
    match row.sheet.kind:
        case "consumers":
            for line in fact_lines.consumer_lines(row, reading):
                _learn(line, reading)
                yield line
        case "cards":
            yield from fact_lines.card_lines(row, reading)
        case "orders":
            yield from record_lines.order_lines(row, reading)
        case "spending":
            yield from record_lines.spending_lines(row, reading, same)
        case "parties":
            yield from fact_lines.party_lines(row, words)
        case _:
            yield from fact_lines.budget_lines(row, reading)


def _learn(line: Line, reading: Reading) -> None:
    """Let later rows name what this row brings."""
    said = line.values
    if line.table == "fuel_consumer":
        reading.holders.institutions.setdefault(str(said["code"]), str(said["institution"]))
    elif said["name"] in {"plate", "energy"}:
        since = date.fromisoformat(str(said["since"]))
        known = Dated(str(said["consumer"]), str(said["name"]), since, str(said["value"]))
        reading.holders.add(known)


def _is_total(row: Row, reading: Reading) -> bool:
    totals = reading.papers.words.totals
    return any(str(value).strip() in totals for value in row.values.values())


def _refuse_unknown(conn: psycopg.Connection[Any], lines: Sequence[Line]) -> None:
    known = {code for (code,) in conn.execute(_INSTITUTIONS)}
    vehicles: dict[str, str] = dict(conn.execute(_VEHICLES).fetchall())
    for line in lines:
        code = line.values.get("institution")
        if code is not None and code not in known:
            line.row.refuse("institution", f"机构 {code} 不存在，请核对编码")
        if line.table == "fuel_consumer":
            owner = vehicles.get(str(line.values["code"]), code)
            if owner != code:
                line.row.refuse("institution", f"清册中这辆车属于机构 {owner}，请核对编码")


def new_lines(conn: psycopg.Connection[Any], lines: Sequence[Line]) -> tuple[list[Line], int]:
    """Return the lines that do not stand yet, and how many do.

    A line that says something else than what stands, or than another one of the file, is noted in
    the refusals of its row.
    """
    found: list[Line] = []
    unchanged = 0
    for table in COLUMNS:
        its = [line for line in lines if line.table == table]
        there = standing(conn, table, [line.key for line in its]) if its else {}
        first: dict[str, Line] = {}
        for line in its:
            other = first.setdefault(line.key, line)
            if other.content != line.content:
                said = f"与 {other.row.where} 说的是同一件事而内容不同，请只保留一行"
                line.row.refuse(_speaks_of(line), said)
            elif line.key not in there and other is line:
                found.append(line)
            elif line.key in there and there[line.key].content != line.content:
                number = there[line.key].id
                said = f"已录入（编号 {number}）而内容不同；若要更正，请先撤回："
                command = f"jieyong vehicle withdraw {table} {number}"
                line.row.refuse(_speaks_of(line), said + command)
            else:
                unchanged += 1
    return found, unchanged


def _speaks_of(line: Line) -> str:
    """Return the field that says what a line speaks of."""
    if line.table == "consumer_fact":
        return str(line.values["name"])
    return {
        "fuel_consumer": "code",
        "fuel_card_fact": "card",
        "fleet_spending": "transaction_id",
        "dispatch_order": "number",
        "fleet_party": "name",
        "fleet_budget": "amount",
        "fleet_fence": "code",
        "fleet_yard": "fence",
        "fleet_sealed": "days",
        "fleet_duty": "vehicle",
    }[line.table]


def _unbound(conn: psycopg.Connection[Any], lines: Sequence[Line]) -> Iterator[str]:
    """Warn of cards that were nobody's when they were used."""
    used = [line for line in lines if line.table == "fleet_spending" and line.values["card"]]
    cards = list({str(line.values["card"]) for line in used})
    held = [(card, at.timestamp(), bound) for card, at, bound in conn.execute(_HELD, [cards])]
    held += [
        (str(one["card"]), _seconds(one["since"]), one["consumer"] is not None)
        for one in (line.values for line in lines if line.table == "fuel_card_fact")
    ]
    since: dict[str, list[tuple[float, bool]]] = {}
    for card, at, bound in sorted(held):
        since.setdefault(card, []).append((at, bound))
    for line in used:
        at = _seconds(line.values["at"])
        before = [bound for start, bound in since.get(str(line.values["card"]), ()) if start <= at]
        if not (before and before[-1]):
            card = line.values["card"]
            yield f"{line.row.cell('card')}：油卡 {card} 当时没有绑定车辆，不计入任何车辆"


def _seconds(said: object) -> float:
    return datetime.fromisoformat(str(said)).timestamp()
