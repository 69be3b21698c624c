"""What is learned of many: where stations and garages are, what vehicles use and cost, by month.

To learn it takes a look at all vehicles; what then holds for one of them takes its own papers and
ways alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from fleet.joining.learn import Garages, Place, Stations
from fleet.joining.model import Vehicle
from fleet.joining.rules import Rules
from fleet.ledger.sensitive import sensitive_codes
from fleet.norms.load import Reading, Used, everyone
from storage.times import at_us, midnight, us_of


@dataclass(frozen=True, slots=True)
class Known:
    """Where stations and garages are, as of the begin of a month: name → place."""

    stations: dict[str, Place]
    garages: dict[str, Place]


@dataclass(frozen=True, slots=True)
class Learned:
    """Of one month."""

    places: Known
    used: Used


def learned(
    conn: psycopg.Connection[Any], first: date, last: date, zone: ZoneInfo, rules: Rules
) -> Mapping[date, Learned]:
    """Learn months from all vehicles, each of which is read once.

    Args:
        conn: in any state.
        first: a day of the first month.
        last: a day of the last month.
        zone: the site's.
        rules: what is believed.

    Returns:
        By the first day of each month; what is said of one is the same whichever are beside it.
    """
    reading = Reading(conn, first, last, zone, rules)
    learners = [_Learners.of(conn, month, zone, rules) for month in reading.months]
    used = {month: Used({}, {}) for month in reading.months}
    for part in reading.parts(everyone(conn)):
        for vehicle in part:
            for one in learners:
                one.see(vehicle)
        members = [its for vehicle in part if (its := reading.members(vehicle))]
        _add(used, reading.used([litres for litres, _ in members]), "rate")
        _add(used, reading.used([paid for _, paid in members]), "cost")
    return {
        month: Learned(one.places(), used[month])
        for month, one in zip(reading.months, learners, strict=True)
    }


@dataclass(frozen=True, slots=True)
class _Learners:
    """Learns places as of the begin of a month; a sensitive vehicle tells of none."""

    stations: Stations
    garages: Garages
    secret: frozenset[str]

    @classmethod
    def of(
        cls, conn: psycopg.Connection[Any], month: date, zone: ZoneInfo, rules: Rules
    ) -> _Learners:
        as_of_us = us_of(midnight(month, zone))
        since = at_us(as_of_us - rules.learned_us).astimezone(zone).date()
        secret = sensitive_codes(conn, since, month)
        return cls(Stations(as_of_us, rules), Garages(as_of_us, rules), secret)

    def see(self, vehicle: Vehicle) -> None:
        its = replace(vehicle, sensitive=vehicle.code in self.secret)
        self.stations.see(its)
        self.garages.see(its)

    def places(self) -> Known:
        return Known(self.stations.places(), self.garages.places())


def _add(used: Mapping[date, Used], found: Mapping[date, dict[int, list[Any]]], what: str) -> None:
    for month, by_length in found.items():
        kept = getattr(used[month], what)
        for length, its in by_length.items():
            kept.setdefault(length, []).extend(its)
