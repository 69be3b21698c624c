"""What upkeep costs a kilometre over twelve months, against other vehicles of the class."""

from __future__ import annotations

from collections.abc import Mapping
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
    """Maintenance of a vehicle over twelve months; whole fen, hundreds of metres."""

    code: str
    fen: int
    hm: int
    peers: Peers | None

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
        # A month that has not come, or of which nothing is read, says nothing of its own.
        begun = midnight(month, zone)
        found[month] = against_class([one for one in its if _until(one, begun)])
        month = later(month, 1)
    return found


def against_class(found: list[Account]) -> list[Upkeep]:
    """Hold accounts against those of their class: energy and kind of vehicle."""
    known = [
        (one, one.stretch.hm)
        for one in found
        if isinstance(one.stretch, Stretch) and one.stretch.hm >= LEAST_HM
    ]
    costs = [(one.fen.get("maintenance", 0), hm) for one, hm in known]
    groups = [(_group(one), fen / hm) for (one, _), (fen, hm) in zip(known, costs, strict=True)]
    peers = others(groups, _LEAST_SIGMA)
    return [
        Upkeep(one.consumer.code, fen, hm, its if _group(one).strip() else None)
        for (one, _), (fen, hm), its in zip(known, costs, peers, strict=True)
    ]


def _until(one: Account, begun: datetime) -> bool:
    return isinstance(one.stretch, Stretch) and one.stretch.until >= begun


def _group(one: Account) -> str:
    facts = one.consumer.facts
    return f"{facts.get('energy', '')} {facts['class']}" if "class" in facts else ""
