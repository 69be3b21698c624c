from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metering.bills.accounts import assign, bind_meter, release_meter
from metering.bills.entry import (
    correct_bill,
    enter_bill,
    enter_purchase,
    set_precedence,
    withdraw_bill,
)
from metering.bills.figures import figures
from metering.bills.model import First, NewPurchase
from metering.bills.month import Reason, Source
from metering.bills.share import How
from tests.integration.metering.bills.world import (
    ACT,
    YEAR,
    ZONE,
    Conn,
    bill,
    count_days,
    estimate,
    of_month,
    open_account,
)

DECEMBER, JANUARY = date(2025, 12, 1), date(2026, 1, 1)
FEBRUARY, MARCH, APRIL = date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1)
MILLION = 1_000_000


def test_a_bill_over_two_months_gives_each_its_part_and_nothing_is_lost(conn: Conn) -> None:
    open_account(conn)
    number = enter_bill(conn, ACT, bill(JANUARY, MARCH, "59.000001", amount=Decimal("59.01")))
    january, february = of_month(conn, JANUARY), of_month(conn, FEBRUARY)
    assert (january.micro, february.micro) == (31_000_000, 28_000_001)
    assert (january.fen, february.fen) == (3_100, 2_801)
    assert january.bill_ids == february.bill_ids == (number,)
    assert january.by_days == january.micro


def test_bills_read_on_the_25th_are_shared_out_by_metering_over_the_turn_of_the_year(
    conn: Conn,
) -> None:
    open_account(conn, meters=("m-1",), reading_day=25)
    count_days(conn, "m-1", (date(2025, 12, 25), JANUARY), 30 * MILLION)
    count_days(conn, "m-1", (JANUARY, date(2026, 2, 25)), 10 * MILLION)
    enter_bill(conn, ACT, bill(date(2025, 12, 25), date(2026, 1, 25), "450"))
    enter_bill(conn, ACT, bill(date(2026, 1, 25), date(2026, 2, 25), "320"))
    january = of_month(conn, JANUARY)
    # 240 of 450 as metered, and 70 of 310 scaled to the 320 of the bill.
    assert january.micro == 240 * MILLION + 320 * MILLION * 70 // 310
    assert {s.how for a in january.facts.accounts for s in a.quantity} == {How.METERED}
    assert january.metered == 310 * MILLION
    assert january.reasons == (Reason.READING_DAY,)
    december = of_month(conn, DECEMBER)
    assert (december.source, december.billed, december.metered) == (
        Source.NONE,
        None,
        210 * MILLION,
    )
    assert december.reasons == (Reason.NO_BILL, Reason.METER_GAP)


def test_a_sub_meter_of_the_same_account_does_not_count_twice(conn: Conn) -> None:
    open_account(conn, meters=("m-1", "m-2", "m-3"))
    for meter in ("m-1", "m-2", "m-3"):
        count_days(conn, meter, (JANUARY, FEBRUARY), MILLION)
    found = of_month(conn, JANUARY)
    assert (found.source, found.micro) == (Source.METERED, 62 * MILLION)  # m-1 and m-3


def test_a_gap_in_metering_stays_unknown_and_is_named(conn: Conn) -> None:
    open_account(conn, meters=("m-1",))
    count_days(conn, "m-1", (JANUARY, date(2026, 1, 31)), MILLION)
    count_days(conn, "m-1", (date(2026, 1, 31), FEBRUARY), MILLION, covered_s=85_500)
    found = of_month(conn, JANUARY)
    assert (found.source, found.micro, found.metered) == (Source.NONE, None, 31 * MILLION)
    enter_bill(conn, ACT, bill(JANUARY, FEBRUARY, "40"))
    found = of_month(conn, JANUARY)
    assert (found.source, found.difference) == (Source.BILLED, 9 * MILLION)
    assert found.reasons == (Reason.METER_GAP,)


def test_a_day_of_the_zones_change_of_clocks_is_as_long_as_it_is(conn: Conn) -> None:
    open_account(conn, meters=("m-1",))
    count_days(conn, "m-1", (MARCH, date(2026, 3, 29)), MILLION)
    count_days(conn, "m-1", (date(2026, 3, 29), date(2026, 3, 30)), MILLION, covered_s=82_800)
    count_days(conn, "m-1", (date(2026, 3, 30), APRIL), MILLION)
    (there,) = figures(conn, (MARCH, APRIL), "Europe/Berlin")
    (here,) = figures(conn, (MARCH, APRIL), ZONE)
    assert (there.source, here.source) == (Source.METERED, Source.NONE)


def test_an_estimate_is_replaced_when_the_settled_bill_comes(conn: Conn) -> None:
    open_account(conn)
    enter_bill(conn, ACT, estimate(JANUARY, FEBRUARY, "310"))
    before = of_month(conn, JANUARY)
    assert (before.micro, before.estimated) == (310 * MILLION, 310 * MILLION)
    settled = enter_bill(conn, ACT, bill(JANUARY, MARCH, "590"))
    after = of_month(conn, JANUARY)
    assert (after.micro, after.estimated) == (310 * MILLION, 0)
    withdraw_bill(conn, ACT, settled, "重复")
    assert of_month(conn, JANUARY).estimated == 310 * MILLION


def test_a_corrected_bill_replaces_the_wrong_one_in_the_figure(conn: Conn) -> None:
    open_account(conn)
    wrong = enter_bill(conn, ACT, bill(JANUARY, FEBRUARY, "1000"))
    right = correct_bill(conn, ACT, wrong, bill(JANUARY, FEBRUARY, "100"))
    found = of_month(conn, JANUARY)
    assert (found.micro, found.bill_ids) == (100 * MILLION, (right,))
    row = conn.execute("SELECT replaces_id FROM bill WHERE id = %s", [right]).fetchone()
    assert row == (wrong,)


def test_an_account_that_changes_hands_counts_for_each_on_its_days(conn: Conn) -> None:
    open_account(conn)
    enter_bill(conn, ACT, bill(JANUARY, FEBRUARY, "31"))
    assign(conn, ACT, "510001", "jgj", date(2026, 1, 11))
    one, other = of_month(conn, JANUARY), of_month(conn, JANUARY, who="jgj")
    assert (one.micro, other.micro) == (10 * MILLION, 21 * MILLION)


def test_a_meter_counts_an_account_only_while_it_is_bound(conn: Conn) -> None:
    open_account(conn, meters=("m-1",))
    release_meter(conn, ACT, "510001", "m-1", date(2026, 1, 16))
    bind_meter(conn, ACT, "510001", "m-3", date(2026, 1, 16))
    count_days(conn, "m-1", (JANUARY, FEBRUARY), MILLION)
    count_days(conn, "m-3", (JANUARY, FEBRUARY), 2 * MILLION)
    found = of_month(conn, JANUARY)
    assert found.micro == (15 + 2 * 16) * MILLION
    assert len(found.meter_ids) == 2


def test_precedence_is_dated(conn: Conn) -> None:
    open_account(conn, meters=("m-1",))
    count_days(conn, "m-1", (JANUARY, APRIL), MILLION)
    enter_bill(conn, ACT, bill(JANUARY, APRIL, "180"))
    set_precedence(conn, ACT, ("czj", "electricity"), First.METER, FEBRUARY)
    set_precedence(conn, ACT, ("czj", "electricity"), First.BILL, MARCH)
    sources = [f.source for f in figures(conn, (JANUARY, APRIL), ZONE, ["czj"])]
    assert sources == [Source.BILLED, Source.METERED, Source.BILLED]


def test_a_unit_on_the_bill_is_turned_into_that_of_figures(conn: Conn) -> None:
    open_account(conn)
    enter_bill(conn, ACT, bill(JANUARY, FEBRUARY, "1.2345", unit="MWh"))
    assert of_month(conn, JANUARY).micro == 1_234_500_000
    open_account(conn, "W-1", energy="water", supplier="自来水公司")
    enter_bill(conn, ACT, bill(JANUARY, FEBRUARY, "12", unit="吨", account="W-1"))
    assert of_month(conn, JANUARY, "water").micro == 12 * MILLION


def test_what_is_bought_counts_in_its_month(conn: Conn) -> None:
    for day, quantity in ((date(2026, 1, 31), "50"), (FEBRUARY, "30.5")):
        bought = NewPurchase(
            *("czj", "petrol", day, Decimal(quantity), "升", Decimal(400), "vehicle")
        )
        enter_purchase(conn, ACT, bought)
    assert of_month(conn, JANUARY, "petrol").micro == 50 * MILLION
    assert of_month(conn, FEBRUARY, "petrol").of_consumer("vehicle") == (30_500_000, 40_000)


def test_a_month_of_earlier_records_is_the_figure_where_nothing_else_is_known(conn: Conn) -> None:
    conn.execute(
        "INSERT INTO earlier_import (sha256, name, entered_by, entered_at)"
        " VALUES ('x', 'x', 'x', now())"
    )
    conn.execute(
        "INSERT INTO earlier_month (import_id, institution_id, month, energy, unit, quantity)"
        " SELECT e.id, i.id, '2026-01-01', 'electricity', 'kWh', 77"
        " FROM earlier_import e, institution i WHERE i.code = 'czj'"
    )
    found = of_month(conn, JANUARY)
    assert (found.source, found.micro, found.fen) == (Source.ENTERED, 77 * MILLION, None)


def test_an_institution_without_an_account_is_what_its_meters_counted(conn: Conn) -> None:
    conn.execute(
        "INSERT INTO building (code, name, institution_id) SELECT code, name, id FROM institution"
    )
    conn.execute("INSERT INTO room (code, name, building_id) SELECT code, name, id FROM building")
    conn.execute(
        "INSERT INTO place_room (place_id, room_id, valid) SELECT p.id, r.id, '[,)'"
        " FROM place p, room r WHERE p.code = 'm-3' AND r.code = 'jgj'"
    )
    conn.execute(
        "INSERT INTO consumption_month (meter_id, month, micro, estimated, covered_s, flags)"
        " SELECT id, '2026-01-01', 500, 20, 31 * 86400, 0 FROM meter WHERE code = 'm-3'"
    )
    january = of_month(conn, JANUARY, who="jgj")
    assert (january.source, january.micro, january.estimated) == (Source.METERED, 500, 20)
    ((meter,),) = conn.execute("SELECT id FROM meter WHERE code = 'm-3'").fetchall()
    assert (january.meter_ids, january.fen, january.reasons) == ((meter,), None, ())
    february = of_month(conn, FEBRUARY, who="jgj")
    assert (february.source, february.micro, february.metered) == (Source.NONE, None, None)


def test_a_year_has_a_figure_of_every_month(conn: Conn) -> None:
    open_account(conn)
    enter_bill(conn, ACT, bill(date(2026, 5, 1), date(2026, 6, 1)))
    found = figures(conn, YEAR, ZONE)
    assert [f.facts.month.month for f in found] == list(range(1, 13))
    assert [f.micro for f in found if f.micro is not None] == [100 * MILLION]


@pytest.mark.parametrize("months", [(date(2026, 1, 2), FEBRUARY), (FEBRUARY, FEBRUARY)])
def test_only_whole_months_are_figured(conn: Conn, months: tuple[date, date]) -> None:
    with pytest.raises(ValueError, match="no whole months"):
        figures(conn, months, ZONE)


PERIODS = st.lists(st.integers(1, 75), min_size=1, max_size=12)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    start=st.integers(0, 40),
    lengths=PERIODS,
    quantities=st.lists(st.integers(0, 10**12), min_size=12, max_size=12),
    metered=st.booleans(),
)
def test_whatever_the_periods_the_months_add_up_to_the_bills(
    conn: Conn, start: int, lengths: list[int], quantities: list[int], metered: bool
) -> None:
    with conn.transaction(force_rollback=True):
        first = date(2025, 11, 20) + timedelta(days=start)
        open_account(conn, since=first, meters=("m-1",) if metered else ())
        end = first
        for length, quantity in zip(lengths, quantities, strict=False):
            begin, end = end, end + timedelta(days=length)
            stated = str(Decimal(quantity) / MILLION)
            enter_bill(conn, ACT, bill(begin, end, stated, amount=Decimal(quantity) / 100))
        if metered:
            count_days(conn, "m-1", (first, first + timedelta(days=90)), MILLION)
        assign(conn, ACT, "510001", "jgj", end)  # from then on nobody asks czj for bills
        months = (date(2025, 11, 1), (end + timedelta(days=31)).replace(day=1))
        found = figures(conn, months, ZONE, ["czj"])
        shares = [s.value for f in found for a in f.facts.accounts for s in a.quantity]
        expected = sum(quantities[: len(lengths)])
        assert sum(shares) == expected
        whole = [f for f in found if f.facts.accounts]
        assert [f.micro is not None for f in whole] == [True] * len(whole)
        assert sum(f.micro or 0 for f in whole) == expected
        assert sum(f.fen or 0 for f in whole) == expected
