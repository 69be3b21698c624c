"""The vehicle that a paper names against the one that holds its card."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.joining.verdict import Check, Doubt, Verdict, Why
from tests.unit.fleet.joining.scene import Car, filling, in_may, judged, subject

DAY = in_may(12)


def held(**more: Any) -> Verdict:  # noqa: ANN401
    records = subject(Car("v", {}), filling(1, DAY, "09:27", **more), others=False)
    return judged(records, Check.HOLDER, 1)


@pytest.mark.parametrize(
    ("card", "written", "found"),
    [
        ("9001", "v", None),
        ("9001", "w", Doubt.OTHER_VEHICLE),
        ("9001", "", Why.VEHICLE_UNSTATED),
        ("", "v", Why.VEHICLE_UNSTATED),
    ],
)
def test_a_paper_that_names_another_vehicle_than_its_card_s_is_a_doubt(
    card: str, written: str, found: Doubt | Why | None
) -> None:
    one = held(card=card, written=written)
    assert (one.doubt or one.why) is found


def test_a_doubt_of_the_card_says_both_vehicles_and_asks_no_one_alone() -> None:
    figures = {one.name: one.value for one in held(card="9001", written="w").figures}
    assert figures == {"card": "9001", "holder": "v", "written": "w", "filled_ml": 30_000}
