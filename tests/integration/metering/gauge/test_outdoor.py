from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg.types.range import Range

from metering.gauge.daily import degree_days
from metering.gauge.outdoor import Days, daily_means, hours, site_seasons
from metering.gauge.season import Season
from metering.gauge.sensor import assign_sensor, withdraw_sensor
from metering.gauge.settings import DegreeDaySettings, SeasonSettings
from metering.gauge.temperature import Observed, enter
from registry.audit import Act
from registry.refusal import RefusedError
from tests.integration.metering.gauge.world import (
    START,
    Conn,
    add_device,
    add_point,
    at,
    recompute,
    store,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 6, 1)
MIDNIGHT = datetime(2026, 6, 1, tzinfo=SHANGHAI)  # 16:00 UTC the day before
SITE = "市级机关大院"
SETTINGS = DegreeDaySettings()
LATER = START + timedelta(days=400)
ACT = Act("李敏", datetime(2026, 7, 1, tzinfo=UTC))
EVER = Range[datetime](None, None)


def add_sensor(conn: Conn, *readings: tuple[float, float | None]) -> int:
    """A point in °C with readings at seconds after midnight of the site."""
    point = add_point(conn, add_device(conn), "outdoor", unit="°C")
    offset = (MIDNIGHT - START).total_seconds()
    shifted = [(offset + second, value) for second, value in readings]
    store(conn, point, shifted)
    recompute(conn, (point, shifted[0][0], shifted[-1][0]))
    return point


def constant(celsius: float, hours: int = 24) -> list[tuple[float, float | None]]:
    return [*((n * 900.0, celsius) for n in range(hours * 4)), (hours * 3600.0, None)]


def asked(days: int = 1, now: datetime = LATER) -> Days:
    return Days(DAY, DAY + timedelta(days=days - 1), SHANGHAI, now)


def refusal(conn: Conn, point: int, valid: Range[datetime], site: str = SITE) -> str:
    with pytest.raises(RefusedError) as caught:
        assign_sensor(conn, ACT, site, point, valid)
    return str(caught.value)


def test_a_sensor_is_the_temperature_of_its_site(conn: Conn) -> None:
    point = add_sensor(conn, *constant(29.0))
    assign_sensor(conn, ACT, SITE, point, EVER)
    (day,) = daily_means(conn, SITE, asked(), SETTINGS)
    assert (day.celsius, day.basis, day.missing) == (29.0, "hours", ())
    found = degree_days([day], SETTINGS)
    assert (found.heating, found.cooling) == (0.0, 3.0)


def test_an_hour_of_the_sensor_needs_enough_of_it(conn: Conn) -> None:
    point = add_sensor(conn, (0, 20.0), (900, 30.0), (1800, None), (3600, 5.0), (5000, None))
    assign_sensor(conn, ACT, SITE, point, EVER)
    (hour,) = hours(conn, SITE, asked(), SETTINGS)
    assert (hour.begin, hour.celsius, hour.source) == (MIDNIGHT, 25.0, "sensor")


def test_what_a_person_entered_goes_before_the_sensor(conn: Conn) -> None:
    point = add_sensor(conn, *constant(20.0))
    assign_sensor(conn, ACT, SITE, point, EVER)
    enter(conn, ACT, SITE, [Observed(MIDNIGHT + timedelta(hours=3), 44.0, "A2")], "手工")
    found = hours(conn, SITE, asked(), SETTINGS)
    assert [(n, hour.source) for n, hour in enumerate(found) if hour.celsius != 20.0] == [
        (3, "entered")
    ]
    (day,) = daily_means(conn, SITE, asked(), SETTINGS)
    assert day.celsius == pytest.approx(21.0)


def test_a_day_in_which_the_sensor_failed_is_unknown_and_named(conn: Conn) -> None:
    point = add_sensor(conn, *constant(10.0, hours=30))
    assign_sensor(conn, ACT, SITE, point, EVER)
    days = daily_means(conn, SITE, asked(2), SETTINGS)
    assert [day.celsius for day in days] == [10.0, None]
    assert [at.hour for at in days[1].missing] == list(range(6, 24))
    found = degree_days(days, SETTINGS)
    assert (found.heating, found.heating_known, found.unknown) == (None, 8.0, (days[1].day,))


def test_a_sensor_counts_only_in_its_time(conn: Conn) -> None:
    point = add_sensor(conn, *constant(10.0))
    assign_sensor(conn, ACT, SITE, point, Range(MIDNIGHT + timedelta(hours=23), None))
    assert [
        hour.begin.astimezone(SHANGHAI).hour for hour in hours(conn, SITE, asked(), SETTINGS)
    ] == [23]


def test_a_withdrawn_sensor_does_not_count_and_its_time_is_free(conn: Conn) -> None:
    point = add_sensor(conn, *constant(10.0))
    sensor = assign_sensor(conn, ACT, SITE, point, EVER)
    withdraw_sensor(conn, ACT, sensor)
    assert hours(conn, SITE, asked(), SETTINGS) == []
    assign_sensor(conn, ACT, SITE, point, EVER)
    assert len(hours(conn, SITE, asked(), SETTINGS)) == 24
    actions = conn.execute("SELECT action, subject FROM audit_log ORDER BY id").fetchall()
    assert actions == [
        ("outdoor.sensor", SITE),
        ("outdoor.sensor.withdraw", SITE),
        ("outdoor.sensor", SITE),
    ]
    with pytest.raises(RefusedError, match="没有这条记录，或已经撤销"):
        withdraw_sensor(conn, ACT, sensor)


def test_a_second_sensor_at_the_same_time_is_refused(conn: Conn) -> None:
    point = add_sensor(conn, *constant(10.0, hours=1))
    assign_sensor(conn, ACT, SITE, point, Range(None, at(0)))
    assert "已由 d1/outdoor 测量" in refusal(conn, point, EVER)
    assign_sensor(conn, ACT, SITE, point, Range(at(0), None))
    assign_sensor(conn, ACT, "别处", point, EVER)


def test_two_sessions_at_once_make_a_clean_refusal(conn: Conn, database: str) -> None:
    point = add_sensor(conn, *constant(10.0, hours=1))
    with psycopg.connect(database) as other:
        # Repeatable read does not see what the other session commits meanwhile: only the
        # constraint does.
        other.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        other.execute("SELECT 1")
        assign_sensor(conn, ACT, SITE, point, EVER)
        with pytest.raises(RefusedError, match="与他人刚刚录入的内容冲突"):
            assign_sensor(other, ACT, SITE, point, EVER)


def test_what_cannot_measure_the_temperature_is_refused(conn: Conn) -> None:
    device = add_device(conn)
    power = add_point(conn, device, "power")
    state = add_point(conn, device, "mode", "state", "°C")
    assert "不是以 ℃ 为单位的瞬时量" in refusal(conn, power, EVER)
    assert "不是以 ℃ 为单位的瞬时量" in refusal(conn, state, EVER)
    assert "没有这个测点" in refusal(conn, 999, EVER)
    assert "结束时间不晚于开始时间" in refusal(conn, power, Range(at(1), at(0)))
    assert "没有时区" in refusal(conn, power, Range(datetime(2026, 6, 1), None))  # noqa: DTZ001
    assert "没有填写站点名称" in refusal(conn, power, EVER, site=" ")
    assert conn.execute("SELECT count(*) FROM outdoor_sensor").fetchone() == (0,)


def test_days_that_end_before_they_begin_are_refused() -> None:
    with pytest.raises(ValueError, match="is before the first"):
        Days(DAY, DAY - timedelta(days=1), SHANGHAI, LATER)


def test_the_season_by_temperature_looks_at_the_days_before_too(conn: Conn) -> None:
    rows = [Observed(DAY - timedelta(days=back), 27.0, f"A{back}") for back in range(5)]
    enter(conn, ACT, SITE, rows, "手工")
    settings = SeasonSettings(mode="temperature")
    found = site_seasons(conn, SITE, asked(2), SETTINGS, settings)
    assert list(found.values()) == [Season.COOLING, Season.UNKNOWN]
    by_dates = site_seasons(conn, SITE, asked(2), SETTINGS, SeasonSettings())
    assert list(by_dates.values()) == [Season.COOLING, Season.COOLING]


def test_what_a_sensor_is_taken_to_say_later_does_not_count(conn: Conn) -> None:
    point = add_sensor(conn, (0, 5.0), (900, 5.0))  # the last one is taken to hold on
    assign_sensor(conn, ACT, SITE, point, EVER)
    half = MIDNIGHT + timedelta(minutes=29)
    assert hours(conn, SITE, asked(now=half), SETTINGS) == []
    over = half + timedelta(minutes=1)
    assert [hour.celsius for hour in hours(conn, SITE, asked(now=over), SETTINGS)] == [5.0]
