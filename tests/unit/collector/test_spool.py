from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector import spool_file
from collector.intake import Refused
from collector.settings import SpoolSettings
from collector.spool import Spool
from collector.spool_model import Aside, Fate, Settlement, Stored
from storage.records import Batch, Kind
from tests.unit.collector.spools import MANY, batch, bodies, delivered, make, take_all


def test_what_was_put_is_taken_once_and_in_order(tmp_path: Path) -> None:
    spool = make(tmp_path)
    spool.put([batch(2, b"a"), batch(1, b"b", Kind.READING)])
    spool.put([batch(3, b"c")])

    taken = take_all(spool)

    assert bodies(taken) == [b"a", b"b", b"c"]
    assert [s.received_us for s in taken] == [1_000] * 3
    assert spool.take(MANY, MANY) == []
    spool.close()


def test_take_stops_at_rows_and_bytes_but_gives_at_least_one(tmp_path: Path) -> None:
    spool = make(tmp_path)
    for body in (b"aaaa", b"bb", b"c", b"d"):
        spool.put([batch(2, body)])

    assert bodies(spool.take(1, MANY)) == [b"aaaa"]
    assert bodies(spool.take(4, MANY)) == [b"bb", b"c"]
    assert bodies(spool.take(MANY, 0)) == [b"d"]
    spool.close()


def test_unsettled_batches_come_again_after_a_restart_with_their_old_times(tmp_path: Path) -> None:
    spool = make(tmp_path)
    spool.put([batch(1, b"a")])
    spool.put([batch(1, b"b")])
    first = spool.take(1, MANY)
    spool.settle(delivered(first))
    spool.take(MANY, MANY)
    spool.close()

    again = Spool(tmp_path / "spool.db", SpoolSettings(), now_us=lambda: 9_999_999)
    taken = take_all(again)

    assert bodies(taken) == [b"b"]
    assert taken[0].received_us == 1_000, "a replay must not re-stamp"
    assert again.wait(0) is True
    again.close()


def test_ids_are_never_used_again(tmp_path: Path) -> None:
    seen: list[int] = []
    for _ in range(3):
        spool = make(tmp_path)
        spool.put([batch()])
        taken = take_all(spool)
        spool.settle(delivered(taken))
        seen += [stored.id for stored in taken]
        spool.close()

    assert seen == [1, 2, 3]


def test_a_settlement_waits_for_the_next_commit_and_a_crash_before_it_replays(
    tmp_path: Path,
) -> None:
    spool = make(tmp_path)
    spool.put([batch(5, b"a")])
    spool.settle(delivered(take_all(spool)))

    with sqlite3.connect(tmp_path / "spool.db") as on_disk:
        assert on_disk.execute("SELECT count(*) FROM batch").fetchone() == (1,)
    assert spool.tally()[Kind.POSITION, Fate.DELIVERED] == 5
    spool.put([batch(1, b"b")])
    with sqlite3.connect(tmp_path / "spool.db") as on_disk:
        assert on_disk.execute("SELECT body FROM batch").fetchall() == [(b"b",)]
    spool.close()
    on_disk.close()


def test_rejected_rows_leave_and_their_quarantine_arrives_together(tmp_path: Path) -> None:
    spool = make(tmp_path)
    spool.put([batch(4, b"abcd")])
    (stored,) = take_all(spool)
    spool.settle(
        Settlement(
            stored.id,
            4,
            {Kind.POSITION: 3},
            {Kind.POSITION: 1},
            (Batch(Kind.QUARANTINE, 1, b"why"),),
            (Aside(Kind.QUARANTINE, "refused", b"odd"),),
        )
    )

    assert bodies(take_all(spool)) == [b"why"]
    assert spool.tally() == {
        (Kind.POSITION, Fate.ACCEPTED): 4,
        (Kind.POSITION, Fate.DELIVERED): 3,
        (Kind.POSITION, Fate.REJECTED): 1,
        (Kind.QUARANTINE, Fate.ACCEPTED): 1,
    }
    assert (spool.stats().rows, spool.stats().bytes) == (1, 3)
    spool.close()
    with sqlite3.connect(tmp_path / "spool.db") as on_disk:
        assert on_disk.execute("SELECT kind, reason, body FROM aside").fetchall() == [
            ("quarantine", "refused", b"odd")
        ]
    on_disk.close()


def test_case_33_beyond_its_bound_the_spool_refuses_and_counts_every_row(tmp_path: Path) -> None:
    spool = make(tmp_path, max_bytes=64 * 1024)
    spool.put([batch(7, bytes(60_000))])

    with pytest.raises(Refused, match="bring the database back") as refused:
        spool.put([batch(5, bytes(6_000)), batch(2, b"", Kind.QUARANTINE)])

    assert (refused.value.reason, refused.value.rows) == ("bound", 7)
    assert spool.stats().refused == {"bound": 7}
    spool.put([batch(1, b"still fits")])
    spool.settle(delivered(take_all(spool)))
    spool.put([batch(3, bytes(60_000))])
    spool.close()
    again = make(tmp_path)
    assert again.tally() == {
        (Kind.POSITION, Fate.ACCEPTED): 11,
        (Kind.POSITION, Fate.DELIVERED): 8,
        (Kind.POSITION, Fate.REFUSED): 5,
        (Kind.QUARANTINE, Fate.REFUSED): 2,
    }
    again.close()


def test_calls_of_one_commit_are_refused_one_by_one_and_each_whole(tmp_path: Path) -> None:
    spool = make(tmp_path, max_bytes=64 * 1024)

    verdicts = spool.put_all(
        [
            [batch(1, bytes(40_000))],
            [batch(1, b"small"), batch(1, bytes(40_000))],
            [batch(1, b"fits")],
        ]
    )

    assert [verdict is None for verdict in verdicts] == [True, False, True]
    assert bodies(take_all(spool)) == [bytes(40_000), b"fits"]
    spool.close()


def test_rows_are_refused_while_the_disk_is_short_and_taken_again_after(tmp_path: Path) -> None:
    free = 10**9
    spool = Spool(
        tmp_path / "spool.db",
        SpoolSettings(min_free_bytes=10**8),
        now_us=lambda: 1,
        free_bytes=lambda: free,
    )
    free = 10**8 - 1
    with pytest.raises(Refused, match="make room") as refused:
        spool.put([batch(3)])
    assert refused.value.reason == "disk"

    free = 10**8
    spool.put([batch(2)])

    assert spool.tally() == {
        (Kind.POSITION, Fate.ACCEPTED): 2,
        (Kind.POSITION, Fate.REFUSED): 3,
    }
    spool.close()


def test_an_empty_spool_takes_one_call_of_any_size(tmp_path: Path) -> None:
    """Else a source that offers the same rows until they are taken would offer them for ever."""
    spool = make(tmp_path, max_bytes=64 * 1024)
    large = [batch(1, bytes(50_000)), batch(1, bytes(50_000))]

    verdicts = spool.put_all([large, [batch(1, b"no more")]])

    assert [verdict is None for verdict in verdicts] == [True, False]
    spool.settle(delivered(take_all(spool)))
    spool.put(large)
    spool.close()


def test_refusals_alone_reach_the_disk_when_idle(tmp_path: Path) -> None:
    spool = make(tmp_path, max_bytes=64 * 1024)
    spool.put([batch(1)])
    with pytest.raises(Refused):
        spool.put([batch(9, bytes(70_000))])
    spool.tidy()

    on_disk = sqlite3.connect(tmp_path / "spool.db")
    assert on_disk.execute("SELECT kind, fate, rows FROM tally").fetchall() == [
        ("position", "accepted", 1),
        ("position", "refused", 9),
    ]
    on_disk.close()
    spool.close()


def test_far_behind_the_drain_reads_back_what_memory_did_not_keep(tmp_path: Path) -> None:
    spool = make(tmp_path, handoff_bytes=10)
    for number in range(20):
        spool.put([batch(1, b"%03d" % number)])
        if number == 3:
            assert bodies(spool.take(2, MANY)) == [b"000", b"001"]

    assert bodies(take_all(spool)) == [b"%03d" % number for number in range(2, 20)]
    spool.close()


@settings(max_examples=60, deadline=None)
@given(
    actions=st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.integers(1, 5), st.integers(0, 40)),
            st.tuples(st.just("take"), st.integers(1, 8), st.integers(1, 80)),
            st.tuples(st.just("settle"), st.just(0), st.just(0)),
            st.tuples(st.just("restart"), st.just(0), st.just(0)),
            st.tuples(st.just("tidy"), st.just(0), st.just(0)),
        ),
        max_size=40,
    ),
    handoff=st.integers(0, 60),
)
def test_whatever_happens_each_row_is_settled_once_and_the_books_balance(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, int, int]], handoff: int
) -> None:
    path = tmp_path_factory.mktemp("spool")
    spool = make(path, handoff_bytes=handoff)
    put: list[bytes] = []
    settled: list[bytes] = []
    held: list[Stored] = []
    for number, (action, first, second) in enumerate(actions):
        if action == "put":
            put.append(b"%06d" % number + bytes(second))
            spool.put([batch(first, put[-1])])
        elif action == "take":
            held += spool.take(first, second)
        elif action == "settle" and held:
            spool.settle(delivered(held))
            settled += bodies(held)
            held = []
        elif action == "tidy":
            spool.tidy()
        elif action == "restart":
            spool.close()
            spool, held = make(path, handoff_bytes=handoff), []
    stats = spool.stats()
    held += take_all(spool)

    assert settled + bodies(held) == put
    assert stats.bytes == sum(len(body) for body in bodies(held))
    tally = stats.tally
    waiting = tally.get((Kind.POSITION, Fate.ACCEPTED), 0) - tally.get(
        (Kind.POSITION, Fate.DELIVERED), 0
    )
    assert waiting == stats.rows == sum(s.batch.rows for s in held)
    spool.close()


def test_after_an_outage_the_file_gives_its_space_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_file, "_VACUUM_PAGES", 8)
    spool = make(tmp_path)
    for _ in range(40):
        spool.put([batch(1, bytes(64 * 1024))])
    spool.settle(delivered(take_all(spool)))
    for _ in range(60):
        spool.tidy()
    spool.put([batch(1, b"and it still works")])
    spool.close()

    assert (tmp_path / "spool.db").stat().st_size < 20 * 64 * 1024
    again = make(tmp_path)
    assert bodies(take_all(again)) == [b"and it still works"]
    again.close()
