"""The demand of a meter, whatever devices hung at its place, with the ratios of their time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

import numpy as np
import psycopg

from metering.gauge.demand import Demands
from metering.gauge.windows import micros

# A ratio that holds for a part of a quarter only cannot be applied to its mean: factor NULL.
_DEMAND: Final[LiteralString] = """
WITH part AS (
    SELECT g.slot, g.mean, quarter,
        least(g.covered_s, extract(epoch FROM
            least(upper(dp.valid), upper(quarter)) - greatest(lower(dp.valid), lower(quarter))
        )) AS weight
    FROM meter m
    JOIN device_place dp ON dp.place_id = m.place_id
    JOIN point p ON p.device_id = dp.device_id AND p.name = %(power)s AND p.class = 'gauge'
    JOIN gauge g ON g.point_id = p.id AND g.slot >= %(since)s AND g.slot < %(until)s
        AND g.slot <= %(now)s - interval '15 min'
    CROSS JOIN LATERAL (SELECT tstzrange(g.slot, g.slot + interval '15 min') AS quarter) AS q
    WHERE m.id = %(meter)s AND dp.valid && quarter
), scaled AS (
    SELECT part.slot, part.mean, part.weight,
        CASE WHEN r.id IS NULL THEN 1 WHEN r.valid @> part.quarter THEN r.ct * r.pt END AS factor
    FROM part LEFT JOIN meter_ratio r
        ON r.meter_id = %(meter)s AND r.withdrawn_at IS NULL AND r.valid && part.quarter
)
SELECT slot,
    (sum(mean * weight::float8 ORDER BY mean) / sum(weight::float8) * max(factor)::float8),
    least(sum(weight), 900)::int
FROM scaled GROUP BY slot
HAVING count(factor) = count(*) AND sum(weight) >= 1
ORDER BY slot
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Of which time the demand is asked for.

    Attributes:
        since: aware; the first quarter that counts.
        until: aware; the first one after.
        now: aware; a quarter that is not over by then has no demand yet.
    """

    since: datetime
    until: datetime
    now: datetime

    def __post_init__(self) -> None:
        for at in (self.since, self.until, self.now):
            micros(at)


def meter_demand(conn: psycopg.Connection[Any], meter_id: int, power: str, asked: Asked) -> Demands:
    """Return the demand of a meter by quarter hour, after CT and PT.

    A quarter in which the ratio changed is left out: its mean is of both. Without a ratio it is 1.

    Args:
        conn: only read.
        meter_id: a meter at a place; a virtual one has no demand.
        power: name of the point of active power, for example ``power_total``.
        asked: of which time.
    """
    values = {
        "meter": meter_id,
        "power": power,
        "since": asked.since,
        "until": asked.until,
        "now": asked.now,
    }
    rows = conn.execute(_DEMAND, values).fetchall()
    return Demands(
        np.array([micros(slot) for slot, _, _ in rows], np.int64),
        np.array([value for _, value, _ in rows], np.float64),
        np.array([covered for _, _, covered in rows], np.int16),
    )
