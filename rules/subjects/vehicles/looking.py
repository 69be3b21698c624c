"""Some vehicles looked up: what fleet says of them in a time, as layers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, LiteralString

from fleet.joining.load import checked
from fleet.joining.verdict import Doubt, Kind, Verdict
from fleet.norms.load import Norms, mended, norms
from fleet.norms.upkeep import upkeep
from fleet.yards.source import Stored
from metering.gauge.hold import Holds
from rules.kinds.vehicles import NORMS, Layer
from rules.subjects.model import Basis, Conn, Inputs
from rules.subjects.vehicles.laid import Event, laid, pieces
from rules.subjects.vehicles.normal import norm_events, upkeep_events
from rules.subjects.vehicles.papers import checks_for, paper_events, part_events
from rules.subjects.vehicles.places import LOOKS, asked, days, place_events, some
from rules.timeline.overlay import Windows
from storage import arrays
from storage.times import us_of

Events = Mapping[str, Sequence[Event]]
Days = tuple[date, date]
"""The first and the last, local."""
_CODES: Final[LiteralString] = """
    SELECT code, vehicle_id FROM fuel_consumer
    WHERE withdrawn_at IS NULL AND vehicle_id = ANY(%s::int[])
"""
_UNTIMED: Final[LiteralString] = """
    SELECT id FROM fleet_spending WHERE NOT timed AND id = ANY(%s::int[])
"""
_DUTY: Final[LiteralString] = """
    SELECT vehicle_id, from_at, to_at FROM fleet_duty
    WHERE withdrawn_at IS NULL AND vehicle_id = ANY(%s::int[])
"""
RATE, COST = (
    frozenset(f"{what}_{norm}_{end}" for norm in NORMS for end in ("least", "most"))
    for what in ("rate", "cost")
)
_BY_MONTH: Final = RATE | COST | {Layer.UPKEEP}
"""Known month by month; of others what is not told did not happen."""
PAPERS: Final = frozenset(doubt.value for doubt in Doubt)


@dataclass(frozen=True, slots=True)
class KnownVehicles:
    """Some vehicles, and which layers are asked for.

    Attributes:
        ids: of them.
        basis: what evaluation rests on.
        wanted: layers.
        learned: norms that were looked up, by their months: a look is often widened.
    """

    ids: tuple[int, ...]
    basis: Basis
    wanted: frozenset[str]
    learned: dict[Days, Norms] = field(default_factory=dict)

    def layers(self) -> Mapping[int, frozenset[str]]:
        """Return the same of all: what is not known of one is unknown."""
        return dict.fromkeys(self.ids, self.wanted)

    def reach_us(self) -> tuple[int, int]:
        """What is due of a vehicle reaches as far as it changes anything (:mod:`…vehicles.due`)."""
        return 0, 0

    def load(self, conn: Conn, windows: Windows) -> Inputs:
        """Return layers within windows."""
        if not len(windows):
            return {}
        span = days(int(windows.begin.min()), int(windows.end.max()), self.basis.zone)
        vehicles = windows.subject.tolist()
        at = At(conn, self, tuple(vehicles), codes(conn, vehicles), span)
        found: dict[str, list[Event]] = defaultdict(list)
        for names, events_of in _SOURCES:
            if names & self.wanted:
                for name, events in events_of(at).items():
                    found[name] += events
        return {name: [held(name, found[name], windows)] for name in sorted(self.wanted)}

    def norms(self, conn: Conn, span: Days) -> Norms:
        """Return what is normal in the months of some days."""
        months = span[0].replace(day=1), span[1].replace(day=1)
        if months not in self.learned:
            basis = self.basis
            self.learned[months] = norms(conn, *months, basis.zone, basis.believed.joining)
        return self.learned[months]


def held(name: str, events: Sequence[Event], windows: Windows) -> Holds:
    """Return the events of a layer as it holds them; pure."""
    return pieces(events) if name in _BY_MONTH else laid(events, windows)


@dataclass(frozen=True, slots=True)
class At:
    """Where layers are looked for.

    Attributes:
        conn: any connection.
        known: which layers.
        vehicles: ids of those that are looked at.
        ids: code in the ledger → id, of those of them that it keeps.
        span: in which days.
    """

    conn: Conn
    known: KnownVehicles
    vehicles: tuple[int, ...]
    ids: Mapping[str, int]
    span: Days

    @property
    def basis(self) -> Basis:
        """What evaluation rests on."""
        return self.known.basis


def codes(conn: Conn, ids: Collection[int]) -> dict[str, int]:
    """Return code in the ledger → id of vehicles; those that it does not keep are left out."""
    return dict(conn.execute(_CODES, [arrays.ids(ids)]).fetchall())


def verdicts(at: At, layers: Collection[str]) -> list[Verdict]:
    """Return what comparing papers with tracks says, for some layers."""
    basis, (first, last) = at.basis, at.span
    return list(
        checked(
            at.conn,
            first,
            last + timedelta(days=1),
            basis.zone,
            basis.believed.joining,
            only=sorted(at.ids),
            checks=checks_for(layers),
        )
    )


def untimed(conn: Conn, found: Sequence[Verdict]) -> frozenset[int]:
    """Return the numbers of papers of which only the day is known."""
    papers = (Kind.FILLING, Kind.REPAIR)
    numbers = arrays.ids(one.number for one in found if one.kind in papers)
    return frozenset(number for (number,) in conn.execute(_UNTIMED, [numbers]))


def _papers(at: At) -> Events:
    found = verdicts(at, at.known.wanted)
    return paper_events(found, at.ids, untimed(at.conn, found), at.basis.zone)


def _rates(at: At) -> Events:
    return norm_events("rate", at.known.norms(at.conn, at.span).rate, at.ids, at.basis.zone)


def _costs(at: At) -> Events:
    return norm_events("cost", at.known.norms(at.conn, at.span).cost, at.ids, at.basis.zone)


def _upkeep(at: At) -> Events:
    found = upkeep(at.conn, *at.span, at.basis.zone)
    return {Layer.UPKEEP: upkeep_events(found, at.ids, at.basis.zone)}


def _parts(at: At) -> Events:
    lines = mended(at.conn, sorted(at.ids))
    return {Layer.PART_EARLY: part_events(lines, at.ids, at.basis.zone)}


def _places(at: At) -> Events:
    vehicles = some(at.conn, at.vehicles)
    question = asked(at.basis, *at.span)
    return {
        layer: [
            event
            for its in look(Stored(at.conn), question, vehicles)
            for event in place_events(its)
        ]
        for layer, look in LOOKS.items()
        if layer in at.known.wanted
    }


def _duty(at: At) -> Events:
    rows = at.conn.execute(_DUTY, [arrays.ids(at.vehicles)])
    return {Layer.DUTY: [Event(one, us_of(begin), us_of(end)) for one, begin, end in rows]}


_SOURCES: Final[tuple[tuple[frozenset[str], Callable[[At], Events]], ...]] = (
    (PAPERS, _papers),
    (RATE, _rates),
    (COST, _costs),
    (frozenset({Layer.UPKEEP.value}), _upkeep),
    (frozenset({Layer.PART_EARLY.value}), _parts),
    (frozenset(LOOKS), _places),
    (frozenset({Layer.DUTY.value}), _duty),
)
"""Layers → who looks for them."""
