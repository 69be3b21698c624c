"""Accounts from what was brought in: sums, ratios, whose card it was."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.ledger import load
from fleet.ledger.account import accounts, averages
from fleet.ledger.consumption import Consumption
from fleet.ledger.entry import enter_facts
from fleet.ledger.events import Event, Stretch, Unknown
from fleet.ledger.sums import fuels, running_costs
from fleet.ledger.window import months, year
from fleet.ledger.words import words
from tests.integration.fleet.ledger.world import (
    ACT,
    CARDS,
    JANUARY,
    SPENDING,
    ZONE,
    Conn,
    a_month,
    bring,
    cars,
    january,
    spent,
)

TIMES = JANUARY.times(ZONE)


def test_the_account_of_a_car(conn: Conn, tmp_path: Path) -> None:
    bring(conn, tmp_path / "一月.xlsx", **a_month())
    one = january(conn)["A01"]
    assert one.fen == {"filling": 52_500, "maintenance": 82_050, "toll": 3_000}
    assert one.other_fen == {"transfer": 100_000, "goods": 2_500}
    assert one.quantities == {("petrol", False): 70_000}
    # From the order of the 2nd at 1000 km to the filling of the 20th at 1500 km.
    assert isinstance(one.stretch, Stretch)
    assert (one.stretch.hm, one.stretch.source) == (5_000, "odometer")
    used = one.used["ml"]
    assert isinstance(used, Consumption)
    # At the begin between nothing and 55 L, at the end between the 30.5 L just filled and 55 L.
    assert (used.filled, used.low, used.high) == (70_500, 15_500, 95_000)
    assert (used.per_100_km, used.bounds) == (Decimal("14.10"), (Decimal("3.10"), Decimal("19.00")))
    assert one.stretch_fen == 52_875
    assert one.yuan_per_km == Decimal("1.06")
    assert (one.orders.orders, one.orders.score) == (2, Decimal("0.643"))


def test_a_card_counts_for_whoever_held_it_at_its_time(conn: Conn, tmp_path: Path) -> None:
    bring(conn, tmp_path / "一月.xlsx", **a_month())
    assert january(conn)["A02"].fen == {"filling": 48_000, "adblue": 8_000}
    assert january(conn)["A02"].quantities == {("diesel", False): 60_000, ("adblue", False): 10_000}
    found = list(load.unbound(conn, TIMES))
    assert [(one.card, one.kind, one.fen) for one in found] == [
        ("9000", "topup", 500_000),
        ("9002", "filling", 40_000),
    ]


def test_a_card_that_changes_hands(conn: Conn, tmp_path: Path) -> None:
    bring(
        conn,
        tmp_path / "a.xlsx",
        车辆=cars(),
        油卡=[
            CARDS,
            ["9001", None, "A01", "2026-01-01"],
            ["9001", None, "A02", "2026-01-10 12:00"],
            ["9001", None, None, "2026-01-20"],
        ],
        费用=[
            SPENDING,
            *(
                spent(f"T{day}", None, "9001", at, "加油", "92号汽油", 1, day)
                for day, at in (
                    (1, "2026-01-10 11:59"),
                    (2, "2026-01-10 12:00"),
                    (3, "2026-01-19 23:59"),
                    (4, "2026-01-20 00:00"),
                )
            ),
        ],
    )
    found = january(conn)
    assert (found["A01"].cost, found["A02"].cost) == (100, 500)
    assert [one.fen for one in load.unbound(conn, TIMES)] == [400]


def test_charging_on_the_premises_is_used_but_never_paid_twice(conn: Conn, tmp_path: Path) -> None:
    bring(conn, tmp_path / "一月.xlsx", **a_month())
    one = january(conn)["B01"]
    assert (one.fen, one.other_fen) == ({"charging": 3_200}, {"charging": 3_600})
    assert one.quantities == {("electricity", True): 30_000, ("electricity", False): 20_000}
    used = one.used["wh"]
    assert isinstance(used, Consumption)
    assert (used.per_100_km, used.bounds) == (Decimal("6.67"), None)
    assert running_costs(conn, TIMES, words())["jgj"] == 3_200 + 80_000


def test_fuel_by_the_codes_of_the_statistics(conn: Conn, tmp_path: Path) -> None:
    bring(conn, tmp_path / "一月.xlsx", **a_month())
    assert [
        (one.institution, one.code, one.ml, one.fen) for one in fuels(conn, TIMES, words())
    ] == [
        ("czj", 1501, 70_000, 52_500),
        ("czj", 1601, 60_000, 48_000),
        ("jgj", 1602, 100_000, 80_000),
    ]


def test_a_window_without_readings_knows_no_kilometres(conn: Conn, tmp_path: Path) -> None:
    bring(conn, tmp_path / "一月.xlsx", **a_month())
    one = january(conn, months(date(2026, 2, 1), 1))["A01"]
    assert one.stretch == Unknown("期内没有里程表读数")
    assert (one.cost, one.used, one.yuan_per_km) == (0, {}, None)


def test_a_reading_with_a_digit_too_many_is_asked_about_by_its_row(
    conn: Conn, tmp_path: Path
) -> None:
    sheets = a_month()
    sheets["费用"] = [
        spent("T3", None, "9001", "2026-01-20 09:00", "加油", "92号汽油", 30.5, 228.75, 15000)
        if row[0] == "T3"
        else row
        for row in sheets["费用"]
    ]
    bring(conn, tmp_path / "一月.xlsx", **sheets)
    one = january(conn)["A01"]
    assert isinstance(one.stretch, Unknown)
    assert one.stretch.why == (
        "里程表读数在 2026-01-20 由 1100.0（一月.xlsx 费用!4）"
        " 升到 15000.0 公里（一月.xlsx 费用!5），期间行驶不了这么远，是否多写或漏写一位数字？请核对"
    )
    assert one.yuan_per_km is None
    assert one.used["ml"] == one.stretch
    assert one.fen["filling"] == 52_500, "money does not rest on it"


def test_months_add_up_to_their_year(conn: Conn, tmp_path: Path) -> None:
    lines = [
        spent(
            *(None, "A01", None, f"2026-{m:02}-{d:02} 09:00", "加油"),
            *("92号汽油", 30 + m, 240, 100 * m + d),
        )
        for m in range(1, 13)
        for d in (3, 17)
    ]  # fmt: skip
    bring(conn, tmp_path / "a.xlsx", 车辆=cars(), 费用=[SPENDING, *lines])
    of_months = [january(conn, months(date(2026, m, 1), 1))["A01"] for m in range(1, 13)]
    whole = january(conn, year(2026))["A01"]
    stretches = [one.stretch for one in of_months]
    assert all(isinstance(one, Stretch) for one in stretches)
    assert isinstance(whole.stretch, Stretch)
    assert sum(one.hm for one in stretches if isinstance(one, Stretch)) == whole.stretch.hm
    used = [one.used["ml"] for one in [*of_months, whole]]
    litres = [one.filled for one in used if isinstance(one, Consumption)]
    assert sum(litres[:-1]) == litres[-1]
    assert sum(one.stretch_fen for one in of_months) == whole.stretch_fen
    assert sum(one.cost for one in of_months) == whole.cost == 24 * 24_000


def test_full_to_full_reaches_back_before_the_window(conn: Conn, tmp_path: Path) -> None:
    bring(
        conn,
        tmp_path / "a.xlsx",
        车辆=cars(),
        费用=[
            SPENDING,
            spent(
                "1", "A01", None, "2025-12-10 09:00", "加油", "92号汽油", 50, 400, 1000, full="是"
            ),
            spent("2", "A01", None, "2025-12-20 09:00", "加油", "92号汽油", 10, 80, 1200),
            spent(
                "3", "A01", None, "2026-01-10 09:00", "加油", "92号汽油", 30, 240, 1500, full="是"
            ),
        ],
    )
    (leg,) = january(conn)["A01"].legs["ml"]
    assert (leg.quantity, leg.hm) == (40_000, 5_000)


def test_averages_by_class_are_sums_over_sums(conn: Conn, tmp_path: Path) -> None:
    bring(
        conn,
        tmp_path / "a.xlsx",
        车辆=cars(),
        费用=[
            SPENDING,
            spent("1", "A01", None, "2026-01-01 09:00", "加油", "92号汽油", 1, 8, 0),
            spent("2", "A01", None, "2026-01-31 09:00", "加油", "92号汽油", 80, 640, 1000),
            spent("3", "B01", None, "2026-01-01 09:00", "加油", "92号汽油", 1, 8, 0),
            spent("4", "B01", None, "2026-01-31 09:00", "加油", "92号汽油", 2, 16, 10),
            spent("5", "G1", None, "2026-01-31 09:00", "加油", "0号柴油", 2, 16),
        ],
    )
    found = {one.group: one for one in averages(january(conn).values())}
    used = found["sedan"].used
    assert isinstance(used, Consumption)
    assert used.per_100_km == Decimal("8.12")  # 82 L over 1010 km, not the mean of 8 and 20
    assert (found["sedan"].vehicles, found[""].left_out) == (2, 1)


def test_kilometres_from_another_source_fit_in(conn: Conn, tmp_path: Path) -> None:
    class Positions:
        def stretch(
            self, code: str, events: object, window: tuple[object, object]
        ) -> Stretch | Unknown:
            del events
            if code != "A01":
                return Unknown("没有定位")
            return Stretch("gps", 10_000, *TIMES)

    bring(conn, tmp_path / "一月.xlsx", **a_month())
    found = {
        one.consumer.code: one
        for one in accounts(conn, JANUARY, ZONE, words(), mileage=Positions())
    }
    used = found["A01"].used["ml"]
    assert isinstance(used, Consumption)
    # Unknown levels at both ends: a whole tank either way.
    assert (used.filled, used.low, used.high) == (70_000, 15_000, 125_000)
    assert found["A02"].used["ml"] == Unknown("没有定位")


def test_a_fact_holds_from_its_day_on(conn: Conn, tmp_path: Path) -> None:
    bring(conn, tmp_path / "一月.xlsx", **a_month())
    enter_facts(conn, ACT, "A01", ["状态=封存", "车牌=沪A77777"], date(2026, 2, 15), words())
    plates = [
        load.consumers(conn, day, codes=["A01"])[0].plate
        for day in (date(2026, 2, 14), date(2026, 2, 15))
    ]
    assert plates == ["沪A10001", "沪A77777"]


@pytest.mark.parametrize("only", [None, ["czj"]])
def test_institutions_can_be_chosen(conn: Conn, tmp_path: Path, only: list[str] | None) -> None:
    bring(conn, tmp_path / "一月.xlsx", **a_month())
    found = accounts(conn, JANUARY, ZONE, words(), institutions=only)
    assert {one.consumer.institution for one in found} == set(only or ["czj", "jgj"])
    assert set(running_costs(conn, TIMES, words(), only)) == set(only or ["czj", "jgj"])


LINES = st.lists(
    st.tuples(
        st.sampled_from(["A01", "A02", "B01", "G1", "card"]),
        st.integers(1, 31),
        st.sampled_from(["加油", "退款", "充值", "非油品", "充电", "停车", "尿素"]),
        st.booleans(),
        st.integers(0, 90_000),
        st.integers(0, 100_000),
    ),
    min_size=1,
    max_size=15,
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(LINES)
def test_the_sum_of_vehicles_is_the_sum_of_their_institution(
    conn: Conn, tmp_path: Path, lines: list[tuple[str, int, str, bool, int, int]]
) -> None:
    rows = [
        spent(
            None,
            None if car == "card" else car,
            "9002" if car == "card" else None,
            f"2026-01-{day:02} 09:00",
            kind,
            "0号柴油" if kind in {"加油", "退款"} else None,
            ml / 1000,
            fen / 100,
            own="是" if own and kind == "充电" else "",
        )
        for car, day, kind, own, ml, fen in lines
    ]
    bring(
        conn,
        tmp_path / "a.xlsx",
        车辆=cars(),
        油卡=[CARDS, ["9002", None, "A02", "2026-01-10"]],
        费用=[SPENDING, *rows],
    )
    found = accounts(conn, JANUARY, ZONE, words())
    cost: Counter[str] = Counter()
    fuel: Counter[str] = Counter()
    for one in found:
        cost[one.consumer.institution] += one.cost
        fuel[one.consumer.institution] += one.quantities.get(("diesel", False), 0)
    assert cost == Counter(running_costs(conn, TIMES, words()))
    of_fuels: Counter[str] = Counter()
    for each in fuels(conn, TIMES, words()):
        of_fuels[each.institution] += each.ml
    assert fuel == of_fuels


def test_events_are_read_in_order(conn: Conn, tmp_path: Path) -> None:
    bring(conn, tmp_path / "一月.xlsx", **a_month())
    (one,) = load.consumers(conn, date(2026, 1, 31), codes=["A01"])
    events: list[Event] = load.events(conn, [one.id], TIMES, ZONE, words())[one.id]
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert [event.number for event in events if not event.timed] == [10, 11, 12]
    assert [event.odometer_hm for event in events if event.kind == "order"] == [10_000, 10_400]
