from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from fleet.ledger.load import Consumer
from fleet.ledger.over_age import aged, limits, whole_years


def car(code: str = "A01", kind: str = "vehicle", **facts: str) -> Consumer:
    return Consumer(1, code, kind, "czj", "财政局", facts)


@pytest.mark.parametrize(
    ("since", "day", "years"),
    [
        (date(2018, 3, 1), date(2026, 2, 28), 7),
        (date(2018, 3, 1), date(2026, 3, 1), 8),
        (date(2020, 2, 29), date(2028, 2, 28), 7),
        (date(2020, 2, 29), date(2028, 2, 29), 8),
        (date(2020, 2, 29), date(2021, 2, 28), 0),
        (date(2020, 2, 29), date(2021, 3, 1), 1),
    ],
)
def test_years_are_whole(since: date, day: date, years: int) -> None:
    assert whole_years(since, day) == years


def test_the_oldest_come_first_and_the_unknown_are_not_young() -> None:
    found = aged(
        [
            car("new", bought_on="2024-01-01"),
            car("unknown"),
            replace(car("to come"), begun=False),
            car("old", bought_on="2018-03-01"),
            car("gone", bought_on="2001-01-01", state="disposed"),
            car("boiler", kind="boiler", bought_on="2001-01-01"),
        ],
        date(2026, 3, 1),
        limits(),
    )
    assert [(one.consumer.code, one.years, one.over) for one in found] == [
        ("old", 8, True),
        ("new", 2, False),
        ("unknown", None, None),
    ]


@pytest.mark.parametrize(
    ("facts", "remarks"),
    [
        ({"use": "confidential", "price": "12000000", "displacement": "1598"}, ()),
        ({"use": "confidential", "price": "12000001"}, ("购置价高于 120000 元，请核对",)),
        (
            {"use": "law", "price": "15000000"},
            ("购置价高于 120000 元（经批准可至 180000 元），请核对",),
        ),
        ({"use": "emergency", "displacement": "1984"}, ("排量高于 1.8 升，请核对",)),
        ({"use": "business", "price": "99000000"}, ()),
        ({"class": "large_bus", "price": "45000001"}, ("购置价高于 450000 元，请核对",)),
    ],
)
def test_what_stands_above_the_standard_is_to_be_looked_at(
    facts: dict[str, str], remarks: tuple[str, ...]
) -> None:
    (found,) = aged([car(bought_on="2020-01-01", **facts)], date(2026, 1, 1), limits())
    assert found.remarks == remarks


def test_before_the_rule_nobody_is_over_age() -> None:
    (found,) = aged([car(bought_on="1990-01-01")], date(2010, 1, 1), limits())
    assert (found.years, found.over) == (20, None)


def test_a_standard_does_not_reach_back() -> None:
    (found,) = aged(
        [car(bought_on="2016-01-01", use="confidential", price="30000000")],
        date(2026, 1, 1),
        limits(),
    )
    assert found.remarks == ()
