from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from decimal import Decimal

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metering.factors.dated import Figure, Span, daily_mean, on_day
from metering.factors.institution_facts import Fact, change, enter, read, withdraw_fact
from registry.refusal import RefusedError
from tests.integration.metering.factors.world import ACT, LATER, Conn, area, audit, kinds

D = Decimal


def spans(conn: Conn, code: str = "floor-area") -> list[Span]:
    return read(conn, ["i-1"]).get(("i-1", code), [])


def rows(conn: Conn) -> int:
    row = conn.execute("SELECT count(*) FROM institution_fact").fetchone()
    assert row is not None
    return int(row[0])


def test_a_fact_is_entered_with_who_when_and_from_where(conn: Conn) -> None:
    entry = enter(conn, ACT, area("5000.5", "2026-01-01"), kinds())
    assert spans(conn) == [Span(date(2026, 1, 1), None, D("5000.5"))]
    assert audit(conn) == [
        (
            "王芳",
            "fact.enter",
            "i-1",
            {
                "id": entry,
                "code": "floor-area",
                "value": "5000.5",
                "begin": "2026-01-01",
                "end": None,
                "source": "不动产权证",
            },
        )
    ]
    assert conn.execute("SELECT entered_by, entered_at FROM institution_fact").fetchall() == [
        (ACT.principal, ACT.at)
    ]


def test_a_change_from_a_day_on_keeps_what_was_before(conn: Conn) -> None:
    enter(conn, ACT, area("5000", "2020-01-01"), kinds())
    change(conn, LATER, area("6000", "2026-10-11"), kinds())
    assert spans(conn) == [
        Span(date(2020, 1, 1), date(2026, 10, 11), D(5000)),
        Span(date(2026, 10, 11), None, D(6000)),
    ]
    assert [line[:2] for line in audit(conn)] == [
        ("王芳", "fact.enter"),
        ("李强", "fact.withdraw"),
        ("李强", "fact.enter"),
        ("李强", "fact.enter"),
    ]
    mean = daily_mean(spans(conn), date(2026, 10, 1), date(2026, 11, 1), "建筑面积").value
    assert mean is not None
    assert round(mean, 12) == round((D(5000) * 10 + D(6000) * 21) / 31, 12)
    assert rows(conn) == 3


def test_a_change_on_the_first_day_replaces_and_one_for_a_time_leaves_both_sides(
    conn: Conn,
) -> None:
    enter(conn, ACT, area("100", "2026-01-01", "2027-01-01", "energy-users"), kinds())
    change(conn, ACT, area("110", "2026-01-01", None, "energy-users"), kinds())
    assert spans(conn, "energy-users") == [Span(date(2026, 1, 1), date(2027, 1, 1), D(110))]
    change(conn, ACT, area("90", "2026-07-01", "2026-09-01", "energy-users"), kinds())
    assert spans(conn, "energy-users") == [
        Span(date(2026, 1, 1), date(2026, 7, 1), D(110)),
        Span(date(2026, 7, 1), date(2026, 9, 1), D(90)),
        Span(date(2026, 9, 1), date(2027, 1, 1), D(110)),
    ]


def test_a_change_where_nothing_held_is_refused(conn: Conn) -> None:
    enter(conn, ACT, area("100", "2026-01-01", "2026-07-01"), kinds())
    with pytest.raises(RefusedError, match="在 2026-07-01 没有建筑面积"):
        change(conn, ACT, area("110", "2026-07-01"), kinds())
    assert len(audit(conn)) == 1


def test_a_change_that_would_run_into_the_next_is_refused_whole(conn: Conn) -> None:
    enter(conn, ACT, area("100", "2026-01-01", "2026-07-01"), kinds())
    enter(conn, ACT, area("200", "2026-07-01"), kinds())
    before = spans(conn)
    with pytest.raises(RefusedError, match="已有记录"):
        change(conn, ACT, area("110", "2026-03-01", "2026-09-01"), kinds())
    assert spans(conn) == before
    assert len(audit(conn)) == 2


def test_what_is_withdrawn_stays_and_counts_no_more(conn: Conn) -> None:
    entry = enter(conn, ACT, area("5000", "2026-01-01"), kinds())
    withdraw_fact(conn, LATER, entry)
    assert on_day(spans(conn), date(2026, 5, 1), "建筑面积") == Figure(
        None, "2026-05-01 没有建筑面积"
    )
    assert conn.execute(
        "SELECT value, withdrawn_by, withdrawn_at FROM institution_fact"
    ).fetchall() == [(D(5000), LATER.principal, LATER.at)]
    with pytest.raises(RefusedError, match=f"没有编号为 {entry} 的有效记录"):
        withdraw_fact(conn, LATER, entry)
    enter(conn, LATER, area("5100", "2026-01-01"), kinds())
    assert [line[1] for line in audit(conn)] == ["fact.enter", "fact.withdraw", "fact.enter"]


@pytest.mark.parametrize(
    ("fact", "message"),
    [
        (
            area("1", "2026-01-01", None, "floor-aria"),
            "没有名为 floor-aria 的机构信息：可用 floor-area",
        ),
        (area("-1", "2026-01-01"), "建筑面积为 -1：必须是不小于 0 的数"),
        (area("NaN", "2026-01-01"), "建筑面积为 NaN：必须是不小于 0 的数"),
        (area("1e13", "2026-01-01"), "必须是不小于 0 的数"),
        (area("0.0000001", "2026-01-01"), "最多六位小数"),
        (area("1.5", "2026-01-01", None, "vehicles"), "机动车数量为 1.5：必须是整数"),
        (area("1", "2026-01-01", "2026-01-01"), "截止日期 2026-01-01 不晚于起始日期 2026-01-01"),
        (area("1", "2026-01-01", None, "visitor-days"), "是一段时间内的合计：请填写截止日期"),
        (dataclasses.replace(area("1", "2026-01-01"), source=" "), "建筑面积没有来源：请填写依据"),
        (dataclasses.replace(area("1", "2026-01-01"), institution="x"), "没有编码为 x 的公共机构"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(conn: Conn, fact: Fact, message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        enter(conn, ACT, fact, kinds())
    assert rows(conn) == 0
    assert audit(conn) == []


@pytest.mark.parametrize("end", [None, "2026-02-01"])
def test_an_overlap_is_refused_in_words(conn: Conn, end: str | None) -> None:
    enter(conn, ACT, area("5000", "2026-01-01"), kinds())
    with pytest.raises(RefusedError, match="i-1 的建筑面积在这段时间内已有记录：请先撤回"):
        enter(conn, ACT, area("6000", "2026-01-31", end), kinds())
    assert len(audit(conn)) == 1
    enter(conn, ACT, area("6000", "2025-01-01", "2026-01-01"), kinds())
    enter(conn, ACT, area("6", "2026-01-01", None, "energy-users"), kinds())
    assert rows(conn) == 3


def test_of_two_sessions_that_enter_the_same_one_is_refused(conn: Conn, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as other, conn.transaction():
        other.execute("SET lock_timeout = '200ms'")
        enter(conn, ACT, area("5000", "2026-01-01"), kinds())
        with pytest.raises(psycopg.errors.LockNotAvailable):
            enter(other, LATER, area("6000", "2026-01-01"), kinds())
        assert spans(other) == []
    with (
        psycopg.connect(database, autocommit=True) as other,
        pytest.raises(RefusedError, match="已有记录"),
    ):
        enter(other, LATER, area("6000", "2026-01-01"), kinds())
    assert [span.value for span in spans(conn)] == [D(5000)]


def test_a_refused_entry_takes_the_callers_transaction_with_it_only_if_it_wants(
    conn: Conn,
) -> None:
    with conn.transaction():
        enter(conn, ACT, area("5000", "2026-01-01"), kinds())
        with pytest.raises(RefusedError):
            enter(conn, ACT, area("6000", "2026-01-01"), kinds())
        enter(conn, ACT, area("7", "2026-01-01", None, "energy-users"), kinds())
    assert rows(conn) == len(audit(conn)) == 2


DAYS = st.integers(0, 60).map(lambda n: date(2026, 1, 1) + timedelta(days=n))
CHANGES = st.lists(
    st.tuples(DAYS, st.integers(1, 40), st.integers(0, 9), st.booleans()), max_size=6
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None
)
@given(CHANGES)
def test_any_changes_leave_on_each_day_the_value_said_last(
    conn: Conn, changes: list[tuple[date, int, int, bool]]
) -> None:
    conn.execute("DELETE FROM institution_fact")
    first = date(2026, 1, 1)
    enter(conn, ACT, area("100", "2026-01-01"), kinds())
    expected = {first + timedelta(days=n): 100 for n in range(120)}
    for begin, length, value, is_open in changes:
        end = None if is_open else begin + timedelta(days=length)
        held = next(s for s in spans(conn) if s.begin <= begin and (s.end is None or begin < s.end))
        fact = dataclasses.replace(area(str(value), str(begin)), end=end)
        if end is not None and held.end is not None and end > held.end:
            with pytest.raises(RefusedError):
                change(conn, ACT, fact, kinds())
            continue
        change(conn, ACT, fact, kinds())
        upto = end or held.end or date.max
        expected |= {day: value for day in expected if begin <= day < upto}
    now = spans(conn)
    assert {day: on_day(now, day, "建筑面积").value for day in expected} == expected
