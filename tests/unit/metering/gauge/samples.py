"""Random readings, and the plainest way to say what they mean."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from hypothesis import strategies as st

from metering.counter.model import GRAIN_US
from metering.gauge.hold import Holds, Samples

SECOND = 1_000_000
MIDNIGHT = 1_780_272_000 * SECOND  # 2026-06-01T00:00:00Z
Reading = tuple[int, int, float]
"""Subject, µs after midnight, value."""


def samples(readings: Iterable[Reading]) -> Samples:
    """Readings as arrays; of the same subject and time the last counts."""
    rows = sorted({(subject, at): value for subject, at, value in readings}.items())
    return Samples(
        np.array([subject for (subject, _), _ in rows], np.int64),
        np.array([MIDNIGHT + at for (_, at), _ in rows], np.int64),
        np.array([value for _, value in rows], np.float64),
    )


def one(*readings: tuple[float, float | None]) -> Samples:
    """Readings of one subject: seconds after midnight, value or None."""
    return samples(
        (0, round(at * SECOND), math.nan if value is None else value) for at, value in readings
    )


def as_rows(found: Holds) -> list[tuple[int, float, float, float]]:
    """Subject, seconds after midnight since and until, value."""
    return [
        (int(s), (int(a) - MIDNIGHT) / SECOND, (int(b) - MIDNIGHT) / SECOND, float(v))
        for s, a, b, v in zip(found.subject, found.since, found.until, found.value, strict=True)
    ]


def times(most: int = 2 * 3600) -> st.SearchStrategy[int]:
    """µs after midnight: whole quarters and seconds are likely, others occur."""
    return st.one_of(
        st.integers(0, most // 900).map(lambda n: n * GRAIN_US),
        st.integers(0, most).map(lambda n: n * SECOND),
        st.integers(0, most * SECOND),
    )


def readings(values: st.SearchStrategy[float]) -> st.SearchStrategy[list[Reading]]:
    """Readings of a few subjects within two hours."""
    value = st.one_of(values, st.just(math.nan))
    return st.lists(st.tuples(st.integers(0, 2), times(), value), max_size=25)


def at_each(found: Samples, silence: int) -> dict[tuple[int, int], list[tuple[int, float]]]:
    """Subject and quarter → times (µs) and values that hold in it, reading by reading."""
    result: dict[tuple[int, int], list[tuple[int, float]]] = {}
    rows = list(zip(found.subject.tolist(), found.ts.tolist(), found.value.tolist(), strict=True))
    for number, (subject, since, value) in enumerate(rows):
        ts, end = since, since + silence
        if number + 1 < len(rows) and rows[number + 1][0] == subject:
            end = min(end, rows[number + 1][1])
        while ts < end and not math.isnan(value):
            slot = ts - ts % GRAIN_US
            upto = min(end, slot + GRAIN_US)
            result.setdefault((subject, slot), []).append((upto - ts, value))
            ts = upto
    return result
