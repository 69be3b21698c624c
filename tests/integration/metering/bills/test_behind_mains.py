"""Meters of accounts behind somebody's main, and what passes on behind meters of accounts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from metering.bills.accounts import bind_meter
from metering.bills.entry import enter_bill, enter_purchase, set_precedence
from metering.bills.model import First, NewPurchase
from metering.bills.month import Reason, Source
from metering.bills.reported_totals import reported_totals
from metering.tree.relations import Kind
from metering.tree.report import Grouping
from metering.tree.scope import problems
from tests.integration.metering.bills.reports import (
    FEBRUARY,
    JANUARY,
    MID,
    MILLION,
    count_month,
    january,
    micros,
    relate,
)
from tests.integration.metering.bills.world import (
    ACT,
    ZONE,
    Conn,
    bill,
    count_days,
    hang,
    house,
    of_month,
    open_account,
)

SINCE = date(2025, 1, 1)


@pytest.fixture
def behind(three: Conn) -> Conn:
    """xfj has the main m-1, 100 kWh, and no account; m-2 behind it, 40 kWh, stands there too."""
    house(three)
    hang(three, "m-1", "xfj", 100 * MILLION)
    hang(three, "m-2", "xfj", 40 * MILLION)
    return three


def stand_behind(conn: Conn, meter: str, main: str) -> None:
    conn.execute(
        "INSERT INTO meter_main (meter_id, main_id, valid)"
        " SELECT s.id, m.id, '[,)' FROM meter s, meter m WHERE s.code = %s AND m.code = %s",
        [meter, main],
    )


def test_anothers_account_meter_behind_a_main_is_taken_off_from_it(behind: Conn) -> None:
    assert january(behind)["xfj"].micro == 100 * MILLION
    bind_meter(behind, ACT, "510001", "m-2", SINCE)
    found = january(behind)
    assert micros(found) == {"czj": 310 * MILLION, "jgj": 31 * MILLION, "xfj": 60 * MILLION}
    own = of_month(behind, JANUARY, who="xfj")
    assert (own.source, own.micro) == (Source.METERED, 60 * MILLION)
    assert january(behind, whose=["xfj"]) == {"xfj": found["xfj"]}


def test_a_relation_to_whose_account_it_is_changes_nothing(behind: Conn) -> None:
    bind_meter(behind, ACT, "510001", "m-2", SINCE)
    before = micros(january(behind))
    relate(behind, "m-2", Kind.ON_BEHALF, "czj", subject="meter")
    assert micros(january(behind)) == before


def test_it_is_taken_off_on_the_days_on_which_it_is_the_accounts(behind: Conn) -> None:
    count_days(behind, "m-2", (JANUARY, FEBRUARY), 40 * MILLION // 31)
    bind_meter(behind, ACT, "510001", "m-2", MID)
    assert january(behind)["xfj"].micro == 100 * MILLION - 21 * (40 * MILLION // 31)


def test_while_it_is_not_known_the_main_less_it_is_not(behind: Conn) -> None:
    bind_meter(behind, ACT, "510001", "m-2", SINCE)
    behind.execute("UPDATE consumption_month SET covered_s = 1 WHERE micro = 40000000")
    found = january(behind)["xfj"]
    assert (found.micro, found.known) == (None, 60 * MILLION)


def test_who_reports_for_both_has_it_once(behind: Conn) -> None:
    bind_meter(behind, ACT, "510001", "m-2", SINCE)
    relate(behind, "czj", Kind.ON_BEHALF, "xfj")
    assert micros(january(behind)) == {"jgj": 31 * MILLION, "xfj": 370 * MILLION}


def test_it_is_found_behind_meters_in_between(behind: Conn) -> None:
    """m-3 behind m-2 behind m-1, all at xfj: the main of who has them counts it."""
    hang(behind, "m-3", "xfj", 15 * MILLION)
    stand_behind(behind, "m-3", "m-2")
    bind_meter(behind, ACT, "510001", "m-3", SINCE)
    assert january(behind)["xfj"].micro == 85 * MILLION
    # What stands above it is another account's: that one's bill is what its supplier says.
    bind_meter(behind, ACT, "510002", "m-2", SINCE)
    assert january(behind)["xfj"].micro == 60 * MILLION
    assert january(behind)["jgj"].micro == 31 * MILLION


def test_where_the_main_is_in_a_bill_nothing_is_taken_off(behind: Conn) -> None:
    open_account(behind, "510003", institution="xfj")
    enter_bill(behind, ACT, bill(JANUARY, FEBRUARY, "90", account="510003"))
    bind_meter(behind, ACT, "510001", "m-2", SINCE)
    assert january(behind)["xfj"].micro == 90 * MILLION


def test_a_bill_that_passed_on_less_gives_less(three: Conn) -> None:
    """Behind czj's m-1 stands xfj's m-2, 40 kWh, and behind that m-3, 15, of jgj's account."""
    house(three)
    for meter, room, kwh in (("m-1", "czj", 300), ("m-2", "xfj", 40), ("m-3", "jgj", 15)):
        hang(three, meter, room, kwh * MILLION)
    stand_behind(three, "m-3", "m-2")
    bind_meter(three, ACT, "510001", "m-1", SINCE)
    assert micros(january(three)) == {
        "czj": 270 * MILLION,
        "jgj": (31 + 15) * MILLION,
        "xfj": 25 * MILLION,
    }
    bind_meter(three, ACT, "510002", "m-3", SINCE)
    found = micros(january(three))
    assert found == {"czj": 285 * MILLION, "jgj": 31 * MILLION, "xfj": 25 * MILLION}
    assert sum(filter(None, found.values())) == 341 * MILLION, "the two bills"


def virtual_main(conn: Conn, formula: str) -> None:
    """Let m-2 hang behind a virtual main instead of m-1."""
    conn.execute(
        "INSERT INTO meter (code, name, energy, unit, formula)"
        " VALUES ('v', 'v', 'electricity', 'kWh', %s)",
        [formula],
    )
    conn.execute("UPDATE meter_main SET main_id = (SELECT id FROM meter WHERE code = 'v')")


@pytest.mark.parametrize("formula", ["{m-1}", "{m-3} + {m-1}", "2 * {m-1} - {m-3}"])
def test_it_is_found_behind_a_virtual_main(behind: Conn, formula: str) -> None:
    """Whatever else xfj's main adds: m-3 is a second feed of 15 kWh."""
    hang(behind, "m-3", "xfj", 15 * MILLION)
    virtual_main(behind, formula)
    assert january(behind)["xfj"].micro == 115 * MILLION
    bind_meter(behind, ACT, "510001", "m-2", SINCE)
    found = january(behind)
    assert micros(found) == {"czj": 310 * MILLION, "jgj": 31 * MILLION, "xfj": 75 * MILLION}
    assert of_month(behind, JANUARY, who="xfj").micro == 75 * MILLION
    relate(behind, "m-2", Kind.ON_BEHALF, "czj", subject="meter")
    assert january(behind)["xfj"].micro == 75 * MILLION


def test_behind_a_virtual_main_in_a_bill_nothing_is_taken_off(behind: Conn) -> None:
    virtual_main(behind, "{m-1}")
    open_account(behind, "510003", institution="xfj", meters=("m-1",))
    enter_bill(behind, ACT, bill(JANUARY, FEBRUARY, "90", account="510003"))
    bind_meter(behind, ACT, "510001", "m-2", SINCE)
    assert january(behind)["xfj"].micro == 90 * MILLION


def test_behind_a_virtual_main_of_several_holders_it_is_named(behind: Conn) -> None:
    """Nobody can say whose it is: it is not taken off, and ``total problems`` names it."""
    hang(behind, "m-3", "jgj", 15 * MILLION)
    virtual_main(behind, "{m-1} + {m-3}")
    bind_meter(behind, ACT, "510001", "m-2", SINCE)
    assert january(behind)["xfj"].micro == 100 * MILLION
    assert [(one.kind, one.subject) for one in problems(behind)] == [("mixed", "m-2")]


@pytest.fixture
def several_ways(three: Conn) -> Conn:
    """xfj's account has m-1, which jgj reports, and m-3; behind m-1 m-2 takes 1 a day to czj."""
    house(three)
    open_account(three, "510003", institution="xfj", meters=("m-1", "m-3"))
    enter_bill(three, ACT, bill(JANUARY, FEBRUARY, "62", account="510003"))
    for meter, room in (("m-1", "xfj"), ("m-3", "xfj"), ("m-2", "czj")):
        hang(three, meter, room)
    relate(three, "m-1", Kind.ON_BEHALF, "jgj", subject="meter")
    count_month(three, "m-2", 31 * MILLION)
    count_days(three, "m-2", (JANUARY, FEBRUARY), MILLION)
    count_days(three, "m-1", (JANUARY, FEBRUARY), 3 * MILLION)
    return three


def test_what_passes_on_is_taken_off_where_the_bill_stays(several_ways: Conn) -> None:
    """Nobody knows m-3: the bill stays with xfj, and what passes on comes off it, not off jgj."""
    found = january(several_ways)
    assert micros(found) == {"czj": 341 * MILLION, "jgj": 31 * MILLION, "xfj": 31 * MILLION}
    assert found["xfj"].undivided_accounts == ("510003",)
    for code in ("czj", "jgj", "xfj"):
        assert january(several_ways, whose=[code]) == {code: found[code]}


def test_what_passes_on_follows_the_bill_day_by_day(several_ways: Conn) -> None:
    """From the 11th on m-3 goes another way, and is known: 42 of the bill are divided 3 to 1."""
    relate(several_ways, "m-3", Kind.EXCLUDED, subject="meter", until=MID)
    count_days(several_ways, "m-3", (MID, FEBRUARY), MILLION)
    found = january(several_ways)
    assert micros(found) == {
        "czj": 341 * MILLION,
        "jgj": 31 * MILLION + 31_500_000 - 21 * MILLION,
        "xfj": 20 * MILLION - 10 * MILLION + 10_500_000,
    }


def test_a_meter_of_an_account_in_anothers_building_charges_whose_account_it_is(
    three: Conn,
) -> None:
    """czj's account has m-1 in a building of xfj; what is let out behind it is czj's to give."""
    house(three)
    hang(three, "m-1", "xfj", 300 * MILLION)
    hang(three, "m-2", "xfj", 7 * MILLION)
    bind_meter(three, ACT, "510001", "m-1", SINCE)
    relate(three, "m-2", Kind.EXCLUDED, subject="meter")
    found = january(three)
    assert micros(found) == {"czj": 303 * MILLION, "jgj": 31 * MILLION, None: 7 * MILLION}
    assert of_month(three, JANUARY, who="czj").micro == 310 * MILLION


def test_a_figure_below_zero_is_unknown_and_says_why(three: Conn) -> None:
    """Of a bill of 31 kWh 40 were passed on: one of them is wrong, and nobody knows which."""
    house(three)
    hang(three, "m-1", "jgj", 90 * MILLION)
    hang(three, "m-2", "xfj", 40 * MILLION)
    found = january(three)["jgj"]
    assert (found.micro, found.known) == (None, -9 * MILLION)
    assert found.reasons == (Reason.NO_METER, Reason.BELOW_ZERO)
    totals = reported_totals(three, JANUARY, ZoneInfo(ZONE), Grouping.DISTRICT)
    (city,) = [one for one in totals if one.name == "合计"]
    assert city.reported.micro == 341 * MILLION, "the sum has every kilowatt-hour once"


def test_a_buyer_reports_by_its_meter_where_its_own_figure_does(conn: Conn) -> None:
    """Bought water of which nobody wrote how much: the meter counted 7 m³."""
    house(conn)
    hang(conn, "w-1", "czj", 7 * MILLION)
    bought = NewPurchase("czj", "water", MID, None, "吨", Decimal(90), "other")
    enter_purchase(conn, ACT, bought)
    own, found = of_month(conn, JANUARY, "water"), january(conn, "water")["czj"]
    assert (own.source, own.micro, own.fen) == (Source.METERED, 7 * MILLION, 9_000)
    assert (found.micro, found.fen) == (7 * MILLION, 9_000)
    assert (found.sources, found.purchase_ids) == ((Source.METERED,), own.purchase_ids)
    conn.execute("UPDATE consumption_month SET covered_s = 1")
    own, found = of_month(conn, JANUARY, "water"), january(conn, "water")["czj"]
    assert (own.micro, found.micro) == (None, None)


def test_a_buyer_whose_meters_come_first_reports_by_them(conn: Conn) -> None:
    house(conn)
    hang(conn, "w-1", "czj", 7 * MILLION)
    bought = NewPurchase("czj", "water", MID, Decimal(9), "吨", Decimal(90), "other")
    enter_purchase(conn, ACT, bought)
    assert january(conn, "water")["czj"].micro == 9 * MILLION
    set_precedence(conn, ACT, ("czj", "water"), First.METER, JANUARY)
    assert of_month(conn, JANUARY, "water").micro == 7 * MILLION
    assert january(conn, "water")["czj"].micro == 7 * MILLION
    conn.execute("UPDATE consumption_month SET covered_s = 1")
    assert january(conn, "water")["czj"].micro == of_month(conn, JANUARY, "water").micro
    assert january(conn, "water")["czj"].micro == 9 * MILLION
