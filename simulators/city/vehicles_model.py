"""What is true of a vehicle in the city: its ways, its papers, and what its terminal was silent of.

Places are metres east and north of the city's middle; times are s UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from simulators.city.model import Subject
from simulators.city.spans import Spans

Point = tuple[float, float]
TAIL_HOURS: Final = (7 * 3_600, 20 * 3_600)
"""From when to when vehicles stay where they are on their weekday, s from midnight."""
NIGHT: Final = (22 * 3_600, 30 * 3_600)
"""From when to when they stand in their yards."""
YARD_M: Final = 150
"""Radius of a yard."""


@dataclass(frozen=True, slots=True)
class Car:
    """What a vehicle is.

    Attributes:
        number: in the city.
        institution: whose.
        kind: its class, as ledgers have it.
        use: likewise; empty: ordinary.
        word: the tag that somebody entered; empty: none.
        energy: what it runs on.
        tail: last digit of its plate.
        tank_l, rate: nominal litres; L/100 km in spring.
        yards: where it may stand at night; the first is its own.
        home: where its driver lives.
        busy: how often it is out in half a day.
        km: half of its ways are shorter.
        since: local day since 1970 from which it is there.
        sealed: local days on which its state is that, from the first to before the second.
        basement: in its yard it is not seen.
        orders: its orders are kept.
        terminal: it has one that tells where it is.
        reads: papers say what its dashboard shows.
        cap_yuan: most that its card pays at once; 0: no limit.
    """

    number: int
    institution: int
    kind: str
    use: str
    word: str
    energy: str
    tail: int
    tank_l: int
    rate: float
    yards: tuple[Point, Point]
    home: Point
    busy: float
    km: float
    since: int
    sealed: tuple[int, int]
    basement: bool
    orders: bool
    terminal: bool
    reads: bool
    cap_yuan: int

    @property
    def code(self) -> str:
        """Its name."""
        return f"v{self.number:04}"

    @property
    def exempt(self) -> bool:
        """Whether it drives when it must, without an order."""
        return self.use in {"law", "special"} or bool(self.word)

    @property
    def without_tail(self) -> bool:
        """Whether days by plates do not bind it."""
        return self.use in {"confidential", "emergency", "law", "special"} or bool(self.word)


@dataclass(frozen=True, slots=True)
class Order:
    """An approved order as it is written; ``back_s`` None: it does not say."""

    number: int
    out_s: int
    back_s: int | None


@dataclass(frozen=True, slots=True)
class Leg:
    """A way from one place to another.

    Attributes:
        begin_s, end_s: when.
        start, end: from where to where.
        metres: how far.
        outing: legs of one outing have one number.
        ordered: somebody approved it.
    """

    begin_s: int
    end_s: int
    start: Point
    end: Point
    metres: float
    outing: int
    ordered: bool


@dataclass(frozen=True, slots=True)
class Repair:
    """A line of an invoice; None: not stated."""

    number: int
    at_s: int
    text: str
    fen: int | None
    odometer_hm: int | None


@dataclass(frozen=True, slots=True)
class Filling:
    """A line of a fuel card; None: not stated."""

    number: int
    at_s: int
    ml: int
    fen: int
    odometer_hm: int | None
    full: bool


@dataclass(frozen=True, slots=True)
class Vehicle(Subject):
    """A vehicle as a subject.

    Attributes:
        car: what it is.
        legs: its ways, ascending.
        orders, duty: what permits them.
        idle: when its engine ran and it stood.
        silent: when its terminal told nothing.
        resets: when its terminal's odometer began anew.
        repairs, fillings: its papers, ascending.
    """

    car: Car
    legs: tuple[Leg, ...]
    orders: tuple[Order, ...]
    duty: Spans
    idle: Spans
    silent: Spans
    resets: tuple[int, ...]
    repairs: tuple[Repair, ...]
    fillings: tuple[Filling, ...]
