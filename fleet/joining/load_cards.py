"""Drivers' cards about the orders that are compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final, LiteralString

import psycopg

from fleet.joining.model import Card
from storage.times import NEVER_US, at_us, us_of

_CARDS: Final[LiteralString] = """
SELECT s.vehicle_id, c.terminal_id, c.at, c.event, c.name,
       nullif(upper(b.valid), 'infinity')
FROM unnest(%(ids)s::int4[], %(since)s::timestamptz[], %(until)s::timestamptz[])
        AS s (vehicle_id, since, until)
    JOIN terminal_vehicle b
        ON b.vehicle_id = s.vehicle_id AND b.valid && tstzrange(s.since, s.until, '[]')
    CROSS JOIN LATERAL (
        SELECT terminal_id, at, event, name FROM driver_card
        WHERE terminal_id = b.terminal_id AND at >= s.since AND at <= s.until AND at <@ b.valid
    ) AS c
"""


def cards(
    conn: psycopg.Connection[Any], spans: Sequence[tuple[int, int, int]]
) -> Mapping[int, tuple[Card, ...]]:
    """Return what terminals told of cards in spans of time, by vehicle.

    Args:
        conn: in any state.
        spans: (vehicle, from, to), µs UTC; one of each vehicle.
    """
    ids, since, until = zip(*spans, strict=True) if spans else ((), (), ())
    found: dict[int, list[Card]] = defaultdict(list)
    named = {
        "ids": list(ids),
        "since": [at_us(one) for one in since],
        "until": [at_us(one) for one in until],
    }
    for vehicle, terminal, at, event, name, end in conn.execute(_CARDS, named):
        bound_to_us = NEVER_US if end is None else us_of(end)
        found[vehicle].append(Card(terminal, us_of(at), event, name, bound_to_us))
    return {vehicle: tuple(mine) for vehicle, mine in found.items()}
