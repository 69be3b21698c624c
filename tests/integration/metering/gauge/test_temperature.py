from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metering.gauge.outdoor import Days, daily_means, hours
from metering.gauge.settings import DegreeDaySettings
from metering.gauge.temperature import Entered, Observed, enter
from metering.gauge.temperature_sheet import read_sheet
from registry.audit import Act
from registry.refusal import RefusedError
from tests.integration.metering.gauge.world import Conn, Row
from tests.unit.metering.gauge.test_temperature_sheet import workbook

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 6, 1)
NOON = datetime(2026, 6, 1, 12, tzinfo=SHANGHAI)
NOW = datetime(2026, 7, 1, tzinfo=UTC)
SITE = "市级机关大院"
SETTINGS = DegreeDaySettings()


def act(minutes: int = 0, who: str = "李敏") -> Act:
    return Act(who, NOW + timedelta(minutes=minutes))


def put(conn: Conn, when: datetime | date, celsius: float | None, minutes: int = 0) -> Entered:
    return enter(conn, act(minutes), SITE, [Observed(when, celsius, "第1行")], "手工")


def known(conn: Conn) -> list[tuple[datetime, float]]:
    asked = Days(DAY, DAY, SHANGHAI, NOW)
    return [(hour.begin, hour.celsius) for hour in hours(conn, SITE, asked, SETTINGS)]


def mean(conn: Conn) -> float | None:
    (found,) = daily_means(conn, SITE, Days(DAY, DAY, SHANGHAI, NOW), SETTINGS)
    return found.celsius


def audit(conn: Conn) -> list[Row]:
    query = "SELECT at, principal, action, subject, detail FROM audit_log ORDER BY id"
    return conn.execute(query).fetchall()


def stored(conn: Conn) -> int:
    query = "SELECT (SELECT count(*) FROM outdoor_temperature) + (SELECT count(*) FROM outdoor_day)"
    row = conn.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def faults_of(conn: Conn, *rows: Observed, minutes: int = 0) -> list[tuple[str, str]]:
    before = stored(conn), audit(conn)
    with pytest.raises(RefusedError) as caught:
        enter(conn, act(minutes), SITE, rows, "手工")
    assert (stored(conn), audit(conn)) == before
    return [(fault.where, fault.what) for fault in caught.value.faults]


def test_what_is_entered_counts_and_is_in_the_audit_log(conn: Conn) -> None:
    rows = [Observed(NOON, 30.5, "A2"), Observed(DAY, 27.0, "A3")]
    assert enter(conn, act(), SITE, rows, "气象公报") == Entered(2, 0)
    assert known(conn) == [(NOON, 30.5)]
    assert mean(conn) == 27.0
    detail = {
        "rows": 2,
        "first": "2026-06-01",
        "last": "2026-06-01T04:00:00+00:00",
        "source": "气象公报",
    }
    assert audit(conn) == [(NOW, "李敏", "outdoor.enter", SITE, detail)]


def test_a_later_entry_corrects_and_both_are_kept(conn: Conn) -> None:
    put(conn, NOON, 35.0)
    put(conn, NOON, 25.0, minutes=1)
    assert known(conn) == [(NOON, 25.0)]
    assert (stored(conn), len(audit(conn))) == (2, 2)


def test_an_entry_without_a_value_takes_back(conn: Conn) -> None:
    put(conn, NOON, 35.0)
    put(conn, DAY, 25.0)
    put(conn, NOON, None, minutes=1)
    put(conn, DAY, None, minutes=1)
    assert known(conn) == []
    assert mean(conn) is None


def test_the_same_list_again_changes_nothing(conn: Conn) -> None:
    rows = read_sheet(
        workbook(("2026-06-01", "12:00", 30.5), ("2026-06-01", None, 27.0)), "x", SHANGHAI
    )
    assert enter(conn, act(), SITE, rows, "导入") == Entered(2, 0)
    assert enter(conn, act(1), SITE, rows, "导入") == Entered(0, 2)
    assert (stored(conn), len(audit(conn))) == (2, 1)


def test_several_moments_of_an_hour_are_its_mean(conn: Conn) -> None:
    put(conn, NOON, 30.0)
    put(conn, NOON + timedelta(minutes=30), 32.0)
    assert known(conn) == [(NOON, 31.0)]


def test_sites_do_not_mix(conn: Conn) -> None:
    enter(conn, act(), "别处", [Observed(NOON, 1.0, "A2"), Observed(DAY, 2.0, "A3")], "手工")
    assert known(conn) == []
    assert mean(conn) is None


def test_the_hours_of_a_day_are_those_of_the_site(conn: Conn) -> None:
    midnight = datetime(2026, 6, 1, tzinfo=SHANGHAI)
    rows = [Observed(midnight + timedelta(hours=n), float(n), f"A{n}") for n in range(-2, 27)]
    enter(conn, act(), SITE, rows, "API")
    assert mean(conn) == 11.5


def test_everything_wrong_is_named_and_nothing_is_entered(conn: Conn) -> None:
    found = faults_of(
        conn,
        Observed(NOON, 20.0, "A2"),
        Observed(NOON.astimezone(UTC), 21.0, "A3"),
        Observed(NOON + timedelta(hours=1), 61.0, "A4"),
        Observed(NOON + timedelta(hours=2), float("nan"), "A5"),
        Observed(NOW + timedelta(seconds=1), 20.0, "A6"),
        Observed(NOW.date() + timedelta(days=1), 20.0, "A7"),
        Observed(datetime(2026, 6, 1), 20.0, "A8"),  # noqa: DTZ001
    )
    assert [where for where, _ in found] == ["A3", "A4", "A5", "A6", "A7", "A8"]
    assert "与 A2 的时间相同" in found[0][1]
    assert "61 ℃" in found[1][1]
    assert "不是数" in found[2][1]
    assert "晚于录入时间" in found[3][1]
    assert "没有时区" in found[5][1]


@pytest.mark.parametrize(
    "when", [date(1926, 6, 1), datetime(1926, 6, 1, 12, tzinfo=SHANGHAI), date(1999, 12, 31)]
)
def test_a_year_that_nobody_can_mean_is_refused(conn: Conn, when: date) -> None:
    ((where, what),) = faults_of(conn, Observed(when, 21.0, "气温!A2"))
    assert where == "气温!A2"
    assert f"{when.year} 年不在 2000 年至 2100 年之间" in what


def test_a_site_and_a_source_are_needed(conn: Conn) -> None:
    with pytest.raises(RefusedError) as caught:
        enter(conn, act(), " ", [Observed(NOON, 20.0, "A2")], "")
    assert [fault.where for fault in caught.value.faults] == ["站点", "来源"]


def test_an_entry_that_would_not_count_is_refused(conn: Conn) -> None:
    put(conn, NOON, 20.0, minutes=5)
    ((where, what),) = faults_of(conn, Observed(NOON, 21.0, "A2"), minutes=5)
    assert where == "A2"
    assert "已有更新的录入" in what
    assert put(conn, NOON, 20.0, minutes=4) == Entered(0, 1)


def test_two_entries_of_one_time_never_have_the_same_moment(conn: Conn) -> None:
    """So the newest of them is always one: nothing has to break a tie."""
    for when in (NOON, DAY):
        put(conn, when, 21.0)
        ((_, what),) = faults_of(conn, Observed(when, 22.0, "A2"))
        assert "已有更新的录入" in what
        table, column = ("outdoor_day", "day") if when == DAY else ("outdoor_temperature", "ts")
        with pytest.raises(psycopg.errors.UniqueViolation):
            conn.execute(
                f"INSERT INTO {table} (site, {column}, celsius, source, entered_by, entered_at)"
                " VALUES (%s, %s, 22, 'x', 'x', %s)",
                [SITE, when, NOW],
            )


def test_two_at_once_get_one_answer_each_and_the_later_counts(conn: Conn, database: str) -> None:
    done: list[Entered | RefusedError] = []

    def other() -> None:
        with psycopg.connect(database, autocommit=True) as mine:
            try:
                done.append(put(mine, NOON, 21.0, minutes=1))
            except RefusedError as error:
                done.append(error)

    with conn.transaction():
        put(conn, NOON, 20.0, minutes=2)
        thread = threading.Thread(target=other)
        thread.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while conn.execute(waiting).fetchone() == (0,):
            assert thread.is_alive()
    thread.join()
    assert isinstance(done[0], RefusedError)
    assert known(conn) == [(NOON, 20.0)]


MOMENTS = st.integers(0, 30).map(lambda n: NOON + timedelta(minutes=20 * n))
WHEN: st.SearchStrategy[datetime | date] = st.one_of(
    MOMENTS,
    MOMENTS.map(lambda at: at.astimezone(timezone(timedelta(hours=-3)))),
    st.just(DAY),
)
STEPS = st.lists(st.tuples(WHEN, st.one_of(st.none(), st.sampled_from([0.0, 20.0, 35.5]))))


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(STEPS)
def test_corrections_and_takings_back_leave_what_entering_the_survivors_gives(
    conn: psycopg.Connection[Any], steps: list[tuple[datetime | date, float | None]]
) -> None:
    def outcome(entries: Sequence[tuple[datetime | date, float | None]]) -> object:
        with conn.transaction(force_rollback=True):
            for minutes, (when, celsius) in enumerate(entries):
                put(conn, when, celsius, minutes)
            return known(conn), mean(conn)

    survivors = {when: (when, celsius) for when, celsius in steps}
    kept = [(when, celsius) for when, celsius in survivors.values() if celsius is not None]
    assert outcome(steps) == outcome(kept)
