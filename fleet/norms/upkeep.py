"""What upkeep costs a kilometre over twelve months, against other vehicles of the class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg

from fleet.ledger.account import Account, accounts
from fleet.ledger.events import Stretch
from fleet.ledger.mileage import in_turn
from fleet.ledger.window import later, rolling
from fleet.ledger.words import words
from fleet.norms.peers import Peers, others
from storage.times import midnight

LEAST_HM: Final = 50_000
"""5,000 km: of less one repair makes any figure."""
_LEAST_SIGMA: Final = 0.3
"""Of the median: repairs come in lumps."""


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Maintenance of a vehicle over twelve months; whole fen, hundreds of metres.

    Attributes:
        code: whose.
        fen: what is compared: all but the dearest line, for one true repair is soon explained.
        hm: how far it went.
        peers: others of its class; None: too few.
        dearest_fen: what that line cost.
    """

    code: str
    fen: int
    hm: int
    peers: Peers | None
    dearest_fen: int = 0

    @property
    def over(self) -> float | None:
        """Per cent above what is normal of its class; None: cannot be told."""
        if self.peers is None or self.peers.fence <= 0:
            return None
        return (self.fen / self.hm / self.peers.fence - 1) * 100


def upkeep(
    conn: psycopg.Connection[Any], first: date, last: date, zone: ZoneInfo
) -> Mapping[date, list[Upkeep]]:
    """Return, by month from the one of a day to that of another, what upkeep costs until its end.

    Args:
        conn: in any state.
        first: a day of the first month.
        last: a day of the last month.
        zone: the site's.
    """
    found = {}
    month = first.replace(day=1)
    while month <= last:
        window = rolling(month)[2]
        its = accounts(conn, window, zone, words(), mileage=in_turn(conn, window, zone))
        found[month] = until_month(its, month, zone)
        month = later(month, 1)
    return found


def until_month(its: Sequence[Account], month: date, zone: ZoneInfo) -> list[Upkeep]:
    """Hold accounts of twelve months that end with a month against those of their class.

    A month that has not come, or of which nothing is read, says nothing of its own.
    """
    begun = midnight(month, zone)
    return against_class([one for one in its if _until(one, begun)])


def against_class(found: list[Account]) -> list[Upkeep]:
    """Hold accounts against those of their class: energy and kind of vehicle."""
    known = [
        (one, one.stretch.hm)
        for one in found
        if isinstance(one.stretch, Stretch) and one.stretch.hm >= LEAST_HM
    ]
    costs = [_spent(one) for one, _ in known]
    groups = [(_group(one), fen / hm) for (one, hm), (fen, _) in zip(known, costs, strict=True)]
    peers = others(groups, _LEAST_SIGMA)
    return [
        Upkeep(one.consumer.code, fen, hm, its if _group(one).strip() else None, dearest)
        for (one, hm), (fen, dearest), its in zip(known, costs, peers, strict=True)
    ]


def _spent(one: Account) -> tuple[int, int]:
    """Return what upkeep cost without its dearest line, and that line; fen."""
    lines = [e.fen or 0 for e in one.events if e.counted and e.purpose == "maintenance"]
    dearest = max([0, *lines])
    return one.fen.get("maintenance", 0) - dearest, dearest


def _until(one: Account, begun: datetime) -> bool:
    return isinstance(one.stretch, Stretch) and one.stretch.until >= begun


def _group(one: Account) -> str:
    facts = one.consumer.facts
    return f"{facts.get('energy', '')} {facts['class']}" if "class" in facts else ""
