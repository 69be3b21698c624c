"""What comparing found: agrees, a doubt, or cannot tell; with what was compared.

A doubt (疑点) is a question to people. Nothing here says who is right.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Finding(enum.StrEnum):
    """What was found."""

    AGREES = "agrees"
    DOUBT = "doubt"
    CANNOT_TELL = "cannot_tell"


class Check(enum.StrEnum):
    """What was compared."""

    PLACE = "place"  # a filling with where the vehicle was
    TRAVEL = "travel"  # a filling with whether the vehicle moved
    TANK = "tank"  # litres with what the tank holds
    ROOM = "room"  # litres with what the tank still had room for
    PAIR = "pair"  # a filling with the one before it
    LITRES = "litres"  # the litres of several fillings with the way
    HOLDER = "holder"  # the vehicle that a paper names with the one that holds its card
    FUEL = "fuel"  # the product with what the vehicle runs on
    GARAGE = "garage"  # an invoice with where the vehicle was
    ORDER = "order"  # an order with the trips
    TRIP = "trip"  # a trip with the orders
    DRIVER = "driver"  # an order's driver with the card in the terminal


class Doubt(enum.StrEnum):
    """Kinds of doubts."""

    BORROWED_CARD = "borrowed_card"
    OTHER_VEHICLE = "other_vehicle"
    STATION_ELSEWHERE = "station_elsewhere"
    WITHOUT_TRAVEL = "without_travel"
    OVERFILL = "overfill"
    TWO_FILLS = "two_fills"
    PADDED_LITRES = "padded_litres"
    WRONG_FUEL = "wrong_fuel"
    GARAGE_NEVER_VISITED = "garage_never_visited"
    ORDER_WITHOUT_TRIP = "order_without_trip"
    ORDER_KILOMETRES = "order_kilometres"
    TRIP_WITHOUT_ORDER = "trip_without_order"
    OTHER_DRIVER = "other_driver"


class Why(enum.StrEnum):
    """Why one cannot tell."""

    CARD_UNHELD = "card_unheld"
    SENSITIVE = "sensitive"
    NO_TRACK = "no_track"
    TRACK_INCOMPLETE = "track_incomplete"
    MERCHANT_UNSTATED = "merchant_unstated"
    PLACE_UNKNOWN = "place_unknown"
    PLACE_THIN = "place_thin"
    TIME_DIFFERS = "time_differs"
    TIME_UNKNOWN = "time_unknown"
    TANK_UNKNOWN = "tank_unknown"
    LITRES_UNKNOWN = "litres_unknown"
    DISTANCE_UNKNOWN = "distance_unknown"
    HISTORY_SHORT = "history_short"
    VEHICLE_UNSTATED = "vehicle_unstated"
    PRODUCT_UNKNOWN = "product_unknown"
    ENERGY_UNKNOWN = "energy_unknown"
    UNUSUAL_STOP = "unusual_stop"
    NO_ORDERS = "no_orders"
    DRIVER_UNSTATED = "driver_unstated"
    NO_TRIP = "no_trip"
    WAY_SHORT = "way_short"
    NO_CARD = "no_card"
    CARD_UNREADABLE = "card_unreadable"
    CARD_PARTLY = "card_partly"


class Kind(enum.StrEnum):
    """What a verdict is about."""

    FILLING = "filling"
    REPAIR = "repair"
    ORDER = "order"
    TRIP = "trip"


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that was compared.

    Attributes:
        name: a key of :data:`fleet.joining.said.FIGURES`.
        value: in the unit of its name's ending: ``_us`` (a moment), ``_s``, ``_mm``, ``_ml``,
            ``_pct``; without one: a count or a text; None: not known, which is never 0.
    """

    name: str
    value: int | str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one comparison found.

    Attributes:
        kind: of what it is about.
        number: id in the ledger; of a trip: its begin, µs UTC.
        vehicle: code; empty: of no vehicle.
        at_us: when that was.
        check: what was compared.
        finding: agrees, doubt, cannot tell.
        doubt: which kind of doubt; None: none.
        why: why one cannot tell; None: one can.
        figures: what was compared, with tolerances and with what is not known.
        from_us, to_us: only records of this span of time entered.
    """

    kind: Kind
    number: int
    vehicle: str
    at_us: int
    check: Check
    finding: Finding
    doubt: Doubt | None
    why: Why | None
    figures: tuple[Figure, ...]
    from_us: int
    to_us: int
