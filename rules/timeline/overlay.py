"""Values of several points laid over each other, cut wherever one of them changes.

All functions are pure and take many subjects at once. Times are µs since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from metering.counter.model import Bools, Int64s
from metering.gauge.hold import Float64s, Holds


@dataclass(frozen=True, slots=True)
class Windows:
    """What is looked at of each subject: ``begin`` ≤ t < ``end``; each subject once, ascending."""

    subject: Int64s
    begin: Int64s
    end: Int64s

    def __len__(self) -> int:
        return len(self.subject)

    def where(self, chosen: Bools) -> Windows:
        """Return those that are chosen."""
        return Windows(self.subject[chosen], self.begin[chosen], self.end[chosen])


@dataclass(frozen=True, slots=True)
class Pieces:
    """Times in which nothing changes, by subject, then time; they fill each window.

    Attributes:
        subject: whose.
        since: the first moment.
        until: the first moment after.
        columns: the values of each layer by its name; NaN: unknown.
    """

    subject: Int64s
    since: Int64s
    until: Int64s
    columns: Mapping[str, Float64s]

    def __len__(self) -> int:
        return len(self.subject)

    def column(self, name: str) -> Float64s:
        """Return a layer's values; all unknown where nothing was measured."""
        found = self.columns.get(name)
        return np.full(len(self), np.nan) if found is None else found

    def of(self, subject: int) -> Pieces:
        """Return those of one subject."""
        first, last = np.searchsorted(self.subject, [subject, subject + 1])
        columns = {name: values[first:last] for name, values in self.columns.items()}
        return Pieces(
            self.subject[first:last], self.since[first:last], self.until[first:last], columns
        )


def overlay(layers: Mapping[str, Holds], windows: Windows) -> Pieces:
    """Lay the layers over each other.

    Args:
        layers: what each holds, by its name; subjects without a window do not matter.
        windows: what is looked at.

    Raises:
        ValueError: the windows are not in order, or together too long for their number.
    """
    axis = _Axis.of(windows)
    inside = {name: _inside(found, windows) for name, found in layers.items()}
    starts = {name: axis.keys(one.rows, one.found.since) for name, one in inside.items()}
    ends = {name: axis.keys(one.rows, one.found.until) for name, one in inside.items()}
    rows = np.arange(len(windows))
    cuts = _distinct(
        np.concatenate(
            [
                axis.keys(rows, windows.begin),
                axis.keys(rows, windows.end),
                *starts.values(),
                *ends.values(),
            ]
        )
    )
    row, at = np.divmod(cuts, axis.length)
    within = np.flatnonzero(row[1:] == row[:-1])
    key = cuts[within]
    columns = {
        name: _values(key, starts[name], ends[name], one.found.value)
        for name, one in inside.items()
    }
    return Pieces(
        windows.subject[row[within]], at[within] + axis.zero, at[within + 1] + axis.zero, columns
    )


def _distinct(keys: Int64s) -> Int64s:
    """Return keys in order, each once; np.unique takes ten times as long, for it hashes them.

    They come as some runs in order, which a stable sort merges.
    """
    ordered = np.sort(keys, kind="stable")
    return np.concatenate([ordered[:1], ordered[1:][np.diff(ordered) != 0]])


@dataclass(frozen=True, slots=True)
class _Axis:
    """One number for a window and a time in it, so that one search serves all subjects.

    Attributes:
        zero: the earliest begin.
        length: of a window's share of the numbers, more than its time.
    """

    zero: int
    length: int

    @classmethod
    def of(cls, windows: Windows) -> _Axis:
        if not len(windows):
            return cls(0, 1)
        if (windows.subject[1:] <= windows.subject[:-1]).any() or (
            windows.end <= windows.begin
        ).any():
            raise ValueError("windows must be sorted by subject, each once, and hold some time")
        zero = int(windows.begin.min())
        length = int(windows.end.max()) - zero + 1
        if length * len(windows) >= 2**63:
            raise ValueError(f"{len(windows)} windows over {length} µs at once: take fewer")
        return cls(zero, length)

    def keys(self, rows: Int64s, at: Int64s) -> Int64s:
        return rows * self.length + (at - self.zero)


@dataclass(frozen=True, slots=True)
class _Inside:
    rows: Int64s
    found: Holds


def _inside(found: Holds, windows: Windows) -> _Inside:
    """Clip holds to the windows of their subjects."""
    if not len(windows):
        return _Inside(np.empty(0, np.int64), found.where(np.zeros(len(found), np.bool_)))
    rows = np.minimum(np.searchsorted(windows.subject, found.subject), len(windows) - 1)
    since = np.maximum(found.since, windows.begin[rows])
    until = np.minimum(found.until, windows.end[rows])
    kept: Bools = (windows.subject[rows] == found.subject) & (since < until)
    return _Inside(rows[kept], Holds(found.subject, since, until, found.value).where(kept))


def _values(key: Int64s, starts: Int64s, ends: Int64s, value: Float64s) -> Float64s:
    """The value that holds at each key; NaN where none does."""
    if not len(starts):
        return np.full(len(key), np.nan)
    at = np.searchsorted(starts, key, side="right") - 1
    held = (at >= 0) & (key < ends[at])
    return np.where(held, value[at], np.nan)
