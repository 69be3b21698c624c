"""What papers say of a vehicle: fillings, services, repairs; and what of that is too much."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.city.life import midnight_s
from simulators.city.model import Case
from simulators.city.plan import By, Plan
from simulators.city.spans import Span, Spans
from simulators.city.vehicles_life import Course
from simulators.city.vehicles_model import Car, Filling, Repair
from simulators.city.vehicles_wishes import HISTORY, Wish, Wishes

_NOON: Final = 12 * 3_600
_DEAR: Final = {"sedan": 1.0, "suv": 1.25, "mpv": 1.3}
YUAN_KM: Final = 0.36
"""What the upkeep of a sedan costs a kilometre, as a rule; the dearer classes more."""
_SERVICE_KM: Final = 5_500
_SERVICE_DAYS: Final = 180
_SMALL: Final = ("补胎", "轮胎换位、动平衡", "更换雨刮片", "空调清洗", "车门锁维修", "更换雨刮马达",
                 "蓄电池检测", "刹车片检查", "更换灯泡", "钣金喷漆")  # fmt: skip
_PARTS: Final = {
    "更换蓄电池": (730, 40_000), "更换左前刹车片": (540, 30_000), "更换右后轮胎": (1_095, 50_000),
    "更换离合器": (1_095, 80_000), "更换水泵": (1_460, 100_000), "更换火花塞": (730, 30_000),
}  # fmt: skip
"""What is replaced, and how many days and kilometres it should last."""
_GRADES: Final = (1.0, 1.0, 1.07)
_BY_CARD: Final = 0.97
_THREE_MONTHS, _LEAST_FILLINGS = 92, 6
"""Who fills less often cannot be held against anything (docs/norms.md)."""


@dataclass(slots=True)
class Papers:
    """The papers of a vehicle, what is wrong with them, and what only looks so."""

    repairs: list[Repair] = field(default_factory=list)
    fillings: list[Filling] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    true: dict[str, Spans] = field(default_factory=dict)
    marked: list[tuple[str, Span]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Way:
    """Kilometres by local day, from a first one on; ``total`` until the end of each."""

    first: int
    total: NDArray[np.float64]
    shown: int

    def until(self, day: int) -> float:
        """Kilometres until the end of a day."""
        return float(self.total[min(max(day - self.first, 0), len(self.total) - 1)])

    def between(self, first: int, last: int) -> float:
        """Kilometres from the end of one day to that of another."""
        return self.until(last) - self.until(first)


def way_of(plan: Plan, course: Course, shown: int) -> Way:
    """Return how far a vehicle went by day; ``shown``: what its dashboard showed at first, km."""
    first = max(plan.first - HISTORY, course.car.since)
    km = np.zeros(plan.first + plan.days - first)
    for one in course.legs:
        day = min((one.begin_s + 8 * 3_600) // 86_400 - first, len(km) - 1)
        km[day] += one.metres / 1_000
    return Way(first, np.cumsum(km), shown)


def papers(plan: Plan, seed: int, course: Course, wishes: Wishes) -> Papers:
    """Write the papers of a vehicle."""
    car = course.car
    rng = np.random.default_rng([seed, 34, car.number])
    way = way_of(plan, course, int(rng.integers(20_000, 150_000)))
    found = Papers()
    found.repairs += _usual(plan, car, way, rng)
    more = wishes.upkeep.get(car.number)
    if more is not None:
        found.repairs += _dear(plan, car, way, found.repairs, more)
        _note(plan, found, Wish("vehicle.maintenance_cost", more), plan.first, told=True)
    if car.number in wishes.large:
        day = plan.first + int(rng.integers(-200, 30))
        found.repairs.append(_line(car, way, day, "变速箱大修", rng.uniform(3_000, 8_000), 600))
        found.marked.append(("large_repair", (midnight_s(day), midnight_s(day + 365))))
    part = wishes.part.get(car.number)
    if part is not None:
        _PART_DEEDS.get(part[1].name, _again)(found, car, way, part, rng)
    change = wishes.fuel.get(car.number)
    found.fillings += _filled(seed, course, way, change, rng)
    if change is not None:
        late = midnight_s(plan.first + plan.days - _THREE_MONTHS)
        often = sum(one.at_s >= late for one in found.fillings) >= _LEAST_FILLINGS
        known = (car.terminal or car.reads) and not car.cap_yuan and often
        _note(plan, found, change[1], change[0], told=known)
        if change[1].name == "vehicle.fuel_rate":
            found.true["vehicle.fuel_cost"] = found.true["vehicle.fuel_rate"]
    found.repairs.sort(key=lambda one: (one.at_s, one.number))
    return found


def _note(plan: Plan, found: Papers, wish: Wish, day: int, *, told: bool) -> None:
    begin, end = (midnight_s(one) for one in (max(day, plan.first), plan.first + plan.days))
    found.true[wish.name] = [(begin, end)]
    found.cases.append(Case(wish.name, begin, end, {By.SHARE: wish.size}, told))


def _line(  # noqa: PLR0913, PLR0917 - what a line says
    car: Car, way: Way, day: int, text: str, yuan: float | None, number: int, *, reads: bool = True
) -> Repair:
    hm = round((way.shown + way.until(day)) * 10) if reads else None
    fen = None if yuan is None else round(yuan * 100)
    return Repair(car.number * 10_000 + number, midnight_s(day) + _NOON, text, fen, hm)


def _usual(plan: Plan, car: Car, way: Way, rng: np.random.Generator) -> Iterator[Repair]:
    """Services by kilometres or days, a large one each fourth time, and small repairs."""
    dear = _DEAR.get(car.kind, 1.0) * math.exp(rng.normal(0, 0.15))
    last, km, number, large = way.first, 0.0, 0, int(rng.integers(0, 4))
    often = _SERVICE_KM * rng.uniform(0.95, 1.3)
    for day in range(way.first, plan.first + plan.days):
        if way.until(day) - km >= often or day - last >= _SERVICE_DAYS:
            last, km, number, large = day, way.until(day), number + 1, large + 1
            yuan = rng.uniform(2_000, 3_200) if large % 4 == 0 else rng.uniform(450, 850)
            text = "大保养：机油、滤清器、全车检查" if large % 4 == 0 else "保养：机油、机油滤清器"
            yield _line(car, way, day, text, yuan * dear, number, reads=rng.random() < 0.8)
        if rng.random() < 1.5 / 365:
            number += 1
            text, yuan = str(rng.choice(_SMALL)), rng.uniform(100, 1_200) * dear
            yield _line(car, way, day, text, yuan, number, reads=rng.random() < 0.8)


def _dear(plan: Plan, car: Car, way: Way, usual: Sequence[Repair], more: float) -> Iterator[Repair]:
    """Add an invoice a month, so that any twelve months cost so much more than is usual."""
    yuan = YUAN_KM * _DEAR.get(car.kind, 1.0) * (1 + more / 100)
    end = plan.first + plan.days
    for number, day in enumerate(range(end - 15, way.first + 30, -30)):
        span = midnight_s(day - 365), midnight_s(day)
        spent = sum((one.fen or 0) / 100 for one in usual if span[0] <= one.at_s < span[1])
        missing = yuan * way.between(day - 365, day) - spent
        if missing > 0:
            yield _line(car, way, day, "维修", missing / 12, 500 + number)


def _again(
    found: Papers, car: Car, way: Way, wish: tuple[int, Wish], rng: np.random.Generator
) -> None:
    """Replace a part long before it is worn."""
    day, what = wish
    left = what.size + rng.uniform(0, 2)
    order = [list(_PARTS)[n] for n in rng.permutation(len(_PARTS)).tolist()]
    text, before = next(
        ((name, at) for name in order if (at := _fitted(way, day, left, name)) is not None),
        (order[0], day - 10),
    )
    told = [bool(rng.random() < 0.9) for _ in range(2)]
    found.repairs += [
        _line(car, way, at, text, 900, 700 + n, reads=reads)
        for n, (at, reads) in enumerate(zip((before, day), told, strict=True))
    ]
    days, km = _PARTS[text]
    worn = max((day - before) / days, way.between(before, day) / km)
    span = midnight_s(day), midnight_s(day + 1)
    found.true[what.name] = [span]
    found.cases.append(Case(what.name, *span, {By.SHARE: (1 - worn) * 100}, all(told)))


def _fitted(way: Way, day: int, left: float, text: str) -> int | None:
    """Return the day on which a part was fitted of which so much is left; None: before history."""
    days, km = _PARTS[text]
    for before in range(day - 4, way.first + 10, -1):
        if max((day - before) / days, way.between(before, day) / km) >= 1 - left / 100:
            return before + 1
    return None


def _two(  # noqa: PLR0913 - two papers, each by what it says
    found: Papers,
    car: Car,
    way: Way,
    wish: tuple[int, Wish],
    lines: Sequence[tuple[int, str, float]],
    *,
    reads: bool = True,
) -> None:
    day, what = wish
    found.repairs += [
        _line(car, way, day - ago, text, yuan, 700 + n, reads=reads)
        for n, (ago, text, yuan) in enumerate(lines)
    ]
    found.marked.append((what.name, (midnight_s(day), midnight_s(day + 1))))


Given = tuple[int, Wish]


def _other_side(f: Papers, c: Car, w: Way, at: Given, rng: np.random.Generator) -> None:
    ago = int(rng.integers(10, 120))
    _two(f, c, w, at, [(ago, "更换左前轮胎", 600), (0, "更换右前轮胎", 600)])


def _guarantee(f: Papers, c: Car, w: Way, at: Given, rng: np.random.Generator) -> None:
    ago = int(rng.integers(10, 120))
    _two(f, c, w, at, [(ago, "更换蓄电池", 620), (0, "更换蓄电池（质保）", 0)])


def _inspected(f: Papers, c: Car, w: Way, at: Given, rng: np.random.Generator) -> None:
    word = str(rng.choice(["蓄电池检测", "蓄电池充电", "蓄电池接头紧固"]))
    _two(f, c, w, at, [(int(rng.integers(10, 120)), "更换蓄电池", 620), (0, word, 80)])


def _in_parts(f: Papers, c: Car, w: Way, at: Given, _: np.random.Generator) -> None:
    _two(f, c, w, at, [(2, "更换水泵", 800), (0, "水泵工时", 200)])


def _other_motor(f: Papers, c: Car, w: Way, at: Given, rng: np.random.Generator) -> None:
    ago = int(rng.integers(10, 120))
    _two(f, c, w, at, [(ago, "更换启动马达", 900), (0, "更换雨刮马达", 350)])


def _no_reading(f: Papers, c: Car, w: Way, at: Given, rng: np.random.Generator) -> None:
    """Oil after five thousand kilometres of a month or two; nobody wrote the dashboard down."""
    ago = int(rng.integers(40, 60))
    begin, end = midnight_s(at[0] - 150), midnight_s(at[0] + 150)
    f.repairs = [o for o in f.repairs if "机油" not in o.text or not begin <= o.at_s < end]
    _two(f, c, w, at, [(ago, "更换机油", 500), (0, "更换机油", 500)], reads=False)


_PART_DEEDS: Final = {
    "other_side": _other_side,
    "guarantee": _guarantee,
    "inspected": _inspected,
    "in_parts": _in_parts,
    "other_motor": _other_motor,
    "no_reading": _no_reading,
}


def _filled(
    seed: int, course: Course, way: Way, change: tuple[int, Wish] | None, rng: np.random.Generator
) -> Iterator[Filling]:
    """Burn fuel on every way, and fill when the tank is low: on the way, by day or by night."""
    car = course.car
    if car.energy == "electric" or not course.legs:
        return
    level, km, number = car.tank_l * rng.uniform(0.4, 0.9), 0.0, 0
    grade, day_, wish = float(rng.choice(_GRADES)), *(change or (1 << 30, Wish("")))
    turns = rng.random((len(course.legs), 4)).tolist()
    low = 0.3 * car.tank_l
    for one, drawn in zip(course.legs, turns, strict=True):
        day = (one.begin_s + 8 * 3_600) // 86_400
        more = 1 + wish.size / 100 * (day >= day_)
        season = 1 + 0.05 * math.cos(4 * math.pi * (day - 20) / 365)
        rate = car.rate * season * (0.93 + 0.14 * drawn[0])
        rate *= more if wish.name == "vehicle.fuel_rate" else 1.0
        level -= one.metres / 1e5 * rate
        km += one.metres / 1_000
        if level > low:
            continue
        price = _price(seed, day) * grade * (_BY_CARD + 0.03 * drawn[1])
        litres = (car.tank_l - level) * (1.0 if drawn[2] < 0.7 else 0.75 + 0.25 * drawn[3])
        if car.cap_yuan:
            litres = min(litres, car.cap_yuan / price)
        level += litres
        low = (0.15 + 0.3 * drawn[3]) * car.tank_l
        number += 1
        paid = price * (more if wish.name == "vehicle.fuel_cost" else 1.0)
        shown = round((way.shown + km) * 10) if car.reads else None
        at = (one.begin_s + one.end_s) // 2
        numbers = car.number * 10_000 + 1_000 + number, at
        full = drawn[2] < 0.35 and not car.cap_yuan
        yield Filling(*numbers, round(litres * 1_000), round(litres * paid * 100), shown, full)


def _price(seed: int, day: int) -> float:
    """Return yuan a litre: everybody's, of a fortnight."""
    rng = np.random.default_rng([seed, 35, day // 14])
    return float(7.4 + 0.4 * rng.random() + 0.3 * math.sin(day / 60))
