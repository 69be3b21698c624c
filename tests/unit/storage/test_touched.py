from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.records import PG_EPOCH_US, Kind
from storage.touched import by_subject, dirty_rows, keys
from tests.unit.storage.samples import HOUR_US, NOON_US, position, reading

SUBJECTS = st.integers(-(2**31), 2**31 - 1)
TIMES = st.integers(NOON_US - 5 * HOUR_US, NOON_US + 5 * HOUR_US)
VALUES = st.none() | st.floats()
READINGS = st.builds(reading, SUBJECTS, TIMES, VALUES)
POSITIONS = st.builds(
    position,
    SUBJECTS,
    TIMES,
    st.integers(-(2**63), 2**63 - 1),
    extra=st.none() | st.binary(max_size=40),
    speed=st.none() | st.floats(0, 300, width=32),
)
ROWS = st.one_of(
    st.tuples(st.just(Kind.READING), st.lists(READINGS, min_size=1, max_size=30)),
    st.tuples(st.just(Kind.POSITION), st.lists(POSITIONS, min_size=1, max_size=30)),
)


@dataclass(frozen=True)
class Dirty:
    kind: str
    subjects: list[int]
    ts_from: int
    ts_to: int


def plain_keys(rows: list[bytes]) -> list[tuple[int, int]]:
    """The same by reading each row on its own; times in Unix microseconds."""
    return [
        (struct.unpack_from(">i", row, 6)[0], struct.unpack_from(">q", row, 14)[0] + PG_EPOCH_US)
        for row in rows
    ]


def unpacked(packed: Iterator[bytes]) -> list[Dirty]:
    return [_dirty(_fields(row)) for row in packed]


def _fields(row: bytes) -> list[bytes]:
    (count,) = struct.unpack_from(">h", row, 0)
    found, at = [], 2
    for _ in range(count):
        (size,) = struct.unpack_from(">i", row, at)
        found.append(row[at + 4 : at + 4 + size])
        at += 4 + size
    assert at == len(row)
    return found


def _dirty(fields: list[bytes]) -> Dirty:
    kind, array, ts_from, ts_to = fields
    dimensions, nulls, oid, length, lower = struct.unpack_from(">5i", array)
    assert (dimensions, nulls, oid, lower) == (1, 0, 23, 1)
    elements = struct.unpack_from(f">{2 * length}i", array, 20)
    assert set(elements[::2]) == {4}
    assert len(array) == 20 + 8 * length
    begin, end = (struct.unpack(">q", at)[0] + PG_EPOCH_US for at in (ts_from, ts_to))
    return Dirty(kind.decode(), list(elements[1::2]), begin, end)


@given(ROWS)
def test_keys_are_those_of_each_row_whatever_the_mixture_of_layouts(
    given_rows: tuple[Kind, list[bytes]],
) -> None:
    kind, rows = given_rows
    subjects, times = keys(kind, b"".join(rows))
    found = list(zip(subjects.tolist(), (times + PG_EPOCH_US).tolist(), strict=True))
    assert found == plain_keys(rows)


@given(ROWS)
def test_dirty_rows_name_every_subject_of_each_hour_once_and_the_range_it_was_touched_in(
    given_rows: tuple[Kind, list[bytes]],
) -> None:
    kind, rows = given_rows
    hours: dict[int, list[tuple[int, int]]] = {}
    for subject, ts in plain_keys(rows):
        hours.setdefault(ts // HOUR_US, []).append((subject, ts))

    found = unpacked(dirty_rows(kind, b"".join(rows)))

    assert sorted(found, key=lambda d: d.ts_from) == [
        Dirty(
            kind.value,
            sorted({subject for subject, _ in group}),
            min(ts for _, ts in group),
            max(ts for _, ts in group),
        )
        for _, group in sorted(hours.items())
    ]


@given(ROWS, st.data())
def test_rows_cut_short_are_an_error_and_nothing_else(
    given_rows: tuple[Kind, list[bytes]], data: st.DataObject
) -> None:
    kind, rows = given_rows
    body = b"".join(rows)
    ends = {sum(map(len, rows[:count])) for count in range(len(rows) + 1)}
    cut = data.draw(st.integers(1, len(body) - 1).filter(lambda at: at not in ends))
    with pytest.raises(ValueError, match="cut short"):
        keys(kind, body[:cut])


@given(st.binary(min_size=1, max_size=300), st.sampled_from([Kind.READING, Kind.POSITION]))
def test_no_bytes_raise_anything_but_a_value_error(body: bytes, kind: Kind) -> None:
    with contextlib.suppress(ValueError):
        list(dirty_rows(kind, body))


def test_a_row_with_another_number_of_fields_is_refused() -> None:
    with pytest.raises(ValueError, match="15 fields, not 7"):
        keys(Kind.POSITION, reading(1))


@pytest.mark.parametrize("ts_us", [PG_EPOCH_US - 1, 4_102_444_800_000_000])
def test_times_outside_the_century_are_refused(ts_us: int) -> None:
    with pytest.raises(ValueError, match=r"2000\.\.2099"):
        list(dirty_rows(Kind.READING, reading(1) + reading(1, ts_us)))


@given(st.lists(READINGS, min_size=1, max_size=30))
def test_rows_of_one_layout_come_grouped_by_subject_in_their_order(rows: list[bytes]) -> None:
    grouped = by_subject(Kind.READING, b"".join(rows))
    if len({len(row) for row in rows}) == 1:
        rows = sorted(rows, key=lambda row: plain_keys([row])[0][0])
    assert grouped == b"".join(rows)


def test_rows_to_be_grouped_that_are_cut_short_are_an_error() -> None:
    with pytest.raises(ValueError, match="cut short"):
        by_subject(Kind.READING, reading(1, NOON_US, 1.0)[:20])
