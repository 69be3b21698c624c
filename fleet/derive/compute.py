"""Computes the trips of one vehicle again, as far as a change reaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import psycopg

from fleet.derive import store
from fleet.derive.cut import Cut, cut_of
from fleet.derive.floor import floor_of
from fleet.derive.reading import fixes_of
from fleet.track.judge import judge
from fleet.track.rules import Rules
from fleet.trips.firm import with_known_ends
from fleet.trips.travel import travelled
from storage.due import Span
from storage.times import ALWAYS_US, NEVER_US


def recompute(
    conn: psycopg.Connection,
    vehicle_id: int,
    changed: Sequence[Span],
    rules: Rules,
    zone: ZoneInfo,
) -> int:
    """Bring the stops, trips and days of a vehicle up to what its fixes say.

    Args:
        conn: in the transaction that claimed the vehicle.
        vehicle_id: the vehicle.
        changed: where its fixes may differ from before, ascending; of before the vehicle's floor
            nothing is touched.
        rules: what is believed.
        zone: of days.

    Returns:
        How many fixes were looked at.
    """
    floor = floor_of(conn, vehicle_id)
    looked = 0
    waiting = list(changed) if floor is None else floor.above(changed)
    while waiting:
        cut, waiting = _next(conn, vehicle_id, waiting, rules)
        if floor is not None and cut.from_us < floor.from_us:
            cut = replace(cut, from_us=floor.from_us, begin=None)
        first, last = cut.from_us - rules.cover_us, cut.to_us + rules.cover_us
        fixes = fixes_of(conn, vehicle_id, max(ALWAYS_US, first), min(NEVER_US, last))
        made = travelled(judge(fixes, rules, cut.from_us, cut.to_us), rules, zone)
        made = with_known_ends(made, cut.begin, cut.end)
        store.replace(conn, vehicle_id, cut, made)
        looked += len(fixes)
    return looked


def _next(
    conn: psycopg.Connection, vehicle_id: int, waiting: list[Span], rules: Rules
) -> tuple[Cut, list[Span]]:
    """Return the piece for the first change and for all others that reach into it."""
    span, *others = waiting
    cut = cut_of(conn, vehicle_id, span, rules)
    while others and others[0].from_us - rules.cover_us <= cut.to_us:
        span = Span(span.from_us, max(span.to_us, others.pop(0).to_us))
        cut = cut_of(conn, vehicle_id, span, rules)
    return cut, others
