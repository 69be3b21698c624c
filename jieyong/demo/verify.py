"""Ground truth against database: what was lost, doubled or invented, counted by number."""

from __future__ import annotations

import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

from simulators.truth import STORED_AS, ModbusReply, MqttSent

CLOCK_SLACK_US: Final = 5_000
"""How much earlier than the simulator's stamp a reply may seem to arrive (two clocks reads)."""


COMPLETE: Final = frozenset({"ok", "sentinel"})
"""Outcomes of replies that a collector must take; a sentinel is a value: "not available"."""


@dataclass(frozen=True, slots=True)
class StoredReading:
    """One row of `reading`, as far as the comparison needs it. Times in Unix microseconds."""

    observed_us: int
    value: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a comparison found, in rows.

    Attributes:
        expected: rows that must be in the database.
        lost_at: of those that are not there, when each was sent, Unix microseconds.
        duplicated: rows beyond the one that a reply or message accounts for.
        invented: rows that nothing in the truth accounts for, or whose value differs from it.
    """

    expected: int = 0
    lost_at: tuple[int, ...] = ()
    duplicated: int = 0
    invented: int = 0

    @property
    def lost(self) -> int:
        """How many rows are lost."""
        return len(self.lost_at)

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict(
            self.expected + other.expected,
            self.lost_at + other.lost_at,
            self.duplicated + other.duplicated,
            self.invented + other.invented,
        )


def compare_readings(
    replies: Iterable[ModbusReply],
    stored: Mapping[tuple[str, str], Sequence[StoredReading]],
) -> Verdict:
    """Hold every complete reply against the rows of its points.

    Args:
        replies: what the devices sent; those that are not complete promise no row.
        stored: (device code, point name) → its rows, any order.
    """
    served: defaultdict[tuple[str, str], list[tuple[int, str | None]]] = defaultdict(list)
    for reply in replies:
        if reply.outcome in COMPLETE:
            for point, value in reply.values.items():
                served[reply.device, point].append((reply.served_at, value))
    verdict = Verdict()
    for key in served.keys() | stored.keys():
        verdict += _compare_point(sorted(served[key], key=lambda s: s[0]), stored.get(key, ()))
    return verdict


def _compare_point(
    served: Sequence[tuple[int, str | None]], rows: Sequence[StoredReading]
) -> Verdict:
    times = [at for at, _ in served]
    uses: Counter[int] = Counter()
    invented = 0
    for row in rows:
        # A row belongs to the last reply that was sent before it was observed.
        index = bisect.bisect_right(times, row.observed_us + CLOCK_SLACK_US) - 1
        if index < 0 or not _same(served[index][1], row.value):
            invented += 1
        else:
            uses[index] += 1
    return Verdict(
        expected=len(served),
        lost_at=tuple(at for index, (at, _) in enumerate(served) if index not in uses),
        duplicated=uses.total() - len(uses),
        invented=invented,
    )


def _same(sent: str | None, stored: float | None) -> bool:
    # Both are the one double nearest to the exact decimal, so equality is exact.
    return stored is None if sent is None else stored == float(sent)


Number = tuple[str, int]
"""Terminal and the number it gave its message."""


def compare_positions(
    sent: Mapping[Number, MqttSent], acknowledged: Set[Number], stored: Mapping[Number, int]
) -> Verdict:
    """Hold every message the broker acknowledged against the rows of its number.

    Args:
        sent: everything that left a terminal; what was not acknowledged may be stored or not.
        acknowledged: what the broker answered for.
        stored: number → rows of `position`.
    """
    expected = {key for key in acknowledged if STORED_AS[sent[key].kind] == "position"}
    return Verdict(
        expected=len(expected),
        lost_at=tuple(sent[key].sent_at for key in expected - stored.keys()),
        duplicated=sum(rows - 1 for rows in stored.values()),
        invented=sum(rows for key, rows in stored.items() if key not in sent),
    )
