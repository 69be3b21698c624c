from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from collector.delivery import Delivery
from collector.drain import Drain, DrainThread
from collector.lag import BOUNDS_MS, LagHistogram
from collector.settings import SpoolSettings
from collector.spool import Spool
from collector.spool_model import Fate, Stored
from storage.records import Batch, Kind, pack_reading, split
from storage.writer import Outcome, RowsRefused, StorageUnavailable


def reading(point: int) -> bytes:
    return pack_reading(point, 0, 1.0, 0, 1, 0, 0)


def batch(*points: int) -> Batch:
    return Batch(Kind.READING, len(points), b"".join(map(reading, points)))


class Table:
    """A database in memory: knows what it refuses and when it is away."""

    def __init__(self, poison: frozenset[int] = frozenset()) -> None:
        self.poison = {reading(point) for point in poison}
        self.rows: list[bytes] = []
        self.quarantined = 0
        self.writes = 0
        self.away = False
        self.away_at: frozenset[int] = frozenset()
        self.refuses_quarantine = False
        self.most_rows = 10**9

    def write(self, batches: Sequence[Batch]) -> Outcome:
        self.writes += 1
        if self.away or self.writes in self.away_at:
            raise StorageUnavailable("gone")
        if sum(b.rows for b in batches) > self.most_rows:
            raise StorageUnavailable("canceling statement due to statement timeout")
        rows = [row for b in batches if b.kind is Kind.READING for row in split(b.body)]
        quarantined = sum(b.rows for b in batches if b.kind is Kind.QUARANTINE)
        if any(row in self.poison for row in rows):
            raise RowsRefused("numeric value out of range")
        if quarantined and self.refuses_quarantine:
            raise RowsRefused("quarantine does not like it")
        self.rows += rows
        self.quarantined += quarantined
        return Outcome()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool.db", SpoolSettings(), now_us=lambda: 1_000_000)


def make_drain(spool: Spool, table: Table, now_us: int = 1_050_000) -> Drain:
    return Drain(spool, table.write, SpoolSettings(), now_us=lambda: now_us)


def test_waiting_batches_are_joined_into_one_write(spool: Spool) -> None:
    table = Table()
    drain = make_drain(spool, table)
    spool.put([batch(1, 2)])
    spool.put([batch(3)])

    assert drain.turn() == 0.025
    assert drain.turn() is None

    assert (table.rows, table.writes) == ([reading(1), reading(2), reading(3)], 1)
    assert drain.stats.delivered == {Kind.READING: 3}
    assert (drain.stats.commits, drain.stats.db_up) == (1, True)
    assert drain.stats.lag.counts[BOUNDS_MS.index(50)] == 3
    assert spool.stats().rows == 0
    spool.close()


def test_after_a_full_write_the_drain_does_not_pause(spool: Spool) -> None:
    drain = Drain(spool, Table().write, SpoolSettings(drain_rows=4), now_us=lambda: 0)
    spool.put([batch(1, 2, 3)])
    assert drain.turn() == 0.0
    spool.close()


def test_case_30_while_the_database_is_away_everything_is_kept_and_nothing_doubles(
    spool: Spool,
) -> None:
    table = Table()
    drain = make_drain(spool, table)
    table.away = True
    pauses = []
    for point in range(8):
        spool.put([batch(point)])
        pauses.append(drain.turn())
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0]
    assert (drain.failing, drain.stats.db_up) == (True, False)

    table.away = False
    while drain.turn() is not None:
        pass

    assert table.rows == [reading(point) for point in range(8)]
    assert (drain.failing, drain.stats.db_up) == (False, True)
    assert drain.stats.failures == {"database_away": 8}
    spool.close()


def test_a_database_too_slow_for_one_large_write_gets_smaller_ones(spool: Spool) -> None:
    table = Table()
    table.most_rows = 3
    drain = make_drain(spool, table)
    spool.put([batch(*range(20)), batch(20, 21)])
    for _ in range(50):
        drain.turn()
    assert table.rows == [reading(point) for point in range(22)]
    assert (drain.failing, drain.stats.rejected) == (False, {})
    assert spool.stats().rows == 0
    spool.close()


def test_one_refused_row_goes_to_quarantine_with_its_bytes_and_the_rest_is_delivered(
    spool: Spool,
) -> None:
    table = Table(poison=frozenset({5}))
    drain = make_drain(spool, table)
    spool.put([batch(1, 2, 3)])
    spool.put([batch(4, 5, 6, 7)])
    while drain.turn() is not None:
        pass

    assert table.rows == [reading(point) for point in (1, 2, 3, 4, 6, 7)]
    assert table.quarantined == 1
    assert spool.tally() == {
        (Kind.READING, Fate.ACCEPTED): 7,
        (Kind.READING, Fate.DELIVERED): 6,
        (Kind.READING, Fate.REJECTED): 1,
        (Kind.QUARANTINE, Fate.ACCEPTED): 1,
        (Kind.QUARANTINE, Fate.DELIVERED): 1,
    }
    spool.close()


def test_a_flood_of_refused_rows_is_one_line_in_the_log(spool: Spool) -> None:
    table = Table(poison=frozenset(range(50)))
    drain = make_drain(spool, table)
    spool.put([batch(*range(60))])
    with capture_logs() as lines:
        while drain.turn() is not None:
            pass
    rejected = [line for line in lines if line["event"] == "rows_rejected"]
    assert [(line["kind"], line["rows"]) for line in rejected] == [("reading", 50)]
    assert rejected[0]["reason"] == "numeric value out of range"
    assert table.quarantined == 50
    spool.close()


def test_a_quarantine_row_that_is_refused_is_laid_aside_not_quarantined_for_ever(
    spool: Spool,
) -> None:
    table = Table(poison=frozenset({1}))
    table.refuses_quarantine = True
    drain = make_drain(spool, table)
    spool.put([batch(1, 2)])
    while drain.turn() is not None:
        pass

    assert table.rows == [reading(2)]
    assert spool.stats().rows == 0
    assert spool.tally()[Kind.QUARANTINE, Fate.REJECTED] == 1
    spool.close()


def test_a_body_that_is_cut_short_is_quarantined_whole(spool: Spool) -> None:
    table = Table()
    drain = make_drain(spool, table)
    body = batch(1, 2, 3).body[:-5]

    def write(batches: Sequence[Batch]) -> Outcome:
        if any(b.body == body for b in batches):
            raise RowsRefused("unexpected EOF in COPY data")
        return table.write(batches)

    drain = Drain(spool, write, SpoolSettings(), now_us=lambda: 0)
    spool.put([Batch(Kind.READING, 3, body), batch(9)])
    while drain.turn() is not None:
        pass

    assert table.rows == [reading(9)]
    assert table.quarantined == 1
    assert spool.tally()[Kind.READING, Fate.REJECTED] == 3
    spool.close()


def test_an_unforeseen_error_keeps_the_rows_and_the_drain_alive(spool: Spool) -> None:
    table = Table()
    errors = [KeyError("a bug"), OSError("odd")]

    def write(batches: Sequence[Batch]) -> Outcome:
        if errors:
            raise errors.pop()
        return table.write(batches)

    drain = Drain(spool, write, SpoolSettings(), now_us=lambda: 0)
    spool.put([batch(1)])
    assert [drain.turn(), drain.turn(), drain.turn()] == [0.1, 0.2, 0.025]

    assert table.rows == [reading(1)]
    assert drain.stats.failures == {"drain_failed": 2}
    spool.close()


@settings(max_examples=80, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=8),
    poison=st.frozensets(st.integers(0, 40)),
    away_at=st.frozensets(st.integers(1, 60)),
)
def test_every_sound_row_is_delivered_once_and_every_poison_row_is_rejected(
    sizes: list[int], poison: frozenset[int], away_at: frozenset[int]
) -> None:
    table = Table(poison)
    table.away_at = away_at
    points = iter(range(sum(sizes)))
    taken = [
        Stored(id_, batch(*[next(points) for _ in range(size)]), 0)
        for id_, size in enumerate(sizes, start=1)
    ]
    delivery = Delivery(taken, lambda group, outcome: None)

    settlement = None
    while settlement is None:
        try:
            settlement = delivery.run(table.write)
        except StorageUnavailable:
            continue

    everything = set(range(sum(sizes)))
    assert table.rows == [reading(point) for point in sorted(everything - poison)]
    assert settlement.upto == len(sizes)
    assert settlement.size == sum(len(s.batch.body) for s in taken)
    assert settlement.delivered.get(Kind.READING, 0) == len(everything - poison)
    assert settlement.rejected.get(Kind.READING, 0) == len(everything & poison)
    kept = b"".join(b.body for b in settlement.quarantine)
    assert all(reading(point) in kept for point in everything & poison)


def test_a_stop_delivers_what_is_there(spool: Spool) -> None:
    table = Table()
    thread = DrainThread(make_drain(spool, table), spool)
    spool.put([batch(1)])
    thread.start()
    spool.put([batch(2)])

    assert thread.stop(within_s=60) is True
    assert table.rows == [reading(1), reading(2)]
    spool.close()


def test_a_stop_while_the_database_is_away_gives_up_at_once_and_keeps_the_rows(
    spool: Spool,
) -> None:
    table = Table()
    table.away = True
    thread = DrainThread(make_drain(spool, table), spool)
    spool.put([batch(1)])
    thread.start()

    assert thread.stop(within_s=3600) is False
    assert spool.stats().rows == 1
    spool.close()


def test_the_thread_wakes_for_what_arrives(spool: Spool) -> None:
    arrived = threading.Event()

    def write(batches: Sequence[Batch]) -> Outcome:
        arrived.set()
        return Outcome()

    thread = DrainThread(Drain(spool, write, SpoolSettings(), now_us=lambda: 0), spool)
    thread.start()
    spool.put([batch(1)])
    assert arrived.wait(60)
    assert thread.stop(within_s=60)
    spool.close()


def test_lag_is_counted_by_row_and_a_clock_set_back_is_no_lag() -> None:
    lag = LagHistogram()
    assert lag.quantile_ms(0.99) is None
    lag.add(-5_000_000, 90)
    lag.add(140_000, 9)
    lag.add(3_600_000_000, 1)

    assert sum(lag.counts) == 100
    assert lag.sum_ms == pytest.approx(140 * 9 + 3_600_000)
    assert [lag.quantile_ms(share) for share in (0.5, 0.99, 1.0)] == [10, 150, float("inf")]
