"""Tags of vehicles: the ledger hands them down by class and use; entered ones where it is silent.

Of what a vehicle is there is one truth, the ledger: from the first day on which it states a use or
a class, what somebody tagged besides does not count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, LiteralString

from registry.tags import DatedTag, tags_at
from rules.subjects.model import Conn
from storage import arrays

LAW: Final = "law-enforcement"
SPECIAL: Final = "special-vehicle"
# A fact holds until the next one of its name; dates are of the session's zone.
_FACTS: Final[LiteralString] = """
SELECT consumer.vehicle_id, consumer.code, fact.id, fact.name, fact.value, fact.since::timestamptz,
       (lead(fact.since) OVER (PARTITION BY consumer.id, fact.name ORDER BY fact.since)
       )::timestamptz
FROM consumer_fact AS fact
JOIN fuel_consumer AS consumer ON consumer.id = fact.consumer_id AND consumer.withdrawn_at IS NULL
WHERE fact.withdrawn_at IS NULL AND fact.name IN ('class', 'use')
  AND consumer.vehicle_id = ANY(%s::int[])
"""
_SAYS: Final[Mapping[str, Mapping[str, str]]] = {
    "use": {"law": LAW, "special": SPECIAL},
    "class": {"special": SPECIAL},
}
"""Fact → its value → the tag that the vehicle has for rules."""


@dataclass(frozen=True, slots=True)
class Fact:
    """What the ledger says of a vehicle from a day on until before another."""

    vehicle: int
    code: str
    number: int
    name: str
    value: str
    since: datetime
    until: datetime | None


def tags(
    conn: Conn, vehicles: Sequence[int], since: datetime, until: datetime
) -> Mapping[int, Sequence[DatedTag]]:
    """Return which tags vehicles have from one moment to another.

    Args:
        conn: any connection; days of the ledger begin at midnight of its zone.
        vehicles: ids.
        since: aware.
        until: aware.
    """
    facts: dict[int, list[Fact]] = defaultdict(list)
    for row in conn.execute(_FACTS, [arrays.ids(vehicles)]):
        facts[row[0]].append(Fact(*row))
    entered = tags_at(conn, "vehicle", vehicles, since, until)
    return {
        vehicle: [
            one
            for one in dated(facts[vehicle], entered.get(vehicle, ()))
            if (one.since is None or one.since < until) and (one.until is None or one.until > since)
        ]
        for vehicle in vehicles
    }


def dated(facts: Sequence[Fact], entered: Sequence[DatedTag]) -> Iterator[DatedTag]:
    """Yield the tags of a vehicle by what its ledger says and what was entered; pure."""
    yield from _left(entered, facts)
    yield from _handed(facts)


def _left(entered: Sequence[DatedTag], facts: Sequence[Fact]) -> Iterator[DatedTag]:
    """Yield entered tags as far as the ledger is silent."""
    for one in entered:
        told = [fact.since for fact in facts if one.tag in _SAYS[fact.name].values()]
        first = min(told, default=None)
        if first is None:
            yield one
        elif one.since is None or one.since < first:
            yield replace(one, until=min(first, one.until or first))


def _handed(facts: Sequence[Fact]) -> Iterator[DatedTag]:
    for one in facts:
        tag = _SAYS[one.name].get(one.value)
        if tag is not None:
            dated = tag, one.since, one.until, "vehicle", one.code, one.code, one.number
            yield DatedTag(*dated, "车辆台账")
