"""Replaces what is derived of a window: quarter hours and findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import psycopg

from metering.counter.model import Quarters
from metering.derive.rollup import Window
from storage import arrays
from storage.records import COPY_HEADER, COPY_TRAILER, PG_EPOCH_US
from storage.times import at_us

_DELETE: Final = """
DELETE FROM consumption USING unnest(
    %(meters)s::int[], %(froms)s::timestamptz[], %(tos)s::timestamptz[]
) AS windows (meter, from_, to_)
WHERE meter_id = meter AND slot >= from_ AND slot < to_
"""
_DELETE_FINDINGS: Final = """
DELETE FROM counter_finding USING unnest(
    %(meters)s::int[], %(froms)s::timestamptz[], %(tos)s::timestamptz[]
) AS windows (meter, from_, to_)
WHERE meter_id = meter AND ts >= from_ AND ts < to_
"""
_COPY: Final = """
COPY consumption (meter_id, slot, micro, estimated, covered_s, flags) FROM STDIN (FORMAT binary)
"""
_COPY_FINDINGS: Final = """
COPY counter_finding (meter_id, device_id, ts, until, kind, before, after, micro) FROM STDIN
"""
_ROW: Final = np.dtype(
    [
        ("fields", ">i2"),
        ("meter_size", ">i4"),
        ("meter", ">i4"),
        ("slot_size", ">i4"),
        ("slot", ">i8"),
        ("micro_size", ">i4"),
        ("micro", ">i8"),
        ("estimated_size", ">i4"),
        ("estimated", ">i8"),
        ("covered_size", ">i4"),
        ("covered", ">i2"),
        ("flags_size", ">i4"),
        ("flags", ">i2"),
    ]
)
"""A tuple of COPY's binary format."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A finding as it is kept.

    Attributes:
        device_id: whose counter.
        ts_us: begin, µs UTC.
        until_us: end, µs UTC.
        kind: what it is.
        before: the counter before, in the unit of its point; None: there is none.
        after: the counter after.
        micro: millionths booked for it; None: nothing is known.
    """

    device_id: int
    ts_us: int
    until_us: int
    kind: str
    before: float | None
    after: float | None
    micro: int | None


@dataclass(frozen=True, slots=True)
class Computed:
    """What a window of a meter holds from now on.

    Attributes:
        window: the quarters that are replaced.
        quarters: all that is known of them.
        findings: that begin in it.
    """

    window: Window
    quarters: Quarters
    findings: tuple[Noted, ...]


def replace(conn: psycopg.Connection, computed: Sequence[Computed]) -> None:
    """Put quarter hours and findings in the place of what was known of the windows.

    Args:
        conn: in the transaction that claimed the meters.
        computed: of each meter one.
    """
    if not computed:
        return
    windows = {
        "meters": arrays.ids([one.window.meter_id for one in computed]),
        "froms": arrays.times([one.window.from_us for one in computed]),
        "tos": arrays.times([one.window.to_us for one in computed]),
    }
    with conn.cursor() as cursor:
        cursor.execute(_DELETE, windows, prepare=False)
        with cursor.copy(_COPY) as copy:
            copy.write(COPY_HEADER + _packed(computed) + COPY_TRAILER)
        cursor.execute(_DELETE_FINDINGS, windows, prepare=False)
        if any(one.findings for one in computed):
            with cursor.copy(_COPY_FINDINGS) as copy:
                for one in computed:
                    for finding in one.findings:
                        copy.write_row(_finding(one.window.meter_id, finding))


def _packed(computed: Sequence[Computed]) -> bytes:
    parts = [one.quarters for one in computed]
    counts = [len(part.slot) for part in parts]
    rows: npt.NDArray[np.void] = np.empty(sum(counts), _ROW)
    rows["fields"] = 6
    rows["meter_size"] = 4
    rows["slot_size"] = rows["micro_size"] = rows["estimated_size"] = 8
    rows["covered_size"] = rows["flags_size"] = 2
    rows["meter"] = np.repeat([one.window.meter_id for one in computed], counts)
    rows["slot"] = np.concatenate([part.slot for part in parts]) - PG_EPOCH_US
    rows["micro"] = np.concatenate([part.micro for part in parts])
    rows["estimated"] = np.concatenate([part.estimated for part in parts])
    rows["covered"] = np.concatenate([part.covered_s for part in parts])
    rows["flags"] = np.concatenate([part.flags for part in parts])
    return rows.tobytes()


def _finding(meter: int, one: Noted) -> tuple[object, ...]:
    begin, until = at_us(one.ts_us), at_us(one.until_us)
    return meter, one.device_id, begin, until, one.kind, one.before, one.after, one.micro
