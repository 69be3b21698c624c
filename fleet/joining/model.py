"""What is joined: what papers say of a vehicle, and what its track says. Whole units, µs UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from fleet.fence.shape import Circle, Polygon
from fleet.track.fixes import Floats, Int64s

UNKNOWN = -1
"""In arrays of whole numbers: not known. Nothing that is kept there can be negative."""


@dataclass(frozen=True, slots=True)
class Filling:
    """A refuelling as a paper tells it.

    Attributes:
        number: its id in the ledger.
        at_us: when; noon of its day where only that is known.
        day_us: begin of its local day.
        month_us: begin of its local month: what is learned of before that speaks for it.
        timed: the time of day is known.
        product: what was filled; empty: not stated.
        energy: what the vehicle ran on that day; None: not known.
        ml: litres filled; None: not stated, or not a liquid.
        tank_ml: of the vehicle on that day; None: not known.
        odometer_hm: what the dashboard showed; None: not stated.
        full: the tank was full afterwards.
        missed: a filling before this one is not in the books.
        merchant: what the paper calls the station.
        card: that paid; empty: none.
        written: code of the vehicle that the paper names beside its card; empty: it names none.
        fen: what was paid; None: not stated.
    """

    number: int
    at_us: int
    day_us: int
    month_us: int
    timed: bool = True
    product: str = "petrol"
    energy: str | None = None
    ml: int | None = None
    tank_ml: int | None = None
    odometer_hm: int | None = None
    full: bool = False
    missed: bool = False
    merchant: str = ""
    card: str = ""
    written: str = ""
    fen: int | None = None


@dataclass(frozen=True, slots=True)
class Repair:
    """An invoice of a garage; see :class:`Filling`."""

    number: int
    at_us: int
    day_us: int
    month_us: int
    merchant: str = ""
    part: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """A dispatch order; None: not stated.

    Attributes:
        number: its id in the ledger.
        name: its number on paper.
        day_us: begin of its local day.
        out_us, back_us: when.
        out_hm, back_hm: what the dashboard showed.
        missing: what it should say and does not, in Chinese.
        driver: as it is written; empty: not stated.
    """

    number: int
    name: str
    day_us: int
    out_us: int | None = None
    back_us: int | None = None
    out_hm: int | None = None
    back_hm: int | None = None
    missing: tuple[str, ...] = ()
    driver: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """What a terminal told of a driver's card.

    Attributes:
        terminal: its id.
        at_us: when.
        event: ``in``, ``out``, ``read``.
        name: on the card; None: not known.
        bound_to_us: when the terminal was no longer the vehicle's.
    """

    terminal: int
    at_us: int
    event: str
    name: str | None
    bound_to_us: int


@dataclass(frozen=True, slots=True)
class Stops:
    """Where a vehicle stood, ascending, apart; one entry for each stop.

    Attributes:
        began_us, ended_us: when.
        lat, lon: where; NaN: no place is kept (sensitive vehicles).
        terminal_mm: what the terminal's odometer gained meanwhile; -1: not known.
        silent_s: longest time without a fix, of which no odometer tells.
    """

    began_us: Int64s
    ended_us: Int64s
    lat: Floats
    lon: Floats
    terminal_mm: Int64s
    silent_s: Int64s

    def __len__(self) -> int:
        return len(self.began_us)

    def touching(self, from_us: int, to_us: int) -> range:
        """Return which of them touch a span of time."""
        return _touching(self.began_us, self.ended_us, from_us, to_us)


@dataclass(frozen=True, slots=True)
class Trips:
    """The ways between stops, ascending; see :class:`fleet.trips.model.Trip`."""

    started_us: Int64s
    ended_us: Int64s
    distance_mm: Int64s
    gap_mm: Int64s
    terminal_mm: Int64s
    flags: Int64s

    def __len__(self) -> int:
        return len(self.started_us)

    def touching(self, from_us: int, to_us: int) -> range:
        """Return which of them touch a span of time."""
        return _touching(self.started_us, self.ended_us, from_us, to_us)


@dataclass(frozen=True, slots=True)
class Sight:
    """Single fixes, ascending, around what no stop explains; NaN: no place is kept."""

    t_us: Int64s
    lat: Floats
    lon: Floats

    def between(self, from_us: int, to_us: int) -> slice:
        """Return those of a span of time, both ends included."""
        begin, end = np.searchsorted(self.t_us, [from_us, to_us + 1])
        return slice(int(begin), int(end))

    def placeless(self) -> Sight:
        """Return when there were fixes, without where: of a sensitive vehicle."""
        nowhere = np.full(len(self.t_us), np.nan)
        return Sight(self.t_us, nowhere, nowhere)


def _none() -> Int64s:
    return np.zeros(0, np.int64)


def _nowhere() -> Floats:
    return np.zeros(0, np.float64)


@dataclass(frozen=True, slots=True)
class Track:
    """What is known of where a vehicle was."""

    stops: Stops = field(
        default_factory=lambda: Stops(_none(), _none(), _nowhere(), _nowhere(), _none(), _none())
    )
    trips: Trips = field(
        default_factory=lambda: Trips(*(_none(), _none(), _none(), _none(), _none(), _none()))
    )
    sight: Sight = field(default_factory=lambda: Sight(_none(), _nowhere(), _nowhere()))


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle with its papers, each ascending by time, and its track.

    Attributes:
        code: in the ledger.
        sensitive: its places are not kept and not compared.
        fillings, repairs, orders: its papers.
        track: what is known of where it was.
        cards: of drivers, about its orders.
    """

    code: str
    sensitive: bool = False
    fillings: tuple[Filling, ...] = ()
    repairs: tuple[Repair, ...] = ()
    orders: tuple[Order, ...] = ()
    track: Track = field(default_factory=Track)
    cards: tuple[Card, ...] = ()


@dataclass(frozen=True, slots=True)
class Fence:
    """A fence as papers are held against it.

    Attributes:
        code, name: a paper may say either.
        purpose: a kind of designated place; empty: none.
        since_us, until_us: begin of its first local day, and of the first that is no longer its.
        shape: where it is.
        margin_mm: so far beyond its edge is there, too.
    """

    code: str
    name: str
    purpose: str
    since_us: int
    until_us: int
    shape: Circle | Polygon
    margin_mm: int


@dataclass(frozen=True, slots=True)
class Unheld:
    """A filling by a card that was nobody's at its time."""

    number: int
    at_us: int
    card: str


@dataclass(frozen=True, slots=True)
class Records:
    """Everything that is compared: of all vehicles, for stations are learned from several.

    Attributes:
        vehicles: code → vehicle.
        unheld: fillings that belong to no vehicle.
        fences: that stand.
    """

    vehicles: Mapping[str, Vehicle]
    unheld: tuple[Unheld, ...] = ()
    fences: tuple[Fence, ...] = ()


def _touching(began: Int64s, ended: Int64s, from_us: int, to_us: int) -> range:
    """Return which of some spans, ascending and apart, touch another one."""
    first = int(np.searchsorted(ended, from_us, side="left"))
    end = int(np.searchsorted(began, to_us, side="right"))
    return range(first, max(first, end))
