"""What upkeep costs a kilometre over twelve months, against other vehicles of the class."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import numpy as np
import psycopg

from fleet.derive.arrays import items
from fleet.ledger import load
from fleet.ledger.account import Account
from fleet.ledger.events import Stretch
from fleet.ledger.load import Consumer
from fleet.ledger.window import Window, later, rolling
from fleet.ledger.words import words
from fleet.norms.driven import Driven, driven
from fleet.norms.peers import Groups, Peers
from fleet.track.fixes import Int64s
from storage.records import PG_EPOCH_US
from storage.times import midnight, us_of

LEAST_HM: Final = 50_000
"""5,000 km: of less one repair makes any figure."""
_LEAST_SIGMA: Final = 0.3
"""Of the median: repairs come in lumps."""
_AT_ONCE: Final = 500
_PAID: Final[LiteralString] = """
    SELECT owner_id, array_agg(at), array_agg(coalesce(fen, 0)) FROM (
        SELECT owner_id, at, fen FROM fleet_spending_owned
        WHERE kind = 'maintenance' AND NOT own_premises AND at >= %(begin)s AND at < %(end)s
            AND owner_id IS NOT NULL AND (%(ids)s::int[] IS NULL OR owner_id = ANY(%(ids)s))
        ORDER BY owner_id, at
    ) AS line GROUP BY owner_id
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """Maintenance of a vehicle over twelve months; whole fen, hundreds of metres.

    Attributes:
        code: whose.
        group: energy and class; blank: not known.
        fen: what is compared: all but the dearest line, for one true repair is soon explained.
        hm: how far it drove; no less than :data:`LEAST_HM`.
        dearest_fen: what that line cost.
    """

    code: str
    group: str
    fen: int
    hm: int
    dearest_fen: int = 0


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Maintenance of a vehicle, as :class:`Kept` has it, beside others of its class.

    Attributes:
        peers: others of its class; None: too few.
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


def kept(
    conn: psycopg.Connection[Any],
    months: Sequence[date],
    zone: ZoneInfo,
    codes: Collection[str] | None = None,
) -> Mapping[date, list[Kept]]:
    """Return what vehicles cost in twelve months, by the first day of the last of these.

    A month that has not come, or of which nothing is read, says nothing of its own.

    Args:
        conn: in any state.
        months: first days, ascending.
        zone: the site's.
        codes: of vehicles of the ledger; None: all.
    """
    if not months:
        return {}
    windows = [rolling(month)[2] for month in months]
    only = None if codes is None else list(codes)
    whose = [load.consumers(conn, later(month, 1) - date.resolution, only) for month in months]
    ids = sorted({one.id for its in whose for one in its})
    ways: dict[int, list[Driven | None]] = {}
    for start in range(0, len(ids), _AT_ONCE):
        ways |= driven(conn, ids[start : start + _AT_ONCE], windows, zone)
    paid = _paid(conn, None if codes is None else ids, windows, zone)
    found: dict[date, list[Kept]] = {}
    for number, (month, its) in enumerate(zip(months, whose, strict=True)):
        begun = us_of(midnight(month, zone))
        found[month] = []
        for one in its:
            way = ways[one.id][number]
            if way is not None and way.until_us >= begun and way.hm >= LEAST_HM:
                all_fen, dearest = paid[one.id][number] if one.id in paid else (0, 0)
                spent = all_fen - dearest
                found[month].append(Kept(one.code, _group(one), spent, way.hm, dearest))
    return found


def until_month(its: Sequence[Account], month: date, zone: ZoneInfo) -> list[Upkeep]:
    """Hold accounts of twelve months that end with a month against each other; pure."""
    begun = midnight(month, zone)
    found = [
        Kept(one.consumer.code, _group(one.consumer), *_spent(one, hm))
        for one in its
        if isinstance(one.stretch, Stretch) and one.stretch.until >= begun
        if (hm := one.stretch.hm) >= LEAST_HM
    ]
    classes = Classes(found)
    return [classes.against(one) for one in found]


def _spent(one: Account, hm: int) -> tuple[int, int, int]:
    """Return what upkeep cost without its dearest line, the way, and that line."""
    lines = [e.fen or 0 for e in one.events if e.counted and e.purpose == "maintenance"]
    dearest = max([0, *lines])
    return sum(lines) - dearest, hm, dearest


class Classes:
    """Vehicles by their class: energy and kind. What the others are is asked for each of them."""

    def __init__(self, every: Iterable[Kept]) -> None:
        self._every = {one.code: one for one in every}
        its = self._every.values()
        self._groups = Groups((one.group, one.fen / one.hm) for one in its)

    def against(self, one: Kept) -> Upkeep:
        """Hold a vehicle against the others; what is said of itself among them does not count."""
        was = self._every.get(one.code)
        mine = was.fen / was.hm if was is not None and was.group == one.group else None
        peers = self._groups.others(one.group, mine, _LEAST_SIGMA) if one.group else None
        return Upkeep(one.code, one.fen, one.hm, peers, one.dearest_fen)


def _paid(
    conn: psycopg.Connection[Any], ids: list[int] | None, windows: Sequence[Window], zone: ZoneInfo
) -> Mapping[int, list[tuple[int, int]]]:
    """Return what was paid in each window, and its dearest line, by consumer."""
    if words().transactions["maintenance"].money != "cost":
        return {}
    spans = [one.times(zone) for one in windows]
    begin, end = (np.array([us_of(one[at]) for one in spans]) for at in (0, 1))
    found: dict[int, list[tuple[int, int]]] = {}
    with conn.cursor(binary=True) as cursor:
        named = {"begin": spans[0][0], "end": spans[-1][1], "ids": ids}
        for one, at, fen in _arrays(cursor, named):
            parts = [
                fen[low:high]
                for low, high in zip(
                    np.searchsorted(at, begin).tolist(),
                    np.searchsorted(at, end).tolist(),
                    strict=True,
                )
            ]
            found[one] = [(int(its.sum()), int(its.max(initial=0))) for its in parts]
    return found


def _arrays(cursor: psycopg.Cursor[Any], named: dict[str, Any]) -> list[tuple[int, Int64s, Int64s]]:
    cursor.execute(_PAID, named)
    result = cursor.pgresult
    if result is None:
        raise RuntimeError("the statement of maintenance returned nothing")
    return [
        (
            int.from_bytes(result.get_value(row, 0) or b""),
            items(result.get_value(row, 1), ">i8").astype(np.int64) + PG_EPOCH_US,
            items(result.get_value(row, 2), ">i8").astype(np.int64),
        )
        for row in range(result.ntuples)
    ]


def _group(one: Consumer) -> str:
    facts = one.facts
    return f"{facts.get('energy', '')} {facts['class']}".strip() if "class" in facts else ""
