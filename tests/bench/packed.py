"""Packed readings by the ten thousand: made by numpy, so that making them costs a bench nothing."""

from __future__ import annotations

from typing import Final

import numpy as np

from storage.records import PG_EPOCH_US, Batch, Kind, pack_reading

PROFILE_ID: Final = 1
BATCH_ROWS: Final = 1_000
_TUPLE: Final = np.dtype(
    [
        ("columns", ">i2"),
        ("point_size", ">i4"),
        ("point", ">i4"),
        ("ts_size", ">i4"),
        ("ts", ">i8"),
        ("value_size", ">i4"),
        ("value", ">f8"),
        ("rest", "V38"),
    ]
)


def slot_of_readings(points: int, slot_us: int, seed: int) -> tuple[Batch, ...]:
    """Return one reading of each point at one time, in batches as a poller hands them over.

    Args:
        points: how many; their ids are 1..points.
        slot_us: the time, microseconds since 1970.
        seed: of the values.
    """
    template = pack_reading(0, slot_us, 0.0, 0, PROFILE_ID, slot_us + 7_000, slot_us + 9_000)
    rows = np.frombuffer(bytearray(template * points), dtype=_TUPLE)
    rows["point"] = np.arange(1, points + 1)
    rows["value"] = np.random.default_rng(seed).integers(0, 10**6, points) / 100
    if rows["ts"][0] != slot_us - PG_EPOCH_US:
        raise ValueError("the packed reading has changed its layout: adapt tests/bench/packed.py")
    chunks = (rows[at : at + BATCH_ROWS] for at in range(0, points, BATCH_ROWS))
    return tuple(Batch(Kind.READING, len(chunk), chunk.tobytes()) for chunk in chunks)
