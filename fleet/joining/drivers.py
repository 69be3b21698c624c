"""The driver that an order names against the card that was in the terminal meanwhile.

No card says nothing: terminals without a reader, cards at home and drivers without one are usual.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from fleet.joining.model import Card, Order, Vehicle
from fleet.joining.names import named
from fleet.joining.rules import SECOND_US, Rules
from fleet.joining.spoken import span_of
from fleet.joining.stated import About
from fleet.joining.verdict import Check, Doubt, Figure, Kind, Verdict, Why
from fleet.yards.spans import Span, joined, total, within, without
from storage.times import NEVER_US

_T = TypeVar("_T")
_APART: Final = re.compile(r"[\W\d_]+")
_TITLES: Final = re.compile("驾驶员|司机|师傅|同志")
_LOST: Final = "\ufffd"
"""Stands for bytes that are no text."""


@dataclass(frozen=True, slots=True)
class Presence:
    """A time in which a card was in a terminal; ``name`` None: whose is not known."""

    name: str | None
    span: Span


def present(cards: Sequence[Card], holds_us: int) -> Iterator[Presence]:
    """Yield whose card was in a terminal when, each terminal by itself.

    A card stays until the next word of that terminal, or as long as it is believed without one.
    """
    by_terminal: dict[int, list[Card]] = defaultdict(list)
    for card in sorted(cards, key=_turn):
        by_terminal[card.terminal].append(card)
    for told in by_terminal.values():
        for card, next_us in zip(told, (*(one.at_us for one in told[1:]), NEVER_US), strict=True):
            end = min(card.at_us + holds_us, card.bound_to_us, next_us)
            if card.event != "out" and card.at_us < end:
                yield Presence(_readable(card.name), (card.at_us, end))


def _turn(card: Card) -> tuple[int, bool, str, int]:
    """Return its turn: in one second a card goes before the next one comes."""
    return card.at_us, card.event != "out", card.name or "", card.bound_to_us


def names_in(text: str) -> frozenset[str]:
    """Return the names that a driver's cell may mean: parted at whatever is no letter, and whole.

    One letter alone is a surname (张师傅): that tells nobody from another.
    """
    plain = _TITLES.sub(" ", text)
    parts = {named(part) for part in (*_APART.split(plain), _APART.sub("", plain))}
    return frozenset(part for part in parts if len(part) > 1)


def driver_verdict(vehicle: Vehicle, order: Order, rules: Rules) -> Verdict:
    """Compare the driver of an order with the cards in the terminal while it was driven.

    Args:
        vehicle: with its orders by their begin, and its cards by time.
        order: one of them.
        rules: what is believed.
    """
    begin, end = span_of(order)
    about = About(
        *(Kind.ORDER, order.number, vehicle.code, begin, Check.DRIVER),
        *(begin - rules.card_us, end),
    )
    figures: tuple[Figure, ...] = (
        Figure("order", order.name),
        Figure("driver", order.driver or None),
        Figure("span_from_us", begin),
        Figure("span_to_us", end),
    )
    if vehicle.sensitive:
        return about.cannot_tell(Why.SENSITIVE, *figures)
    wanted = names_in(order.driver)
    if not wanted:
        return about.cannot_tell(Why.DRIVER_UNSTATED, *figures)
    driven = _driven(vehicle, order, about, rules)
    if not driven:
        return about.cannot_tell(Why.NO_TRIP, *figures)
    told = _between(vehicle.cards, about.from_us, end, lambda one: one.at_us)
    there = [one for one in present(told, rules.card_us) if within([one.span], driven)]
    return _compared(about, figures, driven, there, wanted)


def _compared(
    about: About,
    figures: tuple[Figure, ...],
    driven: Sequence[Span],
    there: Sequence[Presence],
    wanted: frozenset[str],
) -> Verdict:
    mine = _time([one for one in there if named(one.name or "") in wanted], driven)
    others = [one for one in there if one.name and named(one.name) not in wanted]
    theirs = _time(others, driven)
    figures = (
        *figures,
        Figure("driven_s", total(driven) // SECOND_US),
        Figure("card_own_s", mine // SECOND_US),
        Figure("card_names", "、".join(sorted({one.name or "" for one in others})) or None),
        Figure("card_others_s", theirs // SECOND_US),
    )
    if mine * 2 >= total(driven):
        return about.agrees(*figures)
    if theirs * 2 >= total(driven) and not mine:
        return about.doubt(Doubt.OTHER_DRIVER, *figures)
    if mine or theirs:
        return about.cannot_tell(Why.CARD_PARTLY, *figures)
    return about.cannot_tell(Why.CARD_UNREADABLE if there else Why.NO_CARD, *figures)


def _driven(vehicle: Vehicle, order: Order, about: About, rules: Rules) -> list[Span]:
    """Return when the vehicle drove within an order's times, and within those of no other."""
    mine = span_of(order)
    trips = vehicle.track.trips
    part = trips.touching(*mine)
    index = np.arange(part.start, part.stop)
    index = index[trips.distance_mm[index] >= rules.trip_mm]
    ways = zip(trips.started_us[index].tolist(), trips.ended_us[index].tolist(), strict=True)
    near = _between(vehicle.orders, about.from_us, about.to_us, lambda one: span_of(one)[0])
    others = joined(span_of(one) for one in near if one.number != order.number)
    return without(within(joined(ways), [mine]), others)


def _between(
    ascending: Sequence[_T], from_us: int, to_us: int, when: Callable[[_T], int]
) -> Sequence[_T]:
    first = bisect_left(ascending, from_us, key=when)
    return ascending[first : bisect_right(ascending, to_us, key=when)]


def _time(there: Sequence[Presence], driven: Sequence[Span]) -> int:
    return total(within(joined(one.span for one in there), driven))


def _readable(name: str | None) -> str | None:
    return None if name is None or _LOST in name or not named(name) else name
