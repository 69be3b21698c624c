"""A town drawn at random, and what everybody in it used, quarter hour by quarter hour.

The model knows no scopes and no spans. For each local day it hangs every meter where the last
change of that day put it, adds its quarters for its holder, and takes them off from the holder of
its main.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction

from psycopg.types.range import TimestamptzRange

from metering.derive.rollup import Window
from metering.tree.relations import Kind, Relation, enter_relation
from metering.tree.standing import Standing, enter_standing
from metering.tree.virtual import recompute_virtual
from storage.times import us_of
from tests.integration.metering.tree.town import ACT, QUARTER, ZONE, Town, midnight

DAYS = [date(2026, 6, 29) + timedelta(days=n) for n in range(4)]
BEHIND = DAYS[-1] + timedelta(days=1)
ONE = Fraction(1)
MINUTE = timedelta(minutes=1)
OUTSIDE, NOBODY = "-", "0"
KINDS = {"electricity": "kWh", "water": "m3"}
ITEMS = ("", "", "01A00", "01A10", "01B00")
Shares = dict[str, Fraction]
Cell = tuple[date, str, str, str]
"""Day, holder, item, energy."""


@dataclass
class Meter:
    """A meter; its changes are (from when, to what) in their order, None: nowhere."""

    code: str
    direction: str
    item: str
    energy: str
    begin: datetime
    end: datetime
    rooms: list[tuple[datetime, str | None]] = field(default_factory=list)
    mains: list[tuple[datetime, str | None]] = field(default_factory=list)
    terms: dict[str, Fraction] = field(default_factory=dict)
    net: dict[str, Fraction] = field(default_factory=dict)  # factors of physical meters
    sources: list[str] = field(default_factory=list)  # whom it stands for as a main
    quarters: dict[datetime, int] = field(default_factory=dict)


class Drawn:
    """Draws a town and puts it into the database.

    In a crowded one less is unknown, and several virtual meters always share others.
    """

    def __init__(self, town: Town, rng: random.Random, *, crowded: bool = False) -> None:
        self.town, self.rng = town, rng
        self.houses = [f"I{n}" for n in range(rng.randint(2, 4))]
        town.house(*self.houses)
        self.meters: dict[str, Meter] = {}
        self.relations: dict[tuple[str, str], list[tuple[date, date, Shares]]] = defaultdict(list)
        self.districts: dict[str, list[tuple[date, date, str]]] = {}
        self.gaps = [0, 0, 0.002] if crowded else [0, 0, 0.1, 1]
        for n in range(rng.randint(2, 4) if crowded else rng.randint(4, 10)):
            self._meter(f"M{n}")
            if n in {2, 5}:
                self._any_virtual(f"V{n}")
        if crowded or rng.random() < 0.7:
            self._crowd()
        self._compute()
        self._relations()
        self._districts()

    def _time(self) -> datetime:
        quarters = self.rng.randint(1, 96 * len(DAYS) - 1)
        return midnight(DAYS[0]) + quarters * QUARTER + self.rng.choice([0, 0, 7]) * MINUTE

    def _changes(self, values: list[str]) -> list[tuple[datetime, str | None]]:
        times = sorted({midnight(DAYS[0]), *(self._time() for _ in range(self.rng.randint(0, 2)))})
        return [(at, self.rng.choice([None, *values, *values, *values])) for at in times]

    def _life(self) -> tuple[datetime, datetime]:
        begin, end = midnight(DAYS[0]), midnight(BEHIND)
        kind = self.rng.random()
        return (
            self._time() if kind < 0.15 else begin,
            self._time() if 0.15 < kind < 0.3 else end,
        )

    def _meter(self, code: str, energy: str = "", *, alone: bool = False) -> None:
        rng = self.rng
        direction = rng.choice(["in"] * 5 + ["out", "generated"])
        energy = energy or rng.choice(["electricity"] * 4 + ["water"])
        begin, end = self._life()
        end = max(begin + QUARTER, end)
        meter = Meter(code, direction, rng.choice(ITEMS), energy, begin, end)
        self.meters[code] = meter
        self.town.meter(
            code,
            None,
            direction=direction,
            item=meter.item or None,
            energy=energy,
            unit=KINDS[energy],
            valid=TimestamptzRange(begin, end if end < midnight(BEHIND) else None),
        )
        meter.rooms = self._changes([f"r-{house}" for house in self.houses])
        for since, until, room in _spans(meter.rooms):
            self.town.put(code, room, TimestamptzRange(since, until))
        self._hang(meter, [] if alone else [other for other in self.meters if other != code])
        slots = [midnight(DAYS[0]) + n * QUARTER for n in range(96 * len(DAYS))]
        gone = rng.choice(self.gaps)
        # In whole units: whatever formulas multiply them with, nothing has to be rounded.
        micros = (rng.randint(-2, 10**6) * 10**6 for _ in slots)
        used = {n: micro for n, micro in enumerate(micros) if rng.random() >= gone}
        used = {n: micro for n, micro in used.items() if begin <= slots[n] < end}
        meter.quarters = {slots[n]: micro for n, micro in used.items()}
        if used:
            self.town.known(code, slots[0], used)

    def _hang(self, meter: Meter, below: list[str]) -> None:
        if below and self.rng.random() < 0.75:
            meter.mains = self._changes(below)
            for since, until, main in _spans(meter.mains):
                self.town.hang(meter.code, main, TimestamptzRange(since, until))

    def _crowd(self) -> None:
        """Draw virtual meters that share a few others, below the same mains."""
        rng, energy = self.rng, next(iter(self.meters.values())).energy
        below = [m.code for m in self.meters.values() if m.energy == energy][: rng.randint(1, 2)]
        for n in range(3):
            self._meter(f"X{n}", energy, alone=rng.random() < 0.9)
        named = ["X0", "X1", "X2"]
        for n in range(rng.randint(3, 5)):
            sources = rng.sample(named, rng.randint(1, 3))
            direction = rng.choice(["in", "in", "in", "generated"])
            self._virtual(f"W{n}", sources, below, direction)
            if rng.random() < 0.2:
                named.append(f"W{n}")

    def _any_virtual(self, code: str) -> None:
        rng, below = self.rng, list(self.meters)
        energy = rng.choice([m.energy for m in self.meters.values()])
        same = [m.code for m in self.meters.values() if m.energy == energy]
        named = rng.sample(same, min(len(same), rng.randint(1, 2)))
        self._virtual(code, named, below, direction=rng.choice(["in", "in", "out"]))

    def _virtual(self, code: str, named: list[str], below: list[str], direction: str) -> None:
        rng, energy = self.rng, self.meters[named[0]].energy
        factors = rng.choices([*["1"] * 4, "0.5", "0.6", "2", "-1"], k=len(named))
        factors[0] = factors[0].lstrip("-")  # who adds nothing stands in no tree
        terms = {other: Fraction(factor) for other, factor in zip(named, factors, strict=True)}
        begin, end = midnight(DAYS[0]), midnight(BEHIND)
        item = rng.choice(ITEMS)
        meter = Meter(code, direction, item, energy, begin, end, terms=terms)
        meter.net, meter.sources = self._net(terms), self._sources(terms)
        self.town.virtual(
            code,
            " + ".join(f"{f} * {{{other}}}" for f, other in zip(factors, named, strict=True)),
            energy=energy,
            unit=KINDS[energy],
            item=item or None,
            direction=direction,
        )
        self.meters[code] = meter
        self._hang(meter, below)

    def _net(self, terms: dict[str, Fraction]) -> dict[str, Fraction]:
        sums: dict[str, Fraction] = defaultdict(Fraction)
        for code, factor in terms.items():
            for other, part in (self.meters[code].net or {code: ONE}).items():
                sums[other] += factor * part
        return sums

    def _sources(self, terms: dict[str, Fraction]) -> list[str]:
        """Those it names; where nested ones cancel out, what it comes to."""
        named = [code for code, factor in terms.items() if factor > 0]
        inside = {other for code in named for other, n in self._net({code: ONE}).items() if n > 0}
        net = [other for other, factor in self._net(terms).items() if factor > 0]
        return named if inside == set(net) else net

    def _compute(self) -> None:
        """Compute the virtual meters' quarters."""
        begin, end = us_of(midnight(DAYS[0])), us_of(midnight(BEHIND))
        physical = [self.town.ids[m.code] for m in self.meters.values() if not m.terms]
        with self.town.conn.transaction():
            windows = [Window(id_, begin, end) for id_ in physical]
            recompute_virtual(self.town.conn, windows, ZONE)

    def _relations(self) -> None:
        subjects = [("institution", house) for house in self.houses[1:]]
        subjects += [(kind, f"{kind[0]}-{h}") for kind in ("building", "room") for h in self.houses]
        subjects += [("meter", m.code) for m in self.meters.values() if not m.terms]
        for kind, code in self.rng.sample(subjects, self.rng.randint(0, len(subjects) // 2)):
            self._relation(kind, code)

    def _relation(self, kind: str, code: str) -> None:
        # Institutions report for those before them: no rings.
        others = self.houses[: self.houses.index(code)] if kind == "institution" else self.houses
        how = self.rng.choice([Kind.ON_BEHALF, Kind.EXCLUDED, Kind.SHARED])
        size = {Kind.EXCLUDED: 0, Kind.ON_BEHALF: 1}.get(how, 2)
        if len(others) < size:
            return
        parts = {house: self.rng.randint(1, 7) for house in self.rng.sample(others, size)}
        begin, end = sorted(self.rng.sample([*DAYS, BEHIND], 2))
        enter_relation(self.town.conn, ACT, Relation(kind, code, how, parts, begin, end))
        whole = sum(parts.values())
        shares = {house: Fraction(n, whole) for house, n in parts.items()}
        if how is Kind.ON_BEHALF:
            shares = dict.fromkeys(parts, Fraction(1))
        self.relations[kind, code].append((begin, end, shares or {OUTSIDE: Fraction(1)}))

    def _districts(self) -> None:
        for house in self.houses:
            cut = self.rng.choice(DAYS[1:])
            spans = [(date.min, cut, self.rng.choice("东西")), (cut, date.max, "南")]
            self.districts[house] = spans
            for begin, end, name in spans:
                since, until = max(begin, date(2020, 1, 1)), end if end < date.max else None
                standing = Standing(house, name, since=since, until=until)
                enter_standing(self.town.conn, ACT, standing)


def _spans(
    changes: list[tuple[datetime, str | None]],
) -> Iterator[tuple[datetime, datetime | None, str]]:
    ends = [at for at, _ in changes[1:]]
    for (since, value), until in zip(changes, [*ends, None], strict=True):
        if value is not None:
            yield since, until, value


class Day:
    """One local day of a town."""

    def __init__(self, drawn: Drawn, day: date) -> None:
        self.drawn, self.day = drawn, day
        self.from_, self.to = midnight(day), midnight(day + timedelta(days=1))

    def alive(self, code: str) -> bool:
        meter = self.drawn.meters[code]
        if meter.terms:
            return any(self.alive(source) for source in meter.sources)
        return meter.begin < self.to and meter.end > self.from_

    def _last(self, changes: list[tuple[datetime, str | None]]) -> str | None:
        """What was put last of all that held for some of the day."""
        held = [
            value
            for n, (at, value) in enumerate(changes)
            if value is not None
            and at < self.to
            and (n + 1 == len(changes) or changes[n + 1][0] > self.from_)
        ]
        return held[-1] if held else None

    def main(self, code: str) -> str | None:
        """The physical or virtual main that stands above it."""
        meter = self.drawn.meters[code]
        main = self._last(meter.mains)
        if main is None or self.drawn.meters[main].energy != meter.energy:
            return None
        return main if self.alive(main) else None

    def holder(self, code: str) -> Shares | None:
        """Whose energy it counts; None: of different ones."""
        meter = self.drawn.meters[code]
        if meter.terms:
            found = [self.holder(source) for source in meter.sources if self.alive(source)]
            return found[0] if all(one == found[0] for one in found) else None
        if meter.direction == "out":
            return {OUTSIDE: Fraction(1)}
        return self.place(code)

    def place(self, code: str) -> Shares | None:
        meter = self.drawn.meters[code]
        room = self._last(meter.rooms)
        own = self._stated("meter", code)
        if own is None and room is not None:
            own = self._stated("room", room) or self._stated("building", f"b{room[1:]}")
            own = own or self.resolved({room[2:]: Fraction(1)})
        if own is not None:
            return own
        main = self.main(code)
        return {NOBODY: Fraction(1)} if main is None else self.holder(main)

    def _stated(self, kind: str, code: str) -> Shares | None:
        for begin, end, shares in self.drawn.relations.get((kind, code), ()):
            if begin <= self.day < end:
                return shares if kind == "institution" else self.resolved(shares)
        return None

    def resolved(self, shares: Shares) -> Shares:
        """Follow institutions to those they count for."""
        sums: Shares = defaultdict(Fraction)
        for house, share in shares.items():
            onward = self._stated("institution", house) if house != OUTSIDE else None
            for other, part in (self.resolved(onward) if onward else {house: Fraction(1)}).items():
                sums[other] += share * part
        return dict(sums)

    def item(self, code: str) -> str | None:
        """What it is used for; None: virtual, of different ones."""
        meter = self.drawn.meters[code]
        if meter.terms:
            found = {self.item(source) for source in meter.sources if self.alive(source)}
            if len(found) == 1:
                return found.pop()
        if meter.item:
            return meter.item
        main = self.main(code)
        return "" if main is None else self.item(main)

    def figures(self) -> Iterator[tuple[str, str, str, Fraction]]:
        """(holder, item, energy, amount): each meter added for its holder, taken off above."""
        for code, meter in self.drawn.meters.items():
            if meter.terms or not self.alive(code):
                continue
            used = sum(n for at, n in meter.quarters.items() if self.from_ <= at < self.to)
            below, item = self.holder(code), self.item(code) or ""
            if below is None and meter.direction == "generated":
                below, item = {NOBODY: Fraction(1)}, ""
            above, taken = None, ""
            main = self.main(code) if meter.direction != "generated" else None
            if main is not None:
                above, taken = self.holder(main), self.item(main) or ""
                if above is None:
                    continue
            elif meter.direction == "out":
                above, taken = self.place(code), item
            yield from self._given(below, item, meter.energy, used)
            yield from self._given(above, taken, meter.energy, -used)

    def _given(
        self, shares: Shares | None, item: str, energy: str, used: int
    ) -> Iterator[tuple[str, str, str, Fraction]]:
        for house, share in (shares or {}).items():
            yield house, "" if house == OUTSIDE else item, energy, share * used


def expected(drawn: Drawn) -> dict[Cell, Fraction]:
    """What everybody has on each day, exactly; what is 0 is left out."""
    sums: dict[Cell, Fraction] = defaultdict(Fraction)
    for day in DAYS:
        for holder, item, energy, amount in Day(drawn, day).figures():
            sums[day, holder, item, energy] += amount
    return {cell: amount for cell, amount in sums.items() if amount}
