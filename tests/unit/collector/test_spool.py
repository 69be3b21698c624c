from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector import spool_file
from collector.intake import Refused
from collector.settings import SpoolSettings
from collector.spool import Spool
from collector.spool_model import Aside, Fate, Settlement, Stored
from collector.spool_open import SpoolBusyError, SpoolVersionError
from storage.records import Batch, Kind

MANY = 10**9


def batch(rows: int = 1, body: bytes = b"x", kind: Kind = Kind.POSITION) -> Batch:
    return Batch(kind, rows, body)


def make(path: Path, **bounds: int) -> Spool:
    return Spool(path / "spool.db", SpoolSettings(**bounds), now_us=lambda: 1_000)


def delivered(taken: list[Stored]) -> Settlement:
    counts: dict[Kind, int] = {}
    for stored in taken:
        counts[stored.batch.kind] = counts.get(stored.batch.kind, 0) + stored.batch.rows
    return Settlement(taken[-1].id, sum(len(s.batch.body) for s in taken), counts)


def take_all(spool: Spool) -> list[Stored]:
    taken: list[Stored] = []
    while more := spool.take(MANY, MANY):
        taken.extend(more)
    return taken


def bodies(taken: list[Stored]) -> list[bytes]:
    return [stored.batch.body for stored in taken]


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


def test_a_damaged_file_is_moved_aside_and_a_fresh_one_begun(tmp_path: Path) -> None:
    spool = make(tmp_path)
    for _ in range(50):
        spool.put([batch(1, bytes(5_000))])
    spool.close()
    path = tmp_path / "spool.db"
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xa5" * (len(content) - 8192)
    path.write_bytes(content)

    again = make(tmp_path)

    moved = again.stats().damaged
    assert moved is not None
    assert moved.read_bytes() == content, "nothing is deleted"
    again.put([batch(1, b"new")])
    assert bodies(take_all(again)) == [b"new"]
    again.close()


def test_damage_met_while_running_ends_accepting_and_is_told(tmp_path: Path) -> None:
    """What a broken file takes may never come out again: senders had better keep it."""
    spool = make(tmp_path, handoff_bytes=0)
    for _ in range(50):
        spool.put([batch(1, bytes(5_000))])
    assert spool.stats().broken is None
    path = tmp_path / "spool.db"
    sound = sqlite3.connect(path)
    sound.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    sound.close()
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xa5" * (path.stat().st_size - 8192))

    with pytest.raises(sqlite3.DatabaseError, match="malformed"):
        take_all(spool)
    with pytest.raises(Refused, match="restart the collector") as refused:
        spool.put([batch(3)])

    assert refused.value.reason == "disk"
    stats = spool.stats()
    assert stats.broken == "database disk image is malformed"
    assert (stats.rows, stats.oldest_us, stats.refused) == (50, None, {"disk": 3})
    spool.close()


def test_a_foreign_file_in_its_place_is_moved_aside_and_never_overwritten(tmp_path: Path) -> None:
    contents = [b"one: not a database at all" * 40, b"two: not a database either" * 40]
    for content in contents:
        (tmp_path / "spool.db").write_bytes(content)
        make(tmp_path).close()

    moved = sorted(p for p in tmp_path.iterdir() if ".damaged-" in p.name)
    assert [p.read_bytes() for p in moved] == contents


def test_a_log_without_its_database_is_kept(tmp_path: Path) -> None:
    (tmp_path / "spool.db-wal").write_bytes(b"what was accepted last")

    spool = make(tmp_path)

    moved = spool.stats().damaged
    assert moved is not None
    assert moved.with_name(moved.name + "-wal").read_bytes() == b"what was accepted last"
    spool.close()


def test_a_spool_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    make(tmp_path).close()
    newer = sqlite3.connect(tmp_path / "spool.db")
    newer.execute("PRAGMA user_version = 99")
    newer.close()

    with pytest.raises(SpoolVersionError, match="start that version"):
        make(tmp_path)
    assert not [p for p in tmp_path.iterdir() if ".damaged-" in p.name]


_HOLDER = """
import sys, pathlib
from collector.settings import SpoolSettings
from collector.spool import Spool
spool = Spool(pathlib.Path(sys.argv[1]), SpoolSettings())
print("open", flush=True)
sys.stdin.read()
"""


def test_a_second_process_is_told_who_has_the_spool(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path / "spool.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"open\n"
        with pytest.raises(SpoolBusyError, match=f"in use by process {child.pid}"):
            make(tmp_path)
        child.kill()
    make(tmp_path).close()


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
