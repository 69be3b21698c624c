"""What remains of the main meters of a drawn town, quarter hour by quarter hour.

The model knows no spans and takes nothing off. At each quarter hour it asks who hangs below a main,
what each physical meter comes to in all of them together, and lets it count for no more than that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from fractions import Fraction

from tests.integration.metering.tree.brute import BEHIND, DAYS, Drawn, Meter
from tests.integration.metering.tree.town import QUARTER, midnight

LAST = midnight(BEHIND)


def remainders(drawn: Drawn, length: timedelta) -> dict[tuple[str, datetime], Fraction | None]:
    """What remains of each main in each period in which something belongs to it; None: unknown."""
    found: dict[tuple[str, datetime], Fraction | None] = {}
    for main in drawn.meters:
        begin = midnight(DAYS[0])
        while begin < LAST:
            slots = [begin + n * QUARTER for n in range(length // QUARTER)]
            moments = [Moment(drawn, main, at) for at in slots]
            known = [moment.remainder for moment in moments if moment.there]
            if any(moment.members for moment in moments if moment.there):
                found[main, begin] = _sum(known)
            begin += length
    return found


def _sum(parts: Iterable[Fraction | None]) -> Fraction | None:
    total = Fraction(0)
    for part in parts:
        if part is None:
            return None
        total += part
    return total


class Moment:
    """A main meter at the begin of a quarter hour."""

    def __init__(self, drawn: Drawn, main: str, at: datetime) -> None:
        self.drawn, self.main, self.at = drawn, main, at
        own = drawn.meters[main]
        self.there = self._valid(own)
        below = self._below()
        self.members = [
            meter
            for meter in drawn.meters.values()
            if self._above(meter) == main
            and meter.energy == own.energy
            and self._valid(meter)
            and not any(f > 0 and code in below for code, f in self._content(meter.code).items())
        ]

    @property
    def remainder(self) -> Fraction | None:
        """Main + generated − subs; of several that share a meter it counts once."""
        if any(self._used(code) is None for code in (self.main, *(m.code for m in self.members))):
            return None
        generated = [m for m in self.members if m.direction == "generated"]
        subs = [m for m in self.members if m.direction != "generated"]
        return Fraction(self._used(self.main) or 0) + self._once(generated) - self._once(subs)

    def _once(self, members: list[Meter]) -> Fraction:
        total = sum(Fraction(self._used(m.code) or 0) for m in members if not m.terms)
        factors: dict[str, list[Fraction]] = defaultdict(list)
        for meter in members:
            for code, factor in self._content(meter.code).items():
                if not self.drawn.meters[code].terms:
                    factors[code].append(factor)
        for code, those in factors.items():
            added = [factor for factor in those if factor > 0]
            counts = min(sum(added), max([Fraction(1), *added]))
            total += (counts + sum(f for f in those if f < 0)) * Fraction(self._used(code) or 0)
        return Fraction(total)

    def _valid(self, meter: Meter) -> bool:
        return meter.begin <= self.at < meter.end

    def _above(self, meter: Meter) -> str | None:
        held = [main for since, main in meter.mains if since <= self.at]
        return held[-1] if held else None

    def _below(self) -> set[str]:
        found = set()
        for code, meter in self.drawn.meters.items():
            above = self._above(meter)
            while above not in {None, self.main}:
                above = self._above(self.drawn.meters[str(above)])
            if above is not None and self._valid(meter):
                found.add(code)
        return found

    def _content(self, code: str) -> dict[str, Fraction]:
        sums: dict[str, Fraction] = defaultdict(Fraction)
        for other, factor in self.drawn.meters[code].terms.items():
            sums[other] += factor
            for source, part in self._content(other).items():
                sums[source] += factor * part
        return sums

    def _used(self, code: str) -> Fraction | None:
        meter = self.drawn.meters[code]
        if not meter.terms:
            used = meter.quarters.get(self.at)
            return None if used is None else Fraction(used)
        parts = {other: self._used(other) for other in meter.terms}
        if None in parts.values():
            return None
        return sum((meter.terms[o] * (part or 0) for o, part in parts.items()), Fraction(0))
