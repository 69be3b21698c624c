"""How far a vehicle went between two moments, and how much of that time is known of.

Sums are whole numbers, so that a difference does not depend on what lies before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from fleet.joining.model import UNKNOWN, Filling, Track
from fleet.joining.rules import SECOND_US, Rules
from fleet.joining.span import span_of
from fleet.track.fixes import Bools, Int64s
from fleet.trips.model import TripFlag

HM_MM: Final = 100_000
_SHORT_S: Final = 60
"""A stop of one fix has no odometer of its own; it hides nothing."""
_ROUNDED_S: Final = 60
"""Trips and stops are cut to whole seconds: so much is no hole."""
_BENT_PCT: Final = 30
"""A way that nobody saw is so much longer than its straight line, at most."""


@dataclass(frozen=True, slots=True)
class Way:
    """Between two moments.

    Attributes:
        gps_mm: Σ of trips, shared by time where one is cut.
        gap_mm: of it: not seen, the straight line.
        terminal_mm: of the terminal's odometer; None: not known throughout.
        hidden_mm: what it gained at stops of which a part lies outside, and may lie inside.
        running_s: driving, or standing with the trip going on.
        hole_s: time of which nothing is known.
        silent_s: of stops in it that were silent for long, where no odometer tells what happened.
        edge_s: of stops that a moment cuts: silence at their edges. What the odometer gained in it
            counts as of the trip beside, wherever in it that was driven.
        cut_mm: of trips that a moment cuts: what nobody saw of them, and may all lie inside.
        jumps: trips with a stretch that counts no metre.
    """

    gps_mm: int
    gap_mm: int
    terminal_mm: int | None
    hidden_mm: int
    running_s: int
    hole_s: int
    silent_s: int
    edge_s: int
    cut_mm: int
    jumps: int

    def complete(self, rules: Rules) -> bool:
        """Tell whether no way can be hidden in it: the terminal's odometer tells, or no silence."""
        if max(self.hole_s, self.edge_s) * SECOND_US > rules.silence_us:
            return False
        return self.terminal_mm is not None or not (self.silent_s or self.jumps)

    @property
    def most_mm(self) -> int:
        """The longest that it can have been."""
        read_mm = (self.terminal_mm or 0) + self.hidden_mm
        return max(self.gps_mm + self.gap_mm * _BENT_PCT // 100, read_mm)


@dataclass(frozen=True, slots=True)
class Driven:
    """The kilometres from one filling to another, from the source that is most worth.

    Attributes:
        source: ``gps`` or ``odometer``.
        mm: what it says.
        most_mm: the longest that it can have been.
        running_s: how long the engine ran on ``timed_mm`` of it; of the rest nobody knows.
        most_running_s: the longest that it can have run there.
        timed_mm: all of it, or nothing.
    """

    source: str
    mm: int
    most_mm: int
    running_s: int
    most_running_s: int
    timed_mm: int


class Ways:
    """The ways of one vehicle, summed once."""

    def __init__(self, track: Track, rules: Rules) -> None:
        trips, stops = track.trips, track.stops
        known = trips.terminal_mm != UNKNOWN
        told = stops.terminal_mm != UNKNOWN
        self._any = bool((trips.terminal_mm > 0).any())
        self._trips = _Spans(
            trips.started_us,
            trips.ended_us,
            (
                trips.distance_mm,
                trips.gap_mm,
                np.where(known, trips.terminal_mm, 0),
                _seconds(trips.ended_us - trips.started_us),
            ),
            ((~known).astype(np.int64), _jumped(trips.flags).astype(np.int64)),
            trips.gap_mm,
        )
        stood = _seconds(stops.ended_us - stops.began_us)
        gained = np.where(told, stops.terminal_mm, 0)
        quiet = stops.silent_s * SECOND_US <= rules.silence_us
        self._stops = _Spans(
            stops.began_us,
            stops.ended_us,
            (gained, stood),
            (
                np.where(told | quiet, 0, stops.silent_s),
                (~told & (stood > _SHORT_S)).astype(np.int64),
                gained,
            ),
            np.where(told, stops.silent_s, 0),
        )

    def between(self, from_us: int, to_us: int) -> Way:
        """Return the way between two moments."""
        return self.all_between([from_us], [to_us])[0]

    def all_between(self, from_us: Sequence[int], to_us: Sequence[int]) -> list[Way]:
        """Return the ways between pairs of moments, at once."""
        begin, end = np.array(from_us, np.int64), np.array(to_us, np.int64)
        asked = _seconds(end) - _seconds(begin)
        rows = zip(
            *self._trips.between(begin, end), *self._stops.between(begin, end), asked, strict=True
        )
        return [self._way(*map(int, row)) for row in rows]

    def _way(  # noqa: PLR0913, PLR0917 - the sums of a span, each by its name
        self,
        gps: int,
        gap: int,
        terminal: int,
        drove: int,
        unread: int,
        jumps: int,
        cut_gap: int,
        gained: int,
        stood: int,
        silent: int,
        untold: int,
        touched: int,
        edge: int,
        asked: int,
    ) -> Way:
        read = self._any and not unread and not untold
        return Way(
            gps_mm=gps,
            gap_mm=gap,
            terminal_mm=terminal + gained if read else None,
            hidden_mm=touched - gained if read else 0,
            running_s=drove,
            hole_s=max(0, asked - drove - stood - _ROUNDED_S),
            silent_s=0 if read else silent,
            edge_s=edge,
            cut_mm=cut_gap,
            jumps=jumps,
        )

    def all_driven(self, fillings: Sequence[Filling], rules: Rules) -> list[Driven | None]:
        """Return the kilometres from each filling to the next; None: nobody knows them."""
        if len(fillings) < 2:
            return []
        spans = [span_of(one, rules) for one in fillings]
        times = [one.at_us for one in fillings]
        ways = self.all_between(times[:-1], times[1:])
        most = self.all_between([one[0] for one in spans[:-1]], [one[1] for one in spans[1:]])
        legs = zip(pairwise(fillings), ways, most, strict=True)
        return [_driven(*pair, way, wide, rules) for pair, way, wide in legs]

    def all_seen(self, fillings: Sequence[Filling]) -> list[Driven]:
        """Return what was seen of the way from each filling to the next: no more than it was."""
        times = np.array([one.at_us for one in fillings], np.int64)
        seen = self._trips.between(times[:-1], times[1:])[0].tolist() if len(times) > 1 else []
        return [Driven("gps", mm, mm, 0, 0, 0) for mm in seen]


def _driven(first: Filling, last: Filling, way: Way, most: Way, rules: Rules) -> Driven | None:
    """Return the kilometres from one filling to the next, from the source that is most worth.

    Where the track is complete it alone speaks: what people write down is a figure to be compared,
    not one to compare with.
    """
    if way.complete(rules):
        mm = max(way.gps_mm, way.terminal_mm or 0)
        longest, ran = max(mm, most.most_mm), max(way.running_s, most.running_s)
        return Driven("gps", mm, longest, way.running_s, ran, mm)
    if first.odometer_hm is None or last.odometer_hm is None:
        return None
    mm = (last.odometer_hm - first.odometer_hm) * HM_MM
    if mm < 0:
        return None
    return Driven("odometer", mm, mm + HM_MM * 10, 0, 0, 0)


class _Spans:
    """Spans of time, ascending and apart, with amounts spread evenly over each."""

    def __init__(
        self,
        began: Int64s,
        ended: Int64s,
        spread: tuple[Int64s, ...],
        whole: tuple[Int64s, ...],
        cut: Int64s,
    ) -> None:
        self._began, self._ended = began, ended
        self._spread = [(one, _sums(one)) for one in spread]
        self._whole = [_sums(one) for one in whole]
        self._cut = _sums(cut)

    def between(self, from_us: Int64s, to_us: Int64s) -> list[Int64s]:
        """Return amounts: shared where a moment cuts, of all touched, and of all that are cut."""
        first = np.searchsorted(self._ended, from_us, side="right")
        end = np.maximum(first, np.searchsorted(self._began, to_us, side="left"))
        begun = self._before(first, from_us)
        left = self._before(end - 1, to_us)
        found = []
        for amounts, sums in self._spread:
            before = _part(amounts, first, *begun)
            upto = sums[np.maximum(end - 1, 0)] + _part(amounts, end - 1, *left)
            found.append(np.where(first < end, upto - sums[first] - before, 0))
        inner = np.searchsorted(self._began, from_us, side="left")
        last = np.maximum(inner, np.searchsorted(self._ended, to_us, side="right"))
        cut = self._cut[end] - self._cut[first] - (self._cut[last] - self._cut[inner])
        return [*found, *(sums[end] - sums[first] for sums in self._whole), cut]

    def _before(self, index: Int64s, at_us: Int64s) -> tuple[Int64s, Int64s]:
        """Return how much of a span lies before a moment, and how long the span is, µs."""
        if not len(self._began):
            return np.zeros_like(index), np.ones_like(index)
        held = np.clip(index, 0, len(self._began) - 1)
        began, ended = self._began[held], self._ended[held]
        return np.clip(at_us - began, 0, ended - began), ended - began


def _part(amounts: Int64s, index: Int64s, us: Int64s, of_us: Int64s) -> Int64s:
    """Return the share of an amount; whole seconds, so that no product is too large."""
    if not len(amounts):
        return np.zeros_like(us)
    held = amounts[np.clip(index, 0, len(amounts) - 1)]
    part = held * _seconds(us) // np.maximum(_seconds(of_us), 1)
    return np.where(us >= of_us, held, part)


def _sums(amounts: Int64s) -> Int64s:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(amounts)))


def _seconds(us: Int64s) -> Int64s:
    return us // SECOND_US


def _jumped(flags: Int64s) -> Bools:
    found: Bools = (flags & int(TripFlag.JUMP)) != 0
    return found
