"""Which subjects and times packed rows touch, and the dirty-log rows that say so.

Works on packed bytes: at full rate one Python object per row would cost more than the COPY.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from storage.records import COLUMNS, READING_BYTES, Kind, split

_SUBJECT_AT: Final = 6  # behind the count of fields and the length of the first
_TIME_AT: Final = 14
_READING_VALUE_SIZE_AT: Final = 25  # the low byte of the length of `value`: 8, or 255 for NULL
_HOUR_US: Final = 3_600_000_000
_YEAR_2100_US: Final = 36_525 * 24 * _HOUR_US
_INT4_OID: Final = 23

Subjects = npt.NDArray[np.int32]
Times = npt.NDArray[np.int64]


def keys(kind: Kind, body: bytes) -> tuple[Subjects, Times]:
    """The subject and the time of each packed row.

    Args:
        kind: any but the quarantine: rows begin with an int4 subject and an int8 time.
        body: packed rows.

    Returns:
        Two arrays as long as the rows are many: subject ids, and microseconds since 2000-01-01.

    Raises:
        ValueError: the body is not made of whole tuples.
    """
    try:
        return _keys(kind, body)
    except (struct.error, IndexError) as error:
        raise ValueError(f"packed rows are cut short: {error}") from error


def dirty_rows(kind: Kind, body: bytes) -> Iterator[bytes]:
    """Pack the dirty-log rows (kind, subjects, ts_from, ts_to) of packed rows.

    One for each UTC hour: a late row must not smear the range of the others.

    Raises:
        ValueError: the body is not made of whole tuples, or a time lies outside 2000..2099. Sources
            turn such times away much closer; this keeps a slip of theirs from making a chunk for
            every year to 9999.
    """
    subjects, times = keys(kind, body)
    if times.min() < 0 or times.max() >= _YEAR_2100_US:
        raise ValueError("a time lies outside 2000..2099")
    for group in _by_hour(times):
        at = times[group]
        yield _pack(kind, np.unique(subjects[group]), int(at.min()), int(at.max()))


def by_subject(kind: Kind, body: bytes) -> bytes:
    """Return packed rows grouped by subject, those of one subject in the order they came.

    Rows of different layouts (one without a value among others) stay as they are.

    Raises:
        ValueError: the body is not made of whole tuples.
    """
    try:
        size = _common_size(kind, body)
    except (struct.error, IndexError) as error:
        raise ValueError(f"packed rows are cut short: {error}") from error
    if not size:
        return body
    subjects, _ = _keys(kind, body)
    # The place in the body in the low half makes the keys distinct, so the fast sort is stable.
    order = np.argsort((subjects.astype(np.int64) << 32) + np.arange(len(subjects)))
    grouped: bytes = np.frombuffer(body, np.dtype((np.void, size)))[order].tobytes()
    return grouped


def _keys(kind: Kind, body: bytes) -> tuple[Subjects, Times]:
    octets = np.frombuffer(body, np.uint8)
    size = _common_size(kind, body)
    if size:
        rows = octets.reshape(-1, size)
        subjects = rows[:, _SUBJECT_AT : _SUBJECT_AT + 4]
        times = rows[:, _TIME_AT : _TIME_AT + 8]
    else:
        starts = _starts(kind, body)
        subjects = octets[starts[:, None] + np.arange(_SUBJECT_AT, _SUBJECT_AT + 4)]
        times = octets[starts[:, None] + np.arange(_TIME_AT, _TIME_AT + 8)]
    return (
        np.ascontiguousarray(subjects).view(">i4")[:, 0].astype(np.int32),
        np.ascontiguousarray(times).view(">i8")[:, 0].astype(np.int64),
    )


def _common_size(kind: Kind, body: bytes) -> int:
    """Size of each tuple when all have the layout of the first; else 0."""
    slots, size = _layout(body)
    if len(slots) != len(COLUMNS[kind]):
        raise ValueError(f"a packed {kind} has {len(COLUMNS[kind])} fields, not {len(slots)}")
    if len(body) % size:
        return 0
    rows = np.frombuffer(body, np.uint8).reshape(-1, size)
    same = all(bool((rows[:, at : at + 4] == rows[0, at : at + 4]).all()) for at in slots)
    return size if same else 0


def _layout(body: bytes) -> tuple[list[int], int]:
    """Where the lengths of the first tuple's fields stand, and where it ends."""
    (fields,) = struct.unpack_from(">h", body, 0)
    slots, at = [], 2
    for _ in range(fields):
        slots.append(at)
        (size,) = struct.unpack_from(">i", body, at)
        at += 4 + max(size, 0)
    return slots, at


def _starts(kind: Kind, body: bytes) -> npt.NDArray[np.intp]:
    """Where each tuple begins."""
    if kind is Kind.READING:
        return np.array(_reading_starts(body), dtype=np.intp)
    sizes = [len(row) for row in split(body)]
    return np.cumsum([0, *sizes[:-1]])


def _reading_starts(body: bytes) -> list[int]:
    starts, at, end = [], 0, len(body)
    while at < end:
        starts.append(at)
        has_value = body[at + _READING_VALUE_SIZE_AT] == 8
        at += READING_BYTES if has_value else READING_BYTES - 8
    if at != end:
        raise ValueError(f"packed rows are cut short: the last one ends at {at}, not {end}")
    return starts


def _by_hour(times: Times) -> list[npt.NDArray[np.intp]] | list[slice]:
    hours = times // _HOUR_US
    if hours.min() == hours.max():
        return [slice(None)]
    order = np.argsort(hours, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(hours[order])) + 1)


def _pack(kind: Kind, subjects: Subjects, ts_from: int, ts_to: int) -> bytes:
    elements = np.empty(len(subjects), np.dtype([("size", ">i4"), ("id", ">i4")]))
    elements["size"], elements["id"] = 4, subjects
    array = struct.pack(">5i", 1, 0, _INT4_OID, len(subjects), 1) + elements.tobytes()
    name = kind.value.encode()
    return b"".join(
        (
            struct.pack(">hi", 4, len(name)) + name,
            struct.pack(">i", len(array)) + array,
            struct.pack(">iqiq", 8, ts_from, 8, ts_to),
        )
    )
