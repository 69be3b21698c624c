"""How an institution stands to each of its quotas on a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg

from metering.factors import institution_facts
from metering.factors.dated import Span, on_day
from metering.factors.entering import institution_id
from metering.factors.kinds import load_kinds
from metering.plan.curve import as_last_year, evenly
from metering.plan.forecast import Forecast, Refusal, forecast
from metering.plan.progress import Base, Progress, limit_of, progress
from metering.plan.quota import EnteredQuota, quotas_of
from metering.plan.usage import Usage
from metering.plan.usage_load import institution_usage, two_years
from registry.calendar import Calendar
from registry.calendar_store import load_calendar

AREA: Final = "floor-area"
HEADS: Final = "energy-users"


@dataclass(frozen=True, slots=True)
class Standing:
    """A quota, how far it is used up, and what the year will come to.

    Attributes:
        quota: as it was entered.
        unit: of all quantities here: the energy's own.
        progress: on the day.
        forecast: of the whole year, or why there is none.
    """

    quota: EnteredQuota
    unit: str
    progress: Progress
    forecast: Forecast | Refusal


def standings(
    conn: psycopg.Connection[Any], institution: str, until: date, zone: ZoneInfo
) -> tuple[Standing, ...]:
    """Hold each quota of the day's year against what is known up to the day.

    The plan follows last year's shape where all of last year is known, else the days.

    Args:
        conn: a connection that may write: the attribution of meters is brought up to date.
        institution: code.
        until: the last day that is over.
        zone: the site's.

    Raises:
        RefusedError: there is no such institution.
    """
    institution_id(conn, institution)
    quotas = quotas_of(conn, institution, until.year)
    calendar, base = load_calendar(conn), base_of(conn, institution, until)
    usages = {
        energy: institution_usage(conn, institution, energy, two_years(until), zone)
        for energy in dict.fromkeys(quota.energy for quota in quotas)
    }
    return tuple(_standing(quota, usages[quota.energy], base, until, calendar) for quota in quotas)


def base_of(conn: psycopg.Connection[Any], institution: str, day: date) -> Base:
    """Floor area and energy users of an institution, as they were on a day."""
    return base_in(institution_facts.read(conn, [institution]), institution, day)


def base_in(facts: Mapping[tuple[str, str], Sequence[Span]], institution: str, day: date) -> Base:
    """Floor area and energy users as facts of institutions have them."""
    values = [on_day(facts.get((institution, code), ()), day, code).value for code in (AREA, HEADS)]
    return Base(*values)


def _standing(
    quota: EnteredQuota, usage: Usage, base: Base, until: date, calendar: Calendar
) -> Standing:
    curve = as_last_year(until.year, usage, calendar) or evenly(until.year)
    kind = load_kinds()[quota.energy]
    limit = limit_of(kind.in_unit(quota.value, quota.unit), quota.per, base)
    return Standing(
        quota=quota,
        unit=kind.unit,
        progress=progress(limit, usage, curve, until),
        forecast=forecast(usage, usage, until, calendar),
    )
