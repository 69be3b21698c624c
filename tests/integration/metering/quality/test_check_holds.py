"""Whatever happened to a counter: what is computed agrees with the counter, to the millionth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metering.plan.usage import Window
from metering.quality.explain import explain
from tests.integration.metering.quality.world import (
    BEGIN,
    NOW,
    OCTOBER,
    QUARTER,
    SHANGHAI,
    Conn,
    add_device,
    add_meter,
    build,
    compute,
    number,
    poll,
)

COUNT = 6 * 96
TABLES = (
    "institution, building, room, bus, profile, place, device, meter, reading, consumption,"
    " consumption_hour, consumption_day, consumption_month, counter_finding, counter_entry,"
    " meter_ratio, device_register, metering_due"
)


@dataclass(frozen=True)
class History:
    """What happens to a counter of hundredths of kWh in six days, by quarter hours.

    Attributes:
        gains: in ticks; repeated.
        start: ticks at the begin; the register rolls over at 100,000.
        lost: quarters whose readings are lost.
        odd: readings replaced by another value.
        reset: from then on it counts from zero.
        ratio: from then on the ratio is another.
        shift_s: the device sends so long after the quarter hour.
        replaced: from then on another device hangs there.
    """

    gains: list[int]
    start: int
    lost: set[int]
    odd: dict[int, int]
    reset: int | None
    ratio: tuple[int, int] | None
    shift_s: int
    replaced: int | None


QUARTERS = st.integers(1, COUNT - 1)
HISTORIES = st.builds(
    History,
    gains=st.lists(st.integers(0, 60), min_size=1, max_size=7),
    start=st.sampled_from([0, 5, 50_000, 99_000, 99_990]),
    lost=st.sets(QUARTERS, max_size=4) | QUARTERS.map(lambda q: set(range(q, min(q + 120, COUNT)))),
    odd=st.dictionaries(QUARTERS, st.sampled_from([0, 1, 77_777, 99_999]), max_size=3),
    reset=st.none() | QUARTERS,
    ratio=st.none() | st.tuples(QUARTERS, st.sampled_from([2, 40])),
    shift_s=st.sampled_from([0, 0, 0, 37]),
    replaced=st.none() | QUARTERS,
)


def ticks(history: History) -> list[int]:
    """What the register shows at each quarter hour."""
    shown, at = [], history.start
    for quarter in range(COUNT + 1):
        at = 0 if quarter == history.reset else at
        shown.append(history.odd.get(quarter, at % 100_000))
        at += history.gains[quarter % len(history.gains)]
    return shown


def bring(conn: Conn, history: History) -> int:
    change = BEGIN + QUARTER * (history.replaced or COUNT)
    meter = add_meter(conn, "m")
    place = number(conn, "SELECT id FROM place")
    devices = ["m-d"]
    if history.replaced is not None:
        conn.execute("UPDATE device_place SET valid = tstzrange(%s, %s)", [BEGIN, change])
        add_device(conn, "new", place, change)
        devices.append("new")
    conn.execute(
        "INSERT INTO device_register (device_id, register, resolution, capacity, max_per_hour,"
        " valid, entered_by, entered_at)"
        " SELECT id, 'energy', 0.01, 1000, 5, '[,)', 'x', now() FROM device"
    )
    if history.ratio is not None:
        conn.execute(
            "INSERT INTO meter_ratio (meter_id, ct, pt, valid, entered_by, entered_at)"
            " VALUES (%s, %s, 1, tstzrange(%s, NULL), 'x', now())",
            [meter, history.ratio[1], BEGIN + QUARTER * history.ratio[0]],
        )
    shift = timedelta(seconds=history.shift_s)
    kept = [
        (BEGIN + QUARTER * quarter + shift, float(Decimal(value) / 100))
        for quarter, value in enumerate(ticks(history))
        if quarter not in history.lost
    ]
    poll(conn, "m-d", [one for one in kept if one[0] < change])
    poll(conn, devices[-1], [one for one in kept if one[0] >= change])
    return meter


@settings(
    max_examples=25,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(HISTORIES)
def test_every_segment_agrees_with_its_counter(conn: Conn, history: History) -> None:
    conn.execute(f"TRUNCATE {TABLES} RESTART IDENTITY CASCADE".encode())
    build(conn)
    meter = bring(conn, history)
    compute(conn, meter)
    for window in (OCTOBER, Window(OCTOBER.first, OCTOBER.first), *two_days()):
        found = explain(conn, "m", window, SHANGHAI, NOW)
        assert found.check is not None
        assert [segment.off for segment in found.check.segments] == [0] * len(found.check.segments)
        pieces = [one.booked for one in found.check.segments]
        pieces += [one.micro or 0 for one in found.check.edges]
        assert found.check.total == found.micro
        assert sum(pieces) == (found.micro or 0)
        assert sum(period.micro or 0 for period in found.periods) == (found.micro or 0)


def two_days() -> tuple[Window, ...]:
    return tuple(
        Window(OCTOBER.first + timedelta(days=n), OCTOBER.first + timedelta(days=n + 1))
        for n in (1, 4)
    )
