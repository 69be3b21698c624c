"""Readings of counters that metering did not believe: a layer of 1 where one is, 0 elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Final, LiteralString

import numpy as np

from metering.gauge.hold import Holds
from rules.subjects.model import Conn
from rules.timeline.overlay import Windows
from storage import arrays
from storage.times import us_of

KINDS: Final = ["dip", "spike", "suspect", "backwards", "reset", "jump"]
"""Of ``counter_finding``: levels left out, and registers that begin anew or jump."""
_LASTS_US: Final = 60_000_000
_ODD: Final[LiteralString] = """
SELECT meter, kind, ts, until
FROM unnest(%(meters)s::int[], %(begins)s::timestamptz[], %(ends)s::timestamptz[])
    AS w (meter, begin_, end_)
JOIN counter_finding AS odd ON odd.meter_id = meter AND odd.kind = ANY(%(kinds)s::text[])
    AND odd.ts < end_ AND greatest(odd.until, odd.ts + interval '1 minute') > begin_
"""


def odd(conn: Conn, windows: Windows) -> Holds:
    """Return where readings were odd, within windows of meters; each lasts a minute at least."""
    values = {
        "meters": arrays.ids(windows.subject.tolist()),
        "begins": arrays.times(windows.begin.tolist()),
        "ends": arrays.times(windows.end.tolist()),
        "kinds": KINDS,
    }
    rows = conn.execute(_ODD, values)
    return held(
        [(meter, kind, us_of(ts), us_of(until)) for meter, kind, ts, until in rows], windows
    )


def held(findings: Iterable[tuple[int, str, int, int]], windows: Windows) -> Holds:
    """Return where readings were odd within windows of meters.

    Args:
        findings: meter, kind, from, to (µs UTC); of any kind, in any order.
        windows: of meters.
    """
    found: dict[int, list[tuple[int, int]]] = {}
    for meter, kind, since, until in sorted(findings, key=itemgetter(0, 2)):
        if kind in KINDS:
            found.setdefault(meter, []).append((since, max(until, since + _LASTS_US)))
    rows = [
        (meter, *piece)
        for meter, begin, end in zip(
            windows.subject.tolist(), windows.begin.tolist(), windows.end.tolist(), strict=True
        )
        for piece in laid(found.get(meter, []), begin, end)
    ]
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    return Holds(columns[0], columns[1], columns[2], columns[3].astype(np.float64))


def laid(events: list[tuple[int, int]], begin: int, end: int) -> list[tuple[int, int, int]]:
    """Lay events over a window: from, to, and 1 within any of them, 0 elsewhere.

    Args:
        events: from, to; ascending by begin; they may overlap.
        begin: of the window, µs UTC.
        end: of it.
    """
    found: list[tuple[int, int, int]] = []
    at = begin
    for first, last in events:
        since, until = max(first, at), min(last, end)
        if since >= until:
            continue
        if at < since:
            found.append((at, since, 0))
        found.append((since, until, 1))
        at = until
    if at < end:
        found.append((at, end, 0))
    return found
