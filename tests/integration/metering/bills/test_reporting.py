"""For whom bills, purchases and meters count; every account once."""

from __future__ import annotations

import gc
from decimal import Decimal
from fractions import Fraction

import pytest

from metering.bills.accounts import bind_meter
from metering.bills.entry import enter_bill, enter_purchase
from metering.bills.model import NewPurchase
from metering.bills.month import Reason, Source
from metering.bills.reporting import reported
from metering.tree.relations import Kind
from tests.integration.metering.bills.reports import (
    FEBRUARY,
    JANUARY,
    MARCH,
    MID,
    MILLION,
    count_month,
    january,
    micros,
    records,
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


def test_without_relations_everybody_reports_what_is_its_own(three: Conn) -> None:
    found = january(three)
    assert micros(found) == {"czj": 310 * MILLION, "jgj": 31 * MILLION}
    assert found["czj"].members == ("czj",)
    assert found["czj"].sources == (Source.BILLED,)
    assert gc.isenabled()  # it was put off meanwhile


def test_who_reports_for_another_has_both_bills(three: Conn) -> None:
    relate(three, "jgj", Kind.ON_BEHALF, "czj")
    found = january(three)
    assert micros(found) == {"czj": 341 * MILLION}
    assert found["czj"].members == ("czj", "jgj")
    assert (found["czj"].fen, len(found["czj"].bill_ids)) == (16_000, 2)
    assert found["czj"].accounts == ("510001", "510002")
    assert micros(january(three, whose=["czj"])) == micros(found)
    assert january(three, whose=["jgj"]) == {}


def test_what_is_shared_out_adds_up_to_the_bill(three: Conn) -> None:
    relate(three, "jgj", Kind.SHARED, shares={"czj": 1, "jgj": 1, "xfj": 1})
    enter_bill(
        three,
        ACT,
        bill(FEBRUARY, MARCH, "0.000002", account="510002", amount=Decimal("0.01")),
    )
    found = january(three)
    assert micros(found) == {"czj": 320_333_334, "jgj": 10_333_333, "xfj": 10_333_333}
    assert found["xfj"].parts[0].share == Fraction(1, 3)
    assert [part.amounts.fen for one in found.values() for part in one.parts] == [
        *(8_000, 2_667),
        *(2_667, 2_666),
    ]
    february = [
        (one.institution, [(part.amounts.micro, part.amounts.fen) for part in one.parts][-1])
        for one in reported(three, (FEBRUARY, MARCH), ZONE)
    ]
    assert february == [("czj", (1, 1)), ("jgj", (1, 0)), ("xfj", (0, 0))]


def test_what_is_excluded_counts_for_nobody_and_is_shown(three: Conn) -> None:
    relate(three, "jgj", Kind.EXCLUDED)
    found = january(three)
    assert micros(found) == {"czj": 310 * MILLION, None: 31 * MILLION}
    assert found[None].members == ("jgj",)


def test_a_relation_splits_the_month_at_its_day(three: Conn) -> None:
    relate(three, "czj", Kind.MERGED, "xfj", since=MID)
    relate(three, "jgj", Kind.EXCLUDED, until=MID)
    petrol = NewPurchase(*("czj", "petrol", MID, Decimal(50), "升", Decimal(400), "vehicle"))
    enter_purchase(three, ACT, petrol)
    assert micros(january(three)) == {
        "czj": 100 * MILLION,
        "jgj": 21 * MILLION,
        "xfj": 210 * MILLION,
        None: 10 * MILLION,
    }
    assert micros(january(three, "petrol")) == {"xfj": 50 * MILLION}


def test_a_split_month_follows_what_the_meters_saw(three: Conn) -> None:
    open_account(three, "510003", institution="xfj", meters=("m-1",))
    enter_bill(three, ACT, bill(JANUARY, FEBRUARY, "300", account="510003"))
    count_days(three, "m-1", (JANUARY, MID), 20 * MILLION)
    count_days(three, "m-1", (MID, FEBRUARY), 5 * MILLION)
    relate(three, "xfj", Kind.ON_BEHALF, "jgj", since=MID)
    found = january(three)
    first = 300 * MILLION * 200 // 305
    assert found["xfj"].micro == first
    assert found["jgj"].micro == 31 * MILLION + 300 * MILLION - first
    assert found["xfj"].difference == first - 200 * MILLION
    assert found["xfj"].reasons == (Reason.READING_DAY,)
    assert found["jgj"].difference is None  # its own account has no meter
    assert Reason.NO_METER in found["jgj"].reasons


def test_unknown_stays_unknown_and_says_what_is_known(three: Conn) -> None:
    open_account(three, "510003", institution="xfj")
    relate(three, "xfj", Kind.ON_BEHALF, "czj")
    found = january(three)["czj"]
    assert (found.micro, found.known) == (None, 310 * MILLION)
    assert (found.unknown_members, found.unknown_accounts) == (("xfj",), ("510003",))
    assert found.sources == (Source.BILLED, Source.NONE)
    assert found.by_source == {Source.BILLED: 310 * MILLION}
    assert (found.fen, found.known_fen) == (None, 8_000)


def test_a_month_without_its_part_is_a_figure_that_is_unknown(three: Conn) -> None:
    relate(three, "jgj", Kind.ON_BEHALF, "xfj", until=FEBRUARY)
    found = [one for one in reported(three, (JANUARY, MARCH), ZONE) if one.institution == "xfj"]
    assert [one.micro for one in found] == [31 * MILLION, None]


@pytest.mark.parametrize(
    ("subject", "code"), [("meter", "m-3"), ("room", "xfj"), ("building", "xfj")]
)
def test_an_account_follows_its_meters(three: Conn, subject: str, code: str) -> None:
    house(three)
    open_account(three, "510003", institution="czj", meters=("m-3",))
    hang(three, "m-3", "xfj")
    enter_bill(three, ACT, bill(JANUARY, FEBRUARY, "62", account="510003"))
    relate(three, code, Kind.EXCLUDED, subject=subject, since=MID)
    found = january(three)
    assert micros(found) == {"czj": 330 * MILLION, "jgj": 31 * MILLION, None: 42 * MILLION}
    assert found[None].members == ("czj",)
    alone = january(three, whose=["czj"])
    assert alone == {"czj": found["czj"]}


def test_an_account_whose_meters_go_several_ways_follows_its_institution(three: Conn) -> None:
    house(three)
    open_account(three, "510003", institution="xfj", meters=("m-1", "m-2", "m-3"))
    enter_bill(three, ACT, bill(JANUARY, FEBRUARY, "62", account="510003"))
    relate(three, "xfj", Kind.ON_BEHALF, "czj")
    relate(three, "m-2", Kind.EXCLUDED, subject="meter")  # stands behind m-1
    count_month(three, "m-2", 7 * MILLION)
    relate(three, "m-1", Kind.ON_BEHALF, "jgj", subject="meter")
    found = january(three)
    assert micros(found) == {"czj": 365 * MILLION, "jgj": 31 * MILLION, None: 7 * MILLION}
    assert (found["czj"].undivided_accounts, found["jgj"].undivided_accounts) == (("510003",), ())
    relate(three, "m-3", Kind.ON_BEHALF, "jgj", subject="meter")
    found = january(three)
    assert micros(found) == {"czj": 310 * MILLION, "jgj": 86 * MILLION, None: 7 * MILLION}
    assert found["jgj"].undivided_accounts == ()


def several_ways(conn: Conn) -> None:
    """An account of xfj has m-1, which jgj reports, and m-3, which nobody counts."""
    open_account(conn, "510003", institution="xfj", meters=("m-1", "m-3"))
    enter_bill(conn, ACT, bill(JANUARY, FEBRUARY, "62", account="510003"))
    relate(conn, "m-1", Kind.ON_BEHALF, "jgj", subject="meter")
    relate(conn, "m-3", Kind.EXCLUDED, subject="meter", until=MID)


def test_an_account_whose_meters_go_several_ways_is_divided_by_what_they_counted(
    three: Conn,
) -> None:
    several_ways(three)
    count_days(three, "m-1", (JANUARY, FEBRUARY), 3 * MILLION)
    count_days(three, "m-3", (JANUARY, FEBRUARY), 1 * MILLION)
    found = january(three)
    # 20 of the first ten days, 42 of the others; three quarters of both are of m-1.
    assert micros(found) == {
        "czj": 310 * MILLION,
        "jgj": 31 * MILLION + 46_500_000,
        "xfj": 10_500_000,
        None: 5 * MILLION,
    }
    assert sum(found[code].fen or 0 for code in ("jgj", "xfj", None)) == 8_000 + 8_000
    assert found["jgj"].undivided_accounts == ()
    assert [part.figure.metered for part in found["xfj"].parts] == [21 * MILLION]
    assert [part.figure.meter_ids for part in found["jgj"].parts][1] != found["xfj"].meter_ids
    for code in ("jgj", "xfj"):
        assert january(three, whose=[code]) == {code: found[code]}


def test_an_account_is_not_divided_where_its_meters_do_not_know_and_that_is_said(
    three: Conn,
) -> None:
    several_ways(three)
    count_days(three, "m-1", (JANUARY, FEBRUARY), 3 * MILLION)
    count_days(three, "m-3", (MID, FEBRUARY), 1 * MILLION)
    found = january(three)
    # Of the first ten days nobody knows: they stay with the institution whose account it is.
    assert micros(found) == {
        "czj": 310 * MILLION,
        "jgj": 31 * MILLION + 31_500_000,
        "xfj": 20 * MILLION + 10_500_000,
    }
    assert found["xfj"].undivided_accounts == ("510003",)


def test_meters_without_an_account_count_for_who_reports_them(three: Conn) -> None:
    house(three)
    hang(three, "m-3", "xfj", 7 * MILLION)
    hang(three, "m-1", "czj", 999 * MILLION)  # czj has an account: its bill counts
    assert micros(january(three)) == {
        "czj": 310 * MILLION,
        "jgj": 31 * MILLION,
        "xfj": 7 * MILLION,
    }
    relate(three, "xfj", Kind.ON_BEHALF, "czj")
    found = january(three)["czj"]
    assert (found.micro, found.sources) == (317 * MILLION, (Source.BILLED, Source.METERED))
    assert found.billed is None
    assert found.by_source == {Source.BILLED: 310 * MILLION, Source.METERED: 7 * MILLION}
    assert found.members == ("czj", "xfj")


def test_what_passes_on_to_a_meter_alone_is_taken_off_unless_one_reports_for_both(
    three: Conn,
) -> None:
    house(three)
    hang(three, "m-1", "czj", 300 * MILLION)
    hang(three, "m-2", "xfj", 7 * MILLION)  # behind m-1
    apart = {"czj": 303 * MILLION, "jgj": 31 * MILLION, "xfj": 7 * MILLION}
    assert micros(january(three)) == apart
    relate(three, "xfj", Kind.MERGED, "czj")
    assert micros(january(three)) == {"czj": 310 * MILLION, "jgj": 31 * MILLION}


def test_what_is_let_out_or_supplied_is_taken_off_from_the_bill(three: Conn) -> None:
    house(three)
    open_account(three, "510003", institution="xfj", meters=("m-1",))
    enter_bill(three, ACT, bill(JANUARY, FEBRUARY, "62", account="510003"))
    hang(three, "m-1", "xfj", 60 * MILLION)
    hang(three, "m-2", "xfj", 7 * MILLION)  # behind m-1
    assert january(three)["xfj"].micro == 62 * MILLION
    relate(three, "m-2", Kind.EXCLUDED, subject="meter")
    found = january(three)
    assert (found["xfj"].micro, found[None].micro) == (55 * MILLION, 7 * MILLION)
    three.execute("UPDATE meter SET direction = 'out' WHERE code = 'm-2'")
    assert january(three)["xfj"].micro == 55 * MILLION


def test_what_an_account_gives_away_behind_its_main_is_not_lost(three: Conn) -> None:
    house(three)
    open_account(three, "510003", institution="xfj", meters=("m-1", "m-2"))
    enter_bill(three, ACT, bill(JANUARY, FEBRUARY, "62", account="510003"))
    hang(three, "m-1", "xfj", 60 * MILLION)
    hang(three, "m-2", "xfj", 7 * MILLION)  # behind m-1
    relate(three, "m-2", Kind.EXCLUDED, subject="meter")
    found = january(three)
    assert (found["xfj"].micro, found[None].micro) == (55 * MILLION, 7 * MILLION)


def test_a_meter_counts_by_itself_until_an_account_has_it(three: Conn) -> None:
    """Until the 11th m-3 is known by itself, from then on by the account of jgj."""
    house(three)
    hang(three, "m-3", "xfj", 31 * MILLION)
    count_days(three, "m-3", (JANUARY, FEBRUARY), MILLION)
    assert january(three)["xfj"].micro == 31 * MILLION
    bind_meter(three, ACT, "510002", "m-3", MID)
    assert micros(january(three)) == {
        "czj": 310 * MILLION,
        "jgj": 31 * MILLION,
        "xfj": 10 * MILLION,
    }
    assert of_month(three, JANUARY, who="xfj").micro == 10 * MILLION


def test_a_meter_that_hangs_nowhere_is_reported_by_whom_its_relation_leads_to(
    three: Conn,
) -> None:
    three.execute("INSERT INTO institution (code, name) VALUES ('zwj', '政务局')")
    relate(three, "m-3", Kind.SHARED, subject="meter", shares={"xfj": 1, "zwj": 2})
    count_month(three, "m-3", 31)
    found = january(three)
    assert (found["xfj"].micro, found["zwj"].micro) == (10, 21)
    for code in ("xfj", "zwj"):
        assert january(three, whose=[code]) == {code: found[code]}
    assert of_month(three, JANUARY, who="xfj").micro == 31  # own, whoever reports it


def test_earlier_records_go_by_days(three: Conn) -> None:
    records(three, "water", "m3", "3.1")
    relate(three, "czj", Kind.ON_BEHALF, "jgj", since=MID)
    found = january(three, "water")
    assert micros(found) == {"czj": MILLION, "jgj": 2_100_000}
    assert found["jgj"].sources == (Source.ENTERED,)
