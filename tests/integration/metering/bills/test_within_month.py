"""Accounts that begin or change hands within a month: bills on their days, meters on the others."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from metering.bills.accounts import assign, bind_meter
from metering.bills.entry import enter_bill, set_precedence, withdraw_bill
from metering.bills.figures import figures
from metering.bills.model import First
from metering.bills.month import Reason, Source
from metering.bills.reporting import reported
from metering.tree.relations import Kind
from tests.integration.metering.bills.reports import (
    FEBRUARY,
    JANUARY,
    MARCH,
    MID,
    MILLION,
    POWER,
    january,
    micros,
    records,
    relate,
)
from tests.integration.metering.bills.world import (
    ACT,
    YEAR,
    ZONE,
    Conn,
    bill,
    count_days,
    hang,
    house,
    of_month,
    open_account,
)

NEW = "510003"


@pytest.fixture
def begun(three: Conn) -> Conn:
    """xfj has m-3, which counts 1 kWh a day; from the 11th on an account of its own has it."""
    house(three)
    hang(three, "m-3", "xfj", 31 * MILLION)
    count_days(three, "m-3", (JANUARY, FEBRUARY), MILLION)
    open_account(three, NEW, institution="xfj", since=MID, meters=("m-3",))
    return three


def enter(conn: Conn, first: date, end: date, quantity: str) -> int:
    return enter_bill(conn, ACT, bill(first, end, quantity, account=NEW))


def test_before_an_account_begins_the_meters_tell(begun: Conn) -> None:
    enter(begun, MID, FEBRUARY, "42")
    own = of_month(begun, JANUARY, who="xfj")
    assert (own.source, own.micro) == (Source.MIXED, 52 * MILLION)
    assert own.by_source == {Source.BILLED: 42 * MILLION, Source.METERED: 10 * MILLION}
    # The bill is held against the meter on its own days; no bill says what the others cost.
    assert (own.billed, own.metered, own.difference) == (42 * MILLION, 31 * MILLION, 21 * MILLION)
    assert own.fen is None
    found = january(begun)
    assert micros(found) == {"czj": 310 * MILLION, "jgj": 31 * MILLION, "xfj": 52 * MILLION}
    assert found["xfj"].by_source == own.by_source
    assert (found["xfj"].fen, found["xfj"].known_fen) == (None, 8_000)
    assert found["xfj"].meter_ids == own.meter_ids


def test_a_bill_that_reaches_over_the_beginning_counts_from_it_on(begun: Conn) -> None:
    """Of 62 kWh the meter saw 21 of 31 on the days on which the account was there."""
    enter(begun, JANUARY, FEBRUARY, "62")
    assert of_month(begun, JANUARY, who="xfj").micro == 42 * MILLION + 10 * MILLION
    assert january(begun)["xfj"].micro == 52 * MILLION


def test_without_its_bill_the_month_is_metered_or_unknown_never_the_days_before(
    begun: Conn,
) -> None:
    own = of_month(begun, JANUARY, who="xfj")
    assert (own.source, own.micro) == (Source.METERED, 31 * MILLION)
    assert january(begun)["xfj"].micro == 31 * MILLION
    begun.execute("DELETE FROM utility_account_meter")
    own, found = of_month(begun, JANUARY, who="xfj"), january(begun)["xfj"]
    assert (own.source, own.micro, own.known) == (Source.NONE, None, 10 * MILLION)
    assert (found.micro, found.known) == (None, 10 * MILLION)
    assert found.unknown_accounts == (NEW,)
    half = enter(begun, MID, date(2026, 1, 20), "9")
    assert (january(begun)["xfj"].micro, january(begun)["xfj"].known) == (None, 19 * MILLION)
    assert of_month(begun, JANUARY, who="xfj").known == 19 * MILLION
    withdraw_bill(begun, ACT, half, "重复")
    enter(begun, MID, FEBRUARY, "42")
    assert january(begun)["xfj"].micro == 52 * MILLION


def test_a_gap_before_the_beginning_leaves_the_month_unknown(begun: Conn) -> None:
    enter(begun, MID, FEBRUARY, "21")
    begun.execute("UPDATE consumption_day SET covered_s = 1 WHERE day = '2026-01-05'")
    own, found = of_month(begun, JANUARY, who="xfj"), january(begun)["xfj"]
    assert (own.source, own.micro, own.known) == (Source.NONE, None, 31 * MILLION)
    assert own.reasons == (Reason.METER_GAP,), "on the account's own days nothing differs"
    assert (found.micro, found.known) == (None, 31 * MILLION)
    records(begun, POWER, "kWh", "70")
    begun.execute(
        "UPDATE earlier_month SET institution_id = (SELECT id FROM institution WHERE code = 'xfj')"
    )
    assert of_month(begun, JANUARY, who="xfj").micro == 70 * MILLION
    assert january(begun)["xfj"].micro == 70 * MILLION, "records are of all the month"


def test_meters_first_hold_for_all_the_month(begun: Conn) -> None:
    enter(begun, MID, FEBRUARY, "42")
    set_precedence(begun, ACT, ("xfj", POWER), First.METER, JANUARY)
    assert of_month(begun, JANUARY, who="xfj").source is Source.METERED
    assert january(begun)["xfj"].by_source == {Source.METERED: 31 * MILLION}
    begun.execute("UPDATE consumption_day SET covered_s = 1 WHERE day = '2026-01-25'")
    assert of_month(begun, JANUARY, who="xfj").source is Source.MIXED
    assert january(begun)["xfj"].micro == 52 * MILLION


def test_an_account_that_is_handed_over_leaves_its_meters_days_to_nobody_else(
    begun: Conn,
) -> None:
    """xfj hands its account over on the 21st; m-1 hangs there too, and counts 5 a day."""
    hang(begun, "m-1", "xfj", 155 * MILLION)
    count_days(begun, "m-1", (JANUARY, FEBRUARY), 5 * MILLION)
    enter(begun, MID, FEBRUARY, "42")
    assign(begun, ACT, NEW, "jgj", date(2026, 1, 21))
    found = january(begun)
    # Ten days of both meters, ten of the bill, eleven of m-1 alone: the account has m-3 still.
    assert found["xfj"].micro == (10 * 6 + 10 * 2 + 11 * 5) * MILLION
    assert found["jgj"].micro == 31 * MILLION + 22 * MILLION
    own = {code: of_month(begun, JANUARY, who=code) for code in ("xfj", "jgj")}
    assert own["xfj"].micro == found["xfj"].micro
    assert own["xfj"].by_source == {Source.BILLED: 20 * MILLION, Source.METERED: 115 * MILLION}
    assert (own["jgj"].source, own["jgj"].micro) == (Source.BILLED, 53 * MILLION)


def test_with_another_account_all_along_the_bills_tell_all(begun: Conn) -> None:
    open_account(begun, "510004", institution="xfj")
    enter_bill(begun, ACT, bill(JANUARY, FEBRUARY, "5", account="510004"))
    enter(begun, MID, FEBRUARY, "42")
    assert of_month(begun, JANUARY, who="xfj").source is Source.BILLED
    assert january(begun)["xfj"].micro == 47 * MILLION


def test_where_no_meter_is_the_account_alone_tells(three: Conn) -> None:
    open_account(three, NEW, institution="xfj", since=MID)
    enter(three, MID, FEBRUARY, "42")
    assert of_month(three, JANUARY, who="xfj").source is Source.BILLED
    assert (january(three)["xfj"].micro, january(three)["xfj"].fen) == (42 * MILLION, 8_000)


def test_both_parts_go_to_who_reports(begun: Conn) -> None:
    enter(begun, MID, FEBRUARY, "42")
    relate(begun, "xfj", Kind.ON_BEHALF, "czj", since=date(2026, 1, 6))
    found = january(begun)
    assert micros(found) == {"czj": 357 * MILLION, "jgj": 31 * MILLION, "xfj": 5 * MILLION}
    assert january(begun, whose=["czj"]) == {"czj": found["czj"]}


def test_what_is_generated_or_passed_on_counts_on_all_days(begun: Conn) -> None:
    """m-1 makes 2 a day at xfj; m-2 behind m-3 takes 0.5 a day to jgj."""
    begun.execute("UPDATE meter SET direction = 'generated' WHERE code = 'm-1'")
    begun.execute("UPDATE meter_main SET main_id = (SELECT id FROM meter WHERE code = 'm-3')")
    for meter, room, daily in (("m-1", "xfj", 2 * MILLION), ("m-2", "jgj", MILLION // 2)):
        hang(begun, meter, room, 31 * daily)
        count_days(begun, meter, (JANUARY, FEBRUARY), daily)
    enter(begun, MID, FEBRUARY, "42")
    found = january(begun)
    assert found["xfj"].micro == 52 * MILLION + 62 * MILLION - 15_500_000
    assert found["jgj"].micro == 31 * MILLION + 15_500_000
    own = of_month(begun, JANUARY, who="xfj")
    assert own.by_source == {Source.BILLED: 42 * MILLION, Source.METERED: 25 * MILLION}


def test_a_meter_that_moves_counts_where_it_stood_that_day(begun: Conn) -> None:
    """m-3 moves on the 6th, before its account begins, to czj, whose bill tells all there."""
    enter(begun, MID, FEBRUARY, "42")
    begun.execute("UPDATE place_room SET valid = tstzrange(NULL, '2026-01-06 00:00+08')")
    begun.execute(
        "INSERT INTO place_room (place_id, room_id, valid)"
        " SELECT p.id, r.id, tstzrange('2026-01-06 00:00+08', NULL) FROM place p, room r"
        " WHERE p.code = 'm-3' AND r.code = 'czj'"
    )
    assert micros(january(begun)) == {
        "czj": 310 * MILLION,
        "jgj": 31 * MILLION,
        "xfj": 47 * MILLION,
    }
    assert of_month(begun, JANUARY, who="xfj").micro == 47 * MILLION


def test_a_year_is_the_sum_of_its_months(begun: Conn) -> None:
    enter(begun, MID, FEBRUARY, "42")
    enter(begun, FEBRUARY, MARCH, "56")
    begun.execute("DELETE FROM consumption_day")
    count_days(begun, "m-3", (JANUARY, MARCH), MILLION)
    own = [one.micro for one in figures(begun, YEAR, ZONE, ["xfj"])]
    given = [one.micro for one in reported(begun, YEAR, ZONE, ["xfj"])]
    assert own == given == [52 * MILLION, 56 * MILLION, *[None] * 10]


def test_a_meter_that_is_bound_later_than_its_account_begins(begun: Conn) -> None:
    """Until it is bound, the account tells of it all the same: it is its institution's."""
    begun.execute("DELETE FROM utility_account_meter")
    bind_meter(begun, ACT, NEW, "m-3", date(2026, 1, 16))
    enter(begun, MID, FEBRUARY, "42")
    assert of_month(begun, JANUARY, who="xfj").micro == 52 * MILLION
    assert january(begun)["xfj"].micro == 52 * MILLION


@pytest.mark.parametrize("offset", [0, 1, 30])
def test_wherever_the_account_begins_every_day_counts_once(three: Conn, offset: int) -> None:
    house(three)
    hang(three, "m-3", "xfj", 31 * MILLION)
    count_days(three, "m-3", (JANUARY, FEBRUARY), MILLION)
    since = JANUARY + timedelta(days=offset)
    open_account(three, NEW, institution="xfj", since=since, meters=("m-3",))
    days = (FEBRUARY - since).days
    enter(three, since, FEBRUARY, str(Decimal(days) * 2))
    assert january(three)["xfj"].micro == (offset + 2 * days) * MILLION
