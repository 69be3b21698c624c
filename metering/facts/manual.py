"""Readings brought in from a sheet: looked at first, then entered, all of them or none."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import scalar_row, tuple_row

from metering.facts.acts import begin
from metering.facts.entry import insert
from metering.facts.entry_check import Checked, check
from metering.facts.meters import Mounted, find
from metering.facts.readings import Known, first_since
from metering.facts.refusal import shown, writing
from metering.facts.resolution import ratios
from metering.facts.sheet import Line
from metering.facts.span import Span
from registry.audit import Act, record
from registry.refusal import Fault, raise_if_any

_IMPORTED: Final[LiteralString] = """
    SELECT id FROM fact_act WHERE kind = 'import' AND sha256 = %s AND withdrawn_at IS NULL
"""
_LIMITS: Final[LiteralString] = """
    SELECT capacity, max_per_hour FROM device_register
    WHERE device_id = %s AND register = %s AND withdrawn_at IS NULL AND valid @> %s::timestamptz
"""
_KNOWN: Final[LiteralString] = "SELECT code FROM meter WHERE code = ANY(%s)"
_FEW: Final = 10
"""Unknown codes that may be slips of the pen."""
_USUAL: Final = timedelta(days=400)
_LEAST: Final = timedelta(days=7)
_TIMES: Final = 5
"""So many times the usual rate is worth a second look."""


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """What entering a line would come to.

    Attributes:
        last: the reading before it, of the database or of the sheet; None: it is the first.
        difference: register against the last reading, a rollover counted; None for a first one.
        consumption: difference × CT × PT, in the unit of the register.
        known: it is entered already and would be left alone.
        warnings: what is worth a second look; Chinese.
    """

    line: Line
    device: str
    last: Known | None
    difference: Decimal | None
    consumption: Decimal | None
    known: bool
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do.

    Attributes:
        rows: by meter and time.
        sha256: of what is said, however the file looks.
        imported: id of the act that brought in exactly this already; None: none did.
    """

    rows: tuple[PreviewRow, ...]
    sha256: str
    imported: int | None


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    Attributes:
        act_id: to withdraw it by; None: there was nothing new.
        entered: readings that are new.
        known: readings that were entered already.
    """

    act_id: int | None
    entered: int
    known: int


def preview(conn: psycopg.Connection[Any], lines: Sequence[Line], now: datetime) -> Preview:
    """Say what an import would do, and do nothing.

    Raises:
        RefusedError: it would be refused; names every cell.
    """
    ordered = sorted(lines, key=lambda line: (line.entry.meter, line.entry.at))
    checks = _checked(conn, ordered, now)
    rows: list[PreviewRow] = []
    for line, checked in zip(ordered, checks, strict=True):
        earlier = rows[-1] if rows else None
        rows.append(_row(conn, line, checked, earlier))
    digest = digest_of(lines)
    with conn.cursor(row_factory=scalar_row) as cursor:
        imported: int | None = cursor.execute(_IMPORTED, [digest]).fetchone()
    return Preview(tuple(rows), digest, imported)


def apply(conn: psycopg.Connection[Any], act: Act, lines: Sequence[Line], source: str) -> Imported:
    """Enter the readings of a sheet as one act; the same ones again change nothing.

    Args:
        conn: in a transaction, or in autocommit mode.
        act: who and when.
        lines: what the sheet says.
        source: name of the file.

    Raises:
        RefusedError: a reading cannot be true; names every cell, and nothing was entered.
    """
    with writing(conn, source):
        checks = _checked(conn, lines, act.at)
        new = [
            (line, checked.held)
            for line, checked in zip(lines, checks, strict=True)
            if checked.same is None and checked.held is not None
        ]
        skipped = len(lines) - len(new)
        if not new:
            return Imported(None, 0, skipped)
        act_id = begin(conn, act, "import", source, digest_of(lines))
        detail = {"id": act_id, "entered": len(new), "known": skipped}
        record(conn, act, "import.enter", source, detail)
        for line, held in new:
            insert(conn, act, line.entry, held, act_id)
    return Imported(act_id, len(new), skipped)


def digest_of(lines: Sequence[Line]) -> str:
    """Return what tells one import from another: what it says, in any order."""
    said = sorted(
        (
            line.entry.meter,
            line.entry.at.astimezone(UTC).isoformat(),
            f"{line.entry.value.normalize():f}",
            line.entry.note,
        )
        for line in lines
    )
    return hashlib.sha256(repr(said).encode()).hexdigest()


def _checked(conn: psycopg.Connection[Any], lines: Sequence[Line], now: datetime) -> list[Checked]:
    raise_if_any(_strangers(conn, lines))
    checks = [check(conn, line.entry, now, line.where) for line in lines]
    faults: list[Fault] = [fault for checked in checks for fault in checked.faults]
    raise_if_any(faults)
    return checks


def _strangers(conn: psycopg.Connection[Any], lines: Sequence[Line]) -> Iterator[Fault]:
    """Name the cells of unknown codes, where there are so many that another column is meant.

    Looking for what each may be meant for takes minutes then, and helps nobody.
    """
    stated = {line.entry.meter for line in lines}
    with conn.cursor(row_factory=scalar_row) as cursor:
        strange = stated.difference(cursor.execute(_KNOWN, [list(stated)]).fetchall())
    for line in lines if len(strange) > _FEW else ():
        if line.entry.meter in strange:
            what = f"没有编码为 {line.entry.meter} 的计量表；用 jieyong meter list 查看全部编码"
            yield Fault(line.where.meter, what)


def _row(
    conn: psycopg.Connection[Any], line: Line, checked: Checked, earlier: PreviewRow | None
) -> PreviewRow:
    held, entry = checked.held, line.entry
    assert held is not None  # noqa: S101 - refused otherwise
    last = _last(line, checked, held, earlier)
    capacity, most = _limits(conn, held, entry.at)
    difference = None if last is None else entry.value - last.value
    warnings = ["只写了日期，按当天 00:00 计"] if line.only_day else []
    if last is not None and difference is not None and difference < 0:
        if capacity is not None and capacity + difference <= capacity / 4:
            difference += capacity
            warnings.append(f"表已翻转（满度 {capacity.normalize():f}）")
        else:
            at = shown(last.at, entry.at)
            warnings.append(f"低于 {at} 的读数 {last.value:f}，将按清零或换表判断")
    elif last is not None and difference is not None:
        warnings += _high(conn, held, line, (last, difference, most))
    factor = _factor(conn, entry.meter, entry.at)
    used = None if difference is None or difference < 0 else difference * factor
    known = checked.same is not None
    return PreviewRow(line, held.device, last, difference, used, known, tuple(warnings))


def _last(line: Line, checked: Checked, held: Mounted, earlier: PreviewRow | None) -> Known | None:
    """Return the reading before a line; it can stand in the same sheet."""
    same = earlier is not None and earlier.line.entry.meter == line.entry.meter
    if earlier is None or not same or earlier.device != held.device:
        return checked.last
    above = Known(earlier.line.entry.at, earlier.line.entry.value, entered=True)
    return above if checked.last is None or above.at >= checked.last.at else checked.last


def _limits(
    conn: psycopg.Connection[Any], held: Mounted, at: datetime
) -> tuple[Decimal | None, Decimal | None]:
    with conn.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(_LIMITS, [held.device_id, held.register, at]).fetchone()
    return (row[0], row[1]) if row else (None, None)


def _high(
    conn: psycopg.Connection[Any],
    held: Mounted,
    line: Line,
    step: tuple[Known, Decimal, Decimal | None],
) -> list[str]:
    """Warn of a difference that the counter, or its past, makes implausible."""
    last, difference, most = step
    hours = Decimal((line.entry.at - last.at).total_seconds()) / 3600
    if hours <= 0:
        return []
    rate = difference / hours
    if most is not None and rate > most:
        return [f"每小时 {rate:.2f}，超过该表每小时最大增量 {most.normalize():f}"]
    past = first_since(conn, held, last.at - _USUAL)
    if most is not None or past is None or last.at - past.at < _LEAST:
        return []
    usual = (last.value - past.value) / (Decimal((last.at - past.at).total_seconds()) / 3600)
    if 0 < usual * _TIMES < rate:
        return [f"每小时 {rate:.2f}，是此前平均 {usual:.2f} 的 {rate / usual:.0f} 倍"]
    return []


def _factor(conn: psycopg.Connection[Any], meter: str, at: datetime) -> Decimal:
    held = ratios(conn, find(conn, meter).id, Span(at, at + timedelta(microseconds=1)))
    return held[0].ct * held[0].pt if held else Decimal(1)
