"""The sum of vehicles whose plate is never published, and when it would lay one of them open."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from fleet.publish.content import ADDED
from fleet.publish.others import together

FIGURE = st.one_of(st.none(), st.integers(0, 5).map(Decimal))
VEHICLES = st.lists(st.fixed_dictionaries(dict.fromkeys(ADDED, FIGURE)), max_size=6)


@given(VEHICLES, st.integers(2, 4))
def test_no_figure_of_the_sum_is_that_of_fewer_than_asked(
    parts: list[dict[str, Decimal | None]], at_least: int
) -> None:
    found = together(parts, at_least)
    having = {name: [v for one in parts if (v := one[name])] for name in ADDED}
    told = any(having.values()) and all(not its or len(its) >= at_least for its in having.values())
    assert (found is not None) == told
    if found is not None:
        assert found == {name: sum(its) if its else None for name, its in having.items()}
