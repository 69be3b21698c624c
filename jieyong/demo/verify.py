"""Ground truth against database: what was lost, doubled or invented, counted by number."""

from __future__ import annotations

import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

from simulators.truth import STORED_AS, Jt808Sent, ModbusReply, MqttSent

CLOCK_SLACK_US: Final = 5_000
"""How much earlier than the simulator's stamp a reply may seem to arrive (two clocks reads)."""


CARD: Final = "driver_card"
"""Kind of a driver's card in the truth."""

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


Sent = MqttSent | Jt808Sent
"""A numbered message of a terminal, by MQTT or JT/T 808."""


def compare_positions(
    sent: Mapping[Number, Sent], acknowledged: Set[Number], stored: Mapping[Number, int]
) -> Verdict:
    """Hold every message that was acknowledged against the rows of its number.

    Args:
        sent: everything that left a terminal; what was not acknowledged may be stored or not.
        acknowledged: what the broker or the gateway answered for.
        stored: number → rows of `position`.
    """
    expected = {key for key in acknowledged if STORED_AS.get(sent[key].kind) == "position"}
    return Verdict(
        expected=len(expected),
        lost_at=tuple(sent[key].sent_at for key in expected - stored.keys()),
        duplicated=sum(rows - 1 for rows in stored.values()),
        invented=sum(rows for key, rows in stored.items() if key not in sent),
    )


Moment = tuple[str, int | None]
"""Terminal and the time of a card, Unix microseconds; None: its form tells no time (2011)."""


def compare_cards(
    sent: Mapping[Number, Sent], acknowledged: Set[Number], stored: Mapping[Moment, int]
) -> Verdict:
    """Hold every driver's card that was acknowledged against the rows of its time.

    Of a terminal whose form tells no time the rows are counted: which is whose is not known, and
    one that was sent again is a row more.

    Args:
        sent: everything that left a terminal, cards among it.
        acknowledged: what the gateway answered for.
        stored: terminal and time → rows of ``driver_card``.
    """
    cards = {key: one for key, one in sent.items() if one.kind == CARD}
    untimed = {terminal for terminal, at in stored if at is None}
    verdict = Verdict()
    for terminal in untimed:
        mine = [key for key in cards if key[0] == terminal]
        answered = [cards[key].sent_at for key in mine if key in acknowledged]
        rows = stored[terminal, None]
        verdict += Verdict(
            expected=len(answered),
            lost_at=tuple(answered[rows:]),
            invented=rows if not mine else 0,
        )
    timed = {(one.terminal, one.ts): key for key, one in cards.items() if key[0] not in untimed}
    expected = [moment for moment, key in timed.items() if key in acknowledged]
    rows_timed = {moment: rows for moment, rows in stored.items() if moment[1] is not None}
    return verdict + Verdict(
        expected=len(expected),
        lost_at=tuple(cards[timed[one]].sent_at for one in expected if one not in rows_timed),
        duplicated=sum(rows - 1 for rows in rows_timed.values()),
        invented=sum(rows for moment, rows in rows_timed.items() if moment not in timed),
    )
