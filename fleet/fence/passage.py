"""When a vehicle was inside of a fence: a pure function of its track.

The vehicle goes straight from fix to fix. Where that line is inside, it was inside; the times of
crossing lie on the line. A leg between two fixes outside that cuts through the fence is an entry
and an exit, unless nobody saw it (``gap_us``): the straight line of 19 km offline was not driven.

**Hysteresis.** What was inside and comes back is one stay as long as no fix between lies more than
``margin_m`` beyond the edge: a receiver scatters. **Dwell.** An absence shorter than ``dwell_us``
does not part a stay; a stay shorter than that, joined, is none. **Silence.** Where nothing is known
of a leg's time, nothing is known of the vehicle either: stays do not reach across.

Everything here looks a bounded way to both sides: to the nearest time that is decided whatever lies
beyond (:func:`decided`). So a piece of a track that holds such times around a window says of the
window what the whole track says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from fleet.fence.shape import Part, Shape
from fleet.fence.track import Track
from fleet.track.fixes import Bools, Floats, Int64s


@dataclass(frozen=True, slots=True)
class Watch:
    """A fence, and how it is looked at.

    Attributes:
        shape: where it is.
        margin_m: so far beyond the edge a fix does not mean that the vehicle left.
        dwell_us: shorter stays and absences do not count.
    """

    shape: Shape
    margin_m: int = 50
    dwell_us: int = 0


@dataclass(frozen=True, slots=True)
class Stay:
    """Time inside.

    Attributes:
        from_us, to_us: the crossings, or the first and last fix where those are not known.
        before, behind: the last fix before it, and the first behind it (-1 and their number: none).
        open_start, open_end: what came before, or behind, is not known.
    """

    from_us: int
    to_us: int
    before: int
    behind: int
    open_start: bool = False
    open_end: bool = False


@dataclass(frozen=True, slots=True)
class Crossing:
    """An entry or an exit.

    Attributes:
        entered: otherwise it left.
        at_us: when, on the straight line between two fixes; µs UTC.
        after_us, before_us: those fixes.
        seen: the two lie near in time; otherwise all that is known is that it was between them.
    """

    entered: bool
    at_us: int
    after_us: int
    before_us: int
    seen: bool


@dataclass(frozen=True, slots=True)
class Passage:
    """What a track says of a fence.

    Attributes:
        first_us, last_us: of the track; nothing is known beyond. Equal to each other: no track.
        stays: inside; ascending, apart.
        unknown: (from, to) of which nothing is known; ascending, apart from the stays.
        asleep: (from, to) in which the vehicle said nothing, and is believed to have stood.
    """

    first_us: int
    last_us: int
    stays: tuple[Stay, ...]
    unknown: tuple[tuple[int, int], ...]
    asleep: tuple[tuple[int, int], ...] = ()


def passage(track: Track, watch: Watch) -> Passage:
    """Return when a vehicle was inside of a fence."""
    if not len(track):
        return Passage(0, 0, (), ())
    found = [one for one in _joined(track, watch, _away(track, watch)) if _lasting(one, watch)]
    unknown, asleep = _legs(track, track.unknown), _legs(track, track.asleep)
    return Passage(int(track.t_us[0]), int(track.t_us[-1]), tuple(found), unknown, asleep)


def _legs(track: Track, which: Bools) -> tuple[tuple[int, int], ...]:
    legs = np.flatnonzero(which)
    return tuple(zip(track.t_us[legs].tolist(), track.t_us[legs + 1].tolist(), strict=True))


def crossings(track: Track, watch: Watch) -> list[Crossing]:
    """Return the entries and exits, by time.

    What was inside before nothing was known of it, and is so afterwards, has not left.
    """
    found = list[Crossing]()
    stays = passage(track, watch).stays
    ended = {one.behind for one in stays if one.open_end}
    begun = {one.before for one in stays if one.open_start}
    for one in stays:
        if one.before >= 0 and not (one.open_start and one.before + 1 in ended):
            found.append(_crossing(track, one.before, one.from_us, entered=True))
        if one.behind < len(track) and not (one.open_end and one.behind - 1 in begun):
            found.append(_crossing(track, one.behind - 1, one.to_us, entered=False))
    return found


def decided(track: Track, watch: Watch, spans: Sequence[tuple[int, int]]) -> list[bool]:
    """Say of each span whether some time of it is decided, whatever lies beyond the track.

    A leg of which nothing is known; a stay that lasts in the span; two fixes beyond the margin, as
    far from each other as a stay must last, with no stay between.
    """
    if not len(track):
        return [False for _ in spans]
    away = _away(track, watch)
    stays = _joined(track, watch, away)
    beyond = np.flatnonzero(away > watch.margin_m)
    certain = [(one.from_us, one.to_us) for one in stays]
    certain += [
        (int(track.t_us[outs[0]]), int(track.t_us[outs[-1]]))
        for one, other in pairwise([_NOTHING_BEFORE, *stays, _nothing_behind(track)])
        if len(outs := beyond[_slice(beyond, one.behind, other.before)])
    ]
    return [
        _blind(track, from_us, to_us)
        or any(min(end, to_us) - max(start, from_us) >= watch.dwell_us for start, end in certain)
        for from_us, to_us in spans
    ]


def _blind(track: Track, from_us: int, to_us: int) -> bool:
    within = (track.t_us[:-1] >= from_us) & (track.t_us[1:] <= to_us)
    return bool((track.unknown & within).any())


_NOTHING_BEFORE = Stay(0, 0, -1, 0)


def _nothing_behind(track: Track) -> Stay:
    return Stay(0, 0, len(track) - 1, len(track))


def _slice(ascending: Int64s, first: int, last: int) -> slice:
    """Return where the values from ``first`` to ``last``, both included, stand."""
    return slice(
        int(np.searchsorted(ascending, first)), int(np.searchsorted(ascending, last, "right"))
    )


def _crossing(track: Track, leg: int, at_us: int, *, entered: bool) -> Crossing:
    after, before = int(track.t_us[leg]), int(track.t_us[leg + 1])
    seen = not (track.gap[leg] or track.unknown[leg])
    return Crossing(entered, at_us, after, before, seen)


def _away(track: Track, watch: Watch) -> Floats:
    return watch.shape.outside_m(track.lat, track.lon, watch.margin_m + 1.0)


def _joined(track: Track, watch: Watch, away: Floats) -> list[Stay]:
    """Return the stays, those that margin and dwell make one joined; short ones among them."""
    outs = np.concatenate(([0], np.cumsum(away > watch.margin_m)))
    unknown = np.concatenate(([0], np.cumsum(track.unknown)))
    joined = list[Stay]()
    for one in sorted(_pieces(track, watch, away <= 0.0), key=lambda stay: stay.from_us):
        if joined:
            last = joined[-1]
            left = outs[one.before + 1] - outs[last.behind] > 0
            lost = unknown[one.before + 1] - unknown[last.behind - 1] > 0
            if not lost and (not left or one.from_us - last.to_us < watch.dwell_us):
                joined[-1] = replace(
                    last, to_us=one.to_us, behind=one.behind, open_end=one.open_end
                )
                continue
        joined.append(one)
    return joined


def _lasting(stay: Stay, watch: Watch) -> bool:
    return stay.open_start or stay.open_end or stay.to_us - stay.from_us >= watch.dwell_us


def _pieces(track: Track, watch: Watch, inside: Bools) -> Iterator[Stay]:
    """Yield runs of fixes inside, and the legs that cut through."""
    runs = _runs(track, inside)
    seen = ~(track.gap | track.unknown | inside[:-1] | inside[1:])
    through = np.flatnonzero(seen & watch.shape.may_cross(track.lat, track.lon))
    # All at once: a call for each leg costs more than the arithmetic in it.
    around = {leg for first, last in runs for leg in (first - 1, last) if 0 <= leg < len(seen)}
    legs = np.array([*around, *through.tolist()], np.int64)
    parts = watch.shape.parts_inside(track.lat, track.lon, legs)
    inner = dict(zip(legs.tolist(), parts, strict=True))
    for first, last in runs:
        yield _run(track, first, last, inner)
    for leg in through.tolist():
        part = inner[leg]
        if part is not None and part[0] < part[1]:
            yield Stay(_at(track, leg, part[0]), _at(track, leg, part[1]), leg, leg + 1)


def _runs(track: Track, inside: Bools) -> list[tuple[int, int]]:
    """Return the first and the last of fixes in a row inside; a leg not known parts them."""
    within = np.flatnonzero(inside)
    if not len(within):
        return []
    parts = np.flatnonzero((np.diff(within) > 1) | track.unknown[within[:-1]])
    firsts, lasts = np.append(-1, parts) + 1, np.append(parts, len(within) - 1)
    return list(zip(within[firsts].tolist(), within[lasts].tolist(), strict=True))


def _run(track: Track, first: int, last: int, inner: Mapping[int, Part | None]) -> Stay:
    """Return the stay of some fixes in a row, up to where the legs around them cross the edge."""
    open_start = first == 0 or bool(track.unknown[first - 1])
    open_end = last == len(track) - 1 or bool(track.unknown[last])
    from_us, to_us = int(track.t_us[first]), int(track.t_us[last])
    if not open_start:
        part = inner[first - 1]
        from_us = from_us if part is None else _at(track, first - 1, part[0])
    if not open_end:
        part = inner[last]
        to_us = to_us if part is None else _at(track, last, part[1])
    return Stay(from_us, to_us, first - 1, last + 1, open_start, open_end)


def _at(track: Track, leg: int, part: float) -> int:
    start, end = int(track.t_us[leg]), int(track.t_us[leg + 1])
    return start + round((end - start) * part)
