"""What was withdrawn, replaced or set anew is explained as such."""

from __future__ import annotations

from datetime import timedelta

import pytest

from metering.counter.model import Flag
from metering.quality.explain import explain
from metering.quality.explanation import Explanation
from metering.quality.presence import Change, Span
from tests.integration.metering.quality.world import (
    BEGIN,
    NOW,
    OCTOBER,
    SHANGHAI,
    Conn,
    add_device,
    add_meter,
    compute,
    day,
    number,
    poll,
    steady,
)

MONTH = 31 * 96
KWH = 1_000_000


def october(conn: Conn) -> Explanation:
    return explain(conn, "m", OCTOBER, SHANGHAI, NOW)


def test_a_virtual_meter_says_whose_device_was_replaced(conn: Conn) -> None:
    for code, formula in (("v", "{m} + {n}"), ("w", "{v} * 2")):
        conn.execute(
            "INSERT INTO meter (code, name, energy, unit, formula)"
            " VALUES (%s, '', 'electricity', 'kWh', %s)",
            [code, formula],
        )
    removed, installed = BEGIN + timedelta(days=9, hours=1), BEGIN + timedelta(days=9, hours=3)
    meters = [add_meter(conn, code) for code in ("m", "n")]
    place = number(conn, "SELECT place_id FROM meter WHERE code = 'n'")
    conn.execute(
        "UPDATE device_place SET valid = tstzrange(%s, %s) WHERE place_id = %s",
        [BEGIN, removed, place],
    )
    add_device(conn, "n-new", place, installed)
    poll(conn, "m-d", steady(0.25, MONTH))
    poll(conn, "n-d", steady(0.25, 9 * 96 + 4))
    poll(conn, "n-new", steady(0.25, 21 * 96, installed))
    for meter in meters:
        compute(conn, meter)
    change = Change(removed, installed)
    for code, inputs in (("v", [("m", ()), ("n", (change,))]), ("w", [("v", (change,))])):
        found = explain(conn, code, OCTOBER, SHANGHAI, NOW)
        assert [(one.code, one.replaced) for one in found.inputs] == inputs
        marked = [n for n, one in enumerate(found.periods, 1) if one.flags & Flag.REPLACED]
        assert marked == [10]
    before = explain(conn, "v", day(9), SHANGHAI, NOW)
    assert [one.replaced for one in before.inputs] == [(), ()]
    assert not any(one.flags for one in before.inputs)


def test_withdrawn_ratios_stay_on_the_page_and_count_for_nothing(conn: Conn) -> None:
    meter = add_meter(conn, "m")
    poll(conn, "m-d", steady(0.25, MONTH))
    conn.execute(
        "INSERT INTO meter_ratio (meter_id, ct, pt, valid, entered_by, entered_at, withdrawn_by,"
        " withdrawn_at)"
        " VALUES (%(m)s, 60, 1, tstzrange(%(t)s, NULL), '李强', %(t)s, '王芳', %(n)s),"
        " (%(m)s, 40, 1, tstzrange(%(t)s, NULL), '王芳', %(n)s, NULL, NULL)",
        {"m": meter, "t": BEGIN + timedelta(days=30), "n": NOW},
    )
    compute(conn, meter)
    found = october(conn)
    assert [(int(one.ct), one.withdrawn_by, one.withdrawn_at) for one in found.ratios] == [
        (60, "王芳", NOW),
        (40, None, None),
    ]
    assert found.micro == (720 + 24 * 40) * KWH
    assert found.unrated == (Span(BEGIN, BEGIN + timedelta(days=30)),)
    conn.execute("UPDATE meter_ratio SET withdrawn_by = 'x', withdrawn_at = now()")
    assert october(conn).unrated == ()


@pytest.mark.parametrize("kinds", [("reset", "reading"), ("reading", "reset")])
def test_a_counter_that_was_read_and_reset_at_one_time_ends_and_begins_there(
    conn: Conn, kinds: tuple[str, str]
) -> None:
    """In whatever order somebody entered the two."""
    meter = add_meter(conn, "m")
    values = steady(0.25, 20 * 96)
    reset = BEGIN + timedelta(days=10)
    poll(conn, "m-d", [v for v in values if v[0] < reset])
    poll(conn, "m-d", steady(0.25, 10 * 96, reset, 7.0)[1:])
    device = number(conn, "SELECT id FROM device")
    for kind in kinds:
        conn.execute(
            "INSERT INTO counter_entry (device_id, register, ts, kind, value, entered_by,"
            " entered_at) VALUES (%s, 'energy', %s, %s, %s, '王芳', %s)",
            [device, reset, kind, 1240 if kind == "reading" else 7, NOW],
        )
    compute(conn, meter)
    found = october(conn)
    assert found.micro == 480 * KWH
    assert found.check is not None
    assert found.check.holds
    ends = [(one.first, one.last) for one in found.check.segments]
    assert ends == [(100_000, 124_000), (700, 24_700)]
