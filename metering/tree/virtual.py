"""Computes virtual meters from the quarter hours of those they are made of.

A quarter is the formula over the same quarter of its inputs, computed exactly and rounded once, to
whole millionths (halves away from zero); hours, days and months are sums of quarters. Where an
input is unknown, so is the virtual meter: unknown is not zero.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg
import structlog

from metering.counter.model import GRAIN_US, Flag
from metering.derive.rollup import Window, roll_up
from metering.tree.graph import Graph, Node, Refusal, build
from storage.times import at_us

LOCK_CLASS: Final = 0x6A69_6D09
"""First key of a virtual meter's advisory lock; the second is its id."""

# Virtual meters, and whomever they name. The codes as one array: found by their index, whatever the
# planner thinks of how many a formula names.
NODES: Final = r"""
SELECT id, code, energy, unit, formula FROM meter WHERE formula IS NOT NULL
UNION
SELECT id, code, energy, unit, formula FROM meter WHERE code = ANY(ARRAY(
    SELECT btrim(named[1])
    FROM meter AS virtual, regexp_matches(virtual.formula, '\{([^{}]*)\}', 'g') AS named
    WHERE virtual.formula IS NOT NULL
))
"""
# Ordered, so that two workers never wait for each other.
_LOCK: Final = """
SELECT count(pg_advisory_xact_lock(%s, meter_id))
FROM (SELECT unnest(%s::int[]) AS meter_id ORDER BY 1) AS ordered
"""
_CLEAR: Final = """
DELETE FROM consumption AS c
USING unnest(%(meters)s::int[], %(froms)s::timestamptz[], %(tos)s::timestamptz[])
    AS w (meter_id, from_, to_)
WHERE c.meter_id = w.meter_id AND c.slot >= w.from_ AND c.slot < w.to_
"""
# What was estimated of the inputs is estimated of the result, up to all of it.
_FILL: Final = """
INSERT INTO consumption (meter_id, slot, micro, estimated, covered_s, flags)
SELECT meter_id, slot, micro, sign(micro) * least(abs(micro), doubt), covered_s,
       CASE WHEN doubt > 0 THEN flags | %(flag)s::int2 ELSE flags END
FROM (
    SELECT t.meter_id, c.slot, round(sum(t.factor * c.micro)) AS micro,
           round(sum(abs(t.factor * c.estimated))) AS doubt,
           min(c.covered_s) AS covered_s, bit_or(c.flags) AS flags
    FROM unnest(%(meters)s::int[], %(inputs)s::int[], %(factors)s::numeric[], %(terms)s::int[],
                %(froms)s::timestamptz[], %(tos)s::timestamptz[])
        AS t (meter_id, input_id, factor, terms, from_, to_)
    JOIN meter ON meter.id = t.meter_id
    CROSS JOIN LATERAL (
        SELECT slot, micro, estimated, covered_s, flags FROM consumption
        WHERE meter_id = t.input_id AND slot >= t.from_ AND slot < t.to_
        OFFSET 0
    ) AS c
    WHERE meter.valid @> c.slot
    GROUP BY t.meter_id, c.slot HAVING count(*) = min(t.terms)
) AS made
WHERE abs(micro) <= %(most)s
"""
MOST: Final = 10**15
"""Millionths in a quarter hour; a formula that yields more is wrong, and the quarter unknown: a
month of them still fits into 64 bits, and no input is held up."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What :func:`recompute_virtual` did.

    Attributes:
        windows: which virtual meters it computed, and where.
        refused: virtual meters that cannot be computed; they have no rows.
    """

    windows: tuple[Window, ...]
    refused: tuple[Refusal, ...]


def recompute_virtual(
    conn: psycopg.Connection[Any], changed: Iterable[Window], zone: ZoneInfo
) -> Recomputed:
    """Compute every virtual meter that rests on what was changed, and their hours to months.

    To be called once in the transaction that changed the inputs, behind the last of them: it locks
    the virtual meters in the order of their ids until the transaction ends, so that two workers
    who changed two inputs of the same one come one after the other.

    Args:
        conn: in that transaction, READ COMMITTED.
        changed: meters whose quarters were replaced, and virtual meters whose formula or validity
            was changed, each with the time concerned.
        zone: of days and months.
    """
    graph = virtual_meters(conn)
    windows = _windows(graph, changed)
    if not windows:
        return Recomputed((), graph.refused)
    conn.execute(_LOCK, [LOCK_CLASS, list(windows)])
    for layer in graph.layers(meter for meter in graph.order if meter in windows):
        _replace(conn, [windows[meter] for meter in layer], graph.terms)
    gone = [windows[meter] for meter in windows if meter not in graph.terms]
    conn.execute(_CLEAR, _arrays(gone))
    made = tuple(windows.values())
    roll_up(conn, made, zone)
    for refusal in graph.refused:
        if refusal.id not in windows:
            continue
        _log.warning("virtual_meter_cannot_be_computed", meter=refusal.code, why=refusal.text)
    return Recomputed(made, graph.refused)


def virtual_meters(conn: psycopg.Connection[Any]) -> Graph:
    """Return how the virtual meters rest on others, as their formulas stand now."""
    return build([Node(*row) for row in conn.execute(NODES)])


def _windows(graph: Graph, changed: Iterable[Window]) -> dict[int, Window]:
    """Return where each virtual meter has to be computed: from the first change to the last."""
    spans: dict[int, Window] = {}
    for one in changed:
        _widen(spans, one.meter_id, one)
    refused = {refusal.id for refusal in graph.refused}
    found = {meter: _whole(span) for meter, span in spans.items() if meter in refused}
    for meter in graph.touched(spans):
        for other in graph.terms[meter]:
            if other in spans:
                _widen(spans, meter, spans[other])
        found[meter] = _whole(spans[meter])
    return found


def _widen(spans: dict[int, Window], meter: int, by: Window) -> None:
    held = spans.get(meter, by)
    spans[meter] = Window(meter, min(held.from_us, by.from_us), max(held.to_us, by.to_us))


def _whole(span: Window) -> Window:
    """Round a window out to quarters."""
    begin, end = span.from_us // GRAIN_US, -(-span.to_us // GRAIN_US)
    return Window(span.meter_id, begin * GRAIN_US, end * GRAIN_US)


def _replace(
    conn: psycopg.Connection[Any],
    windows: Sequence[Window],
    terms: Mapping[int, Mapping[int, Any]],
) -> None:
    conn.execute(_CLEAR, _arrays(windows))
    parts = [(window, *term) for window in windows for term in terms[window.meter_id].items()]
    conn.execute(
        _FILL,
        {
            **_arrays([window for window, _, _ in parts]),
            "most": MOST,
            "flag": int(Flag.ESTIMATED),
            "inputs": [other for _, other, _ in parts],
            "factors": [factor for _, _, factor in parts],
            "terms": [len(terms[window.meter_id]) for window, _, _ in parts],
        },
        prepare=False,
    )


def _arrays(windows: Collection[Window]) -> dict[str, list[Any]]:
    return {
        "meters": [window.meter_id for window in windows],
        "froms": [at_us(window.from_us) for window in windows],
        "tos": [at_us(window.to_us) for window in windows],
    }
