"""Days and months follow the zone of the site, whatever its offset does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest

from metering.derive.rollup import Window, roll_up
from storage.times import us_of

QUARTER = timedelta(minutes=15)


def fill(conn: psycopg.Connection, since: datetime, count: int) -> Window:
    """Quarters of 1,000 and of meter 7, none of them missing."""
    conn.execute(
        "INSERT INTO consumption SELECT 7, %s + n * interval '15 minutes', 1000, 10, 900,"
        " (1 << (n %% 3)::int) FROM generate_series(0, %s) AS n",
        [since, count - 1],
    )
    return Window(7, us_of(since), us_of(since + count * QUARTER))


def hours_of_days(conn: psycopg.Connection) -> dict[date, float]:
    found = conn.execute("SELECT day, covered_s / 3600.0 FROM consumption_day").fetchall()
    return {day: float(hours) for day, hours in found}


def test_days_and_months_are_those_of_shanghai(conn: psycopg.Connection) -> None:
    window = fill(conn, datetime(2026, 5, 30, 16, tzinfo=UTC), 3 * 96)

    roll_up(conn, [window], ZoneInfo("Asia/Shanghai"))

    assert hours_of_days(conn) == dict.fromkeys(
        [date(2026, 5, 31), date(2026, 6, 1), date(2026, 6, 2)], 24.0
    )
    months = conn.execute("SELECT * FROM consumption_month ORDER BY month").fetchall()
    assert months == [
        (7, date(2026, 5, 1), 96_000, 960, 86_400, 7),
        (7, date(2026, 6, 1), 192_000, 1920, 172_800, 7),
    ]


def test_a_day_has_23_or_25_hours_where_clocks_change(conn: psycopg.Connection) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    spring = fill(conn, datetime(2026, 3, 28, 23, tzinfo=UTC), 96)
    roll_up(conn, [spring], berlin)
    autumn = fill(conn, datetime(2026, 10, 24, 22, tzinfo=UTC), 25 * 4)
    roll_up(conn, [autumn], berlin)

    assert hours_of_days(conn) == {
        date(2026, 3, 29): 23.0,
        date(2026, 3, 30): 1.0,
        date(2026, 10, 25): 25.0,
    }


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Kathmandu"])
def test_days_that_begin_within_an_hour_of_utc_are_summed_from_quarters(
    conn: psycopg.Connection, zone: str
) -> None:
    midnight = datetime(2026, 6, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    assert midnight.minute

    roll_up(conn, [fill(conn, midnight, 96)], ZoneInfo(zone))

    assert hours_of_days(conn) == {date(2026, 6, 1): 24.0}


def test_rows_that_come_out_as_they_were_are_not_written_again(conn: psycopg.Connection) -> None:
    window = fill(conn, datetime(2026, 6, 1, tzinfo=UTC), 96)
    roll_up(conn, [window], ZoneInfo("Asia/Shanghai"))
    query = "SELECT xmin::text FROM consumption_hour ORDER BY slot"
    before = conn.execute(query).fetchall()
    last = datetime(2026, 6, 1, 23, 45, tzinfo=UTC)
    conn.execute("UPDATE consumption SET micro = 5 WHERE slot = %s", [last])

    roll_up(conn, [window], ZoneInfo("Asia/Shanghai"))

    after = conn.execute(query).fetchall()
    assert after[:-1] == before[:-1]
    assert after[-1] != before[-1]


def test_a_sum_that_does_not_fit_is_an_error_not_a_wrong_figure(conn: psycopg.Connection) -> None:
    window = fill(conn, datetime(2026, 6, 1, tzinfo=UTC), 96)
    conn.execute("UPDATE consumption SET micro = %s", [2**62])

    with pytest.raises(psycopg.errors.NumericValueOutOfRange):
        roll_up(conn, [window], ZoneInfo("Asia/Shanghai"))
