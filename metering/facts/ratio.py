"""CT and PT ratios with their dates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import tuple_row

from metering.facts import marks
from metering.facts.meters import Meter, find, mounted
from metering.facts.refusal import refuse_other, shown, writing
from metering.facts.resolution import not_whole, ratios, resolutions, unit_factor, whole
from metering.facts.span import ALWAYS, Span, of_range, to_range
from registry.audit import Act, record
from registry.refusal import Fault, raise_if_any, refuse

_MOST: Final = Decimal(10) ** 8
_INSERT: Final[LiteralString] = """
    INSERT INTO meter_ratio (meter_id, ct, pt, valid, entered_by, entered_at)
    VALUES (%s, %s, %s, %s, %s, %s) RETURNING id
"""
_WITHDRAW: Final[LiteralString] = """
    UPDATE meter_ratio r SET withdrawn_by = %s, withdrawn_at = %s
    FROM meter m WHERE m.id = r.meter_id AND r.id = %s AND r.withdrawn_at IS NULL
    RETURNING m.id, m.code, r.ct, r.pt, r.valid
"""
_STANDING: Final[LiteralString] = """
    SELECT r.id, r.ct, r.pt, r.valid FROM meter_ratio r
    WHERE r.meter_id = %s AND r.withdrawn_at IS NULL ORDER BY lower(r.valid) NULLS FIRST
"""


@dataclass(frozen=True, slots=True)
class RatioFact:
    """What somebody says of a meter's transformers.

    Attributes:
        meter: its code.
        ct: current transformer, primary ÷ secondary, for example 400 ÷ 5 = 80.
        pt: voltage transformer, likewise; 1 without one.
        span: while it is so.
    """

    meter: str
    ct: Decimal
    pt: Decimal
    span: Span


def standing_ratios(conn: psycopg.Connection[Any], meter: Meter) -> list[tuple[int, RatioFact]]:
    """Return a meter's ratios that nobody withdrew, with their ids, in order of time."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(_STANDING, [meter.id]).fetchall()
    return [
        (ratio_id, RatioFact(meter.code, ct, pt, span))
        for ratio_id, ct, pt, valid in rows
        if (span := of_range(valid)) is not None
    ]


def enter_ratio(
    conn: psycopg.Connection[Any], act: Act, fact: RatioFact, where: str = "变比"
) -> int:
    """Enter a ratio.

    Args:
        conn: in a transaction, or in autocommit mode.
        act: who and when.
        fact: what is said.
        where: where it stands, for a refusal: a cell, a line.

    Returns:
        Its id.

    Raises:
        RefusedError: the meter is unknown, the ratio is not above 0, makes no whole millionths or
            overlaps another one.
    """
    meter = find(conn, fact.meter, where)
    raise_if_any(_shape(meter, fact, where))
    with writing(conn, where):
        raise_if_any(_against(conn, meter, fact, where))
        row = conn.execute(
            _INSERT,
            [meter.id, fact.ct, fact.pt, to_range(fact.span), act.principal, act.at],
        ).fetchone()
        assert row is not None  # noqa: S101 - RETURNING
        record(conn, act, "ratio.enter", meter.code, {"id": row[0], **_detail(fact)})
        marks.meter(conn, meter.id, fact.span, f"ratio {row[0]} entered")
    return int(row[0])


def withdraw_ratio(conn: psycopg.Connection[Any], act: Act, ratio_id: int) -> RatioFact:
    """Withdraw a ratio: it stays, and counts no more.

    Raises:
        RefusedError: there is none with this id, or it was withdrawn already.
    """
    with conn.transaction(), conn.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(_WITHDRAW, [act.principal, act.at, ratio_id]).fetchone()
        if row is None:
            refuse(f"变比 #{ratio_id}", "没有这条变比，或已经撤销；用 jieyong meter show 查看编号")
        meter_id, code, ct, pt, valid = row
        fact = RatioFact(code, ct, pt, of_range(valid) or ALWAYS)
        record(conn, act, "ratio.withdraw", code, {"id": ratio_id, **_detail(fact)})
        marks.meter(conn, meter_id, fact.span, f"ratio {ratio_id} withdrawn")
    return fact


def correct_ratio(
    conn: psycopg.Connection[Any], act: Act, ratio_id: int, fact: RatioFact, where: str = "变比"
) -> int:
    """Withdraw a ratio and enter another in its place; both are kept.

    Raises:
        RefusedError: either is refused; then nothing changed.
    """
    with conn.transaction():
        was = withdraw_ratio(conn, act, ratio_id)
        refuse_other(f"变比 #{ratio_id}", was.meter, fact.meter)
        return enter_ratio(conn, act, fact, where)


def succeed_ratio(
    conn: psycopg.Connection[Any], act: Act, fact: RatioFact, where: str = "变比"
) -> int:
    """Enter a ratio that takes over from the one in force: that one ends where this begins.

    Raises:
        RefusedError: the ratio is refused; then nothing changed.
    """
    meter = find(conn, fact.meter, where)
    with conn.transaction():
        for ratio_id, held in standing_ratios(conn, meter):
            if held.span.until is None and held.span.first < fact.span.first:
                ended = replace(held, span=Span(held.span.since, fact.span.since))
                correct_ratio(conn, act, ratio_id, ended, where)
        return enter_ratio(conn, act, fact, where)


def _shape(meter: Meter, fact: RatioFact, where: str) -> Iterator[Fault]:
    """Yield what is wrong with a ratio by itself."""
    if meter.formula is not None:
        yield Fault(where, f"{meter.code} 是虚拟表，没有互感器；变比请登记在它引用的实体表上")
    for name, value in (("CT", fact.ct), ("PT", fact.pt)):
        if not value.is_finite() or not 0 < value < _MOST:
            yield Fault(where, f"{name} 是 {value}：变比必须大于 0；没有互感器请写 1")
        elif value != round(value, 4):
            yield Fault(where, f"{name} 是 {value}：变比最多 4 位小数，请按铭牌填写")
    if fact.span.first >= fact.span.end:
        yield Fault(where, "结束时间不晚于开始时间，请改正其中之一")


def _against(
    conn: psycopg.Connection[Any], meter: Meter, fact: RatioFact, where: str
) -> Iterator[Fault]:
    """Yield what is wrong with a ratio beside what is known."""
    for held in ratios(conn, meter.id, fact.span):
        bounds = f"{shown(held.span.since)} 至 {shown(held.span.until)}"
        yield Fault(
            where,
            f"与已登记的变比 CT {held.ct.normalize():f} × PT {held.pt.normalize():f}（{bounds}）"
            "时间重叠；请先更正或撤销那一条",
        )
    for one in mounted(conn, meter.id):
        common = one.span.common(fact.span)
        if common is None or one.register is None:
            continue
        factor = unit_factor(conn, one.device_id, one.register, meter.unit)
        for declared in resolutions(conn, one.device_id, one.register, common):
            resolution = declared * factor
            if not whole(resolution, fact.ct, fact.pt):
                yield not_whole(f"{where}，{one.device}", resolution, fact.ct, fact.pt)


def _detail(fact: RatioFact) -> dict[str, object]:
    return {
        "ct": f"{fact.ct.normalize():f}",
        "pt": f"{fact.pt.normalize():f}",
        "since": fact.span.since.isoformat() if fact.span.since else None,
        "until": fact.span.until.isoformat() if fact.span.until else None,
    }
