"""What is learned of all vehicles, for a look at some of them: as it is kept, or learned now.

A single paper must not make everything be read: what the others are is then as old as the last
time that it was learned. What has changed since :mod:`rules.subjects.vehicles.settling` learns
again, and makes due whom that concerns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, LiteralString

from fleet.joining.learn import Place
from fleet.ledger.window import later
from fleet.norms.compare import WINDOWS, Beside
from fleet.norms.load import Besides, Reading, Used
from fleet.norms.many import Known, Learned
from fleet.norms.upkeep import Classes
from rules.subjects.model import Basis, Conn
from rules.subjects.vehicles import kept
from rules.subjects.vehicles.kept import Body, Part
from storage.times import midnight, us_of

NOTHING: Final = Used({length: [] for length in WINDOWS}, {length: [] for length in WINDOWS})
NOWHERE: Final = Known({}, {})
_LAST: Final[LiteralString] = """
    SELECT date_trunc('month', max(at) AT TIME ZONE %s)::date FROM fleet_spending
    WHERE withdrawn_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Many:
    """What is learned of all vehicles.

    Attributes:
        basis: what evaluation rests on.
        keeps: what is not kept yet is kept once it is learned; False: nothing is written.
    """

    basis: Basis
    keeps: bool = True
    _papers: dict[date, Learned] = field(default_factory=dict)
    _upkeep: dict[date, Classes] = field(default_factory=dict)
    _besides: dict[tuple[str, date, int], Beside] = field(default_factory=dict)
    _readings: dict[Sequence[date], Reading] = field(default_factory=dict)

    def places(self, conn: Conn, months: Sequence[date]) -> Places:
        """Return where stations and garages are in months."""
        zone, found = self.basis.zone, self._told(conn, months)
        return Places({us_of(midnight(month, zone)): one.places for month, one in found.items()})

    def used(self, conn: Conn, months: Sequence[date]) -> Besides:
        """Return what vehicles used in months, for some to be held against them."""
        found = self._told(conn, months)

        def beside(what: str, month: date, length: int) -> Beside:
            key = what, month, length
            if key not in self._besides:
                used = found[month].used if month in found else NOTHING
                its = used.rate if what == "rate" else used.cost
                self._besides[key] = Beside(its[length])
            return self._besides[key]

        return beside

    def reading(self, conn: Conn, months: Sequence[date]) -> Reading:
        """Return what reads the ways and papers of months."""
        key = tuple(months)
        if key not in self._readings:
            zone, believed = self.basis.zone, self.basis.believed.joining
            self._readings[key] = Reading(conn, months[0], months[-1], zone, believed)
        return self._readings[key]

    def upkeep(self, conn: Conn, months: Sequence[date]) -> Mapping[date, Classes]:
        """Return what they cost in the twelve months that end with each."""
        missing = [month for month in months if month not in self._upkeep]
        for month, body in self._bodies(conn, Part.UPKEEP, missing).items():
            self._upkeep[month] = Classes(kept.upkeep_of(body))
        return {month: self._upkeep[month] for month in months}

    def _told(self, conn: Conn, months: Sequence[date]) -> Mapping[date, Learned]:
        """Return what papers tell of months: of those behind the last paper nothing is asked."""
        ((last,),) = conn.execute(_LAST, [self.basis.zone.key]).fetchall()
        asked = [month for month in months if last is not None and month <= last]
        missing = [month for month in asked if month not in self._papers]
        for month, body in self._bodies(conn, Part.PAPERS, missing).items():
            self._papers[month] = kept.papers_of(body)
        return {month: self._papers[month] for month in asked}

    def _bodies(self, conn: Conn, part: Part, months: Sequence[date]) -> Body:
        if not months:
            return {}
        found = dict(kept.recall(conn, part, months, self.basis))
        missing = [month for month in months if month not in found]
        if missing and self.keeps:
            conn.execute("SELECT pg_advisory_xact_lock(%s)", [kept.LOCK])
        for learned in kept.learn(conn, part, missing, self.basis):
            found |= learned
            if self.keeps:
                kept.keep(conn, part, learned, self.basis)
        return found


@dataclass(frozen=True, slots=True)
class Places:
    """Stations and garages by the begin of months; see :class:`fleet.joining.check.Learned`."""

    known: Mapping[int, Known]

    def stations(self, month_us: int) -> Mapping[str, Place]:
        """Return where stations are."""
        return self.known.get(month_us, NOWHERE).stations

    def garages(self, month_us: int) -> Mapping[str, Place]:
        """Return where garages are."""
        return self.known.get(month_us, NOWHERE).garages


def months_of(first: date, last: date) -> list[date]:
    """Return the first days of the months from the one of a day to that of another."""
    found = [first.replace(day=1)]
    while later(found[-1], 1) <= last:
        found.append(later(found[-1], 1))
    return found
