"""Puts an explanation together from the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import numpy as np
import psycopg

from metering.counter.model import Flag
from metering.derive import history
from metering.derive.profiles import Resolutions
from metering.plan.usage import Window, month_of
from metering.quality import facts_read
from metering.quality.check import Booked, Check, check
from metering.quality.explanation import (
    Counter,
    Device,
    Explanation,
    FindingLine,
    InputLine,
    Period,
    RatioLine,
)
from metering.quality.gaps import GRAIN, missing
from metering.quality.presence import (
    Change,
    Span,
    expected_s,
    local_days,
    local_span,
    presence,
    replaced,
    within,
    without,
)
from metering.quality.stretches import stretches
from metering.tree.formula import FormulaError, parse
from metering.tree.virtual import virtual_meters
from storage.times import at_us, us_of

_QUARTERS: Final[LiteralString] = """
    SELECT slot, micro, flags, covered_s FROM consumption
    WHERE meter_id = %s AND slot >= %s AND slot < %s ORDER BY slot
"""
_DAYS: Final[LiteralString] = """
    SELECT day, micro, estimated, covered_s, flags FROM consumption_day
    WHERE meter_id = %s AND day BETWEEN %s AND %s
"""
_HOURS: Final[LiteralString] = """
    SELECT slot, micro, estimated, covered_s, flags FROM consumption_hour
    WHERE meter_id = %s AND slot >= %s AND slot < %s
"""
_CODES: Final[LiteralString] = "SELECT id, code FROM device WHERE id = ANY(%s)"
_HOUR: Final = timedelta(hours=1)


def explain(
    conn: psycopg.Connection[Any], code: str, window: Window, zone: ZoneInfo, now: datetime
) -> Explanation:
    """Say what a meter's figure of some days rests on.

    Args:
        conn: a connection; all is read in one snapshot when it is in such a transaction.
        code: of the meter.
        window: local days; of a single day the table is by hour.
        zone: the site's.
        now: later than this nothing is expected yet; pass a moment before the clock's time, what is
            on its way is not missing.

    Raises:
        registry.refusal.RefusedError: there is no such meter.
    """
    meter, subject = facts_read.find_subject(conn, code)
    span = local_span(window, zone)
    quarters = conn.execute(_QUARTERS, [meter, span.begin, span.end]).fetchall()
    findings = facts_read.findings(conn, meter, span)
    later = [(slot, covered) for slot, _, _, covered in quarters if slot + GRAIN > now]
    periods = tuple(_periods(conn, meter, window, zone, now, later))
    formula = subject.formula
    checked = None if formula else _check(conn, meter, span, quarters, findings)
    devices = facts_read.devices(conn, meter, span)
    ratios = facts_read.ratios(conn, meter, span)
    spans = presence(conn, meter)
    over = Span(span.begin, max(span.begin, min(span.end, now)))
    known = [period for period in periods if period.micro is not None]
    return Explanation(
        subject=subject,
        title=_title(window),
        zone=zone.key,
        as_of=over.end,
        micro=sum(row[1] for row in quarters) if quarters else None,
        estimated=sum(period.estimated for period in known),
        estimated_quarters=sum(bool(flags & Flag.ESTIMATED) for _, _, flags, _ in quarters),
        entered=sum(micro for _, micro, flags, _ in quarters if flags & Flag.ENTERED),
        periods=periods,
        first=_counter(checked, end=False),
        last=_counter(checked, end=True),
        devices=devices,
        absent=() if formula else without(_held(devices, over), over),
        ratios=ratios,
        unrated=tuple(_unrated(ratios, within(spans, span))),
        load_profiles=facts_read.load_profiles(conn, meter, span),
        findings=findings,
        missing=missing(conn, meter, window, zone, now),
        entries=facts_read.entries(conn, meter, span),
        bills=facts_read.bills(conn, meter, window),
        accounts=facts_read.accounts(conn, meter, window),
        check=checked,
        inputs=tuple(_inputs(conn, formula, window, span)),
        waiting=facts_read.waiting(conn, meter, span),
        failure=facts_read.failure(conn, meter),
    )


def _unrated(ratios: Sequence[RatioLine], hung: Sequence[Span]) -> Iterator[Span]:
    standing = [one for one in ratios if one.withdrawn_at is None]
    for span in hung if standing else ():
        yield from without(_held(standing, span), span)


def _held(dated: Sequence[Device | RatioLine], window: Span) -> list[Span]:
    return [Span(one.begin or window.begin, one.end or window.end) for one in dated]


def _title(window: Window) -> str:
    if window.first == window.last:
        return window.first.isoformat()
    if window == month_of(window.first):
        return f"{window.first:%Y-%m}"
    return f"{window.first} … {window.last}"


def _inputs(
    conn: psycopg.Connection[Any], formula: str | None, window: Window, span: Span
) -> Iterator[InputLine]:
    if formula is None:
        return
    try:
        codes = list(parse(formula))
    except FormulaError:
        return  # the formula itself is shown; the worker says what is wrong with it
    graph = virtual_meters(conn)
    for meter, code, micro, flags in facts_read.figures_of(conn, codes, window):
        changes = replaced(conn, graph.physical(meter))
        mine = tuple(one for one in changes if one.touches(span))
        yield InputLine(code, micro, _signs(Flag(flags), span, changes), mine)


def _check(
    conn: psycopg.Connection[Any],
    meter: int,
    span: Span,
    quarters: Sequence[Sequence[Any]],
    findings: Sequence[FindingLine],
) -> Check | None:
    known = history.load(conn, [meter], Resolutions())[meter]
    if known.error is not None:
        return None
    window = us_of(span.begin), us_of(span.end)
    codes = dict(conn.execute(_CODES, [[one.device_id for one in known.bindings]]).fetchall())
    booked = Booked(
        np.array([us_of(row[0]) for row in quarters], dtype=np.int64),
        np.array([row[1] for row in quarters], dtype=np.int64),
    )
    return check(stretches(conn, known, window, findings, codes), booked, window)


def _counter(checked: Check | None, *, end: bool) -> Counter | None:
    if checked is None or not checked.segments:
        return None
    segment = checked.segments[-1 if end else 0]
    ts_us, ticks = (segment.until_us, segment.last) if end else (segment.since_us, segment.first)
    return Counter(segment.device, at_us(ts_us), ticks * segment.resolution)


def _periods(  # noqa: PLR0913, PLR0917 - one argument for each thing it rests on
    conn: psycopg.Connection[Any],
    meter: int,
    window: Window,
    zone: ZoneInfo,
    now: datetime,
    later: Sequence[tuple[datetime, int]],
) -> Iterator[Period]:
    """Rows of the table; ``later`` are the quarters not over by ``now``, and their seconds."""
    spans = presence(conn, meter)
    changes = replaced(conn, virtual_meters(conn).physical(meter))
    for key, span in _rows(conn, meter, window, zone):
        wanted = expected_s(spans, span, now)
        micro, estimated, covered, flags = key or (None, 0, 0, 0)
        covered -= sum(
            max(0, seconds - max(0, int((now - slot).total_seconds())))
            for slot, seconds in later
            if span.begin <= slot < span.end
        )
        if wanted or key:
            signs = _signs(Flag(flags), span, changes)
            yield Period(span.begin, span.end, micro, estimated, covered, wanted, signs)


def _signs(flags: Flag, span: Span, changes: Sequence[Change]) -> Flag:
    """Keep "replaced" only where a device was: a meter's first one replaced none."""
    if any(one.touches(span) for one in changes):
        return flags
    return flags & ~Flag.REPLACED


def _rows(
    conn: psycopg.Connection[Any], meter: int, window: Window, zone: ZoneInfo
) -> Iterator[tuple[tuple[Any, ...] | None, Span]]:
    if len(window) > 1:
        values = [meter, window.first, window.last]
        days = {row[0]: row[1:] for row in conn.execute(_DAYS, values)}
        yield from ((days.get(day), span) for day, span in local_days(window, zone))
        return
    whole = local_span(window, zone)
    hours = {row[0]: row[1:] for row in conn.execute(_HOURS, [meter, whole.begin, whole.end])}
    for number in range(whole.seconds // 3600):
        begin = whole.begin + number * _HOUR
        yield hours.get(begin), Span(begin, begin + _HOUR)
