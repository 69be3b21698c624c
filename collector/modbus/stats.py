"""What the poller counts; plain numbers, read by an exporter when it is asked."""

from __future__ import annotations

import enum
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

LATENCY_BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds of the latency buckets, in seconds; a last bucket holds what is slower."""


class State(enum.StrEnum):
    """How a device is doing."""

    UNKNOWN = "unknown"  # not polled yet
    ALIVE = "alive"
    BACKOFF = "backoff"  # does not answer, polled seldom
    DISCONNECTED = "disconnected"  # its bus cannot be reached


class Latency:
    """Time from a request to its answer."""

    __slots__ = ("buckets", "count", "sum_s")

    def __init__(self) -> None:
        self.buckets = [0] * (len(LATENCY_BOUNDS_S) + 1)
        self.count = 0
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        """Count one answer."""
        self.buckets[bisect_left(LATENCY_BOUNDS_S, seconds)] += 1
        self.count += 1
        self.sum_s += seconds


@dataclass(slots=True)
class DeviceStats:
    """One device; all counters since the start.

    Attributes:
        polls_ok: every block was answered.
        polls_partial: some were; what arrived was kept.
        polls_failed: none was, by cause.
        errors: requests without a usable answer, by cause.
        missed: slots not polled, by cause: backoff, busy, clock, disconnected, refused.
        refused_rows: readings the spool did not take, by reason.
        late_replies: frames discarded because they answered nothing we waited for.
        rows: readings handed over and accepted.
        last_ok_us: when it last answered, µs UTC; 0 when never.
        consecutive_failures: polls without any answer, in a row.
    """

    code: str
    bus: str
    polls_ok: int = 0
    polls_partial: int = 0
    polls_failed: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    refused_rows: Counter[str] = field(default_factory=Counter)
    late_replies: int = 0
    rows: int = 0
    last_ok_us: int = 0
    consecutive_failures: int = 0
    state: State = State.UNKNOWN
    latency: Latency = field(default_factory=Latency)


@dataclass(slots=True)
class BusStats:
    """One bus; all counters since the start.

    Attributes:
        connected: whether its connection stands now.
        connects: connections made.
        connect_failures: attempts that failed, by cause: refused, disconnected.
        foreign_replies: frames of units that are not ours.
    """

    code: str
    connected: bool = False
    connects: int = 0
    connect_failures: Counter[str] = field(default_factory=Counter)
    foreign_replies: int = 0
