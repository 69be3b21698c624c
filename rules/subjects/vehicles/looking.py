"""Some vehicles looked up: what fleet says of them in a time, as layers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, LiteralString
from zoneinfo import ZoneInfo

from fleet.joining.check import PAIR_DAYS
from fleet.joining.load import checked
from fleet.joining.verdict import Doubt, Kind, Verdict
from fleet.norms.load import Norms, mended, norms
from fleet.norms.upkeep import Upkeep, kept
from fleet.yards import load
from fleet.yards.source import Stored
from metering.gauge.hold import Holds
from rules.kinds.vehicles import NORMS, Layer
from rules.subjects.model import Basis, Conn, Inputs
from rules.subjects.vehicles.laid import Event, laid, pieces
from rules.subjects.vehicles.many import Many, months_of
from rules.subjects.vehicles.normal import norm_events, upkeep_events
from rules.subjects.vehicles.papers import OF_ORDERS, checks_for, paper_events, part_events
from rules.subjects.vehicles.places import LOOKS, asked, days, place_events
from rules.subjects.vehicles.secret import Days, apart
from rules.timeline.overlay import Windows
from storage import arrays
from storage.times import DAY_US, at_us, midnight, us_of

Events = Mapping[str, Sequence[Event]]
_CODES: Final[LiteralString] = """
    SELECT code, vehicle_id FROM fuel_consumer
    WHERE withdrawn_at IS NULL AND vehicle_id = ANY(%s::int[])
"""
_UNTIMED: Final[LiteralString] = """
    SELECT id FROM fleet_spending WHERE NOT timed AND id = ANY(%s::int[])
"""
_ORDERED: Final[LiteralString] = """
    SELECT min(least(day, (out_at AT TIME ZONE %(zone)s)::date))
    FROM dispatch_order
    JOIN fuel_consumer ON fuel_consumer.id = consumer_id AND fuel_consumer.withdrawn_at IS NULL
    WHERE vehicle_id = ANY(%(ids)s::int[]) AND dispatch_order.withdrawn_at IS NULL
        AND day <= %(last)s AND back_at > %(first)s
"""
_DUTY: Final[LiteralString] = """
    SELECT vehicle_id, from_at, to_at FROM fleet_duty
    WHERE withdrawn_at IS NULL AND vehicle_id = ANY(%s::int[])
"""
RATE, COST = (
    frozenset(f"{what}_{norm}_{end}" for norm in NORMS for end in ("least", "most"))
    for what in ("rate", "cost")
)
BY_MONTH: Final[frozenset[str]] = RATE | COST | {Layer.UPKEEP.value}
"""Known month by month; of others what is not told did not happen."""
_DAYS_AT_ONCE: Final = 10_000
"""Of vehicles: what is said of each paper and trip in them lies in memory."""
PAPERS: Final = frozenset(doubt.value for doubt in Doubt)


@dataclass(frozen=True, slots=True)
class KnownVehicles:
    """Some vehicles, and which layers are asked for.

    Attributes:
        ids: of them.
        basis: what evaluation rests on.
        wanted: layers.
        many: what is learned of all vehicles.
    """

    ids: tuple[int, ...]
    basis: Basis
    wanted: frozenset[str]
    many: Many

    def layers(self) -> Mapping[int, frozenset[str]]:
        """Return the same of all: what is not known of one is unknown."""
        return dict.fromkeys(self.ids, self.wanted)

    def reach_us(self) -> tuple[int, int]:
        """What is due of a vehicle reaches as far as it changes anything (:mod:`…vehicles.due`)."""
        return 0, 0

    def load(self, conn: Conn, windows: Windows) -> Inputs:
        """Return layers within windows."""
        found: dict[str, list[Event]] = defaultdict(list)
        for part in _alike(windows, self.basis.zone):
            span = days(int(part.begin.min()), int(part.end.max()), self.basis.zone)
            vehicles = part.subject.tolist()
            at = At(conn, self, tuple(vehicles), codes(conn, vehicles), span)
            for names, events_of in _SOURCES:
                if names & self.wanted:
                    for name, events in events_of(at).items():
                        found[name] += events
        return {name: [held(name, found[name], windows)] for name in sorted(self.wanted)}


def _alike(windows: Windows, zone: ZoneInfo) -> Iterator[Windows]:
    """Yield windows in parts that begin in one month and are about as long, none of them large.

    One doubt that goes on for a year makes its vehicle's window long, and not those of others.
    """
    lengths = ((windows.end - windows.begin) // DAY_US + 1).tolist()
    alike: dict[tuple[str, int], list[int]] = defaultdict(list)
    for row, (us, days_) in enumerate(zip(windows.begin.tolist(), lengths, strict=True)):
        alike[at_us(us).astimezone(zone).strftime("%Y-%m"), days_.bit_length()].append(row)
    for (_, bits), rows in sorted(alike.items(), reverse=True):
        most = max(_DAYS_AT_ONCE >> bits, 1)
        for first in range(0, len(rows), most):
            some = rows[first : first + most]
            yield Windows(windows.subject[some], windows.begin[some], windows.end[some])


def held(name: str, events: Sequence[Event], windows: Windows) -> Holds:
    """Return the events of a layer as it holds them; pure."""
    return pieces(events) if name in BY_MONTH else laid(events, windows)


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
    zone, believed = basis.zone, basis.believed.joining
    checks = checks_for(layers)
    if checks & OF_ORDERS:
        first = _ordered(at)
    near = timedelta(days=PAIR_DAYS)
    places = at.known.many.places(at.conn, months_of(first - near, last + near))
    return [
        verdict
        for (begin, end), whose in apart(at.conn, at.ids, (first, last), zone, believed).items()
        for verdict in checked(
            at.conn,
            begin,
            end + timedelta(days=1),
            zone,
            believed,
            only=whose,
            checks=checks,
            learned=places,
        )
    ]


def _ordered(at: At) -> date:
    """Return the first day, or that on which an order began that goes on then: some take weeks."""
    first, last = at.span
    since = midnight(first, at.basis.zone)
    values = {"zone": at.basis.zone.key, "ids": arrays.ids(at.vehicles), "last": last}
    ((began,),) = at.conn.execute(_ORDERED, values | {"first": since}).fetchall()
    return first if began is None else min(first, began)


def untimed(conn: Conn, found: Sequence[Verdict]) -> frozenset[int]:
    """Return the numbers of papers of which only the day is known."""
    papers = (Kind.FILLING, Kind.REPAIR)
    numbers = arrays.ids(one.number for one in found if one.kind in papers)
    return frozenset(number for (number,) in conn.execute(_UNTIMED, [numbers]))


def _papers(at: At) -> Events:
    found = verdicts(at, at.known.wanted)
    return paper_events(found, at.ids, untimed(at.conn, found), at.basis.zone)


def norms_of(at: At) -> Norms:
    """Return what vehicles used, and paid, against norms."""
    months, many = months_of(*at.span), at.known.many
    return norms(many.reading(at.conn, months), sorted(at.ids), many.used(at.conn, months))


def upkeep_of(at: At) -> Mapping[date, list[Upkeep]]:
    """Return what vehicles cost in twelve months, by the last one."""
    months = months_of(*at.span)
    classes = at.known.many.upkeep(at.conn, months)
    own = kept(at.conn, months, at.basis.zone, at.ids)
    return {month: [classes[month].against(one) for one in own[month]] for month in months}


def _norms(at: At) -> Events:
    found, zone = norms_of(at), at.basis.zone
    return {
        **norm_events("rate", found.rate, at.ids, zone),
        **norm_events("cost", found.cost, at.ids, zone),
    }


def _upkeep(at: At) -> Events:
    return {Layer.UPKEEP: upkeep_events(upkeep_of(at), at.ids, at.basis.zone)}


def _parts(at: At) -> Events:
    lines = mended(at.conn, sorted(at.ids))
    return {Layer.PART_EARLY: part_events(lines, at.ids, at.basis.zone)}


def _places(at: At) -> Events:
    vehicles = load.vehicles(at.conn, ids=at.vehicles)
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
    (RATE | COST, _norms),
    (frozenset({Layer.UPKEEP.value}), _upkeep),
    (frozenset({Layer.PART_EARLY.value}), _parts),
    (frozenset(LOOKS), _places),
    (frozenset({Layer.DUTY.value}), _duty),
)
"""Layers → who looks for them."""
