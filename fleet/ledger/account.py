"""The account of a vehicle in a window (单车核算): money, energy, kilometres, and their ratios."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg

from fleet.ledger import load
from fleet.ledger.consumption import Consumption, Leg, consumption, legs, together, yuan_per_km
from fleet.ledger.events import Dashboard, Event, Mileage, Stretch, Unknown, in_order
from fleet.ledger.load import Consumer, Order
from fleet.ledger.orders import Completeness, completeness
from fleet.ledger.window import Window
from fleet.ledger.words import Words

TANKS: Final = {"ml": "tank", "wh": "battery"}
"""Unit → the fact that says how much of it the vehicle holds; gas has none."""


@dataclass(frozen=True, slots=True)
class Account:
    """What the ledger says of one consumer in one window.

    Attributes:
        consumer: whose.
        window: which days.
        fen: kind of line → running cost; refunds are taken off what they give back.
        other_fen: kind of line → money that is no running cost: top-ups, transfers, goods, charging
            on the own premises.
        quantities: (product, on own premises) → whole units.
        unpriced: lines of running cost without an amount.
        events: of the window, in order.
        stretch: the kilometres, or why they are not known.
        used: unit → what was used on the stretch, or why it is not known.
        stretch_fen: running cost on the stretch.
        legs: unit → from full tank to full tank, ending in the window.
        orders: how complete they are.
    """

    consumer: Consumer
    window: Window
    fen: dict[str, int]
    other_fen: dict[str, int]
    quantities: dict[tuple[str, bool], int]
    unpriced: int
    events: tuple[Event, ...]
    stretch: Stretch | Unknown
    used: dict[str, Consumption | Unknown]
    stretch_fen: int
    legs: dict[str, tuple[Leg, ...]]
    orders: Completeness

    @property
    def cost(self) -> int:
        """Running cost in fen."""
        return sum(self.fen.values())

    @property
    def priced(self) -> bool:
        """Whether a line says an amount of running cost; otherwise ``cost`` is not known."""
        return any(one.counted and one.fen is not None for one in self.events)

    @property
    def yuan_per_km(self) -> Decimal | None:
        """Running cost on the stretch over its kilometres; None: not known."""
        if isinstance(self.stretch, Unknown) or self.stretch.hm <= 0:
            return None
        return yuan_per_km(self.stretch_fen, self.stretch.hm)


def accounts(  # noqa: PLR0913 - whose, when, and where kilometres come from
    conn: psycopg.Connection[Any],
    window: Window,
    zone: ZoneInfo,
    words: Words,
    *,
    codes: Sequence[str] | None = None,
    institutions: Sequence[str] | None = None,
    mileage: Mileage | None = None,
) -> list[Account]:
    """Return the accounts of consumers in a window, by institution and code.

    Args:
        conn: in any state.
        window: which months.
        zone: the site's.
        words: which money counts.
        codes: of consumers; None: all.
        institutions: their codes; None: all.
        mileage: where kilometres come from; None: readings of dashboards.
    """
    last = window.end - timedelta(days=1)
    whose = load.consumers(conn, last, codes, institutions, window.first)
    ids = [one.id for one in whose]
    events = load.events(conn, ids, window.times(zone), zone, words)
    orders = load.orders(conn, ids, (window.first, window.end))
    source = mileage or Dashboard()
    return [
        account(one, window, zone, events.get(one.id, []), orders.get(one.id, []), source)
        for one in whose
    ]


def account(  # noqa: PLR0913, PLR0917 - what one account is made of
    consumer: Consumer,
    window: Window,
    zone: ZoneInfo,
    events: Sequence[Event],
    orders: Iterable[Order],
    mileage: Mileage,
) -> Account:
    """Return the account of one consumer; pure.

    Args:
        consumer: whose.
        window: which days.
        zone: the site's.
        events: its events, from the last reading before the window on.
        orders: its orders of the window.
        mileage: where kilometres come from.
    """
    begin, end = window.times(zone)
    inside = in_order(one for one in events if begin <= one.at < end)
    fen: Counter[str] = Counter()
    other: Counter[str] = Counter()
    quantities: Counter[tuple[str, bool]] = Counter()
    for one in inside:
        if one.counted:
            fen[one.purpose] += one.fen or 0
        else:
            other[one.kind] += one.fen or 0
        if one.quantity is not None:
            quantities[one.product, one.own_premises] += one.quantity
    stretch = mileage.stretch(consumer.code, events, (begin, end))
    units = sorted({one.unit for one in inside if one.unit and one.energy})
    return Account(
        consumer=consumer,
        window=window,
        fen={kind: value for kind, value in fen.items() if value},
        other_fen={kind: value for kind, value in other.items() if value},
        quantities=dict(quantities),
        unpriced=sum(one.counted and one.fen is None for one in inside),
        events=tuple(inside),
        stretch=stretch,
        used={unit: _used(consumer, events, stretch, unit) for unit in units},
        stretch_fen=_money(events, stretch),
        legs={
            unit: tuple(leg for leg in legs(events, unit) if begin <= leg.last.at < end)
            for unit in units
        },
        orders=completeness(orders),
    )


@dataclass(frozen=True, slots=True)
class Average:
    """Of the vehicles of one class: Σ over Σ.

    Attributes:
        group: the class.
        unit: of what is used.
        used: Σ of what is known.
        vehicles: how many are in it.
        left_out: how many are not, because theirs is not known.
    """

    group: str
    unit: str
    used: Consumption | Unknown
    vehicles: int
    left_out: int


def averages(found: Iterable[Account]) -> list[Average]:
    """Return the consumption of each class of vehicles; without a class it is ``""``."""
    by_group: dict[tuple[str, str], list[Consumption | Unknown]] = defaultdict(list)
    for one in found:
        for unit, used in one.used.items():
            by_group[one.consumer.facts.get("class", ""), unit].append(used)
    result = []
    for (group, unit), all_used in sorted(by_group.items()):
        known = [used for used in all_used if isinstance(used, Consumption)]
        left = len(all_used) - len(known)
        result.append(Average(group, unit, together(known), len(known), left))
    return result


def _used(
    consumer: Consumer, events: Sequence[Event], stretch: Stretch | Unknown, unit: str
) -> Consumption | Unknown:
    if isinstance(stretch, Unknown):
        return stretch
    capacity = consumer.whole(TANKS[unit]) if unit in TANKS else None
    return consumption(events, stretch, unit, capacity)


def _money(events: Sequence[Event], stretch: Stretch | Unknown) -> int:
    if isinstance(stretch, Unknown):
        return 0
    return sum(one.fen or 0 for one in stretch.inside(events) if one.counted)
