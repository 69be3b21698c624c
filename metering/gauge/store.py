"""Gauges and states of the quarters that readings touched, in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import numpy as np
import psycopg
import structlog

from metering.counter.model import Int64s
from metering.gauge import wire
from metering.gauge.gauge import GaugeQuarters, gauge_quarters
from metering.gauge.hold import Holds, Samples, clip, holds
from metering.gauge.settings import GaugeSettings
from metering.gauge.state import StateQuarters, fit_state, state_quarters
from metering.gauge.windows import PointSpan, Window, joined, micros, portions, touched
from storage import arrays
from storage.records import PG_EPOCH_US
from storage.times import at_us

_log = structlog.get_logger()

_POINTS: Final[LiteralString] = """
SELECT p.id, p.class, d.interval_s FROM point p JOIN device d ON d.id = p.device_id
WHERE p.id = ANY(%s)
"""
# `earliest` and `latest` say again what the windows say, as constants: TimescaleDB then leaves out
# chunks once, and not for each window.
FOLLOWING: Final[LiteralString] = """
SELECT span.n, following.ts
FROM unnest(%(points)s::int[], %(untils)s::timestamptz[], %(silences)s::int[])
    WITH ORDINALITY AS span (point, until, silence, n)
CROSS JOIN LATERAL (
    SELECT ts FROM reading
    WHERE point_id = span.point AND ts > span.until
        AND ts < span.until + span.silence * interval '1 second'
        AND ts > %(earliest)s AND ts < %(latest)s
    ORDER BY ts LIMIT 1
) AS following
"""
_WINDOWS: Final[LiteralString] = """
unnest(%(numbers)s::int[], %(points)s::int[], %(begins)s::int8[], %(ends)s::int8[],
       %(silences)s::int8[]) AS w (n, point, begin, until, silence)
"""
# All rows in one value: a message, and a Python object, for each would cost more than the look-up.
READINGS: Final[LiteralString] = f"""
SELECT string_agg(
    int4send(w.n) || timestamptz_send(r.ts) || float8send(coalesce(r.value, 'NaN')), ''::bytea)
FROM {_WINDOWS}
CROSS JOIN LATERAL (
    (SELECT ts, value FROM reading
     WHERE point_id = w.point
        AND ts < to_timestamp(w.begin) AND ts > to_timestamp(w.begin - w.silence)
        AND ts > %(earliest)s AND ts < %(latest)s
     ORDER BY ts DESC LIMIT 1)
    UNION ALL
    (SELECT ts, value FROM reading
     WHERE point_id = w.point AND ts >= to_timestamp(w.begin) AND ts < to_timestamp(w.until)
        AND ts > %(earliest)s AND ts < %(latest)s)
) AS r
"""  # noqa: S608 - our own text
_ROW: Final = np.dtype([("number", ">i4"), ("ts", ">i8"), ("value", ">f8")])
# By ctid, so that old rows are looked up by key whatever the planner believes of their number.
_DELETE: Final[LiteralString] = """
DELETE FROM {table} AS t USING {windows}
CROSS JOIN LATERAL (
    SELECT ctid, tableoid FROM {table} AS old
    WHERE old.point_id = w.point
        AND old.slot >= to_timestamp(w.begin) AND old.slot < to_timestamp(w.until)
    OFFSET 0
) AS old
WHERE t.ctid = old.ctid AND t.tableoid = old.tableoid
"""
DELETE_GAUGES: Final[LiteralString] = _DELETE.format(table="gauge", windows=_WINDOWS)
DELETE_STATES: Final[LiteralString] = _DELETE.format(table="state_time", windows=_WINDOWS)
_COPY_GAUGE: Final[LiteralString] = """
COPY gauge (point_id, slot, low, high, mean, covered_s) FROM STDIN (FORMAT binary)
"""
_COPY_STATE: Final[LiteralString] = """
COPY state_time (point_id, slot, value, seconds) FROM STDIN (FORMAT binary)
"""


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What :func:`recompute_points` did.

    Attributes:
        points: gauges and states that were looked at.
        gauge_rows: rows written for gauges.
        state_rows: rows written for states.
        unfit: readings of states that are no whole number of 32 bits: their time is unknown.
        ignored: ids that are no gauge and no state, or that the registry does not know.
    """

    points: int
    gauge_rows: int
    state_rows: int
    unfit: int
    ignored: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Point:
    is_state: bool
    silence_s: int


def recompute_points(
    conn: psycopg.Connection[Any], spans: Sequence[PointSpan], settings: GaugeSettings
) -> Recomputed:
    """Replace the quarter hours that readings within the spans can have changed.

    Any order and overlap of spans gives what one span over everything gives.

    Args:
        conn: in a transaction, at READ COMMITTED; nobody else may work on the same points before it
            ends: hold their locks.
        spans: where readings came.
        settings: how long values hold. For a device that is asked less often, its interval.

    Raises:
        ValueError: a span ends before it begins, or its times have no zone.
    """
    points = _points(conn, sorted({span.point_id for span in spans}), settings)
    ignored = tuple(sorted({span.point_id for span in spans} - points.keys()))
    if ignored:
        _log.warning("points_ignored", why="neither gauge nor state", points=ignored[:20])
    ours = [span for span in spans if span.point_id in points]
    gauge_rows = state_rows = unfit = 0
    for portion in portions(_windows(conn, ours, points)):
        gauges = [w for w in portion if not points[w.point_id].is_state]
        states = [w for w in portion if points[w.point_id].is_state]
        gauge_rows += _replace_gauges(conn, gauges)
        rows, strange = _replace_states(conn, states)
        state_rows += rows
        unfit += strange
    return Recomputed(len(points), gauge_rows, state_rows, unfit, ignored)


def _points(
    conn: psycopg.Connection[Any], ids: list[int], settings: GaugeSettings
) -> dict[int, _Point]:
    found = {}
    for point, class_, interval_s in conn.execute(_POINTS, [ids]):
        if class_ == "counter":
            continue
        silence = settings.state_silence_s if class_ == "state" else settings.gauge_silence_s
        found[point] = _Point(class_ == "state", max(silence, interval_s))
    return found


def _windows(
    conn: psycopg.Connection[Any], spans: Sequence[PointSpan], points: dict[int, _Point]
) -> list[Window]:
    following = _following(conn, spans, points)
    return joined(
        touched(span, points[span.point_id].silence_s * 1_000_000, following.get(number))
        for number, span in enumerate(spans)
    )


def _following(
    conn: psycopg.Connection[Any], spans: Sequence[PointSpan], points: dict[int, _Point]
) -> dict[int, int]:
    """Number of a span → time of the next reading behind it, where one stands within the silence.

    Where it would stand beyond, it does not matter.
    """
    if not spans:
        return {}
    # Planned with these values, so that chunks can be left out.
    found = conn.execute(FOLLOWING, _following_values(spans, points), prepare=False)
    return {number - 1: micros(ts) for number, ts in found}


def _following_values(spans: Sequence[PointSpan], points: dict[int, _Point]) -> dict[str, object]:
    silences = [points[span.point_id].silence_s for span in spans]
    ends = [micros(span.until) for span in spans]
    return {
        "points": [span.point_id for span in spans],
        "untils": [span.until for span in spans],
        "silences": silences,
        "earliest": at_us(min(ends)),
        "latest": at_us(max(ends) + max(silences) * 1_000_000),
    }


def _replace_gauges(conn: psycopg.Connection[Any], windows: Sequence[Window]) -> int:
    if not windows:
        return 0
    quarters = gauge_quarters(held(conn, _spans(windows)))
    conn.execute(DELETE_GAUGES, _values(_spans(windows)), prepare=False)
    _write_gauges(conn, _point_ids(windows)[quarters.subject], quarters)
    return len(quarters)


def _replace_states(conn: psycopg.Connection[Any], windows: Sequence[Window]) -> tuple[int, int]:
    if not windows:
        return 0, 0
    found = held(conn, _spans(windows))
    fit = fit_state(found.value)
    unfit = int((~fit).sum())
    if unfit:
        strange = np.unique(_point_ids(windows)[found.subject[~fit]])[:20].tolist()
        _log.warning("state_not_whole", readings=unfit, points=strange)
    quarters = state_quarters(found.where(fit))
    conn.execute(DELETE_STATES, _values(_spans(windows)), prepare=False)
    _write_states(conn, _point_ids(windows)[quarters.subject], quarters)
    return len(quarters), unfit


@dataclass(frozen=True, slots=True)
class Spans:
    """Which readings of which points are looked at, one for each number.

    Attributes:
        point: whose.
        begin: µs UTC, a whole second.
        end: µs UTC, a whole second, after ``begin``.
        silence: how long a value holds at most, µs, whole seconds.
    """

    point: Int64s
    begin: Int64s
    end: Int64s
    silence: Int64s

    def __len__(self) -> int:
        return len(self.point)


def held(conn: psycopg.Connection[Any], spans: Spans) -> Holds:
    """Return how long values held within spans of points.

    Args:
        conn: any connection.
        spans: at least one.

    Returns:
        Holds whose subject is the number of the span.
    """
    samples = _samples(conn, spans)
    found = holds(samples, spans.silence[samples.subject])
    return clip(found, spans.begin[found.subject], spans.end[found.subject])


def _samples(conn: psycopg.Connection[Any], spans: Spans) -> Samples:
    with conn.cursor(binary=True) as cursor:
        # Planned with these values, so that chunks can be left out.
        row = cursor.execute(READINGS, _values(spans), prepare=False).fetchone()
    rows = np.frombuffer(row[0] if row and row[0] else b"", _ROW)
    number, ts = rows["number"].astype(np.int64), rows["ts"].astype(np.int64)
    order = np.lexsort((ts, number))
    value = rows["value"].astype(np.float64)[order]
    return Samples(number[order], ts[order] + PG_EPOCH_US, value)


def _values(spans: Spans) -> dict[str, object]:
    """Spans as arrays in whole seconds, and what bounds them all."""
    return {
        "numbers": arrays.ids(range(len(spans))),
        "points": arrays.ids(spans.point.tolist()),
        "begins": arrays.ids((spans.begin // 1_000_000).tolist()),
        "ends": arrays.ids((spans.end // 1_000_000).tolist()),
        "silences": arrays.ids((spans.silence // 1_000_000).tolist()),
        "earliest": at_us(int((spans.begin - spans.silence).min())),
        "latest": at_us(int(spans.end.max())),
    }


def _spans(windows: Sequence[Window]) -> Spans:
    columns = [(w.point_id, w.begin, w.end, w.silence_us) for w in windows]
    return Spans(*np.array(columns, np.int64).T)


def _point_ids(windows: Sequence[Window]) -> Int64s:
    return np.array([w.point_id for w in windows], np.int64)


def _write_gauges(conn: psycopg.Connection[Any], points: Int64s, found: GaugeQuarters) -> None:
    columns = (
        points.astype(np.int32),
        found.slot - PG_EPOCH_US,
        found.low,
        found.high,
        found.mean,
        found.covered_s,
    )
    with conn.cursor() as cursor, cursor.copy(_COPY_GAUGE) as copy:
        copy.write(wire.pack(columns))


def _write_states(conn: psycopg.Connection[Any], points: Int64s, found: StateQuarters) -> None:
    columns = (
        points.astype(np.int32),
        found.slot - PG_EPOCH_US,
        found.value.astype(np.int32),
        found.seconds,
    )
    with conn.cursor() as cursor, cursor.copy(_COPY_STATE) as copy:
        copy.write(wire.pack(columns))
