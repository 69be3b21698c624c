from __future__ import annotations

from datetime import date
from decimal import Decimal

from metering.factors.dated import Figure, Span
from metering.factors.indicators import Size
from metering.factors.kinds import load_fact_kinds
from metering.factors.size import PRESENT, VISITS, size_of

BEGIN, END = date(2026, 1, 1), date(2027, 1, 1)


def since(value: int, begin: date = BEGIN, end: date | None = None) -> list[Span]:
    return [Span(begin, end, Decimal(value))]


def test_the_groups_are_kinds_of_facts() -> None:
    kinds = load_fact_kinds()
    assert {kinds[code].unit for code in PRESENT} == {"人"}
    assert {kinds[code].unit for code in VISITS} == {"人·日"}


def test_the_area_is_that_of_the_last_day_and_people_are_a_daily_average() -> None:
    facts = {
        "floor-area": [*since(5000, end=date(2026, 12, 31)), *since(6000, date(2026, 12, 31))],
        "staff": since(100),
        "students": since(900),
        "visitor-days": since(7300, end=END),
        "inpatient-days": since(365, end=END),
    }
    assert size_of(facts, BEGIN, END) == Size(Figure(Decimal(1021)), Figure(Decimal(6000)))
    closed = size_of(facts, BEGIN, END, closed_days=73)
    assert closed.energy_users.value == 1000 * Decimal(292) / 365 + 21


def test_nothing_known_is_unknown_with_the_reasons() -> None:
    size = size_of({}, BEGIN, END)
    assert size.energy_users.why == "没有用能人数，也没有在编在岗人数"
    assert size.floor_area_m2.why == "2026-12-31 没有建筑面积"
