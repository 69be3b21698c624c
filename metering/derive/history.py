"""What is known about meters besides readings: who hung where, how it counts, what people said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
import psycopg

from metering.counter.model import Int64s, Register
from metering.derive.profiles import Resolutions
from metering.derive.units import factor, most_per_hour
from storage import arrays
from storage.times import ALWAYS_US, NEVER_US, us_of

_BINDINGS: Final = """
SELECT meter.id, meter.energy, meter.unit, hung.device_id,
       nullif(lower(hung.valid), '-infinity'), nullif(upper(hung.valid), 'infinity'),
       counted.id, counted.name, counted.unit, device.profile_id
FROM meter
CROSS JOIN LATERAL (
    SELECT device_id, device_place.valid * meter.valid AS valid FROM device_place
    WHERE place_id = meter.place_id AND device_place.valid && meter.valid
) AS hung
JOIN device ON device.id = hung.device_id
CROSS JOIN LATERAL (
    SELECT id, name, unit FROM point
    WHERE point.device_id = hung.device_id AND class = 'counter'
      AND name = coalesce(meter.register, name)
    ORDER BY id LIMIT 1
) AS counted
WHERE meter.id = ANY(%s::int[]) AND meter.formula IS NULL
ORDER BY meter.id, lower(hung.valid) NULLS FIRST, device_id
"""
_REGISTERS: Final = """
SELECT device_id, register,
       nullif(lower(valid), '-infinity'), nullif(upper(valid), 'infinity'),
       resolution, capacity, max_per_hour, reversible
FROM device_register WHERE device_id = ANY(%s::int[]) AND withdrawn_at IS NULL
ORDER BY device_id, register, lower(valid) NULLS FIRST
"""
_ENTRIES: Final = """
SELECT device_id, register, ts, kind, value FROM counter_entry
WHERE device_id = ANY(%s::int[]) AND withdrawn_at IS NULL
ORDER BY device_id, register, ts, id
"""
_RATIOS: Final = """
SELECT meter_id, nullif(lower(valid), '-infinity'), nullif(upper(valid), 'infinity'), ct * pt
FROM meter_ratio
WHERE meter_id = ANY(%s::int[]) AND withdrawn_at IS NULL ORDER BY meter_id, lower(valid) NULLS FIRST
"""
_PROFILES: Final = """
SELECT meter_id, nullif(lower(valid), '-infinity'), nullif(upper(valid), 'infinity'),
       load_profile_id
FROM meter_load_profile
WHERE meter_id = ANY(%s::int[]) ORDER BY meter_id, lower(valid) NULLS FIRST
"""
_WEIGHTS: Final = "SELECT id, weights FROM load_profile WHERE id = ANY(%s::int[])"


@dataclass(frozen=True, slots=True)
class Entry:
    """A value that a person entered.

    Attributes:
        ts_us: when it was read off.
        kind: reading, initial, final or reset.
        value: in the unit of the counter's point.
    """

    ts_us: int
    kind: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class Scale:
    """How a counter counts during some time.

    Attributes:
        resolution: units of the point a tick.
        register: the same in ticks.
    """

    resolution: Decimal
    register: Register


Scales = tuple[tuple[int, Scale], ...]
Ratios = tuple[tuple[int, Decimal], ...]
Profiles = tuple[tuple[int, Int64s | None], ...]
"""What holds from a time (µs) on, until the next: ascending, the first from ever."""


@dataclass(frozen=True, slots=True)
class Binding:
    """A device's time at the place of a meter.

    Attributes:
        device_id: the device.
        point_id: its counter that the meter counts by.
        begin_us: from when on it hung there.
        end_us: until when; NEVER_US while it hangs there.
        factor: the meter's unit in one of the point's.
        scales: how it counts.
        entries: what people entered, by time.
    """

    device_id: int
    point_id: int
    begin_us: int
    end_us: int
    factor: Decimal
    scales: Scales
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class History:
    """Everything about one meter that its consumption depends on, besides readings.

    Attributes:
        meter_id: the meter.
        bindings: devices, by their begin.
        ratios: CT × PT.
        profiles: 672 weights, or None: linear.
        error: why it cannot be computed; None when it can.
    """

    meter_id: int
    bindings: tuple[Binding, ...]
    ratios: Ratios
    profiles: Profiles
    error: str | None = None


def load(
    conn: psycopg.Connection, meters: Sequence[int], resolutions: Resolutions
) -> dict[int, History]:
    """Read the histories of physical meters; virtual ones are not in the answer.

    Args:
        conn: in the transaction that claimed them.
        meters: their ids.
        resolutions: of device profiles.
    """
    rows = conn.execute(_BINDINGS, [arrays.ids(meters)]).fetchall()
    devices = list({row[3] for row in rows})
    resolutions.learn(conn, {row[9] for row in rows})
    registers = _grouped(conn, _REGISTERS, devices, 2)
    entries = _grouped(conn, _ENTRIES, devices, 2)
    bindings: dict[int, list[Binding]] = defaultdict(list)
    errors: dict[int, str] = {}
    for row in rows:
        meter, name, device = row[0], row[7], row[3]
        try:
            scales = _scales(row, registers.get((device, name), ()), resolutions)
            found = entries.get((device, name), ())
            bindings[meter].append(_binding(row, scales, found))
        except ValueError as error:
            errors[meter] = f"device {device}, counter {name}: {error}"
    physical = conn.execute(
        "SELECT id FROM meter WHERE id = ANY(%s::int[]) AND formula IS NULL", [arrays.ids(meters)]
    ).fetchall()
    ratios = _grouped(conn, _RATIOS, meters, 1)
    profiles = _profiles(conn, meters)
    return {
        meter: History(
            meter,
            tuple(bindings.get(meter, ())),
            pieces(ratios.get((meter,), ()), Decimal(1)),
            profiles.get(meter, ((ALWAYS_US, None),)),
            errors.get(meter),
        )
        for (meter,) in physical
    }


def pieces(
    rows: Iterable[Sequence[Any]],
    default: Any,  # noqa: ANN401 - of whatever the pieces are
) -> tuple[tuple[int, Any], ...]:
    """Turn (since, until, value) into what holds from when on, the default where nothing does.

    Args:
        rows: by their begin, without overlap; None: unbounded.
        default: what holds where no row does.
    """
    held: list[tuple[int, Any]] = [(ALWAYS_US, default)]
    for since, until, value in rows:
        begin = ALWAYS_US if since is None else us_of(since)
        if held[-1][0] >= begin:
            held.pop()
        held.append((begin, value))
        if until is not None:
            held.append((us_of(until), default))
    return tuple(held)


def _binding(row: Sequence[Any], scales: Scales, entries: Iterable[Sequence[Any]]) -> Binding:
    _, _, unit, device, since, until, point, _, point_unit, _ = row
    begin = ALWAYS_US if since is None else us_of(since)
    end = NEVER_US if until is None else us_of(until)
    mine = (Entry(us_of(ts), kind, value) for ts, kind, value in entries)
    return Binding(
        device_id=device,
        point_id=point,
        begin_us=begin,
        end_us=end,
        factor=factor(point_unit, unit),
        scales=scales,
        entries=tuple(one for one in mine if _belongs(one, begin, end)),
    )


def _belongs(entry: Entry, begin_us: int, end_us: int) -> bool:
    """Say whose an entry at the moment of a change is: the final one is of the time before it."""
    if entry.kind == "final":
        return begin_us < entry.ts_us <= end_us
    return begin_us <= entry.ts_us < end_us


def _scales(row: Sequence[Any], declared: Iterable[Sequence[Any]], known: Resolutions) -> Scales:
    _, energy, unit, _, _, _, _, name, point_unit, profile = row
    most = most_per_hour(energy) / factor(point_unit, unit)
    default = _scale(known.of(profile, name), None, most, reversible=False)
    return pieces(
        (
            (since, until, _scale(resolution, capacity, limit or most, reversible=reversible))
            for since, until, resolution, capacity, limit, reversible in declared
        ),
        default,
    )


def _scale(
    resolution: Decimal, capacity: Decimal | None, most: Decimal, *, reversible: bool
) -> Scale:
    ticks = None if capacity is None else capacity / resolution
    if ticks is not None and ticks != int(ticks):
        raise ValueError(
            f"it rolls over at {capacity}, which is no multiple of its resolution {resolution}; "
            "correct the register's facts"
        )
    limit = max(1, int(most / resolution))
    return Scale(resolution, Register(None if ticks is None else int(ticks), limit, reversible))


def _profiles(conn: psycopg.Connection, meters: Sequence[int]) -> dict[int, Profiles]:
    assigned = _grouped(conn, _PROFILES, meters, 1)
    wanted = {row[2] for rows in assigned.values() for row in rows}
    if not wanted:
        return {}
    found = conn.execute(_WEIGHTS, [arrays.ids(sorted(wanted))]).fetchall()
    weights = {profile: np.array(values, np.int64) for profile, values in found}
    return {
        meter: pieces(((since, until, weights[profile]) for since, until, profile in rows), None)
        for (meter,), rows in assigned.items()
    }


def _grouped(
    conn: psycopg.Connection, query: str, subjects: Iterable[int], keys: int
) -> Mapping[tuple[Any, ...], list[tuple[Any, ...]]]:
    """Return the query's rows by their first columns."""
    groups: dict[tuple[Any, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for row in conn.execute(query, [arrays.ids(list(subjects))]).fetchall():
        groups[row[:keys]].append(row[keys:])
    return groups
