"""What a demo shows while it runs, from the collectors' own metrics."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from io import StringIO

from rich.console import Console

from jieyong.demo import figures, live
from jieyong.demo.figures import Figures, quantile_ms
from jieyong.demo.live import Moment

MODBUS = """
# TYPE jieyong_polls counter
jieyong_polls_total{device="m-1",outcome="ok"} 7
jieyong_polls_total{device="m-2",outcome="ok"} 5
jieyong_polls_total{device="m-2",outcome="failed"} 2
# TYPE jieyong_delivered_rows counter
jieyong_delivered_rows_total{kind="reading"} 240
# TYPE jieyong_missed_slots counter
jieyong_missed_slots_total{cause="backoff",device="m-2"} 3
# TYPE jieyong_devices gauge
jieyong_devices{state="alive"} 1
# TYPE jieyong_device_silent gauge
jieyong_device_silent{device="m-1"} 0
jieyong_device_silent{device="m-2"} 1
# TYPE jieyong_spool_rows gauge
jieyong_spool_rows 4
# TYPE jieyong_spool_oldest_age_seconds gauge
jieyong_spool_oldest_age_seconds 0.25
# TYPE jieyong_commit_lag_seconds histogram
jieyong_commit_lag_seconds_bucket{le="0.01"} 60
jieyong_commit_lag_seconds_bucket{le="0.1"} 238
jieyong_commit_lag_seconds_bucket{le="+Inf"} 240
jieyong_commit_lag_seconds_count 240
jieyong_commit_lag_seconds_sum 9
"""
MQTT = """
# TYPE jieyong_delivered_rows counter
jieyong_delivered_rows_total{kind="position"} 30
# TYPE jieyong_spool_refused_rows counter
jieyong_spool_refused_rows_total{reason="bound"} 9
# TYPE jieyong_spool_rows gauge
jieyong_spool_rows 1
# TYPE jieyong_spool_oldest_age_seconds gauge
jieyong_spool_oldest_age_seconds 3.5
# TYPE jieyong_commit_lag_seconds histogram
jieyong_commit_lag_seconds_bucket{le="0.01"} 30
jieyong_commit_lag_seconds_bucket{le="0.1"} 30
jieyong_commit_lag_seconds_bucket{le="+Inf"} 30
jieyong_commit_lag_seconds_count 30
jieyong_commit_lag_seconds_sum 0.1
"""


def drawn(before: Moment, now: Moment) -> str:
    console = Console(file=StringIO(), width=100)
    console.print(live.table(before, now))
    text = console.file
    assert isinstance(text, StringIO)
    return text.getvalue()


def row(text: str, name: str) -> str:
    (found,) = [line for line in text.splitlines() if name in line]
    return " ".join(found.split())


def test_figures_are_summed_over_the_collectors() -> None:
    found = figures.read([MODBUS, MQTT], answering=True)
    assert found.polls == {"ok": 12, "failed": 2}
    assert found.delivered == {"reading": 240, "position": 30}
    assert found.missed == {"backoff": 3}
    assert (found.refused, found.waiting, found.oldest_s) == (9, 5, 3.5)
    assert found.silent == ("m-2",)
    assert found.lags == {0.01: 90, 0.1: 268, float("inf"): 270}


def test_a_quantile_is_the_bound_it_keeps_to() -> None:
    lags = {0.01: 90, 0.1: 268, float("inf"): 270}
    assert quantile_ms(lags, 0.3) == 10.0
    assert quantile_ms(lags, 0.99) == 100.0
    assert quantile_ms(lags, 1.0) == float("inf")
    assert quantile_ms({0.01: 0, float("inf"): 0}, 0.5) is None
    assert quantile_ms({}, 0.5) is None


def test_the_table_tells_rates_lag_and_who_is_silent() -> None:
    now = Moment(20.0, figures.read([MODBUS, MQTT], answering=True))
    earlier = replace(now.figures, delivered={"reading": 90}, polls={"ok": 6}, lags={})
    told = drawn(Moment(5.0, earlier), now)
    assert row(told, "readings") == "readings 读数 10.0 /s 240"
    assert row(told, "positions") == "positions 定位 2.0 /s 30"
    assert row(told, "polls") == "polls 轮询 6 ok, 2 failed 12 ok, 2 failed"
    assert "p50 ≤ 100 ms, p99 ≤ 100 ms" in row(told, "commit lag")
    assert row(told, "spool") == "spool 缓冲 5 rows wait oldest 3.5 s"
    assert row(told, "refused").endswith(" 9")
    assert row(told, "missed slots").endswith(" backoff 3")
    assert row(told, "silent").endswith(" m-2")
    assert "does not answer" not in told


def test_a_lag_beyond_the_last_bound_is_told_as_such() -> None:
    now = Moment(1.0, Figures(lags={0.01: 1, 10.0: 1, float("inf"): 9}, answering=True))
    assert "p50 > 10,000 ms" in drawn(now, now)


def test_a_collector_that_does_not_answer_is_told() -> None:
    now = Moment(1.0, figures.read([MODBUS], answering=False))
    assert "a collector does not answer" in drawn(now, now)


def test_many_silent_devices_are_counted() -> None:
    names = tuple(f"m-{n}" for n in range(9))
    now = Moment(1.0, Figures(silent=names, answering=True))
    assert "m-5 and 3 more" in drawn(now, now)


def test_a_collector_started_again_counts_from_zero_and_no_rate_is_negative() -> None:
    before = Moment(0.0, Figures(delivered={"reading": 500}))
    now = Moment(10.0, Figures(delivered={"reading": 20}))
    assert live.rates(before, now) == {"reading": 0.0}
    assert live.rates(now, now) == {"reading": 0.0}


async def test_a_pipe_gets_whole_lines() -> None:
    stop = asyncio.Event()
    console = Console(file=StringIO(), width=20)
    looks = 0

    async def look() -> Moment:
        nonlocal looks
        looks += 1
        if looks == 3:
            stop.set()
        return Moment(float(looks), figures.read([MODBUS, MQTT], answering=True))

    await live.show(console, look, stop, pause_s=0.0)
    text = console.file
    assert isinstance(text, StringIO)
    first, *_ = text.getvalue().splitlines()
    assert first.startswith("0:00:02  position 0/s, reading 0/s; 5 on their way (lag p50")
    assert first.endswith("9 refused; 1 devices alive, 1 silent")
