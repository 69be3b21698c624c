"""What was heard beside a silence: on its bus, or of anything at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from metering.counter.model import Int64s
from rules.subjects.devices.heard import HOUR_US, Hung, Span, joined, lasting
from rules.subjects.devices.own import PROVEN_HOURS, Silence, merged, several, without
from rules.subjects.model import Basis
from storage.times import OPEN_US

MISSED: Final = 3
"""So many readings in a row may fail before a device is not heard of any more."""
SLOW_US: Final = PROVEN_HOURS * HOUR_US
"""What is heard of for longer than this from a reading on tells once a day, or less often."""
EVERYTHING: Final = 0
"""In the place of a bus: all of them."""


@dataclass(frozen=True, slots=True)
class Hanging:
    """A device that hung somewhere.

    Attributes:
        hung: when.
        bus: on which bus it is.
        lasts: how long it is heard of from the hour of a reading on, µs.
    """

    hung: Hung
    bus: int
    lasts: int


class Source(Protocol):
    """Where it stands what was heard: a database, or a simulated city. Times are µs UTC."""

    def hanging(self, ids: Iterable[int], silence_s: int, *, buses: bool = False) -> list[Hanging]:
        """Return when devices hung somewhere, by device and time.

        Where nobody said since when, since the first reading; not at all before one.

        Args:
            ids: of devices.
            silence_s: how long values hold.
            buses: the ids are those of buses, and all devices on them are meant.
        """

    def bus_of(self, devices: Iterable[int]) -> Mapping[int, int]:
        """Return on which bus each device is."""

    def quickest(self) -> int | None:
        """Return the shortest interval of all devices, s; None: there is but one bus."""

    def first(self) -> int | None:
        """Return when anything was read first; None: nothing was."""

    def newest(self) -> int | None:
        """Return in which hour anything was read last, or a later one.

        None: nobody knows, or there is but one bus.
        """

    def hours_of_devices(self, asked: Mapping[int, Span]) -> Int64s:
        """Return (device, hour) of hours in which something with a value was read, by both.

        Args:
            asked: of each device from when to when; nothing is known of the rest of its hours.
        """

    def hours_on_buses(
        self, asked: Sequence[tuple[int, int, int]], most: int | None = None
    ) -> list[list[int]]:
        """Return in which hours something with a value was read on buses: their begins.

        Args:
            asked: bus, or :data:`EVERYTHING`; from, to: whole hours that touch this.
            most: of each the first so many; None: all.
        """

    def last_of_devices(self, asked: Sequence[tuple[int, int]]) -> Mapping[int, int]:
        """Return in which hour each device was heard of last before a moment, by place in the list.

        Those that never were are left out.
        """

    def last_of_buses(self, asked: Sequence[tuple[int, int]]) -> Mapping[int, int]:
        """Return the same of buses."""


def held_s(basis: Basis) -> int:
    """Return how long values of any class hold."""
    return max(basis.gauges.gauge_silence_s, basis.gauges.state_silence_s)


def hanging_of(  # noqa: PLR0913, PLR0917 - a device's binding, column by column
    device: int, bus: int, since: int, until: int | None, interval_s: int, silence_s: int
) -> Hanging:
    """Return a device that hung somewhere; until: None, it still does."""
    lasts = lasting(max(MISSED * interval_s, silence_s))
    return Hanging(Hung(device, since, OPEN_US if until is None else until), bus, lasts)


def peers(on_bus: Iterable[Hanging]) -> list[Hanging]:
    """Return the devices of a bus that are heard of about as often as each other.

    What tells once a day cannot prove that something else could have been heard of all day: where
    but one device tells more often, that one is as good as alone.
    """
    those = list(on_bus)
    return [one for one in those if one.lasts <= SLOW_US] or those


def beside_devices(
    source: Source, silences: Sequence[Silence], lasts: Mapping[int, int], silence_s: int
) -> list[tuple[Silence, Sequence[Span]]]:
    """Return silences of devices with when something else on the bus, if anything is, was heard of.

    Of one that is alone on its bus all other buses are asked.

    Args:
        source: where it stands.
        silences: of devices.
        lasts: how long each device is heard of from the hour of a reading on, µs.
        silence_s: how long values hold.
    """
    newest = source.newest()
    begun = [
        one
        for one in silences
        if newest is None or one.since < newest + _witness([lasts[one.subject]])
    ]
    beside = dict(_beside_begun(source, begun, silence_s))
    return [(one, beside.get(one, ())) for one in silences]


def _beside_begun(
    source: Source, silences: Sequence[Silence], silence_s: int
) -> Iterable[tuple[Silence, Sequence[Span]]]:
    """Of silences that begin before whatever was read last has passed: the others are to come."""
    if not silences:
        return ()
    bus_of = source.bus_of({one.subject for one in silences})
    on_bus: dict[int, list[Hanging]] = defaultdict(list)
    for one in source.hanging(set(bus_of.values()), silence_s, buses=True):
        on_bus[one.bus].append(one)
    slow = {o.hung.subject for those in on_bus.values() for o in those if o.lasts > SLOW_US}
    # A silent device hangs: it is alone where it is not one of several.
    together = {bus: _several(peers(those)) for bus, those in on_bus.items()}
    beside_slow = {bus: _several(those) for bus, those in on_bus.items()}
    alone = [
        without((one.since, one.until), (beside_slow if one.subject in slow else together)[bus])
        for one in silences
        for bus in [bus_of[one.subject]]
    ]
    lasts = {bus: _witness(one.lasts for one in those) for bus, those in on_bus.items()}
    asked = [(bus_of[one.subject], one.since, one.until) for one in silences]
    heard = _heard(source, asked, lasts)
    elsewhere = beside_all(source, [span for spans in alone for span in spans], silence_s)
    return [
        (one, merged([*mine, *(part for span in spans for part in elsewhere[span])]))
        for one, mine, spans in zip(silences, heard, alone, strict=True)
    ]


def _several(devices: Iterable[Hanging]) -> list[Span]:
    return several((one.hung.since, one.hung.until) for one in devices)


def beside_all(
    source: Source, spans: Collection[Span], silence_s: int
) -> Mapping[Span, list[Span]]:
    """Return of times when anything was heard of anywhere; all of it where there is but one bus."""
    lasts = site_lasts(source, silence_s) if spans else None
    if lasts is None:
        return {span: [span] for span in spans}
    newest, witness = source.newest(), _witness([lasts])
    begun = sorted({one for one in spans if newest is None or one[0] < newest + witness})
    asked = [(EVERYTHING, since, until) for since, until in begun]
    heard = _heard(source, asked, {EVERYTHING: witness}) if begun else []
    found = {
        (since, until): [(max(a, since), min(b, until)) for a, b in mine if a < until and b > since]
        for (since, until), mine in zip(begun, heard, strict=True)
    }
    return {span: found.get(span, []) for span in spans}


def site_lasts(source: Source, silence_s: int) -> int | None:
    """Return how long anything is heard of from the hour of a reading on, µs; None: of one bus."""
    quickest = source.quickest()
    return None if quickest is None else lasting(max(MISSED * quickest, silence_s))


def _heard(
    source: Source, asked: Sequence[tuple[int, int, int]], lasts: Mapping[int, int]
) -> list[list[Span]]:
    """When something was heard of on buses, as far as it takes to prove a silence."""
    before = max(lasts.values(), default=HOUR_US)
    reaching = [(bus, since - before, until) for bus, since, until in asked]
    most = PROVEN_HOURS + before // HOUR_US + 1
    found: list[list[Span]] = []
    for (bus, *_), hours in zip(asked, source.hours_on_buses(reaching, most), strict=True):
        one = np.zeros(len(hours), np.int64)
        spans = joined(one, np.array(hours, np.int64), np.full(len(hours), lasts[bus]))
        found.append(list(spans.get(0, ())))
    return found


def _witness(lasts: Iterable[int]) -> int:
    """How long a reading on a bus proves that others could be heard of, from its hour on.

    An hour less than the least of its devices is heard of: so a device that spoke in the hour of
    the reading, or in the one before, is heard of as long, and its silence is not touched by it.

    The least of all that ever hung there counts, though it may be gone. That is no mistake of this
    place alone: how long a bus is heard of (:mod:`rules.subjects.buses.subjects`), or anything
    (:func:`site_lasts`), and which devices can speak for each other (:func:`peers`) go by all that
    ever hung, too. Were one of these dated by itself, a silence could be its device's and its bus's
    at once. Dated all, an hour would have figures of its own, by what hung in it, also where the
    begin of a silence is looked up before what is looked at; and whatever is hung or taken away
    would have to make due what is alone on any other bus. So a quick device that is gone still
    shortens what proves a silence, and has a bus of slow ones look silent between two readings.
    """
    return min(lasts) - HOUR_US
