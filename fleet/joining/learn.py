"""Where stations and garages are, learned from where vehicles stood when papers name them.

A place is the median of the stops that most fillings of that name share, counted so that no single
vehicle decides: of each at most a few. What it stands on is shown with it. It is learned as of the
begin of a month, from what came before; so a verdict never rests on itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np

from fleet.joining.fenced import Fenced
from fleet.joining.model import Filling, Records, Repair, Stops, Track, Vehicle
from fleet.joining.names import named
from fleet.joining.rules import DAY_US, Rules
from fleet.joining.visits import Visits
from fleet.joining.where import Around, Spot, away_mm
from fleet.track.fixes import Bools, Floats, Int64s

_P = TypeVar("_P", Filling, Repair)
_A_STATION: Final = 2
"""Places with so many matches are stations."""
_NEAR_MM: Final = 150_000
"""Stops so near to each other are at one place: how far receivers scatter between houses."""
_EACH: Final = 3
"""So many matches of a vehicle count at most when places are weighed."""
_MOST: Final = 600
"""So many candidates of a name are weighed, the latest: more change nothing."""
_CELL: Final = 0.0015
"""Degrees: about 150 m; in such cells a vehicle's usual places are looked for."""
_BESIDE: Final = [north * 1_000_000 + east for north in (-1, 0, 1) for east in (-1, 0, 1)]
_CENTRES: Final = 24
"""So many candidates are tried as the middle of a place."""
_OUTDONE: Final = 4
"""A name with so many times the papers at one spot is the one of the station there."""
_MOST_DAYS: Final = 1_024
"""More than there are in the time before."""
_DAYS: Final = 6
"""A place with longer stays on more days than this is no garage but somewhere a vehicle goes."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a station or garage is, and what that stands on.

    Attributes:
        name: as papers have it, without blanks and brackets.
        lat, lon: WGS-84: the median of the matches.
        as_of_us: only what was before is in it.
        since_us, until_us: the first and the last match.
        matches: papers that stand behind it; ``of``: that could have.
        vehicles: how many different vehicles.
        spread_mm: median distance of the matches from it.
        own_pct: of a garage: of the vehicles' longer stops there, how much falls in the days of an
            invoice of that name; None: not weighed.
        outdone: of a station: another name has many more papers at this very spot.
    """

    name: str
    lat: float
    lon: float
    as_of_us: int
    since_us: int
    until_us: int
    matches: int
    of: int
    vehicles: int
    spread_mm: int
    own_pct: int | None = None
    outdone: bool = False

    def firm(self, rules: Rules) -> bool:
        """Tell whether enough stands behind it for a doubt."""
        return (
            not self.outdone
            and self.vehicles >= rules.vehicles
            and self.matches >= rules.matches
            and self.matches * 100 >= self.of * rules.share_pct
            and (self.own_pct is None or self.own_pct >= rules.garage_own_pct)
        )

    def around(self, rules: Rules) -> Spot:
        """Return where it is, and how far around it counts as there."""
        return Around(self.lat, self.lon, rules.radius_mm + self.spread_mm)

    @property
    def is_station(self) -> bool:
        """Tell whether it is a station, if perhaps not that of its name."""
        return self.matches >= _A_STATION and not self.outdone


Site = Place | Fenced
"""Where a station or garage is, learned or said."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A stop that may be where a paper comes from."""

    lat: float
    lon: float
    number: int
    vehicle: str
    at_us: int


class Stations:
    """Learns where stations are, as of a moment, from one vehicle after another."""

    def __init__(self, as_of_us: int, rules: Rules) -> None:
        self._as_of_us, self._rules = as_of_us, rules
        self._found: dict[str, list[_Candidate]] = defaultdict(list)

    def see(self, vehicle: Vehicle) -> None:
        """Take what a vehicle tells."""
        as_of_us, rules = self._as_of_us, self._rules
        papers = _papers(vehicle.fillings, as_of_us - rules.after_us, as_of_us, rules)
        if not papers or not _seen(vehicle):
            return
        stops = vehicle.track.stops
        usual, cells = _usual(stops, as_of_us, rules), _cells_of(stops.lat, stops.lon)
        for one in papers:
            if one.timed and one.merchant:
                self._found[named(one.merchant)] += _short(vehicle, one, cells, usual, rules)

    def places(self) -> dict[str, Place]:
        """Return where they are: name → place."""
        return _weighed_together(_places(self._found, self._as_of_us))


class Garages:
    """Learns where garages are, as of a moment, from one vehicle after another."""

    def __init__(self, as_of_us: int, rules: Rules) -> None:
        self._as_of_us, self._rules = as_of_us, rules
        self._found: dict[str, list[_Candidate]] = defaultdict(list)
        self._visits = Visits()

    def see(self, vehicle: Vehicle) -> None:
        """Take what a vehicle tells."""
        as_of_us, rules = self._as_of_us, self._rules
        behind = as_of_us - rules.garage_after_us - DAY_US
        papers = _papers(vehicle.repairs, behind, as_of_us, rules)
        if not papers or not _seen(vehicle):
            return
        stops = vehicle.track.stops
        habits = Habits(stops, as_of_us, rules)
        told: dict[int, set[str]] = defaultdict(set)
        for one in papers:
            if one.merchant:
                for index in unusual(vehicle.track, one, habits, rules):
                    told[index].add(named(one.merchant))
                    self._found[named(one.merchant)].append(_candidate(vehicle, one, index))
        begin = as_of_us - rules.history_us - rules.garage_before_us
        seldom = list(_longer(stops, (begin, as_of_us), habits, rules))
        self._visits.add(stops.lat[seldom], stops.lon[seldom], [told.get(n) for n in seldom])

    def places(self) -> dict[str, Place]:
        """Return where they are: name → place."""
        return _places(self._found, self._as_of_us, self._visits)


def stations(records: Records, as_of_us: int, rules: Rules) -> dict[str, Place]:
    """Return where stations are, as of a moment: name → place."""
    return _learned(Stations(as_of_us, rules), records)


def garages(records: Records, as_of_us: int, rules: Rules) -> dict[str, Place]:
    """Return where garages are, as of a moment: name → place."""
    return _learned(Garages(as_of_us, rules), records)


def _learned(learner: Stations | Garages, records: Records) -> dict[str, Place]:
    for code in sorted(records.vehicles):
        learner.see(records.vehicles[code])
    return learner.places()


class Habits:
    """Where a vehicle was in the time before a moment, and on how many days."""

    def __init__(self, stops: Stops, as_of_us: int, rules: Rules) -> None:
        begin = as_of_us - rules.history_us
        past = stops.touching(begin, as_of_us - 1)
        part = slice(past.start, past.stop)
        days = (np.maximum(stops.began_us[part], begin) - begin) // DAY_US
        near = _cells_of(stops.lat[part], stops.lon[part])[:, None] + np.array(_BESIDE)
        met = np.unique(near.ravel() * _MOST_DAYS + np.repeat(days, len(_BESIDE)))
        cells, count = np.unique(met // _MOST_DAYS, return_counts=True)
        self._often = cells[count > _DAYS]

    def often(self, cells: Int64s) -> Bools:
        """Tell in which cells, or beside, it was on more than a few days."""
        at = np.searchsorted(self._often, cells)
        held = np.minimum(at, max(len(self._often) - 1, 0))
        if not len(self._often):
            return np.zeros(len(cells), np.bool_)
        found: Bools = self._often[held] == cells
        return found


def unusual(track: Track, repair: Repair, habits: Habits, rules: Rules) -> Iterator[int]:
    """Yield the longer stops around an invoice at places where the vehicle hardly ever is.

    Args:
        track: of the vehicle.
        repair: the invoice.
        habits: of the vehicle, before the month of the invoice.
        rules: what is believed.
    """
    span = repair.day_us - rules.garage_before_us, repair.day_us + DAY_US + rules.garage_after_us
    yield from _longer(track.stops, span, habits, rules)


def _longer(stops: Stops, span: tuple[int, int], habits: Habits, rules: Rules) -> Iterator[int]:
    found = stops.touching(*span)
    part = slice(found.start, found.stop)
    long = (stops.ended_us - stops.began_us)[part] >= rules.garage_stay_us
    placed = ~np.isnan(stops.lat[part])
    seldom = ~habits.often(_cells_of(stops.lat[part], stops.lon[part]))
    yield from (found.start + np.flatnonzero(long & placed & seldom)).tolist()


def usual_here(stops: Stops, index: int, as_of_us: int, rules: Rules) -> bool:
    """Tell whether a stop is where its vehicle usually stands."""
    usual = _usual(stops, as_of_us, rules)
    return bool(_cells(stops, slice(index, index + 1))[0] in usual)


def usual_stops(stops: Stops, as_of_us: int, rules: Rules) -> Bools:
    """Return which stops are where their vehicle usually stood before a moment."""
    usual = _usual(stops, as_of_us, rules)
    return np.array([cell in usual for cell in _cells(stops, slice(None))], np.bool_)


def _seen(vehicle: Vehicle) -> bool:
    return not vehicle.sensitive and len(vehicle.track.stops) > 0


def _papers(papers: Iterable[_P], before_us: int, as_of_us: int, rules: Rules) -> list[_P]:
    return [one for one in papers if as_of_us - rules.history_us <= one.at_us < before_us]


def _short(
    vehicle: Vehicle, one: Filling, cells: Int64s, usual: set[int], rules: Rules
) -> Iterator[_Candidate]:
    stops = vehicle.track.stops
    for index in stops.touching(one.at_us - rules.before_us, one.at_us + rules.after_us):
        stayed = int(stops.ended_us[index] - stops.began_us[index])
        if stayed <= rules.visit_us and int(cells[index]) not in usual:
            yield _candidate(vehicle, one, index)


def _candidate(vehicle: Vehicle, one: Filling | Repair, index: int) -> _Candidate:
    stops = vehicle.track.stops
    lat, lon = float(stops.lat[index]), float(stops.lon[index])
    return _Candidate(lat, lon, one.number, vehicle.code, one.at_us)


def _cells(stops: Stops, part: slice) -> list[int]:
    found: list[int] = _cells_of(stops.lat[part], stops.lon[part]).tolist()
    return found


def _cells_of(lat: Floats, lon: Floats) -> Int64s:
    north = np.rint(np.nan_to_num(lat) / _CELL).astype(np.int64)
    east = np.rint(np.nan_to_num(lon) / _CELL).astype(np.int64)
    found: Int64s = north * 1_000_000 + east
    return found


def _usual(stops: Stops, as_of_us: int, rules: Rules) -> set[int]:
    """Return the cells in which a vehicle spends much of its standing time, and those beside."""
    begin = as_of_us - rules.history_us
    past = stops.touching(begin, as_of_us - 1)
    part = slice(past.start, past.stop)
    began = np.maximum(stops.began_us[part], begin)
    stood = np.minimum(stops.ended_us[part], as_of_us) - began
    met = _cells_of(stops.lat[part], stops.lon[part])
    cells, at = np.unique(met, return_inverse=True)
    time = np.zeros(len(cells), np.int64)
    np.add.at(time, at, stood)
    often = cells[time > int(stood.sum()) * rules.usual_pct // 100].tolist()
    return {cell + step for cell in often for step in _BESIDE}


def _places(
    found: dict[str, list[_Candidate]], as_of_us: int, visits: Visits | None = None
) -> dict[str, Place]:
    result = {}
    for name in sorted(found):
        candidates = sorted(found[name], key=lambda one: (one.at_us, one.number, one.lat, one.lon))
        if candidates:
            result[name] = _place(name, candidates[-_MOST:], as_of_us, visits)
    return result


def _weighed_together(places: dict[str, Place]) -> dict[str, Place]:
    """Mark names that have their place from a few papers at what is another station.

    Few papers name it, and wrong ones among them say where the vehicles did fill.
    """
    known = list(places.values())
    lat, lon = np.array([one.lat for one in known]), np.array([one.lon for one in known])
    found = {}
    for name, one in places.items():
        near = np.flatnonzero(away_mm(one.lat, one.lon, lat, lon) <= _NEAR_MM).tolist()
        most = max(known[index].matches for index in near)
        found[name] = replace(one, outdone=most >= one.matches * _OUTDONE)
    return found


def _place(name: str, candidates: list[_Candidate], as_of_us: int, visits: Visits | None) -> Place:
    lat = np.array([one.lat for one in candidates])
    lon = np.array([one.lon for one in candidates])
    best: tuple[int, int] = (-1, 0)
    members: dict[int, int] = {}
    for index in _centres(candidates, lat, lon):
        far = away_mm(float(lat[index]), float(lon[index]), lat, lon)
        mine = _one_each(candidates, far)
        # By chance many vehicles share an office about their invoices; they go there at all times.
        own = 100 if visits is None else visits.own_pct(name, float(lat[index]), float(lon[index]))
        weight = _weight(candidates, mine) * own, -int(far[list(mine.values())].sum())
        if weight > best:
            best, members = weight, mine
    chosen = sorted(members.values())
    middle = float(np.median(lat[chosen])), float(np.median(lon[chosen]))
    spread = away_mm(*middle, lat[chosen], lon[chosen])
    times = [candidates[index].at_us for index in chosen]
    return Place(
        name=name,
        lat=middle[0],
        lon=middle[1],
        as_of_us=as_of_us,
        since_us=min(times),
        until_us=max(times),
        matches=len(chosen),
        of=len({one.number for one in candidates}),
        vehicles=len({candidates[index].vehicle for index in chosen}),
        spread_mm=int(np.median(spread)),
        own_pct=None if visits is None else visits.own_pct(name, *middle),
    )


def _centres(candidates: list[_Candidate], lat: Floats, lon: Floats) -> list[int]:
    """Return candidates that are tried as the middle: of the cells that weigh most, a few each."""
    cells = _cells_of(lat, lon).tolist()
    held: dict[int, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for cell, one in zip(cells, candidates, strict=True):
        held[cell][one.vehicle].add(one.number)
    weights = {cell: _weight_near(held, cell) for cell in set(cells)}
    tried: dict[int, int] = defaultdict(int)
    found = []
    for index in sorted(range(len(cells)), key=lambda index: (-weights[cells[index]], index)):
        tried[cells[index]] += 1
        if tried[cells[index]] <= _EACH:
            found.append(index)
    return found[:_CENTRES]


def _weight_near(held: Mapping[int, Mapping[str, set[int]]], cell: int) -> int:
    papers: dict[str, set[int]] = defaultdict(set)
    for step in _BESIDE:
        for vehicle, numbers in held.get(cell + step, {}).items():
            papers[vehicle] |= numbers
    return sum(min(len(numbers), _EACH) for numbers in papers.values())


def _one_each(candidates: list[_Candidate], far: Int64s) -> dict[int, int]:
    """Return for each paper its candidate near a place, the nearest one."""
    mine: dict[int, int] = {}
    for index in np.flatnonzero(far <= _NEAR_MM).tolist():
        number = candidates[index].number
        if number not in mine or far[index] < far[mine[number]]:
            mine[number] = index
    return mine


def _weight(candidates: list[_Candidate], mine: dict[int, int]) -> int:
    each: dict[str, int] = defaultdict(int)
    for index in mine.values():
        each[candidates[index].vehicle] += 1
    return sum(min(count, _EACH) for count in each.values())
