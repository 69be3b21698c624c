"""Brings the simulated past into the database, through the same writer as everything else."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg
from numpy.typing import NDArray

from simulators import history, plant
from simulators.modbus.profile import load_profiles
from simulators.scenario import Scenario
from storage.records import Batch, Kind, Position, pack_position, pack_reading
from storage.writer import BulkWriter

ROWS_A_COMMIT: Final = 10_000
_EPOCH: Final = date(1970, 1, 1)
_MEASURED: Final = ("lat", "lon", "speed", "course", "altitude", "odometer")
_OF_A_READING: Final = ("series", "ts", "ticks", "value")
_OF_A_POSITION: Final = ("position_terminal", "position_ts", *_MEASURED, "satellites", "acc")
_POINTS: Final = """
SELECT d.code, p.name, p.id, d.profile_id FROM device d JOIN point p ON p.device_id = d.id
"""

Arrays = Mapping[str, NDArray[Any]]
Progress = Callable[[int, int], None]
"""Called with rows done and rows in all."""


def make(plan: Scenario, days: Sequence[date], until_us: int, scratch: Path) -> Arrays:
    """Make up the past of consecutive local days; see :mod:`simulators.history` for its shape.

    It ends at the moment the demo begins, not at midnight: vehicles that had driven unseen since
    then would have kilometres by odometer of which no position tells.

    Args:
        plan: whose past.
        days: at least one; the last may be today.
        until_us: nothing is later, Unix microseconds.
        scratch: file to use on the way; removed again.
    """
    span = range((days[0] - _EPOCH).days, (days[-1] - _EPOCH).days + 1)
    history.write_history(plan, load_profiles(plant.PROFILES), span, scratch)
    arrays = history.read_history(scratch)
    scratch.unlink()
    return _until(_as_sent(plan, arrays), until_us)


def _as_sent(plan: Scenario, past: Arrays) -> Arrays:
    """Give odometers the tenths of a kilometre in which JT/T 808 has them, where it is spoken.

    Else they would fall, by less than that, when the terminals begin to speak themselves.
    """
    tenths = np.array([one.jt808 is not None for one in plan.vehicles])[past["position_terminal"]]
    odometer = past["odometer"]
    return {**past, "odometer": np.where(tenths, np.round(odometer * 10) / 10, odometer)}


def _until(past: Arrays, until_us: int) -> Arrays:
    rows = dict.fromkeys(_OF_A_READING, past["ts"] <= until_us)
    rows |= dict.fromkeys(_OF_A_POSITION, past["position_ts"] <= until_us)
    return {name: past[name][rows[name]] if name in rows else past[name] for name in past}


def bring(conninfo: str, past: Arrays, now_us: int, progress: Progress) -> int:
    """Write quarter-hour readings and positions; doing it again changes nothing.

    Args:
        conninfo: the database, with the inventory of that past in it.
        past: what :func:`make` returned.
        now_us: stamped as the time of receipt, Unix microseconds.
        progress: told after every commit.

    Returns:
        How many rows were written or were there.
    """
    total = len(past["ts"]) + len(past["position_ts"])
    done = 0
    writer = BulkWriter(conninfo)
    try:
        with psycopg.connect(conninfo) as conn:
            packed = (
                (Kind.READING, _readings(conn, past, now_us)),
                (Kind.POSITION, _positions(conn, past, now_us)),
            )
            for kind, rows in packed:
                for batch in _batches(kind, rows):
                    writer.write([batch])
                    done += batch.rows
                    progress(done, total)
    finally:
        writer.close()
    return done


def _batches(kind: Kind, rows: Iterable[bytes]) -> Iterator[Batch]:
    packed = iter(rows)
    while chunk := list(islice(packed, ROWS_A_COMMIT)):
        yield Batch(kind, len(chunk), b"".join(chunk))


def _readings(conn: psycopg.Connection[Any], past: Arrays, now_us: int) -> Iterator[bytes]:
    known = {(code, name): (point, profile) for code, name, point, profile in conn.execute(_POINTS)}
    names = zip(past["series_device"].tolist(), past["series_point"].tolist(), strict=True)
    series = [known[name] for name in names]
    columns = (past[name].tolist() for name in ("series", "ts", "value"))
    for index, ts, value in zip(*columns, strict=True):
        point, profile = series[index]
        yield pack_reading(point, ts, value, 0, profile, ts, now_us)


def _positions(conn: psycopg.Connection[Any], past: Arrays, now_us: int) -> Iterator[bytes]:
    ids = dict(conn.execute("SELECT code, id FROM terminal").fetchall())
    terminals = [ids[code] for code in past["terminal"].tolist()]
    columns = [past[name].tolist() for name in ("position_terminal", "position_ts", *_MEASURED)]
    states = zip(past["satellites"].tolist(), past["acc"].tolist(), strict=True)
    for (index, ts, *measured), (satellites, acc) in zip(
        zip(*columns, strict=True), states, strict=True
    ):
        yield pack_position(
            Position(
                terminal_id=terminals[index],
                fix_time_us=ts,
                content_hash=_hash(measured),
                lat=measured[0],
                lon=measured[1],
                speed_kmh=measured[2],
                course_deg=measured[3],
                altitude_m=measured[4],
                odometer_km=measured[5],
                satellites=satellites,
                acc=acc,
                flags=0,
                seq=None,
                received_us=now_us,
                extra=None,
            )
        )


def _hash(measured: list[float]) -> int:
    digest = hashlib.blake2b(struct.pack(f">{len(measured)}d", *measured), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
