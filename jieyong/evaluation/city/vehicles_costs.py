"""What simulated vehicles use, pay and are mended for, as norms take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from fleet.joining.model import Filling, Track
from fleet.joining.rules import Rules
from fleet.ledger.account import account
from fleet.ledger.events import Dashboard, Event
from fleet.ledger.load import Consumer
from fleet.ledger.mileage import Day, First, Positions
from fleet.ledger.window import later, rolling
from fleet.norms.compare import PAST, WINDOWS, Compared, Member, compared
from fleet.norms.prices import Prices, in_money
from fleet.norms.upkeep import Upkeep, until_month
from fleet.norms.used import Books
from simulators.city.vehicles_model import Vehicle
from storage.times import midnight, us_of

_SECOND: Final = 1_000_000
_EPOCH: Final = date(1970, 1, 1)
Days = tuple[date, date]


def costs(  # noqa: PLR0913, PLR0917 - what is compared, each by its name
    what: str,
    vehicles: Sequence[Vehicle],
    tracks: Sequence[Track],
    span: Days,
    rules: Rules,
    zone: ZoneInfo,
) -> Mapping[date, Sequence[Compared]]:
    """Hold what vehicles used (``rate``), or paid for it (``cost``), against norms, by month.

    What is read, and from when on, is that of :func:`fleet.norms.load.norms`.
    """
    before = PAST + max(WINDOWS) - 1
    months = [later(span[0], -before)]
    while months[-1] <= span[1]:
        months.append(later(months[-1], 1))
    begins = [us_of(midnight(month, zone)) for month in months]
    bought = [_fillings(one, zone) for one in vehicles]
    if what == "cost":
        prices = Prices.paid(one for its in bought for one in its)
        bought = [[in_money(one, prices) for one in its] for its in bought]
    members = [
        Member(one.code, Books(its, track, rules), one.car.energy, ((0, one.car.kind),))
        for one, its, track in zip(vehicles, bought, tracks, strict=True)
        if its
    ]
    found = compared(members, begins, range(before, len(months) - 1), rules)
    return {months[number]: its for number, its in found.items()}


def _fillings(one: Vehicle, zone: ZoneInfo) -> list[Filling]:
    return [
        Filling(
            number=paper.number,
            at_us=paper.at_s * _SECOND,
            day_us=us_of(midnight(datetime.fromtimestamp(paper.at_s, zone).date(), zone)),
            month_us=0,
            energy=one.car.energy,
            ml=paper.ml,
            tank_ml=one.car.tank_l * 1_000,
            odometer_hm=paper.odometer_hm,
            full=paper.full,
            fen=paper.fen,
        )
        for paper in one.fillings
    ]


def upkeeps(
    vehicles: Sequence[Vehicle], span: Days, zone: ZoneInfo
) -> Mapping[date, Sequence[Upkeep]]:
    """Hold what upkeep of twelve months cost against the class, by month until its end."""
    papers = [_events(one, zone) for one in vehicles]
    days = {one.code: _days(one) for one in vehicles}
    mileage = First(Dashboard(), Positions("terminal", days, zone), Positions("gps", days, zone))
    found, month = {}, span[0].replace(day=1)
    while month <= span[1]:
        window = rolling(month)[2]
        its = [
            account(_consumer(one), window, zone, events, [], mileage)
            for one, events in zip(vehicles, papers, strict=True)
        ]
        found[month] = until_month(its, month, zone)
        month = later(month, 1)
    return found


def _consumer(one: Vehicle) -> Consumer:
    facts = {"class": one.car.kind, "energy": one.car.energy}
    return Consumer(one.car.number, one.code, "vehicle", "", "", facts)


def _events(one: Vehicle, zone: ZoneInfo) -> list[Event]:
    mended = [
        Event(
            datetime.fromtimestamp(paper.at_s, zone),
            paper.number,
            "maintenance",
            paper.odometer_hm,
            fen=paper.fen,
            counted=True,
            timed=False,
        )
        for paper in one.repairs
    ]
    filled = [
        Event(
            datetime.fromtimestamp(paper.at_s, zone),
            paper.number,
            "filling",
            paper.odometer_hm,
            fen=paper.fen,
            counted=True,
        )
        for paper in one.fillings
    ]
    return sorted([*mended, *filled], key=lambda event: event.place)


def _days(one: Vehicle) -> list[Day]:
    """Return how far it went by day; nothing where its terminal was silent."""
    if not one.legs or not one.car.terminal:
        return []
    number = np.array([(leg.begin_s + 8 * 3_600) // 86_400 for leg in one.legs])
    first = int(number[0])
    mm = np.bincount(number - first, [leg.metres * 1_000 for leg in one.legs]).round()
    return [
        Day(_EPOCH + timedelta(days=first + n), int(way), int(way), seen=True)
        for n, way in enumerate(mm.tolist())
    ]
