"""What an institution's use is divided by, from its dated facts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from metering.factors.dated import People, Span, energy_users, on_day
from metering.factors.indicators import Size

PRESENT: Final = ("staff", "contract-staff", "service-staff", "students")
"""Groups that count by heads."""
VISITS: Final = ("visitor-days", "outpatient-days", "inpatient-days")
"""Groups that count by person-days."""


def size_of(
    facts: Mapping[str, Sequence[Span]], begin: date, end: date, closed_days: int = 0
) -> Size:
    """Return energy users on a daily average, and the floor area at the end of a time.

    Args:
        facts: code → spans of one institution, see ``institution_facts.yaml``.
        begin: first day.
        end: day after the last.
        closed_days: days of it without those present, for example a school's holidays.

    Raises:
        ValueError: there is no day between ``begin`` and ``end``; more closed days than days.
    """
    people = People(
        energy_users=facts.get("energy-users", ()),
        present=[facts.get(code, ()) for code in PRESENT],
        visits=[facts.get(code, ()) for code in VISITS],
    )
    area = on_day(facts.get("floor-area", ()), end - timedelta(days=1), "建筑面积")
    return Size(energy_users(people, begin, end, closed_days), area)
