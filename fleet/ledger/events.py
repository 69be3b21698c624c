"""What happens to a vehicle, in the order of time, and the stretch of road between two readings.

Whole units throughout: fen, hundreds of metres (hm), millilitres, watt-hours, cubic decimetres,
grams. Times are aware.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, Protocol

_ENERGY: Final = frozenset({"filling", "refund", "charging"})
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
SLACK_HM: Final = 100
"""A dashboard's error, and what people round."""
FASTEST_HM: Final = 2_000
"""Hundreds of metres an hour that nobody exceeds, like ``trips.fastest_kmh``."""
MOST_HM_ONCE: Final = 10_000
MOST_HM_A_DAY: Final = 5_000
"""One day may be that much longer: a coach drives 500 km every day, or 1,500 km on one."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the ledger, or one reading of the dashboard.

    Attributes:
        at: when; noon of its day where only that is known.
        number: its id; tells apart what happened at once.
        kind: of the line, or ``order`` for a reading of a dispatch order.
        odometer_hm: what the dashboard showed; None: not stated.
        product: what was filled; empty: nothing.
        unit: of ``quantity``; None: nothing measured.
        quantity: None: not stated; negative: given back.
        fen: None: not stated; negative: given back.
        counted: its money is running cost.
        full: the tank was full afterwards.
        missed: a filling before this one is not in the books.
        own_premises: energy that the electricity figure holds already.
        timed: the time of day is known.
        where: file, sheet and row that it came from; empty: it was not imported.
        restarts: a reading of another dashboard, or of one set anew: no way leads to it.
    """

    at: datetime
    number: int
    kind: str
    odometer_hm: int | None = None
    product: str = ""
    unit: str | None = None
    quantity: int | None = None
    fen: int | None = None
    counted: bool = False
    full: bool = False
    missed: bool = False
    own_premises: bool = False
    timed: bool = True
    where: str = ""
    restarts: bool = False

    @property
    def energy(self) -> bool:
        """It brings energy, or takes it back; AdBlue is none."""
        return self.kind in _ENERGY and self.product != "adblue"

    @property
    def purpose(self) -> str:
        """Return the kind of line whose money it is: of a refund, of what it gives back."""
        if self.kind != "refund":
            return self.kind
        return {"adblue": "adblue", "electricity": "charging"}.get(self.product, "filling")

    @property
    def place(self) -> tuple[datetime, bool, int, int]:
        """Its place among the events of a vehicle."""
        unread = self.odometer_hm is None
        return self.at, unread, self.odometer_hm or 0, self.number


@dataclass(frozen=True, slots=True)
class Unknown:
    """A figure that cannot be given, and why, in Chinese.

    Attributes:
        why: for the officer: with file, sheet and row.
        posted: for a sheet that is posted, where that says too much; empty: the same.
    """

    why: str
    posted: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Kilometres from a stated source, and from when to when they were driven.

    Attributes:
        source: ``odometer``, ``terminal`` or ``gps``.
        hm: hundreds of metres.
        since: begin.
        until: end.
        first: the reading at its begin; None: it begins at a time, not at an event.
        last: the reading at its end; the same.
        instead: why the readings of its dashboard do not count; empty: they do, or there are none.
    """

    source: str
    hm: int
    since: datetime
    until: datetime
    first: Event | None = None
    last: Event | None = None
    instead: str = ""

    def inside(self, events: Iterable[Event]) -> list[Event]:
        """Return what happened on it: after its first reading, up to its last one."""
        return [one for one in events if self._holds(one)]

    def _holds(self, one: Event) -> bool:
        begun = one.place > self.first.place if self.first else one.at >= self.since
        return begun and (one.place <= self.last.place if self.last else one.at < self.until)


class Mileage(Protocol):
    """Where kilometres come from: dashboards, or what positions say (``fleet.ledger.mileage``)."""

    def stretch(
        self, code: str, events: Sequence[Event], window: tuple[datetime, datetime]
    ) -> Stretch | Unknown:
        """Return the kilometres of a vehicle in a window, or why they are not known.

        Args:
            code: of the vehicle.
            events: of the vehicle, in order, from its last reading before the window on.
            window: begin and end.
        """


class Dashboard:
    """Kilometres between readings that people wrote down.

    A window's stretch runs from the last reading before it (or, without one, the first inside)
    to the last one inside. So stretches of windows that follow each other add up exactly.
    """

    def stretch(
        self, code: str, events: Sequence[Event], window: tuple[datetime, datetime]
    ) -> Stretch | Unknown:
        """Return the kilometres between readings; see :class:`Mileage`."""
        del code
        read = [one for one in in_order(events) if one.odometer_hm is not None]
        inside = [one for one in read if window[0] <= one.at < window[1]]
        before = [one for one in read if one.at < window[0]][-1:]
        readings = [*before, *inside]
        if not inside:
            return Unknown("期内没有里程表读数")
        if len(readings) < 2:
            return Unknown("只有一次里程表读数")
        hm = 0
        for one, other in pairwise(readings):
            if other.restarts:
                continue
            if doubt := doubtful(one, other):
                return Unknown(doubt, "里程表读数前后不一致，待核对")
            hm += (other.odometer_hm or 0) - (one.odometer_hm or 0)
        first, last = readings[0], readings[-1]
        return Stretch("odometer", hm, first.at, last.at, first, last)


def doubtful(one: Event, other: Event) -> str:
    """Say why two readings that follow each other cannot both be right; empty: they can."""
    was, now = one.odometer_hm or 0, other.odometer_hm or 0
    if was > now:
        if _unordered(one, other):
            return ""
        said, asks = "降到", ""
    elif now - was > most_hm(one, other):
        said, asks = "升到", "，期间行驶不了这么远，是否多写或漏写一位数字？请核对"
    else:
        return ""
    begin, end = (f"{hm / 10:.1f}" for hm in (was, now))
    return (
        f"里程表读数在 {other.at.date()} 由 {begin}{_of(one)} {said} {end} 公里{_of(other)}{asks}"
    )


def most_hm(one: Event, other: Event) -> int:
    """Return how far anybody drives from one reading to a later one, hundreds of metres."""
    elapsed = other.at - one.at + (timedelta(0) if one.timed and other.timed else _DAY)
    by_hours = FASTEST_HM * elapsed // _HOUR
    return SLACK_HM + min(by_hours, MOST_HM_ONCE + MOST_HM_A_DAY * elapsed // _DAY)


def _of(one: Event) -> str:
    return f"（{one.where}）" if one.where else ""


def _unordered(one: Event, other: Event) -> bool:
    """Tell whether nobody knows which of two came first: one day, and not both by the clock."""
    return one.at.date() == other.at.date() and not (one.timed and other.timed)


def in_order(events: Iterable[Event]) -> list[Event]:
    """Return events as they happened."""
    return sorted(events, key=lambda one: one.place)
