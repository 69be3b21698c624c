"""The writer against a model that is a dict, whatever comes twice, late or contradicting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.records import Batch, Kind
from storage.writer import BulkWriter, Outcome
from tests.unit.storage.samples import (
    HOUR_US,
    NOON_US,
    batch,
    position,
    positions,
    quarantined,
    reading,
    readings,
    refused,
)

READING = Kind.READING
DAY_US = 24 * HOUR_US


@dataclass(frozen=True)
class Row:
    """One row of any kind: its key, what may contradict (readings), and its packed form."""

    kind: Kind
    key: tuple[int, ...]
    said: tuple[float | None, int] | None
    packed: bytes


@dataclass
class Model:
    """What must be in the database."""

    rows: dict[tuple[Kind, tuple[int, ...]], tuple[float | None, int] | None] = field(
        default_factory=dict
    )
    conflicts: set[tuple[object, ...]] = field(default_factory=set)

    def write(self, rows: Sequence[Row]) -> dict[str, Counter[Kind]]:
        told: dict[str, Counter[Kind]] = {
            name: Counter() for name in ("inserted", "duplicates", "conflicts")
        }
        for row in rows:
            told[self._one(row)][row.kind] += 1
        return told

    def _one(self, row: Row) -> str:
        place = row.kind, row.key
        if place not in self.rows:
            self.rows[place] = row.said
            return "inserted"
        first = self.rows[place]
        if row.said is None or first is None or row.said[0] == first[0]:
            return "duplicates"
        conflict = (*row.key, *row.said)
        if conflict in self.conflicts:
            return "duplicates"
        self.conflicts.add(conflict)
        return "conflicts"


TIMES = st.sampled_from(
    [NOON_US, NOON_US + 1, NOON_US + HOUR_US - 1, NOON_US + HOUR_US, NOON_US - 40 * DAY_US]
)
SMALL = st.integers(1, 3)


@st.composite
def rows_of_readings(draw: st.DrawFn) -> Row:
    point, ts = draw(SMALL), draw(TIMES)
    value, observed = draw(st.sampled_from([None, 0.0, 1.5])), NOON_US + draw(st.integers(0, 1))
    packed = reading(point, ts, value, observed_us=observed)
    return Row(READING, (point, ts), (value, observed), packed)


@st.composite
def rows_of_positions(draw: st.DrawFn) -> Row:
    terminal, ts, content = draw(SMALL), draw(TIMES), draw(SMALL)
    extra = draw(st.sampled_from([None, b'{"a": 1}']))
    packed = position(terminal, ts, content, extra=extra)
    return Row(Kind.POSITION, (terminal, ts, content), None, packed)


@st.composite
def rows_refused(draw: st.DrawFn) -> Row:
    digest = draw(st.integers(0, 4))
    return Row(Kind.QUARANTINE, (digest,), None, refused(bytes([digest])))


WRITES = st.lists(
    st.lists(st.one_of(rows_of_readings(), rows_of_positions(), rows_refused()), max_size=12),
    max_size=5,
)


def in_batches(rows: Sequence[Row]) -> list[Batch]:
    """One batch for each kind, then one for each row: batches of one kind are joined in order."""
    cut = len(rows) // 2
    batches = [batch(kind, [row.packed for row in rows[:cut] if row.kind is kind]) for kind in Kind]
    batches += [batch(row.kind, [row.packed]) for row in rows[cut:]]
    return [b for b in batches if b.rows]


def told(outcome: Outcome) -> dict[str, Counter[Kind]]:
    return {
        "inserted": +Counter(outcome.inserted),
        "duplicates": +Counter(outcome.duplicates),
        "conflicts": +Counter(outcome.conflicts),
    }


def stored(conn: psycopg.Connection) -> Model:
    us = "(extract(epoch FROM {}) * 1000000)::int8"
    model = Model()
    ts, observed, fix = us.format("ts"), us.format("observed_at"), us.format("fix_time")
    query = f"SELECT point_id, {ts}, value, {observed} FROM reading"
    for point, at, value, seen in conn.execute(query):
        model.rows[READING, (point, at)] = (value, seen)
    for key in conn.execute(f"SELECT terminal_id, {fix}, content_hash FROM position"):
        model.rows[Kind.POSITION, key] = None
    for (digest,) in conn.execute("SELECT digest FROM quarantine"):
        model.rows[Kind.QUARANTINE, (digest[0],)] = None
    query = f"SELECT point_id, {ts}, value, {observed} FROM reading_conflict"
    model.conflicts = set(conn.execute(query))
    return model


def dirty(conn: psycopg.Connection) -> list[tuple[str, list[int], int, int]]:
    query = """
        SELECT kind, subjects, (extract(epoch FROM ts_from) * 1000000)::int8,
               (extract(epoch FROM ts_to) * 1000000)::int8
        FROM dirty_log
    """
    return conn.execute(query).fetchall()


def covered(entries: list[tuple[str, list[int], int, int]], kind: Kind, row: Sequence[int]) -> bool:
    return any(
        name == kind and row[0] in subjects and begin <= row[1] <= end
        for name, subjects, begin, end in entries
    )


def empty(conn: psycopg.Connection) -> None:
    conn.execute("TRUNCATE reading, reading_conflict, position, quarantine, dirty_log")


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as conn:
        yield conn


@pytest.fixture
def writer(database: str) -> Iterator[BulkWriter]:
    with closing(BulkWriter(database)) as writer:
        yield writer


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(WRITES)
def test_tables_outcomes_and_dirty_log_are_those_of_the_model(
    conn: psycopg.Connection, writer: BulkWriter, writes: list[list[Row]]
) -> None:
    empty(conn)
    model = Model()
    for rows in writes:
        # The writer takes the kinds one after the other; within one, the order of arrival counts.
        batches = in_batches(rows)
        expected = model.write([row for kind in Kind for row in ordered(rows, kind)])
        assert told(writer.write(batches)) == {name: +some for name, some in expected.items()}
    assert stored(conn) == model

    entries = dirty(conn)
    logged = [(kind, key) for kind, key in model.rows if kind is not Kind.QUARANTINE]
    assert all(covered(entries, kind, key) for kind, key in logged)
    for _, subjects, begin, end in entries:
        assert begin // HOUR_US == end // HOUR_US
        assert subjects == sorted(set(subjects))

    for rows in writes:
        replayed = told(writer.write(in_batches(rows)))
        assert replayed == {
            "inserted": Counter(),
            "duplicates": Counter(row.kind for row in rows),
            "conflicts": Counter(),
        }
    assert stored(conn) == model
    assert dirty(conn) == entries


def ordered(rows: Sequence[Row], kind: Kind) -> list[Row]:
    return [row for row in rows if row.kind is kind]


def test_known_rows_take_the_slow_path_and_new_ones_after_them_the_fast_one_again(
    writer: BulkWriter,
) -> None:
    paths = []
    for points in [(1,), (1, 2), (2, 3), (4,), (5,)]:
        writer.write([readings(*map(reading, points))])
        paths.append((writer.fast_writes, writer.slow_writes))
    assert paths == [(1, 0), (1, 1), (1, 2), (1, 3), (2, 3)]
    assert writer.connects == 1


def test_nothing_to_write_does_not_even_connect(writer: BulkWriter) -> None:
    assert writer.write([]) == Outcome()
    assert writer.connects == 0


def test_all_kinds_of_one_call_are_committed_together(
    conn: psycopg.Connection, writer: BulkWriter
) -> None:
    writer.write([readings(reading(1)), positions(position(1)), quarantined(refused(b"x"))])
    query = """
        SELECT count(DISTINCT x) FROM (
            SELECT xmin::text FROM reading UNION ALL SELECT xmin::text FROM position
            UNION ALL SELECT xmin::text FROM quarantine UNION ALL SELECT xmin::text FROM dirty_log
        ) AS rows (x)
    """
    assert conn.execute(query).fetchone() == (1,)


def test_case_36_a_batch_with_one_time_for_all_loses_no_row(
    conn: psycopg.Connection, writer: BulkWriter
) -> None:
    writer.write([readings(*(reading(point) for point in range(500)))])
    writer.write([positions(*(position(7, NOON_US, content) for content in range(500)))])
    query = "SELECT (SELECT count(*) FROM reading), (SELECT count(*) FROM position)"
    assert conn.execute(query).fetchone() == (500, 500)


def test_case_34_older_rows_are_accepted_and_logged_for_recomputing(
    conn: psycopg.Connection, writer: BulkWriter
) -> None:
    writer.write([readings(reading(1))])
    late = NOON_US - 300 * DAY_US
    assert writer.write([readings(reading(1, late))]).inserted == {READING: 1}
    assert [entry[2] for entry in dirty(conn)] == [NOON_US, late]


def test_case_32_a_replay_keeps_every_time_as_it_was(
    conn: psycopg.Connection, writer: BulkWriter
) -> None:
    rows = [readings(reading(1), reading(2, value=None)), positions(position(1, extra=b"{}"))]
    writer.write(rows)
    query = """
        SELECT (SELECT jsonb_agg(to_jsonb(r)) FROM reading r),
               (SELECT jsonb_agg(to_jsonb(p)) FROM position p)
    """
    before = conn.execute(query).fetchone()
    writer.write(rows)
    assert conn.execute(query).fetchone() == before


def test_a_value_that_is_not_a_number_equals_itself(
    conn: psycopg.Connection, writer: BulkWriter
) -> None:
    same = readings(reading(1, value=float("nan")))
    writer.write([same])
    assert writer.write([same]).duplicates == {READING: 1}


def test_null_and_a_value_contradict_each_other(
    conn: psycopg.Connection, writer: BulkWriter
) -> None:
    writer.write([readings(reading(1, value=None))])
    assert writer.write([readings(reading(1, value=5.0))]).conflicts == {READING: 1}
    assert conn.execute("SELECT value FROM reading").fetchall() == [(None,)]
    assert conn.execute("SELECT value FROM reading_conflict").fetchall() == [(5.0,)]


def test_late_rows_of_many_hours_make_one_dirty_row_each(
    conn: psycopg.Connection, writer: BulkWriter
) -> None:
    writer.write(
        [readings(*(reading(p, NOON_US + h * HOUR_US) for h in range(48) for p in (2, 1)))]
    )
    entries = dirty(conn)
    assert len(entries) == 48
    assert {tuple(subjects) for _, subjects, _, _ in entries} == {(1, 2)}
