"""Rules about meters: what is found, and what must not be."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import pytest

from registry.calendar import DatedCalendar
from registry.published_days import published_days
from tests.integration.metering.gauge.world import add_device, add_point
from tests.integration.metering.tree.town import Town
from tests.integration.rules.figures import Hours, found, load_rules, midnight, put
from tests.integration.rules.world import Conn, look

NIGHT = "code: night, kind: water.night_flow, for: 29h, silence: 2d"
BURST = "code: burst, kind: water.burst, for: 1h"
LOAD = "code: load, kind: electricity.base_load, for: 53h, silence: 2d"
STEP = "code: step, kind: consumption.step, for: 5d, gap: 3d, silence: 3d"
STUCK = "code: stuck, kind: meter.stuck, for: 2d, gap: 3d, silence: 3d"
STILL = "code: still, kind: meter.still, for: 10d, gap: 3d, silence: 3d"
ODD = "code: odd, kind: meter.odd_readings, for: 1m, gap: 7d"
MAINS = "code: mains, kind: meter.mains, for: 2d, silence: 3d"


@pytest.fixture
def town(conn: Conn) -> Town:
    town = Town(conn)
    town.house("i")
    town.meter("water", "r-i", energy="water", unit="m3")
    town.meter("power", "r-i", energy="electricity", unit="kWh")
    return town


def usual(days: int, night: float, work: float, seed: int = 1) -> Hours:
    """Hours of weeks from a Monday on: working hours on workdays, nights at all other times."""
    rng = np.random.default_rng(seed)
    hours = np.full((days, 24), night)
    for day in range(days):
        if day % 7 < 5:
            hours[day, 8:18] = work
    return np.round(hours * rng.uniform(0.9, 1.1, hours.shape), 3)


def test_a_leak_is_one_doubt_from_its_first_night_until_it_is_mended(
    conn: Conn, town: Town
) -> None:
    load_rules(conn, NIGHT, BURST, STEP)
    hours = usual(50, 0.05, 2.0)
    hours[38:46] += 0.6
    put(town, "water", 0, hours)
    look(conn)
    assert ("night", "water", 38.0, 46.0) in found(conn)
    assert {rule for rule, *_ in found(conn)} <= {"night", "step"}


def test_a_tank_that_fills_at_night_and_a_leak_of_one_night_are_no_doubt(
    conn: Conn, town: Town
) -> None:
    load_rules(conn, NIGHT, BURST)
    hours = usual(60, 0.05, 2.0)
    hours[::2, 2] = 6.0
    hours[40, :5] += 0.6
    put(town, "water", 0, hours)
    look(conn)
    assert found(conn) == []


def test_a_burst_is_found_within_its_hour(conn: Conn, town: Town) -> None:
    load_rules(conn, BURST)
    hours = usual(40, 0.05, 2.0)
    hours[35, 14:17] = 15.0
    put(town, "water", 0, hours)
    look(conn)
    assert found(conn) == [("burst", "water", 35 + 14 / 24, 35 + 17 / 24)]


def test_what_stays_on_at_night_is_found_on_the_third_night(conn: Conn, town: Town) -> None:
    load_rules(conn, LOAD)
    hours = usual(45, 4.0, 30.0)
    hours[36:41] += 6.0
    put(town, "power", 0, hours)
    look(conn)
    assert found(conn) == [("load", "power", 36.0, 41.0)]


def test_a_lasting_step_is_held_against_days_of_its_kind(conn: Conn, town: Town) -> None:
    load_rules(conn, STEP)
    hours = usual(56, 4.0, 30.0)
    hours[42:, 8:18] *= 2.5
    put(town, "power", 0, hours)
    look(conn)
    ((rule, meter, since, until),) = found(conn)
    assert (rule, meter, since) == ("step", "power", 42.0)
    assert until >= 52


def test_a_holiday_and_a_made_up_workday_are_no_step(conn: Conn, town: Town) -> None:
    load_rules(conn, STEP, LOAD)
    # From 31 August to 1 November 2026: National Day, and the Saturdays worked for it.
    first, days = 91, 63
    hours = usual(days, 4.0, 30.0)
    kinds = dict(enumerate(_kinds(first, days)))
    assert {"holiday", "workday"} <= set(kinds.values())
    assert any(kind == "workday" and day % 7 > 4 for day, kind in kinds.items())
    for day, kind in kinds.items():
        hours[day, 8:18] = 30.0 if kind == "workday" else 4.0
    put(town, "power", first, hours)
    look(conn)
    assert found(conn) == []


def _kinds(first: int, days: int) -> list[str]:
    calendar = DatedCalendar(published_days())
    return [calendar.kind(midnight(first + n).date()).value for n in range(days)]


def test_a_hot_spell_is_no_step_and_a_step_at_usual_warmth_is(conn: Conn, town: Town) -> None:
    load_rules(conn, STEP, LOAD)
    hours = usual(70, 4.0, 30.0)
    hours[40:47] *= 2
    hours[56:63] *= 2
    put(town, "power", 0, hours)
    look(conn)
    everything = [("load", 40), ("load", 56), ("step", 40), ("step", 56)]
    assert [(rule, int(since)) for rule, _, since, _ in found(conn)] == everything
    # Entered afterwards: the first week was hot.
    warm(conn, {day: 36.0 if 40 <= day < 47 else 26.0 + day % 3 for day in range(70)})
    look(conn)
    assert [(rule, int(since)) for rule, _, since, _ in found(conn)] == [("load", 56), ("step", 56)]


def warm(conn: Conn, celsius: Mapping[int, float]) -> None:
    conn.cursor().executemany(
        "INSERT INTO outdoor_day VALUES ('city', %s, %s, 'x', 'x', now())",
        [(midnight(day).date(), value) for day, value in celsius.items()],
    )


def test_what_was_spread_over_a_gap_and_what_is_not_known_is_no_doubt(
    conn: Conn, town: Town
) -> None:
    load_rules(conn, NIGHT, STEP, BURST)
    hours = usual(50, 0.05, 2.0)
    put(town, "water", 0, hours)
    gap = np.full((6, 24), 1.5)
    put(town, "water", 38, gap, estimated=True)
    conn.execute(
        "INSERT INTO counter_finding VALUES (%s, 1, %s, %s, 'gap', 0, 1, 1)",
        [town.ids["water"], midnight(38), midnight(44)],
    )
    put(town, "water", 45, np.full((2, 24), np.nan))
    look(conn)
    assert found(conn) == []


def test_readings_every_hour_tell_nights_apart(conn: Conn, town: Town) -> None:
    load_rules(conn, NIGHT)
    hours = usual(45, 0.05, 2.0)
    hours[38:41] += 0.6
    put(town, "water", 0, hours, estimated=True)
    look(conn)
    assert found(conn) == [("night", "water", 38.0, 41.0)]


def test_a_replaced_meter_is_no_doubt(conn: Conn, town: Town) -> None:
    load_rules(conn, NIGHT, STEP)
    hours = usual(45, 0.05, 2.0)
    hours[38:41] += 0.6
    put(town, "water", 0, hours)
    conn.execute("UPDATE consumption_hour SET flags = 32 WHERE slot >= %s", [midnight(38)])
    conn.execute("UPDATE consumption_day SET flags = 32 WHERE day >= %s", [midnight(38).date()])
    look(conn)
    assert found(conn) == []


def test_a_condition_of_ones_own_sees_what_is_usual(conn: Conn, town: Town) -> None:
    load_rules(
        conn,
        "code: own, kind: custom, expression: water_hour > 4 * water_hour_most, for: 1h",
        "code: big, kind: custom, expression: day_usual > 50, for: 1d",
    )
    hours = usual(40, 0.05, 2.0)
    hours[35, 14:16] = 15.0
    put(town, "water", 0, hours)
    put(town, "power", 0, usual(40, 4.0, 30.0))
    look(conn)
    # Two weeks teach what is usual; and of days that nothing is known of it is not told.
    assert found(conn) == [
        ("big", "power", 14.0, 40.0),
        ("own", "water", 35 + 14 / 24, 35 + 16 / 24),
    ]


def test_a_tag_of_its_place_exempts_a_meter(conn: Conn, town: Town) -> None:
    load_rules(conn, LOAD + ", except: [server-room]")
    hours = usual(45, 4.0, 30.0)
    hours[36:41] += 6.0
    put(town, "power", 0, hours)
    look(conn)
    assert len(found(conn)) == 1
    conn.execute(
        "INSERT INTO tag (tag, kind, subject_id, valid) VALUES ('server-room', 'room', 1, '[,)')"
    )
    look(conn)
    assert found(conn) == []


def test_sub_meters_that_exceed_their_main_and_a_rest_that_grows(conn: Conn, town: Town) -> None:
    load_rules(conn, MAINS)
    town.meter("sub", "r-i", energy="electricity", unit="kWh")
    town.hang("sub", "power")
    main = usual(50, 4.0, 30.0)
    sub = main * 0.8
    sub[35:38] = main[35:38] * 1.3
    sub[44:47] = main[44:47] * 0.4
    put(town, "power", 0, main)
    put(town, "sub", 0, sub)
    look(conn)
    assert found(conn) == [("mains", "power", 35.0, 38.0), ("mains", "power", 44.0, 47.0)]


def test_a_sub_meter_with_a_gap_makes_no_balance(conn: Conn, town: Town) -> None:
    load_rules(conn, MAINS)
    town.meter("sub", "r-i", energy="electricity", unit="kWh")
    town.hang("sub", "power")
    main = usual(50, 4.0, 30.0)
    put(town, "power", 0, main)
    put(town, "sub", 0, main * 0.8)
    put(town, "sub", 38, np.full((5, 24), 60.0), estimated=True)
    conn.execute(
        "INSERT INTO counter_finding VALUES (%s, 1, %s, %s, 'gap', 0, 1, 1)",
        [town.ids["sub"], midnight(38), midnight(43)],
    )
    look(conn)
    assert found(conn) == []


@pytest.mark.parametrize("seed", range(3))
def test_any_order_gives_what_one_look_at_everything_gives(
    conn: Conn, town: Town, seed: int
) -> None:
    load_rules(conn, NIGHT, BURST, LOAD, STEP, MAINS)
    town.meter("sub", "r-i", energy="electricity", unit="kWh")
    town.hang("sub", "power")
    rng, dice = np.random.default_rng(seed), random.Random(seed)
    parts = [(meter, day) for meter in ("water", "power", "sub") for day in range(0, 70, 7)]
    figures = {}
    for meter, level in (("water", 0.5), ("power", 30.0), ("sub", 24.0)):
        hours = usual(70, level / 4, level, seed) * rng.choice([1, 1, 1, 2, 3], (70, 1))
        hours[rng.random((70, 24)) < 0.002] = np.nan
        figures[meter] = hours
    dice.shuffle(parts)
    for meter, day in parts:
        put(town, meter, day, figures[meter][day : day + 7])
        if dice.random() < 0.5:
            look(conn)
    look(conn)
    piecemeal = found(conn)
    assert len({rule for rule, *_ in piecemeal}) >= 4
    conn.execute("DELETE FROM episode")
    conn.execute("DELETE FROM dirty_mark WHERE consumer = 'rules meter'")
    look(conn)
    assert found(conn) == piecemeal


def test_a_meter_that_counts_nothing_is_asked_about_late_where_nothing_else_tells(
    conn: Conn, town: Town
) -> None:
    load_rules(conn, STUCK, STILL)
    hours = usual(70, 0.05, 2.0)
    hours[35:43] = 0
    hours[50:62] = 0
    put(town, "water", 0, hours)
    put(town, "power", 0, np.zeros((70, 24)))
    look(conn)
    assert found(conn) == [("still", "water", 50.0, 62.0)]


def test_heating_that_is_over_is_no_meter_that_stands_still(conn: Conn, town: Town) -> None:
    load_rules(conn, STUCK, STILL)
    town.meter("heat", "r-i", energy="heat", unit="GJ")
    hours = usual(80, 1.0, 2.0)
    hours[40:] = 0
    put(town, "heat", 0, hours)
    put(town, "water", 0, hours)
    look(conn)
    assert {meter for _, meter, *_ in found(conn)} == {"water"}
    # Entered afterwards: it froze in the first two weeks.
    warm(conn, {day: -2.0 if day < 54 else 9.0 for day in range(80)})
    look(conn)
    assert ("still", "heat", 40.0, 54.0) in found(conn)


def behind_power(town: Town, days: int) -> tuple[Hours, Hours, Hours]:
    """Figures of a main meter and of what its two sub-meters count, a tenth of it nobody."""
    for sub in ("sub", "other"):
        town.meter(sub, "r-i", energy="electricity", unit="kWh")
        town.hang(sub, "power")
    main = usual(days, 4.0, 30.0)
    return main, main * 0.5, main * 0.4


def test_a_sub_meter_is_stuck_where_its_main_tells_of_more_and_off_where_it_does_not(
    conn: Conn, town: Town
) -> None:
    load_rules(conn, STUCK, STILL)
    main, sub, other = behind_power(town, 65)
    main[20:32] -= sub[20:32]
    sub[20:32] = 0
    other[56:60] = 0
    put(town, "sub", 0, sub)
    put(town, "other", 0, other)
    look(conn)
    # Without their main one is asked about alone, for it has been off for so long.
    assert found(conn) == [("still", "sub", 20.0, 32.0)]
    put(town, "power", 0, main)
    look(conn)
    assert found(conn) == [("stuck", "other", 56.0, 60.0)]


def test_a_stuck_sub_meter_is_seen_when_another_one_is_known_at_last(
    conn: Conn, town: Town
) -> None:
    load_rules(conn, STUCK)
    main, sub, other = behind_power(town, 50)
    sub[35:39] = 0
    put(town, "power", 0, main)
    put(town, "sub", 0, sub)
    put(town, "other", 0, other[:30])
    put(town, "other", 45, other[45:])
    look(conn)
    put(town, "other", 30, other[30:45])
    look(conn)
    assert found(conn) == [("stuck", "sub", 35.0, 39.0)]


def test_the_power_of_its_own_device_tells_a_stuck_meter_from_one_that_is_off(
    conn: Conn, town: Town
) -> None:
    load_rules(conn, STUCK, STILL)
    hours = usual(70, 4.0, 30.0)
    hours[35:39] = 0
    hours[50:62] = 0
    point = power_point(conn, town.ids["power"])
    kw = usual(70, 4.0, 30.0)
    kw[50:] = 0
    store_power(conn, point, kw)
    put(town, "power", 0, hours)
    look(conn)
    assert found(conn) == [("stuck", "power", 35.0, 39.0)]


def power_point(conn: Conn, meter: int) -> int:
    """The power of a device that hangs where a meter counts."""
    device = add_device(conn, "D")
    conn.execute(
        "INSERT INTO device_place SELECT %s, place_id, '(,)' FROM meter WHERE id = %s",
        [device, meter],
    )
    return add_point(conn, device, "power_total")


def store_power(conn: Conn, point: int, kw: Hours) -> None:
    """Quarter hours of power by day and hour, as metering leaves them."""
    conn.execute(
        "INSERT INTO gauge (point_id, slot, low, high, mean, covered_s)"
        " SELECT %s, %s + (n - 1) * interval '15 min', kw, kw, kw, 900"
        " FROM unnest(%s::float8[]) WITH ORDINALITY AS t (kw, n)",
        [point, midnight(0), np.repeat(kw.ravel(), 4).tolist()],
    )


def test_odd_readings_of_a_week_are_one_doubt(conn: Conn, town: Town) -> None:
    load_rules(conn, ODD)
    put(town, "water", 0, usual(40, 0.05, 2.0))
    look(conn)
    assert found(conn) == []
    _find(conn, town, (10.0, "backwards"), (12.5, "dip"), (25.0, "spike"), (30.0, "gap"))
    put(town, "water", 10, usual(16, 0.05, 2.0))
    look(conn)
    minute = 1 / 1440
    spans = [(since, round((until - since) / minute)) for _, _, since, until in found(conn)]
    assert spans == [(10.0, 3601), (25.0, 1)]


def _find(conn: Conn, town: Town, *odd: tuple[float, str]) -> None:
    """Findings at days after the first Monday, as metering leaves them beside consumption."""
    device = conn.execute("SELECT device_id FROM device_place LIMIT 1").fetchone() or (1,)
    for day, kind in odd:
        at = midnight(0) + timedelta(days=day)
        conn.execute(
            "INSERT INTO counter_finding (meter_id, device_id, ts, until, kind)"
            " VALUES (%s, %s, %s, %s, %s)",
            [town.ids["water"], device[0], at, at, kind],
        )
