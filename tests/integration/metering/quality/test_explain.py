from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from metering.counter.model import Flag
from metering.plan.usage import Window
from metering.quality.explain import explain
from metering.quality.explanation import AccountDays, Explanation
from metering.quality.gaps import Why
from metering.quality.notes import Note, notes
from metering.quality.presence import Span, local_span
from registry.refusal import RefusedError
from tests.integration.metering.quality.world import (
    BEGIN,
    NOW,
    OCTOBER,
    QUARTER,
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


def test_a_plain_month_is_last_minus_first(conn: Conn) -> None:
    meter = add_meter(conn, "m")
    poll(conn, "m-d", steady(0.25, MONTH))
    compute(conn, meter)
    found = october(conn)
    assert found.micro == 744 * KWH
    assert found.estimated == found.entered == 0
    assert found.share == 1
    assert found.title == "2026-10"
    assert found.first is not None
    assert found.last is not None
    assert (found.first.ts, found.first.value) == (BEGIN, Decimal(1000))
    assert (found.last.ts, found.last.value) == (BEGIN + timedelta(days=31), Decimal(1744))
    assert found.check is not None
    assert found.check.holds
    assert found.check.edges == ()
    assert found.missing == ()
    assert len(found.periods) == 31
    assert all(period.micro == 24 * KWH for period in found.periods)
    assert not any(period.flags for period in found.periods), "the first device replaced none"
    assert [device.code for device in found.devices] == ["m-d"]


def test_a_ratio_from_the_middle_on_cuts_the_check_in_two(conn: Conn) -> None:
    meter = add_meter(conn, "m")
    poll(conn, "m-d", steady(0.25, MONTH))
    conn.execute(
        "INSERT INTO meter_ratio (meter_id, ct, pt, valid, entered_by, entered_at)"
        " VALUES (%s, 40, 1, tstzrange(%s, NULL), '王芳', %s)",
        [meter, BEGIN + timedelta(days=10), NOW],
    )
    compute(conn, meter)
    found = october(conn)
    assert found.micro == (240 + 504 * 40) * KWH
    assert found.check is not None
    assert [one.counted for one in found.check.segments] == [240 * KWH, 504 * 40 * KWH]
    assert found.check.holds
    assert found.ratios[0].ct == 40
    assert found.ratios[0].entered_by == "王芳"


def test_dip_rollover_and_reset_are_named_and_the_sum_still_holds(conn: Conn) -> None:
    meter = add_meter(conn, "m")
    conn.execute(
        "INSERT INTO device_register (device_id, register, resolution, capacity, max_per_hour,"
        " valid, entered_by, entered_at)"
        " SELECT id, 'energy', 0.01, 10000, 100, '[,)', '王芳', %s FROM device",
        [NOW],
    )
    values = steady(0.25, MONTH, start=9900.0)
    rolled = [(ts, round((value or 0) % 10000, 2)) for ts, value in values]
    dipped = [(ts, 0.0 if 1500 <= n < 1502 else value) for n, (ts, value) in enumerate(rolled)]
    reset_at = 2500
    lost = dipped[reset_at - 1][1]
    final = [
        (ts, round(value - lost, 2) if n >= reset_at else value)
        for n, (ts, value) in enumerate(dipped)
    ]
    poll(conn, "m-d", final)
    compute(conn, meter)
    found = october(conn)
    assert {one.kind for one in found.findings} >= {"dip", "rollover", "reset"}
    assert found.micro == 744 * KWH
    assert found.check is not None
    assert found.check.holds
    (segment,) = found.check.segments
    assert {one.kind for one in segment.corrections} == {"rollover", "reset"}
    assert segment.counted != segment.booked


def test_a_replaced_device_is_two_segments_with_the_change_between(conn: Conn) -> None:
    meter = add_meter(conn, "m", None)
    change = BEGIN + timedelta(days=15, minutes=7)
    place = number(conn, "SELECT id FROM place")
    conn.execute("UPDATE device_place SET valid = tstzrange(NULL, %s)", [change])
    new = add_device(conn, "m-new", place, change)
    poll(conn, "m-d", steady(0.25, 15 * 96))
    poll(conn, "m-new", steady(0.25, 16 * 96 - 1, change + timedelta(minutes=8), 5.0))
    old = number(conn, "SELECT id FROM device WHERE code = 'm-d'")
    for device, kind, value in ((old, "final", 1360.12), (new, "initial", 4.87)):
        conn.execute(
            "INSERT INTO counter_entry (device_id, register, ts, kind, value, entered_by,"
            " entered_at) VALUES (%s, 'energy', %s, %s, %s, '李强', %s)",
            [device, change, kind, value, NOW],
        )
    compute(conn, meter)
    found = october(conn)
    assert [(d.code, d.initial, d.final) for d in found.devices] == [
        ("m-d", None, Decimal("1360.12")),
        ("m-new", Decimal("4.87"), None),
    ]
    assert [(one.kind, one.entered_by) for one in found.entries] == [
        ("final", "李强"),
        ("initial", "李强"),
    ]
    assert found.micro == 744 * KWH
    assert found.check is not None
    assert found.check.holds
    assert [segment.device for segment in found.check.segments] == ["m-d", "m-new"]
    (edge,) = found.check.edges
    assert edge.micro == round(0.25 * KWH)
    assert found.entered > 0
    changed = [n for n, period in enumerate(found.periods, 1) if period.flags & Flag.REPLACED]
    assert changed == [16]


def test_a_gap_is_estimated_once_and_said(conn: Conn) -> None:
    meter = add_meter(conn, "m")
    values = steady(0.25, MONTH)
    poll(conn, "m-d", values[:960] + values[1056:])
    compute(conn, meter)
    found = october(conn)
    assert found.micro == 744 * KWH
    assert found.estimated == round(24.25 * KWH)
    assert [one.kind for one in found.findings if one.kind == "gap"] == ["gap"]
    assert any(period.flags & Flag.ESTIMATED for period in found.periods)
    assert found.check is not None
    assert found.check.holds


def test_a_month_of_which_nothing_is_known_is_none_and_not_zero(conn: Conn) -> None:
    add_meter(conn, "m")
    found = october(conn)
    assert found.micro is None
    assert found.share == 0
    assert len(found.periods) == 31
    assert [gap.why for gap in found.missing] == [Why.SILENT]
    assert found.check is not None
    assert not found.check.holds
    assert found.check.total is None


def test_a_day_is_explained_by_its_hours(conn: Conn) -> None:
    meter = add_meter(conn, "m")
    poll(conn, "m-d", steady(0.25, MONTH))
    compute(conn, meter)
    found = explain(conn, "m", day(9), SHANGHAI, NOW)
    assert found.title == "2026-10-09"
    assert len(found.periods) == 24
    assert found.micro == 24 * KWH
    assert found.check is not None
    assert found.check.holds


def test_the_month_that_is_not_over_is_expected_up_to_now(conn: Conn) -> None:
    meter = add_meter(conn, "m")
    poll(conn, "m-d", steady(0.25, 5 * 96))
    compute(conn, meter)
    found = explain(conn, "m", OCTOBER, SHANGHAI, BEGIN + timedelta(days=5))
    assert found.share == 1
    assert len(found.periods) == 5


def test_bills_of_the_meters_account_stand_beside_the_figure(conn: Conn) -> None:
    add_meter(conn, "m")
    account = number(
        conn,
        "INSERT INTO utility_account (code, number, supplier, energy, unit)"
        " VALUES ('a', '5001', '供电局', 'electricity', 'kWh')",
    )
    conn.execute(
        "INSERT INTO utility_account_meter (account_id, meter_id, valid, entered_by, entered_at)"
        " SELECT %s, id, '[2026-01-01,)', '王芳', %s FROM meter",
        [account, NOW],
    )
    for first, end in ((date(2026, 9, 25), date(2026, 10, 25)), (date(2026, 8, 25),) * 2):
        conn.execute(
            "INSERT INTO bill (account_id, period, status, quantity, unit, amount, entered_by,"
            " entered_at) VALUES (%s, daterange(%s, %s), 'settled', 700, 'kWh', 420, '王芳', %s)",
            [account, first, end if end > first else date(2026, 9, 25), NOW],
        )
    (bill,) = october(conn).bills
    assert (bill.account, bill.first, bill.end) == ("a", date(2026, 9, 25), date(2026, 10, 25))
    assert (bill.quantity, bill.amount) == (Decimal(700), Decimal(420))
    assert bill.entered_by == "王芳"


def test_the_days_of_an_account_and_those_before_stand_apart(conn: Conn) -> None:
    meter = add_meter(conn, "m")
    institution = number(conn, "INSERT INTO institution (code, name) VALUES ('czj', '财政局')")
    account = number(
        conn,
        "INSERT INTO utility_account (code, number, supplier, energy, unit)"
        " VALUES ('a', '5001', '供电局', 'electricity', 'kWh')",
    )
    conn.execute(
        "INSERT INTO utility_account_meter (account_id, meter_id, valid, entered_by, entered_at)"
        " VALUES (%s, %s, '[2026-01-01,)', '王芳', %s)",
        [account, meter, NOW],
    )
    assert october(conn).accounts == (), "the account is nobody's"
    conn.execute(
        "INSERT INTO utility_account_institution"
        " (account_id, institution_id, valid, entered_by, entered_at)"
        " VALUES (%s, %s, '[2026-10-03,)', '王芳', %s)",
        [account, institution, NOW],
    )
    conn.execute(
        "INSERT INTO consumption_day (meter_id, day, micro, estimated, covered_s, flags)"
        " SELECT %s, d::date, 5, 0, 86400, 0"
        " FROM generate_series(timestamp '2026-10-01', '2026-10-04', interval '1 day') AS d",
        [meter],
    )
    assert october(conn).accounts == (
        AccountDays(None, date(2026, 10, 1), date(2026, 10, 3), 10),
        AccountDays("a", date(2026, 10, 3), date(2026, 11, 1), 10),
    )
    assert explain(conn, "m", day(9), SHANGHAI, NOW).accounts == (), "one account has all of it"


def test_what_waits_to_be_computed_is_said(conn: Conn) -> None:
    meter = add_meter(conn, "m")
    conn.execute(
        "INSERT INTO metering_due (kind, subject, ts_from, ts_to, why)"
        " VALUES ('meter', %s, %s, %s, 'ratio')",
        [meter, BEGIN, BEGIN + QUARTER],
    )
    assert october(conn).waiting
    assert not explain(conn, "m", day(9), SHANGHAI, NOW).waiting


def test_a_virtual_meter_names_its_inputs(conn: Conn) -> None:
    conn.execute(
        "INSERT INTO meter (code, name, energy, unit, formula)"
        " VALUES ('v', '两表之差', 'electricity', 'kWh', '{m} - {n}')"
    )
    for code, kwh in (("m", 0.25), ("n", 0.1)):
        meter = add_meter(conn, code)
        poll(conn, f"{code}-d", steady(kwh, MONTH))
        compute(conn, meter)
    found = explain(conn, "v", OCTOBER, SHANGHAI, NOW)
    assert found.micro == 744 * 6 * KWH // 10
    assert [(one.code, one.micro) for one in found.inputs] == [
        ("m", 744 * KWH),
        ("n", 744 * 4 * KWH // 10),
    ]
    assert [(one.flags, one.replaced) for one in found.inputs] == [(Flag.NONE, ())] * 2
    assert not any(period.flags for period in found.periods), "no first device replaced any"
    assert found.check is None
    assert (found.first, found.devices) == (None, ())
    assert found.share == 1
    conn.execute("UPDATE meter SET formula = '{m} -' WHERE code = 'v'")
    assert explain(conn, "v", OCTOBER, SHANGHAI, NOW).inputs == ()


def test_an_unknown_meter_is_refused(conn: Conn) -> None:
    with pytest.raises(RefusedError, match="没有编码为 x 的计量点"):
        explain(conn, "x", OCTOBER, SHANGHAI, NOW)


def test_a_dip_on_the_last_midnight_is_left_out_of_the_check_too(conn: Conn) -> None:
    """The reading at the very end is the window's last; so is what was found about it."""
    meter = add_meter(conn, "m")
    values = steady(0.25, 4 * 96)
    values[96] = (values[96][0], 0.0)
    poll(conn, "m-d", values)
    compute(conn, meter)
    found = explain(conn, "m", Window(OCTOBER.first, OCTOBER.first), SHANGHAI, NOW)
    assert found.check is not None
    assert found.check.holds
    assert [one.kind for one in found.findings] == ["first", "gap", "dip"]
    assert found.last is not None
    assert found.last.ts == BEGIN + 95 * QUARTER


def test_a_gap_that_begins_at_the_end_is_the_next_windows(conn: Conn) -> None:
    meter = add_meter(conn, "m")
    values = steady(0.25, 4 * 96)
    del values[97:120]
    poll(conn, "m-d", values)
    compute(conn, meter)
    found = explain(conn, "m", Window(OCTOBER.first, OCTOBER.first), SHANGHAI, NOW)
    assert [one.kind for one in found.findings] == ["first"]


def test_time_without_a_ratio_is_said_beside_those_there_are(conn: Conn) -> None:
    """Entered from the 11th on, the ten days before count as they are read: forty times less."""
    meter = add_meter(conn, "m")
    poll(conn, "m-d", steady(0.25, 96))
    compute(conn, meter)
    assert explain(conn, "m", OCTOBER, SHANGHAI, NOW).unrated == ()
    since = BEGIN + timedelta(days=10)
    conn.execute(
        "INSERT INTO meter_ratio (meter_id, ct, pt, valid, entered_by, entered_at)"
        " VALUES (%s, 40, 1, tstzrange(%s, NULL), 'x', now())",
        [meter, since],
    )
    assert explain(conn, "m", OCTOBER, SHANGHAI, NOW).unrated == (Span(BEGIN, since),)
    october = local_span(OCTOBER, SHANGHAI)
    assert notes(conn, [meter], october) == {meter: (Note.NO_RATIO,)}
    conn.execute("UPDATE meter_ratio SET valid = '[,)'")
    assert explain(conn, "m", OCTOBER, SHANGHAI, NOW).unrated == ()
    assert notes(conn, [meter], october) == {}


def test_what_hung_there_and_when_nothing_did_make_the_window(conn: Conn) -> None:
    since = BEGIN + timedelta(days=21)
    meter = add_meter(conn, "m", since)
    poll(conn, "m-d", steady(0.25, 96, since))
    compute(conn, meter)
    found = explain(conn, "m", OCTOBER, SHANGHAI, NOW)
    assert found.absent == (Span(BEGIN, since),)
    assert found.devices[0].profile == "meter@1"
    early = explain(conn, "m", OCTOBER, SHANGHAI, BEGIN + timedelta(days=3))
    assert early.absent == (Span(BEGIN, BEGIN + timedelta(days=3)),)
    add_meter(conn, "undated", None)
    assert explain(conn, "undated", OCTOBER, SHANGHAI, NOW).absent == ()


def test_the_profile_that_spread_a_gap_is_named_with_its_version(conn: Conn) -> None:
    meter = add_meter(conn, "m")
    conn.execute(
        "INSERT INTO load_profile (code, version, weights, source)"
        " SELECT 'office', 2, array_agg(1), '实测' FROM generate_series(1, 672)"
    )
    conn.execute(
        "INSERT INTO meter_load_profile SELECT %s, id, tstzrange(%s, NULL) FROM load_profile",
        [meter, BEGIN],
    )
    values = steady(0.25, 96)
    poll(conn, "m-d", [*values[:40], *values[48:]])
    compute(conn, meter)
    found = explain(conn, "m", OCTOBER, SHANGHAI, NOW)
    assert found.estimated_quarters == 9
    assert [(p.code, p.version, p.source, p.begin) for p in found.load_profiles] == [
        ("office", 2, "实测", BEGIN)
    ]
