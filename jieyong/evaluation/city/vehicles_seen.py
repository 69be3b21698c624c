"""What terminals tell of simulated vehicles, as fleet reads it: fixes, signs, stops and trips.

Stops and trips are those of the simulator, each terminal a little off: finding them in positions is
measured elsewhere (docs/joining.md). Yards are looked at by fixes, one a minute on the way and one
each half hour while standing, as in production (:mod:`fleet.yards.look`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cached_property
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from fleet.fence import window
from fleet.fence.datum import Degrees
from fleet.fence.fences import Fence
from fleet.fence.window import Around
from fleet.joining.model import Sight, Stops, Track, Trips
from fleet.track.fixes import Fixes, Int64s
from fleet.yards import model
from fleet.yards.beside import Beside, of_order
from fleet.yards.model import Sealed, Yard
from fleet.yards.movement import Driven, Sign
from fleet.yards.verdicts import Excuse, ExcuseKind
from simulators.city.spans import Spans, common, length, union, without
from simulators.city.vehicles_model import YARD_M, Leg, Point, Vehicle
from storage.times import us_of

_SECOND: Final = 1_000_000
_DAY: Final = 86_400
_MIDDLE: Final = (104.0, 30.6)
_DEGREE_M: Final = 111_320
_SAME_PLACE_M: Final = 200
"""Who is put elsewhere within so much has not begun a trip (docs/trips.md)."""
_ERROR: Final = 0.008
_STEP_S, _REST_S = 60, 1_800
_SHOWN_KM: Final = 30_000
_BEGUN: Final = date(2000, 1, 1)
_TAILS: Final = (("16", "mon"), ("27", "tue"), ("38", "wed"), ("49", "thu"), ("05", "fri"))


def degrees(place: Point) -> tuple[float, float]:
    """Return longitude and latitude."""
    east = _DEGREE_M * math.cos(math.radians(_MIDDLE[1]))
    return _MIDDLE[0] + place[0] / east, _MIDDLE[1] + place[1] / _DEGREE_M


def track_of(one: Vehicle) -> Track:
    """Return stops and trips; what a silent terminal missed is not there."""
    if not one.car.terminal or not one.legs:
        return Track()
    legs = [leg for leg in one.legs if math.dist(leg.start, leg.end) >= _SAME_PLACE_M]
    cuts = [span for span in one.silent if _driven_in(legs, span)]
    rng = np.random.default_rng(one.car.number)
    seen = [leg for leg in legs if not common([(leg.begin_s, leg.end_s)], cuts)]
    mm = [round(leg.metres * 1_000 * (1 + rng.normal(0, _ERROR))) for leg in seen]
    stays = [
        (*span, place, length(common([span], one.silent)))
        for begin, end, place in _stays(legs)
        for span in without([(begin, end)], cuts)
    ]
    places = [degrees(place) for _, _, place, _ in stays]
    trips = Trips(
        _us([leg.begin_s for leg in seen]),
        _us([leg.end_s for leg in seen]),
        np.array(mm, np.int64),
        np.zeros(len(mm), np.int64),
        np.array(mm, np.int64),
        np.zeros(len(mm), np.int64),
    )
    stops = Stops(
        _us([begin for begin, *_ in stays]),
        _us([end for _, end, *_ in stays]),
        np.array([lat for _, lat in places]),
        np.array([lon for lon, _ in places]),
        np.zeros(len(stays), np.int64),
        np.array([silent for *_, silent in stays]),
    )
    return Track(stops, trips, Sight(_us([]), np.zeros(0), np.zeros(0)))


def _driven_in(legs: Sequence[Leg], span: tuple[int, int]) -> bool:
    return any(leg.begin_s < span[1] and leg.end_s > span[0] for leg in legs)


def _stays(legs: Sequence[Leg]) -> list[tuple[int, int, Point]]:
    first, last = legs[0], legs[-1]
    found = [(first.begin_s - _DAY, first.begin_s, first.start)]
    found += [(one.end_s, after.begin_s, one.end) for one, after in pairwise(legs)]
    return [*found, (last.end_s, last.end_s + 30 * _DAY, last.end)]


def _us(seconds: Sequence[int]) -> Int64s:
    return np.array(seconds, np.int64) * _SECOND


@dataclass(frozen=True)
class Messages:
    """What the terminal of a vehicle sent from one moment to another, s UTC."""

    vehicle: Vehicle
    begin_s: int
    end_s: int

    @cached_property
    def _times(self) -> Int64s:
        one = self.vehicle
        legs = self._legs
        parts = [np.arange(leg.begin_s, leg.end_s, _STEP_S) for leg in legs]
        parts += [np.array([leg.end_s - 1 for leg in legs], np.int64)]
        parts += [
            np.append(np.arange(begin, end, _REST_S), end - 1)
            for begin, end, _ in (_stays(legs) if legs else [])
        ]
        parts += [np.arange(begin, end, _STEP_S) for begin, end in one.idle]
        found = np.unique(np.concatenate(parts).astype(np.int64))
        inside = (found >= self.begin_s) & (found < self.end_s) & ~_within(found, one.silent)
        kept: Int64s = found[inside]
        return kept

    @cached_property
    def _legs(self) -> list[Leg]:
        """The legs that count, one more on either side."""
        legs = self.vehicle.legs
        near = [
            n for n, leg in enumerate(legs) if leg.end_s > self.begin_s and leg.begin_s < self.end_s
        ]
        return list(legs[max(near[0] - 1, 0) : near[-1] + 2]) if near else list(legs[-1:])

    @cached_property
    def _metres(self) -> np.ndarray:
        """What the odometer shows, to 100 m."""
        legs = self.vehicle.legs
        knots = np.array([at for leg in legs for at in (leg.begin_s, leg.end_s)], np.int64)
        total = np.cumsum([metres for leg in legs for metres in (0.0, leg.metres)])
        shown = np.interp(self._times, knots, total) + _SHOWN_KM * 1_000
        for at in self.vehicle.resets:
            since = float(np.interp(at, knots, total)) + _SHOWN_KM * 1_000 - 1_000
            shown = np.where(self._times >= at, shown - since, shown)
        found: np.ndarray = np.floor(shown / 100) * 100
        return found

    @cached_property
    def _on(self) -> np.ndarray:
        ways = union(((leg.begin_s, leg.end_s) for leg in self._legs), self.vehicle.idle)
        return _within(self._times, ways)

    @cached_property
    def fixes(self) -> Fixes:
        """Those with a place: in a basement there is none."""
        legs, times = self._legs, self._times
        knots = [at for leg in legs for at in (leg.begin_s, leg.end_s)]
        places = np.array([degrees(p) for leg in legs for p in (leg.start, leg.end)])
        hidden = [(b, e) for b, e, place in _stays(legs) if place == self.vehicle.car.yards[0]]
        seen = ~_within(times, hidden if self.vehicle.car.basement else [])
        at, count = times[seen], int(seen.sum())
        return Fixes(
            at * _SECOND,
            np.ones(count, np.int64),
            np.arange(count, dtype=np.int64),
            np.interp(at, knots, places[:, 1]),
            np.interp(at, knots, places[:, 0]),
            np.where(self._on[seen], 35.0, 0.0),
            self._metres[seen] / 1_000,
            self._on[seen].astype(np.int8),
            np.zeros(count, np.int64),
            at * _SECOND + _SECOND,
        )

    def signs(self, from_us: int, to_us: int) -> list[Sign]:
        """Return ignition and odometer, also one message before and one behind."""
        times = self._times * _SECOND
        first, last = np.searchsorted(times, [from_us, to_us])
        part = slice(max(int(first) - 1, 0), int(last) + 1)
        rows = zip(times[part].tolist(), self._on[part].tolist(), self._metres[part], strict=True)
        return [Sign(at, 1, on, int(metres) * 1_000) for at, on, metres in rows]

    def around(self, from_us: int, to_us: int) -> Around | None:
        """See :class:`fleet.fence.window.Source`."""
        times = self.fixes.t_us
        if not len(times):
            return None
        before, behind = times[times <= from_us], times[times >= to_us]
        return Around(
            int(times[0]),
            int(before[-1]) if len(before) else from_us,
            int(behind[0]) if len(behind) else to_us,
            int(times[-1]),
        )

    def read(self, from_us: int, to_us: int) -> Fixes:
        """See :class:`fleet.fence.window.Source`."""
        times = self.fixes.t_us
        return self.fixes.take((times >= from_us) & (times <= to_us))


def _within(times: Int64s, spans: Spans) -> np.ndarray:
    bounds = np.array([at for span in union(spans) for at in span], np.int64)
    found: np.ndarray = np.searchsorted(bounds, times, side="right") % 2 == 1
    return found


@dataclass(frozen=True)
class Simulated:
    """The vehicles of an institution, by their numbers; see :class:`fleet.yards.source.Source`."""

    vehicles: Sequence[Vehicle]
    tracks: Sequence[Track]
    begin_s: int
    end_s: int
    zone: ZoneInfo

    @cached_property
    def _messages(self) -> dict[int, Messages]:
        span = self.begin_s - 2 * _DAY, self.end_s + 2 * _DAY
        return {one.car.number: Messages(one, *span) for one in self.vehicles}

    def yards(self) -> Sequence[Yard]:
        """Both of each vehicle, from 22:00 to 06:00."""
        return [
            Yard(code, one.car.number, None, "daily", time(22), time(6), _BEGUN, None)
            for one in self.vehicles
            for code in _codes(one)
        ]

    def sealed(self) -> Sequence[Sealed]:
        """On holidays all; by plates on weekdays."""
        holiday = Sealed(None, None, "", "", "holiday", None, None, _BEGUN, None, "节假日封存")
        tails = [
            Sealed(None, None, "", tail, day, time(7), time(20), _BEGUN, None, "尾号限行")
            for tail, day in _TAILS
        ]
        return [*tails, holiday]

    def fences(self) -> Sequence[Fence]:
        """Circles."""
        return [
            _fence(2 * one.car.number + n, code, place)
            for one in self.vehicles
            for n, (code, place) in enumerate(zip(_codes(one), one.car.yards, strict=True))
        ]

    def beside(
        self, ids: Sequence[int], span: tuple[datetime, datetime], around_us: int, zone: ZoneInfo
    ) -> Beside:
        """Trips, duty and orders; nothing is due."""
        del ids, span
        trips = {
            one.car.number: [Driven(*row) for row in _rows(track)]
            for one, track in zip(self.vehicles, self.tracks, strict=True)
        }
        excuses = {one.car.number: _excuses(one, around_us, zone) for one in self.vehicles}
        return Beside({}, trips, excuses)

    def positions(self, vehicle_id: int) -> window.Source:
        """What its terminal sent."""
        return self._messages[vehicle_id]

    def signs(self, vehicle_id: int, span: tuple[datetime, datetime]) -> Sequence[Sign]:
        """What it sent, also from a basement."""
        return self._messages[vehicle_id].signs(us_of(span[0]), us_of(span[1]))

    def pending(self, vehicle_id: int, span: tuple[datetime, datetime]) -> bool:
        """Nothing is."""
        del vehicle_id, span
        return False

    def stood(self, vehicle_id: int, span: tuple[datetime, datetime]) -> Degrees | None:
        """Nobody asks where it stood."""
        del vehicle_id, span
        return None


def _codes(one: Vehicle) -> tuple[str, str]:
    return f"{one.code}a", f"{one.code}b"


def _fence(number: int, code: str, place: Point) -> Fence:
    lon, lat = degrees(place)
    point = json.dumps({"type": "Point", "coordinates": [lon, lat]})
    kind = ("circle", "WGS84", point, point, YARD_M)
    return Fence(number, code, code, "", None, *kind, 50, 0, _BEGUN, None, "", "")


def _rows(track: Track) -> list[tuple[int, int, int]]:
    trips = track.trips
    columns = (trips.started_us.tolist(), trips.ended_us.tolist(), trips.distance_mm.tolist())
    return list(zip(*columns, strict=True))


def _excuses(one: Vehicle, around_us: int, zone: ZoneInfo) -> list[Excuse]:
    found = [
        Excuse(ExcuseKind.DUTY, begin * _SECOND, end * _SECOND, "值班") for begin, end in one.duty
    ]
    for order in one.orders:
        out, back = (
            None if at is None else datetime.fromtimestamp(at, UTC)
            for at in (order.out_s, order.back_s)
        )
        day = datetime.combine(datetime.fromtimestamp(order.out_s, zone).date(), time(0), zone)
        found += of_order(str(order.number), day, out, back, around_us)
    return found


def in_ledger(one: Vehicle) -> model.Vehicle:
    """Return a vehicle as the inventory and the ledger have it."""
    car = one.car
    facts = {
        "class": ([_BEGUN], [car.kind]),
        "use": ([_BEGUN], [car.use or "business"]),
        "plate": ([_BEGUN], [f"川A·D123{car.tail}"]),
    }
    if car.sealed[1]:
        first, end = (_BEGUN.fromordinal(719_163 + day) for day in car.sealed)
        facts["state"] = ([_BEGUN, first, end], ["in_use", "sealed", "in_use"])
    return model.Vehicle(car.number, one.code, "", car.institution, "", None, None, facts)
