from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import psycopg
import pytest

from metering.counter.model import GRAIN_US, Flag
from metering.derive.rollup import Window
from metering.tree.virtual import NODES, recompute_virtual
from storage.times import us_of
from tests.integration.metering.tree.town import QUARTER, ZONE, Town, since, wait_for_lock

BEGIN = datetime(2026, 6, 30, 12, tzinfo=UTC)  # a month of the zone ends four hours later
LENGTH = 40
TABLES = ("consumption", "consumption_hour", "consumption_day", "consumption_month")


def figures(town: Town, meter: str) -> dict[int, int]:
    """Quarters by their number from BEGIN on."""
    rows = town.conn.execute(
        "SELECT slot, micro FROM consumption WHERE meter_id = %s", [town.ids[meter]]
    )
    return {(slot - BEGIN) // QUARTER: micro for slot, micro in rows}


def compute(town: Town, *windows: Window) -> tuple[str, ...]:
    """Recompute in a transaction; return what was refused."""
    with town.conn.transaction():
        made = recompute_virtual(town.conn, windows, ZONE)
    return tuple(refusal.text for refusal in made.refused)


def everywhere(town: Town, meter: str) -> Window:
    end = us_of(BEGIN) + LENGTH * GRAIN_US
    return Window(town.ids[meter], us_of(BEGIN), end)


@pytest.fixture
def three(town: Town) -> Town:
    town.house("A")
    for code in ("A1", "A2", "A3"):
        town.meter(code, "r-A")
    return town


def test_a_quarter_is_the_formula_and_unknown_where_an_input_is(three: Town) -> None:
    three.virtual("V", "{A1} + 0.5 * ({A2} - {A3})")
    windows = [
        three.known("A1", BEGIN, {0: 100, 1: 100, 2: 100, 3: None}),
        three.known("A2", BEGIN, {0: 10, 1: 10, 2: None, 3: 10}),
        three.known("A3", BEGIN, {0: 4, 1: 5, 2: 4, 3: 4}),
    ]
    compute(three, *windows)
    # 102.5 is rounded once, away from zero.
    assert figures(three, "V") == {0: 103, 1: 103}
    months = three.conn.execute(
        "SELECT micro, covered_s FROM consumption_month WHERE meter_id = %s", [three.ids["V"]]
    ).fetchall()
    assert months == [(206, 1800)]


def test_cover_is_the_least_and_flags_are_all(three: Town) -> None:
    three.virtual("V", "{A1} - {A2}")
    rows = [("A1", 100, 30, 900, Flag.ESTIMATED), ("A2", 90, 5, 400, Flag.RESET)]
    for meter, micro, estimated, covered, flags in rows:
        three.conn.execute(
            "INSERT INTO consumption VALUES (%s, %s, %s, %s, %s, %s)",
            [three.ids[meter], BEGIN, micro, estimated, covered, int(flags)],
        )
    compute(three, everywhere(three, "A1"))
    row = three.conn.execute(
        "SELECT micro, estimated, covered_s, flags FROM consumption WHERE meter_id = %s",
        [three.ids["V"]],
    ).fetchone()
    # 35 of the inputs were estimated: all of the 10 that are left may be.
    assert row == (10, 10, 400, int(Flag.ESTIMATED | Flag.RESET))


def test_a_negative_figure_is_kept_and_its_estimate_has_its_sign(three: Town) -> None:
    three.virtual("V", "{A1} - {A2}")
    for meter, micro, estimated in (("A1", 10, 3), ("A2", 90, 0)):
        three.conn.execute(
            "INSERT INTO consumption VALUES (%s, %s, %s, %s, 900, 0)",
            [three.ids[meter], BEGIN, micro, estimated],
        )
    compute(three, everywhere(three, "A1"))
    row = three.conn.execute(
        "SELECT micro, estimated FROM consumption WHERE meter_id = %s", [three.ids["V"]]
    ).fetchone()
    assert row == (-80, -3)


def test_virtual_meters_over_virtual_ones_follow_in_order(three: Town) -> None:
    three.virtual("top", "{middle} * 2 + {A3}")
    three.virtual("middle", "{A1} + {A2}")
    compute(
        three,
        three.known("A1", BEGIN, {0: 1}),
        three.known("A2", BEGIN, {0: 2}),
        three.known("A3", BEGIN, {0: 4}),
    )
    assert figures(three, "top") == {0: 10}
    compute(three, three.known("A2", BEGIN, {0: None}))
    assert figures(three, "middle") == figures(three, "top") == {}


def test_a_change_touches_its_own_time_and_those_above_alone(three: Town) -> None:
    three.virtual("V", "{A1}")
    three.virtual("W", "{A2}")
    compute(three, three.known("A1", BEGIN, {0: 1, 9: 9}), three.known("A2", BEGIN, {0: 2}))
    three.conn.execute(
        "UPDATE consumption SET micro = 77 WHERE meter_id = %s AND slot > %s",
        [three.ids["V"], BEGIN],
    )
    compute(three, three.known("A1", BEGIN, {0: 5}))
    assert figures(three, "V") == {0: 5, 9: 77}
    assert figures(three, "W") == {0: 2}


def test_a_changed_formula_or_validity_recomputes_when_it_is_said(three: Town) -> None:
    three.virtual("V", "{A1}")
    compute(three, three.known("A1", BEGIN, {0: 1, 20: 20}))
    three.conn.execute(
        "UPDATE meter SET formula = '{A1} * 3', valid = %s WHERE code = 'V'",
        [since((BEGIN + timedelta(hours=4)).astimezone(ZONE).date())],
    )
    compute(three, everywhere(three, "V"))
    assert figures(three, "V") == {20: 60}


def test_what_cannot_be_computed_has_no_figure_and_hinders_nobody(three: Town) -> None:
    three.virtual("V", "{A1}")
    three.virtual("W", "{A1} + {A2}")
    windows = [three.known("A1", BEGIN, {0: 1}), three.known("A2", BEGIN, {0: 2})]
    assert compute(three, *windows) == ()
    three.conn.execute("UPDATE meter SET formula = '{A1} + {W}' WHERE code = 'W'")
    (refused,) = compute(three, everywhere(three, "W"), *windows)
    assert "公式成环：W → W" in refused
    assert figures(three, "W") == {}
    assert figures(three, "V") == {0: 1}


def test_a_figure_beyond_all_reason_is_unknown_and_holds_nobody_up(three: Town) -> None:
    three.virtual("V", "1000000 * {A1}")
    three.virtual("W", "{A1}")
    compute(three, three.known("A1", BEGIN, {0: 10**13, 1: 10**9}))
    assert figures(three, "V") == {1: 10**15}
    assert figures(three, "W") == {0: 10**13, 1: 10**9}


def contents(town: Town) -> dict[str, list[Any]]:
    return {
        table: town.conn.execute(
            f"SELECT * FROM {table} ORDER BY 1, 2"  # ours
        ).fetchall()
        for table in TABLES
    }


FORMULAS: Mapping[str, str] = {
    "V1": "{A1} + {A2}",
    "V2": "{V1} - 0.333333 * {A3}",
    "V3": "1.5 * {A2} - {V2} - {V1}",
    "V4": "{A3}",
}


@pytest.mark.parametrize("seed", range(6))
def test_incremental_is_full(three: Town, seed: int) -> None:
    rng = random.Random(seed)
    for code, formula in rng.sample(list(FORMULAS.items()), len(FORMULAS)):
        three.virtual(code, formula)
    for _ in range(12):
        changed = []
        for code in rng.sample(["A1", "A2", "A3"], rng.randint(1, 3)):
            first = rng.randrange(LENGTH)
            numbers = range(first, min(LENGTH, first + rng.randint(1, 12)))
            micro = {n: rng.choice([None, rng.randint(-5, 10**6)]) for n in numbers}
            changed.append(three.known(code, BEGIN, micro))
        compute(three, *changed)
    kept = contents(three)

    virtual = [three.ids[code] for code in FORMULAS]
    for table in TABLES:
        three.conn.execute(f"DELETE FROM {table} WHERE meter_id = ANY(%s)", [virtual])
    compute(three, *(everywhere(three, code) for code in FORMULAS))

    assert contents(three) == kept
    _check_by_hand(three)


def _check_by_hand(town: Town) -> None:
    a1, a2, a3 = (figures(town, code) for code in ("A1", "A2", "A3"))
    known = a1.keys() & a2.keys() & a3.keys()
    v1 = {n: a1[n] + a2[n] for n in a1.keys() & a2.keys()}
    v2 = {n: _rounded(v1[n] - Decimal("0.333333") * a3[n]) for n in known}
    v3 = {n: _rounded(Decimal("1.5") * a2[n] - v2[n] - v1[n]) for n in known}
    assert [figures(town, code) for code in FORMULAS] == [v1, v2, v3, a3]


def _rounded(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_HALF_UP))


def test_two_workers_who_change_two_inputs_miss_neither(database: str, three: Town) -> None:
    three.virtual("V", "{A1} + {A2}")
    compute(three, three.known("A1", BEGIN, {0: 1}), three.known("A2", BEGIN, {0: 2}))
    with psycopg.connect(database) as one, psycopg.connect(database) as two:
        first, second = Town(one), Town(two)
        first.ids = second.ids = three.ids
        recompute_virtual(one, [first.known("A1", BEGIN, {0: 10})], ZONE)
        window = second.known("A2", BEGIN, {0: 20})
        other = threading.Thread(target=recompute_virtual, args=(two, [window], ZONE))
        other.start()
        wait_for_lock(three, "advisory")
        one.commit()
        other.join(60)
        assert not other.is_alive()
        two.commit()
    assert figures(three, "V") == {0: 30}


def test_whom_formulas_name_is_found_by_code(three: Town) -> None:
    three.virtual("V", "{A1} + {A2}")
    three.conn.execute("SET enable_seqscan = off")
    row = three.conn.execute("EXPLAIN (FORMAT JSON) " + NODES).fetchone()
    assert row is not None
    plan = str(row[0])
    assert "'meter_code_key'" in plan
    assert "'meter_virtual'" in plan
    assert "Seq Scan" not in plan
