"""What terminals of a simulated city tell, and which of their clocks are really wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from jieyong.evaluation.city.reading import known, read_plan
from simulators.city.model import Int64s, Subject
from simulators.city.plan import CLOCK, By, Plan, Wanted
from simulators.city.terminals import live

SECOND, MINUTE_S = 1_000_000, 60
RIGHT_S = 20


def plan(wanted: tuple[Wanted, ...] = (), **troubles: int) -> Plan:
    whole = read_plan(known()["data"].read_text("utf-8"), "data")
    return replace(
        whole, institutions=1, terminals=4, wanted=wanted, terminal_troubles=troubles, days=40
    )


def lived(wanted: tuple[Wanted, ...] = (), **troubles: int) -> list[Subject]:
    return live(plan(wanted, **troubles), 3)(0)


def late_s(one: Subject) -> Int64s:
    (series,) = one.series
    return (series.received - series.ts) // SECOND


def spans(one: Subject, name: str) -> list[tuple[int, int]]:
    return [span for marked, its in one.marked if marked == name for span in its]


def test_where_no_clock_is_wrong_nothing_is_a_case_and_reports_come_at_once() -> None:
    for one in lived():
        assert one.cases == ()
        assert one.true == {CLOCK: []}
        assert (late_s(one) >= -RIGHT_S).all()
        assert (late_s(one) < RIGHT_S + MINUTE_S).all()


@pytest.mark.parametrize(("by", "sign"), [(By.AHEAD, -1), (By.BEHIND, 1)])
def test_a_wrong_clock_tells_another_time_just_while_it_is_wrong(by: By, sign: int) -> None:
    those = lived((Wanted(CLOCK, by, (60.0,), 3),))
    assert sum(len(one.cases) for one in those) == 3
    for one in those:
        came, late = one.series[0].received // SECOND, late_s(one)
        within = np.zeros(len(came), np.bool_)
        for case in one.cases:
            off = case.size[by] * MINUTE_S
            real = (case.since_s + max(sign, 0) * off, case.until_s + min(sign, 0) * off)
            there = (came > real[0] + MINUTE_S) & (came < real[1])
            assert np.abs(sign * late[there] - off).max() < 2 * MINUTE_S
            within |= (came >= real[0]) & (came <= real[1] + MINUTE_S)
        assert np.abs(late[~within]).max() < 2 * MINUTE_S


def test_a_case_cannot_be_told_of_a_vehicle_that_stands() -> None:
    whole = plan((Wanted(CLOCK, By.AHEAD, (60.0,), 3),))
    standing = replace(whole, holidays=frozenset(range(whole.first, whole.first + whole.days)))
    told = [case.told for one in live(standing, 3)(0) for case in one.cases]
    assert len(told) == 3
    assert not all(told)


@pytest.mark.parametrize("seed", range(4))
def test_without_a_network_nothing_comes_and_all_of_it_comes_later(seed: int) -> None:
    quiet, troubled = (live(plan(offline=n, gap=n), seed)(0) for n in (0, 8))
    for one, right in zip(troubled, quiet, strict=True):
        (series,), came = one.series, one.series[0].received // SECOND
        for begin, end in (*spans(one, "offline"), *spans(one, "gap")):
            assert not ((came >= begin) & (came < end)).any(), seed
        # But for what one sends with each live report, of which too few are left in the end.
        assert len(right.series[0].ts) >= len(series.ts) > 0.9 * len(right.series[0].ts), seed
        assert (late_s(one) >= -RIGHT_S).all(), seed
        assert one.cases == (), seed


def test_without_our_own_server_nothing_comes_of_anybody() -> None:
    those = lived(outage=3)
    assert all(spans(one, "outage") == spans(those[0], "outage") != [] for one in those)
    for one in those:
        came = one.series[0].received // SECOND
        for begin, end in spans(one, "outage"):
            assert end - begin >= 40 * MINUTE_S - 1
            assert not ((came >= begin) & (came < end)).any()


def test_what_comes_twice_is_the_same_report_and_comes_later() -> None:
    twice = 0
    for one in lived(duplicate=6):
        (series,) = one.series
        count = np.bincount(series.value.astype(int))
        again = np.flatnonzero(count == 2)
        twice += len(again)
        for number in again[:20].tolist():
            both = np.flatnonzero(series.value == number)
            assert np.ptp(series.ts[both]) == 0
            assert series.received[both[0]] < series.received[both[1]]
        assert count.max() <= 2
        assert (np.diff(series.ts) >= 0).all()
    assert twice > 100


def test_what_is_passed_on_by_others_comes_late_by_some_minutes() -> None:
    counted = 0
    for one in lived(delayed=4):
        came = one.series[0].received // SECOND
        for begin, end in spans(one, "delayed"):
            there = (came > begin + 900) & (came < end)
            counted += int(there.sum())
            assert (late_s(one)[there] < 720).all()
            assert (late_s(one)[there] > 0).all()
    assert counted > 100


def test_who_sends_seldom_sends_a_few_reports_an_hour() -> None:
    counts = sorted(len(one.series[0].ts) for one in lived(seldom=2))
    assert counts[1] * 3 < counts[2]
