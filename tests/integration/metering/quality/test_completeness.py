from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from metering.counter.model import Flag
from metering.plan.usage import Window
from metering.quality.completeness import completeness
from metering.quality.explain import explain
from metering.quality.gaps import Gap, Why, missing
from metering.quality.notes import Note, notes
from metering.quality.parts import Parts, added, entered
from metering.quality.presence import Span, presence
from metering.quality.stale import Silence, stale
from storage import latest
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

KWH = 1_000_000
DAY = timedelta(days=1)


def hole(conn: Conn, meter: int, now: datetime = NOW) -> tuple[Gap, ...]:
    return missing(conn, meter, OCTOBER, SHANGHAI, now)


def parts(conn: Conn, meters: list[int], window: Window, now: datetime) -> Parts:
    days = completeness(conn, meters, window, SHANGHAI, now)
    return added(days, entered(conn, meters, window, SHANGHAI))


def test_days_are_expected_from_the_binding_to_its_end(conn: Conn) -> None:
    since, until = BEGIN + timedelta(days=4, hours=6), BEGIN + 9 * DAY
    meter = add_meter(conn, "m", since)
    conn.execute("UPDATE device_place SET valid = tstzrange(%s, %s)", [since, until])
    found = completeness(conn, [meter], OCTOBER, SHANGHAI, NOW)
    assert [one.day.day for one in found] == [5, 6, 7, 8, 9]
    assert [one.expected_s for one in found] == [64_800, *[86_400] * 4]
    assert all(one.micro is None and one.share == 0 for one in found)


def test_nothing_is_expected_of_the_future(conn: Conn) -> None:
    meter = add_meter(conn, "m")
    found = completeness(conn, [meter], OCTOBER, SHANGHAI, BEGIN + timedelta(hours=30))
    assert [one.expected_s for one in found] == [86_400, 21_600]


def test_a_binding_without_a_begin_counts_from_the_first_figure(conn: Conn) -> None:
    meter = add_meter(conn, "m", None)
    assert presence(conn, meter) == ()
    poll(conn, "m-d", steady(0.25, 96, BEGIN + 2 * DAY))
    compute(conn, meter)
    (span,) = presence(conn, meter)
    assert span.begin == BEGIN + 2 * DAY
    found = completeness(conn, [meter], OCTOBER, SHANGHAI, BEGIN + 4 * DAY)
    assert [(one.day.day, one.covered_s) for one in found] == [(3, 86_400), (4, 0)]


def test_two_devices_in_turn_are_one_presence(conn: Conn) -> None:
    meter = add_meter(conn, "m", BEGIN)
    change = BEGIN + 5 * DAY
    conn.execute("UPDATE device_place SET valid = tstzrange(%s, %s)", [BEGIN, change])
    place = number(conn, "SELECT id FROM place")
    add_device(conn, "new", place, change, change + DAY)
    assert presence(conn, meter) == (Span(BEGIN, change + DAY),)


def test_a_silent_device_and_an_invalid_value_are_told_apart(conn: Conn) -> None:
    meter = add_meter(conn, "m")
    values = steady(0.25, 20 * 96)
    silent = values[:960] + values[1056:1440]
    poll(conn, "m-d", [*silent, *((ts, None) for ts, _ in values[1440:])])
    compute(conn, meter)
    found = hole(conn, meter, BEGIN + 20 * DAY)
    # The gap of a day in between was estimated: it is known. What has no end yet is not.
    assert [(gap.span.begin, gap.why) for gap in found] == [
        (BEGIN + 15 * DAY - QUARTER, Why.NO_VALUE)
    ]


def test_nothing_at_all_is_silence(conn: Conn) -> None:
    meter = add_meter(conn, "m")
    (gap,) = hole(conn, meter)
    assert gap == Gap(Span(BEGIN, BEGIN + 31 * DAY), Why.SILENT)
    assert hole(conn, meter, BEGIN) == ()


def test_a_jump_leaves_its_time_unknown_and_says_so(conn: Conn) -> None:
    meter = add_meter(conn, "m")
    conn.execute(
        "INSERT INTO device_register (device_id, register, resolution, max_per_hour, valid,"
        " entered_by, entered_at) SELECT id, 'energy', 0.01, 10, '[,)', '王芳', %s FROM device",
        [NOW],
    )
    before, after = steady(0.25, 480), steady(0.25, 480, BEGIN + 6 * DAY, 90_000.0)
    poll(conn, "m-d", [*before, *after])
    compute(conn, meter)
    (gap,) = hole(conn, meter, BEGIN + 11 * DAY)
    assert gap == Gap(Span(BEGIN + 5 * DAY, BEGIN + 6 * DAY), Why.UNKNOWN_STEP)


def test_what_waits_and_what_failed_come_first(conn: Conn) -> None:
    meter = add_meter(conn, "m")
    conn.execute(
        "INSERT INTO metering_due (kind, subject, ts_from, ts_to, why)"
        " VALUES ('meter', %s, %s, %s, 'x')",
        [meter, BEGIN, NOW],
    )
    assert [gap.why for gap in hole(conn, meter)] == [Why.WAITING]
    conn.execute(
        "INSERT INTO metering_failure VALUES ('meter', %s, 'bad', 1, %s, %s, %s)",
        [meter, NOW, NOW, NOW],
    )
    assert [gap.why for gap in hole(conn, meter)] == [Why.FAILED]


def test_a_device_without_the_counter_is_named(conn: Conn) -> None:
    meter = add_meter(conn, "m")
    conn.execute("UPDATE meter SET register = 'export'")
    assert [gap.why for gap in hole(conn, meter)] == [Why.NO_COUNTER]


def test_estimated_and_entered_shares_of_a_figure(conn: Conn) -> None:
    meter, other = add_meter(conn, "m"), add_meter(conn, "n")
    values = steady(0.25, 10 * 96)
    poll(conn, "m-d", values[:97] + values[192:])
    poll(conn, "n-d", values[:1])
    device = number(conn, "SELECT id FROM device WHERE code = 'n-d'")
    conn.execute(
        "INSERT INTO counter_entry (device_id, register, ts, kind, value, entered_by, entered_at)"
        " VALUES (%s, 'energy', %s, 'reading', 1240, '王芳', %s)",
        [device, BEGIN + 10 * DAY, NOW],
    )
    for one in (meter, other):
        compute(conn, one)
    made = parts(conn, [meter, other], OCTOBER, BEGIN + 10 * DAY)
    assert made.micro == 480 * KWH
    assert made.known == 1
    assert made.estimated == (240 + 24) * KWH
    assert made.entered == 240 * KWH
    assert made.entered_share == Decimal("0.5")
    nothing = parts(conn, [meter], day(20), NOW)
    assert nothing.micro is None
    assert nothing.known == 0
    assert nothing.estimated_share is None


def test_a_replaced_device_shows_in_the_flags_of_its_day(conn: Conn) -> None:
    meter = add_meter(conn, "m")
    poll(conn, "m-d", steady(0.25, 96))
    compute(conn, meter)
    (first,) = completeness(conn, [meter], day(1), SHANGHAI, NOW)
    assert first.complete
    assert Flag(first.flags) & Flag.REPLACED


def test_stale_meters_and_why(conn: Conn) -> None:
    now = BEGIN + DAY
    for code in ("fresh", "silent", "null", "never", "new"):
        add_meter(conn, code, now - 3 * QUARTER if code == "new" else BEGIN)
    add_meter(conn, "unbound")
    conn.execute(
        "DELETE FROM device_place USING device WHERE device_id = id AND code = 'unbound-d'"
    )
    add_meter(conn, "odd")
    conn.execute("UPDATE meter SET register = 'export' WHERE code = 'odd'")
    poll(conn, "fresh-d", [(now - QUARTER, 1.0)])
    poll(conn, "silent-d", [(now - timedelta(hours=5), 1.0)])
    poll(conn, "null-d", [(now - timedelta(hours=5), 1.0), (now - QUARTER, None)])
    latest.refresh(conn)
    found = {one.meter: (one.why, one.since) for one in stale(conn, now, 4)}
    assert found == {
        "silent": (Silence.SILENT, now - timedelta(hours=5)),
        "null": (Silence.NO_VALUE, now - timedelta(hours=5)),
        "never": (Silence.NEVER, None),
        "unbound": (Silence.NOT_BOUND, None),
        "odd": (Silence.NO_COUNTER, None),
    }
    only = number(conn, "SELECT id FROM meter WHERE code = 'never'")
    assert [one.meter for one in stale(conn, now, 4, [only])] == ["never"]


def test_days_are_those_of_the_site(conn: Conn) -> None:
    meter = add_meter(conn, "m")
    poll(conn, "m-d", steady(0.25, 96))
    compute(conn, meter)
    (first,) = completeness(conn, [meter], day(1), SHANGHAI, NOW)
    assert (first.day, first.covered_s, first.micro) == (date(2026, 10, 1), 86_400, 24 * KWH)


def test_meters_without_a_device_or_a_ratio_are_noted(conn: Conn) -> None:
    span = Span(BEGIN, BEGIN + 31 * DAY)
    plain, rated, later = (add_meter(conn, code) for code in ("plain", "rated", "later"))
    conn.execute(
        "INSERT INTO meter_ratio (meter_id, ct, pt, valid, entered_by, entered_at)"
        " VALUES (%s, 1, 1, '[,)', 'x', now())",
        [rated],
    )
    conn.execute(
        "UPDATE device_place SET valid = tstzrange(%s, NULL) FROM device"
        " WHERE id = device_id AND code = 'later-d'",
        [BEGIN + 31 * DAY],
    )
    assert notes(conn, [plain, rated, later], span) == {
        plain: (Note.NO_RATIO,),
        later: (Note.NOT_BOUND,),
    }


def test_what_came_later_does_not_hide_what_is_missing(conn: Conn) -> None:
    """Figures are expected up to an hour ago; a newer quarter is no substitute for an older one."""
    meter = add_meter(conn, "m")
    poll(conn, "m-d", steady(0.25, 8))
    poll(conn, "m-d", steady(0.25, 8, BEGIN + timedelta(hours=2, minutes=30), 1e6))
    compute(conn, meter)
    now = BEGIN + timedelta(hours=4)
    (today,) = completeness(conn, [meter], OCTOBER, SHANGHAI, now)
    assert (today.expected_s, today.covered_s) == (14_400, 12_600)
    assert not today.complete
    explained = explain(conn, "m", OCTOBER, SHANGHAI, now)
    assert (explained.expected_s, explained.covered_s) == (14_400, 12_600)
    hours = explain(conn, "m", Window(date(2026, 10, 1), date(2026, 10, 1)), SHANGHAI, now)
    assert (hours.expected_s, hours.covered_s) == (14_400, 12_600)


def test_within_a_running_quarter_only_what_is_over_counts(conn: Conn) -> None:
    meter = add_meter(conn, "m")
    poll(conn, "m-d", steady(0.25, 8))
    compute(conn, meter)
    now = BEGIN + timedelta(minutes=50)
    (today,) = completeness(conn, [meter], OCTOBER, SHANGHAI, now)
    assert (today.expected_s, today.covered_s, today.complete) == (3_000, 3_000, True)


def test_what_never_counted_anything_and_hangs_there_since_nobody_knows_when_is_noted(
    conn: Conn,
) -> None:
    """Nothing is expected of it: else it would be taken for one that has nothing to say."""
    span = Span(BEGIN, BEGIN + 31 * DAY)
    undated, dated = add_meter(conn, "undated", None), add_meter(conn, "dated")
    assert completeness(conn, [undated], OCTOBER, SHANGHAI, NOW) == ()
    found = notes(conn, [undated, dated], span)
    assert found == {undated: (Note.NEVER, Note.NO_RATIO), dated: (Note.NO_RATIO,)}
    poll(conn, "undated-d", steady(0.25, 96))
    compute(conn, undated)
    assert notes(conn, [undated], span) == {undated: (Note.NO_RATIO,)}
