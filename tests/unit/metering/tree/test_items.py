from __future__ import annotations

import pytest

from metering.tree.attribution import Attribution, Metered
from metering.tree.holders import OUTSIDE, OUTSIDERS, Holder, sole
from metering.tree.items import by_item, wider
from metering.tree.timeline import EVER, NEVER, always

A, B = sole(1), sole(2)


@pytest.mark.parametrize(
    ("item", "containing"),
    [
        ("01A1B", ("01A1B", "01A10", "01A00", "01000")),
        ("01A10", ("01A10", "01A00", "01000")),
        ("01000", ("01000",)),
        ("照明", ("照明",)),
        ("", ("",)),
    ],
)
def test_items_are_contained_by_their_codes(item: str, containing: tuple[str, ...]) -> None:
    assert wider(item) == containing


def rows(
    items: dict[int, str], mains: dict[int, int], held: dict[int, Holder], *virtual: int
) -> set[tuple[int, int, str, int]]:
    meters = {m: Metered("in", EVER, NEVER) for m in held}
    meters |= {v: Metered("in", EVER, NEVER, tuple(held)) for v in virtual}
    attribution = Attribution(
        meters,
        {meter: always(main) for meter, main in mains.items()},
        {meter: always(holder) for meter, holder in held.items()},
    )
    return {(s.meter, s.holder, item, s.sign) for item, s in by_item(items, attribution)}


def test_an_item_is_inherited_from_the_main() -> None:
    assert rows({1: "01A00"}, {2: 1, 3: 2}, {1: A, 2: A, 3: A}) == {(1, 1, "01A00", 1)}


def test_another_item_is_added_to_its_own_and_taken_off_the_mains() -> None:
    assert rows({1: "01A00", 2: "01B00"}, {2: 1}, {1: A, 2: A}) == {
        (1, 1, "01A00", 1),
        (2, 1, "01B00", 1),
        (2, 1, "01A00", -1),
    }


def test_what_another_institution_takes_keeps_the_item_it_comes_from() -> None:
    assert rows({1: "01A00"}, {2: 1}, {1: A, 2: B}) == {
        (1, 1, "01A00", 1),
        (2, 2, "01A00", 1),
        (2, 1, "01A00", -1),
    }
    assert rows({1: "01A00"}, {2: 1}, {1: A, 2: OUTSIDERS}) == {
        (1, 1, "01A00", 1),
        (2, OUTSIDE, "", 1),
        (2, 1, "01A00", -1),
    }


def test_below_a_virtual_main_its_item_counts() -> None:
    assert rows({9: "01C00", 1: "01C00"}, {2: 9}, {1: A}, 9) == {(1, 1, "01C00", 1)}
