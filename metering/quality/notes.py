"""What is odd about meters, whatever their readings say."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any, Final, LiteralString

import psycopg

from metering.quality.presence import Span

_NOTES: Final[LiteralString] = """
    SELECT m.id,
           NOT EXISTS (SELECT FROM device_place h
                       WHERE h.place_id = m.place_id AND h.valid && m.valid * w.span),
           m.energy = 'electricity'
               AND EXISTS (SELECT FROM device_place h
                           WHERE h.place_id = m.place_id AND h.valid && m.valid * w.span
                             AND NOT rated.spans @> h.valid * m.valid * w.span),
           EXISTS (SELECT FROM device_place h
                   WHERE h.place_id = m.place_id AND h.valid && m.valid * w.span
                     AND coalesce(lower(h.valid * m.valid), '-infinity') = '-infinity')
               AND NOT EXISTS (SELECT FROM consumption c WHERE c.meter_id = m.id)
    FROM meter m CROSS JOIN (SELECT tstzrange(%(begin)s, %(end)s) AS span) AS w
    CROSS JOIN LATERAL (
        SELECT coalesce(range_agg(r.valid), '{}') FROM meter_ratio r
        WHERE r.meter_id = m.id AND r.withdrawn_at IS NULL
    ) AS rated (spans)
    WHERE m.id = ANY(%(meters)s) AND m.formula IS NULL
    ORDER BY m.code
"""


class Note(enum.StrEnum):
    """What an officer should look at."""

    NOT_BOUND = "not_bound"  # no device hung at the place: nothing is expected, nothing missing
    NEVER = "never"  # nothing was ever known, and not since when: nothing is expected either
    NO_RATIO = "no_ratio"  # of electricity: for some time nobody said CT and PT: taken as 1


WORDS: Final = {
    Note.NOT_BOUND: "这段时间没有安装设备",
    Note.NEVER: "从未有过用量，也未录入装表时间，不计入完整率；请检查设备是否上报，并补录装表时间",
    Note.NO_RATIO: "未录入倍率的时段，按 1 计算",
}


def notes(
    conn: psycopg.Connection[Any], meters: Sequence[int], span: Span
) -> dict[int, tuple[Note, ...]]:
    """Notes on physical meters, by id; those without any are absent.

    Args:
        conn: a connection.
        meters: ids.
        span: the time in question.
    """
    values = {"meters": list(meters), "begin": span.begin, "end": span.end}
    found = {
        meter: tuple(
            note
            for note, applies in (
                (Note.NOT_BOUND, unbound),
                (Note.NEVER, never),
                (Note.NO_RATIO, unrated),
            )
            if applies
        )
        for meter, unbound, unrated, never in conn.execute(_NOTES, values)
    }
    return {meter: noted for meter, noted in found.items() if noted}
