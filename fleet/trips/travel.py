"""From judged fixes to stops, trips and the shares of days."""

from __future__ import annotations

from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np

from fleet.track.along import withheld
from fleet.track.fixes import Bools, Int64s, Verdict
from fleet.track.judge import Judged
from fleet.track.rules import SECOND_US, Rules
from fleet.trips.days import Calendar, calendar
from fleet.trips.firm import Firmness
from fleet.trips.model import Kind, Place, Share, Stop, Travelled, Trip, TripFlag
from fleet.trips.odometer import Steps, steps_of
from fleet.trips.series import Series, series_of
from fleet.trips.sharing import Amounts, Given, amounts_of_steps, amounts_of_way, shares_of
from fleet.trips.stops import Standing, middle, stops_of
from fleet.trips.way import Way, way_of


@dataclass(frozen=True, slots=True)
class _Section:
    """What lies between two stops.

    Attributes:
        number: of the stop behind it.
        before, behind: the stops; None: the series begins, or ends.
        first, last: fixes that count, those of the stops included.
        raw: all fixes between the stops, by index; those of the stops not.
    """

    number: int
    before: Standing | None
    behind: Standing | None
    first: int
    last: int
    raw: slice


@dataclass(frozen=True, slots=True)
class _Work:
    """What all sections and stops are made from; ``lost``: of which fixes the place is withheld."""

    judged: Judged
    series: Series
    rules: Rules
    steps: Steps
    days: Calendar
    counts: Bools
    lost: Bools


def travelled(judged: Judged, rules: Rules, zone: ZoneInfo) -> Travelled:
    """Return what a vehicle did.

    Args:
        judged: its fixes; all of them, or those between two stops as :mod:`fleet.trips.firm` says.
        rules: what is believed.
        zone: of days.
    """
    raw = judged.fixes
    if not len(raw):
        return Travelled()
    series = series_of(judged, rules)
    stops = stops_of(series, rules)
    # A way that nobody saw may be estimated into the time before or behind, never beyond a fix.
    days = calendar(int(raw.t_us[0]), int(raw.t_us[-1]), zone)
    steps = steps_of(series, stops, rules)
    counts = judged.verdicts == Verdict.COUNTS
    work = _Work(judged, series, rules, steps, days, counts, withheld(raw))
    firm = Firmness(judged, series, rules)
    trips: list[Trip] = []
    shares: list[Share] = []
    kept: list[Stop] = []
    for section in _sections(work, stops):
        trip, given = _section(work, section)
        trips += [trip] if trip is not None else []
        shares += given
        if section.behind is not None:
            stop, given = _stop(work, section.number, section.behind, firm)
            kept.append(stop)
            shares += given
    return Travelled(tuple(kept), tuple(trips), tuple(shares))


def _sections(work: _Work, stops: list[Standing]) -> list[_Section]:
    raw, t_us = work.judged.fixes.t_us, work.series.t_us
    sections: list[_Section] = []
    begin = 0
    for number in range(len(stops) + 1):
        before = stops[number - 1] if number else None
        behind = stops[number] if number < len(stops) else None
        last = len(t_us) - 1 if behind is None else behind.first
        end = len(raw)
        if behind is not None:
            end = int(np.searchsorted(raw, t_us[behind.first], side="left"))
        first = 0 if before is None else before.last
        sections.append(_Section(number, before, behind, first, last, slice(begin, end)))
        if behind is not None:
            begin = int(np.searchsorted(raw, t_us[behind.last], side="right"))
    return sections


def _section(work: _Work, section: _Section) -> tuple[Trip | None, list[Share]]:
    steps = work.steps
    mine = steps.of_trip[section.number]
    amounts = [amounts_of_steps(steps, mine)]
    trip: Trip | None = None
    if _leads_away(work, section):
        way = way_of(work.series, section.first, section.last, work.rules)
        if way.mm.any():
            started, ended = _times(work, section)
            _at_its_time(way, started, ended)
            amounts.append(amounts_of_way(way))
            given = _shares(work, Kind.TRIP, _owner(work, section), section.raw, amounts, started)
            trip = _trip(work, section, way, mine, given)
            if not _lost(work, section):
                return trip, given
            return _unknown_trip(work, section, trip), _unknown(given)
    given = _shares(work, Kind.REST, _owner(work, section), section.raw, amounts, None)
    return trip, _unknown(given) if work.lost[section.raw].any() else given


def _shares(  # noqa: PLR0913, PLR0917 - what a share is made from
    work: _Work,
    kind: Kind,
    owner_us: int,
    raw: slice,
    amounts: list[Amounts],
    started_us: int | None,
) -> list[Share]:
    given = Given(
        owner_us,
        kind,
        started_us,
        work.judged.fixes.t_us[raw],
        work.counts[raw],
        tuple(amounts),
    )
    return shares_of(given, work.days)


def _owner(work: _Work, section: _Section) -> int:
    if section.before is None:
        return int(work.judged.fixes.t_us[0])
    return int(work.series.t_us[section.before.last])


def _leads_away(work: _Work, section: _Section) -> bool:
    """Whether there is a way at all: what is open at one end must leave the place of the other."""
    if section.first >= section.last:
        return False
    if section.before is not None and section.behind is not None:
        return True
    home = section.last if section.behind is not None else section.first
    points = np.arange(section.first, section.last + 1)
    away = work.series.where.metres(np.full(len(points), home), points)
    return bool((away > work.rules.radius_m).any())


def _times(work: _Work, section: _Section) -> tuple[int, int]:
    """When a trip began and ended: next to a gap, as late and as early as its way allows."""
    series, rules = work.series, work.rules
    first, last = section.first, section.last
    started, ended = int(series.t_us[first]), int(series.t_us[last])
    if section.before is not None:
        started = section.before.ended_us
        if series.t_us[first + 1] - series.t_us[first] >= rules.gap_us:
            started = max(started, int(series.t_us[first + 1]) - _drive_us(work, first))
    if section.behind is not None:
        ended = section.behind.began_us
        if series.t_us[last] - series.t_us[last - 1] >= rules.gap_us and last - 1 > first:
            ended = min(ended, int(series.t_us[last - 1]) + _drive_us(work, last - 1))
    return started, ended


def _drive_us(work: _Work, leg: int) -> int:
    return int(work.series.leg_mm[leg]) * 3_600 // work.rules.gap_kmh


def _at_its_time(way: Way, started_us: int, ended_us: int) -> None:
    """Let a way begin and end when its trip does."""
    way.from_us[0], way.to_us[-1] = started_us, ended_us
    for leg in (0, -1):
        whole = int(way.to_us[leg] - way.from_us[leg])
        way.moving_us[leg] = min(int(way.moving_us[leg]), whole)
        way.idle_us[leg] = min(int(way.idle_us[leg]), whole - int(way.moving_us[leg]))


def _trip(work: _Work, section: _Section, way: Way, mine: Int64s, given: list[Share]) -> Trip:
    series, steps = work.series, work.steps
    fastest = float(np.fmax.reduce(series.speed[section.first : section.last + 1]))
    fixes = int(work.counts[section.raw].sum())
    gap_mm = int(way.mm[way.gap].sum())
    faults = int(steps.faulty[mine].sum())
    started, ended = int(way.from_us[0]), int(way.to_us[-1])
    flags = TripFlag.NONE
    for said, flag in (
        (gap_mm > 0, TripFlag.GAP),
        (way.jumps > 0, TripFlag.JUMP),
        (section.before is None, TripFlag.OPEN_START),
        (section.behind is None, TripFlag.OPEN_END),
        (started != int(series.t_us[section.first]), TripFlag.START_ESTIMATED),
        (ended != int(series.t_us[section.last]), TripFlag.END_ESTIMATED),
        (faults > 0, TripFlag.ODOMETER),
    ):
        flags |= flag if said else TripFlag.NONE
    return Trip(
        started,
        ended,
        _place(series, section.first),
        _place(series, section.last),
        int(way.mm.sum()),
        gap_mm,
        _gained(steps, mine),
        int(steps.before[mine[0]]) if len(mine) else None,
        int(steps.after[mine[-1]]) if len(mine) else None,
        faults,
        sum(share.moving_s or 0 for share in given),
        sum(share.idle_s or 0 for share in given),
        None if np.isnan(fastest) else fastest,
        fixes,
        len(range(*section.raw.indices(len(work.counts)))) - fixes,
        way.jumps,
        int(flags),
    )


def _stop(work: _Work, number: int, stop: Standing, firm: Firmness) -> tuple[Stop, list[Share]]:
    series, raw = work.series, work.judged.fixes.t_us
    seen_from, seen_to = int(series.t_us[stop.first]), int(series.t_us[stop.last])
    mine = work.steps.of_stop[number]
    inside = slice(
        int(np.searchsorted(raw, seen_from, side="left")),
        int(np.searchsorted(raw, seen_to, side="right")),
    )
    made = Stop(
        seen_from,
        seen_to,
        stop.began_us,
        stop.ended_us,
        Place(*middle(series, stop.first, stop.last)),
        stop.last - stop.first + 1,
        _gained(work.steps, mine),
        _silent_s(series.t_us[stop.first : stop.last + 1]),
        firm.after(stop),
        firm.before(stop),
    )
    amounts = [amounts_of_steps(work.steps, mine)]
    given = _shares(work, Kind.STOP, seen_from, inside, amounts, None)
    if not work.lost[work.judged.counting[stop.first : stop.last + 1]].any():
        return made, given
    return replace(made, place=None), _unknown(given)


def _lost(work: _Work, section: _Section) -> bool:
    """Whether a place on the way is withheld."""
    counting = work.judged.counting[section.first : section.last + 1]
    return bool(work.lost[counting].any() or work.lost[section.raw].any())


def _unknown_trip(work: _Work, section: _Section, trip: Trip) -> Trip:
    """Return a trip as the odometer and the ignition tell it: its way was laid out, not seen."""
    ends = work.lost[work.judged.counting[[section.first, section.last]]]
    return replace(
        trip,
        start=None if ends[0] else trip.start,
        end=None if ends[1] else trip.end,
        distance_mm=None,
        gap_mm=None,
        moving_s=None,
        idle_s=None,
        flags=trip.flags & ~int(TripFlag.GAP | TripFlag.JUMP),
    )


def _unknown(given: list[Share]) -> list[Share]:
    return [
        replace(share, distance_mm=None, gap_mm=None, moving_s=None, idle_s=None) for share in given
    ]


def _silent_s(t_us: Int64s) -> int:
    return int(np.diff(t_us).max()) // SECOND_US if len(t_us) > 1 else 0


def _gained(steps: Steps, mine: Int64s) -> int | None:
    if not len(mine):
        return None
    good = mine[steps.good[mine]]
    return int((steps.after[good] - steps.before[good]).sum())


def _place(series: Series, index: int) -> Place:
    return Place(float(series.where.lat[index]), float(series.where.lon[index]))
