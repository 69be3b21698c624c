"""How much of the stops at a place are about invoices of a name."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fleet.joining.visits import Visits
from fleet.joining.where import away_mm

STEPS = st.integers(-30, 30)
STOPS = st.lists(st.tuples(STEPS, STEPS, st.sampled_from(["a", "b", ""])), max_size=30)


def test_where_nobody_stopped_nothing_is_about_a_name() -> None:
    assert Visits().own_pct("a", 30.0, 104.0) == 0


@given(STOPS, st.sampled_from([18.2, 30.6, 53.4]))
def test_it_is_the_share_of_all_stops_within_reach(
    rows: list[tuple[int, int, str]], north: float
) -> None:
    visits = Visits()
    lats = np.array([north + 0.0002 * one for one, _, _ in rows])
    lons = np.array([104.0 + 0.0002 * one for _, one, _ in rows])
    half = len(rows) // 2
    for part in (slice(None, half), slice(half, None)):
        names = [{name} if name else None for _, _, name in rows[part]]
        visits.add(lats[part], lons[part], names)
    here = np.flatnonzero(away_mm(north, 104.0, lats, lons) <= 150_000).tolist()
    mine = [index for index in here if rows[index][2] == "a"]
    expected = len(mine) * 100 // len(here) if here else 0
    assert visits.own_pct("a", north, 104.0) == expected
