"""What is missing of a meter, and why."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from metering.plan.usage import Window
from metering.quality.presence import Span, local_span, presence, within

GRAIN: Final = timedelta(minutes=15)
_QUARTER_S: Final = 900

_QUARTERS: Final[LiteralString] = """
    SELECT slot, covered_s FROM consumption
    WHERE meter_id = %s AND slot >= %s AND slot < %s ORDER BY slot
"""
_EVIDENCE: Final[LiteralString] = """
    SELECT
        EXISTS (SELECT FROM metering_failure WHERE kind = 'meter' AND subject = %(meter)s),
        EXISTS (SELECT FROM metering_due WHERE kind = 'meter' AND subject = %(meter)s
                  AND ts_from < %(end)s AND ts_to >= %(begin)s),
        EXISTS (SELECT FROM meter WHERE id = %(meter)s AND formula IS NOT NULL),
        EXISTS (SELECT FROM meter m JOIN device_place h ON h.place_id = m.place_id
                JOIN point p ON p.device_id = h.device_id AND p.class = 'counter'
                  AND p.name = coalesce(m.register, p.name)
                WHERE m.id = %(meter)s AND h.valid && tstzrange(%(begin)s, %(end)s)),
        EXISTS (SELECT FROM counter_finding WHERE meter_id = %(meter)s
                  AND kind IN ('jump', 'reset') AND micro IS NULL
                  AND ts < %(end)s AND until > %(begin)s),
        EXISTS (SELECT FROM counter_finding WHERE meter_id = %(meter)s
                  AND kind IN ('suspect', 'backwards', 'dip', 'spike')
                  AND ts < %(end)s AND until >= %(begin)s)
"""
_READINGS: Final[LiteralString] = """
    SELECT count(*), count(r.value) FROM meter m
    JOIN device_place h ON h.place_id = m.place_id
    CROSS JOIN LATERAL (
        SELECT id FROM point WHERE device_id = h.device_id AND class = 'counter'
          AND name = coalesce(m.register, name) ORDER BY id LIMIT 1
    ) AS counted
    JOIN reading r ON r.point_id = counted.id AND h.valid @> r.ts
    WHERE m.id = %(meter)s AND r.ts > %(begin)s AND r.ts < %(end)s
"""


class Why(enum.StrEnum):
    """Why nothing is known; the first that applies."""

    FAILED = "failed"  # it could not be computed
    WAITING = "waiting"  # it is still to be computed
    INPUT = "input"  # of a virtual meter: one of its inputs is unknown
    NO_COUNTER = "no_counter"  # what hangs there has no such counter
    UNKNOWN_STEP = "unknown_step"  # the counter jumped: how much was used nobody knows
    DOUBTED = "doubted"  # readings came and were left out
    SILENT = "silent"  # no reading came
    NO_VALUE = "no_value"  # readings came without a value: the device says "not available"
    FEW = "few"  # readings came, and none before or after to hold them against


WORDS: Final = {
    Why.FAILED: "计算失败",
    Why.WAITING: "等待重算",
    Why.INPUT: "计算表的输入项未知",
    Why.NO_COUNTER: "所装设备没有该累计量测点",
    Why.UNKNOWN_STEP: "读数跳变，用量未知",
    Why.DOUBTED: "读数可疑，未计入",
    Why.NO_VALUE: "设备返回无效值",
    Why.SILENT: "设备无数据",
    Why.FEW: "读数不足，无前后读数可比",
}


@dataclass(frozen=True, slots=True)
class Gap:
    """A time that should be known and is not."""

    span: Span
    why: Why


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about a time without figures.

    Attributes:
        failed: the meter could not be computed.
        waiting: something of the time is due.
        virtual: the meter is a formula.
        counter: a device with the counter hung there.
        unknown_step: a step of unknown size touches it.
        doubted: readings of it were left out.
        rows: readings inside of it.
        values: how many of them have a value.
    """

    failed: bool
    waiting: bool
    virtual: bool
    counter: bool
    unknown_step: bool
    doubted: bool
    rows: int
    values: int


def missing(
    conn: psycopg.Connection[Any], meter: int, window: Window, zone: ZoneInfo, now: datetime
) -> tuple[Gap, ...]:
    """What is missing of a meter in some days, with the reason.

    Args:
        conn: a connection.
        meter: its id.
        window: local days.
        zone: the site's.
        now: later than this nothing is missing yet; pass a moment before the clock's time, what is
            on its way is not missing.
    """
    whole = local_span(window, zone)
    if now <= whole.begin:
        return ()
    until = Span(whole.begin, min(whole.end, now))
    quarters = conn.execute(_QUARTERS, [meter, until.begin, until.end]).fetchall()
    spans = holes(quarters, within(presence(conn, meter), until))
    return tuple(Gap(span, reason(_evidence(conn, meter, span))) for span in spans)


def holes(quarters: Iterable[tuple[datetime, int]], expected: Sequence[Span]) -> tuple[Span, ...]:
    """The expected times of which nothing, or not all, is known, joined to whole spans.

    Args:
        quarters: (begin, seconds known) by time.
        expected: when figures are expected, in order.
    """
    covered = dict(quarters)
    found: list[Span] = []
    for span in expected:
        for piece in _pieces(span):
            slot = _slot(piece.begin)
            if covered.get(slot, 0) >= min(piece.seconds, _QUARTER_S):
                continue
            if found and found[-1].end == piece.begin:
                found[-1] = Span(found[-1].begin, piece.end)
            else:
                found.append(piece)
    return tuple(found)


def reason(evidence: Evidence) -> Why:
    """Why nothing is known, from what is known about it."""
    applies = {
        Why.FAILED: evidence.failed,
        Why.WAITING: evidence.waiting,
        Why.INPUT: evidence.virtual,
        Why.NO_COUNTER: not evidence.counter,
        Why.UNKNOWN_STEP: evidence.unknown_step,
        Why.DOUBTED: evidence.doubted,
        Why.SILENT: not evidence.rows,
        Why.NO_VALUE: not evidence.values,
        Why.FEW: True,
    }
    return next(why for why, true in applies.items() if true)


def _evidence(conn: psycopg.Connection[Any], meter: int, span: Span) -> Evidence:
    values = {"meter": meter, "begin": span.begin, "end": span.end}
    seen = conn.execute(_EVIDENCE, values).fetchone()
    counted = conn.execute(_READINGS, values).fetchone()
    if seen is None or counted is None:
        raise RuntimeError("a query without a FROM returned no row")
    return Evidence(*seen, *counted)


def _pieces(span: Span) -> Iterator[Span]:
    """A span cut at quarter hours."""
    begin = span.begin
    while begin < span.end:
        end = min(_slot(begin) + GRAIN, span.end)
        yield Span(begin, end)
        begin = end


def _slot(at: datetime) -> datetime:
    return at - timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)
