"""What meters and earlier records say beside bills, and months that say nothing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from metering.bills.entry import enter_bill, enter_purchase
from metering.bills.figures import figures
from metering.bills.model import NewPurchase
from metering.bills.month import Source
from metering.bills.reporting import ROUNDS, own_and_reported, reported
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
    ZONE,
    Conn,
    bill,
    hang,
    house,
    open_account,
)


def test_what_is_generated_beside_the_bill_is_own_use(three: Conn) -> None:
    """The bill is of what the grid brought: 310 in, 40 made, 5 of them fed in."""
    house(three)
    hang(three, "m-3", "czj", 40 * MILLION)
    three.execute("UPDATE meter SET direction = 'generated' WHERE code = 'm-3'")
    found = january(three)["czj"]
    assert (found.micro, found.fen) == (350 * MILLION, 8_000)
    assert found.sources == (Source.BILLED, Source.METERED)
    assert (found.members, found.accounts) == (("czj",), ("510001",))
    hang(three, "m-2", "czj", 5 * MILLION)  # behind m-1
    three.execute("UPDATE meter SET direction = 'out' WHERE code = 'm-2'")
    hang(three, "m-1", "czj", 300 * MILLION)
    found = january(three)["czj"]
    assert (found.micro, found.fen) == (345 * MILLION, 8_000)
    three.execute("UPDATE consumption_month SET covered_s = 1 WHERE micro = 40000000")
    found = january(three)["czj"]
    assert (found.micro, found.known) == (None, 345 * MILLION), "a gap of the PV meter is unknown"


def test_what_is_generated_goes_with_the_figure_of_who_reports_it(three: Conn) -> None:
    house(three)
    hang(three, "m-3", "jgj", 40 * MILLION)
    three.execute("UPDATE meter SET direction = 'generated' WHERE code = 'm-3'")
    relate(three, "jgj", Kind.ON_BEHALF, "czj")
    assert micros(january(three)) == {"czj": 381 * MILLION}
    assert micros(january(three, whose=["czj"])) == {"czj": 381 * MILLION}


def test_a_generating_meter_of_an_account_is_known_by_its_bill(three: Conn) -> None:
    house(three)
    hang(three, "m-3", "czj", 40 * MILLION)
    three.execute("UPDATE meter SET direction = 'generated' WHERE code = 'm-3'")
    open_account(three, "510009", institution="czj", meters=("m-3",))
    enter_bill(three, ACT, bill(JANUARY, FEBRUARY, "41", account="510009"))
    assert january(three)["czj"].micro == 351 * MILLION


def test_what_was_generated_is_in_earlierrecords(conn: Conn) -> None:
    house(conn)
    open_account(conn, "510001", institution="czj")
    records(conn, POWER, "kWh", "300")
    hang(conn, "m-3", "czj", 40 * MILLION)
    conn.execute("UPDATE meter SET direction = 'generated' WHERE code = 'm-3'")
    assert january(conn)["czj"].micro == 300 * MILLION


@pytest.mark.parametrize(
    "months", [(JANUARY, FEBRUARY), (JANUARY, MARCH), (date(2025, 12, 1), MARCH)]
)
def test_a_month_without_a_purchase_is_unknown_whichever_months_are_asked_for(
    conn: Conn, months: tuple[date, date]
) -> None:
    bought = date(2026, 11, 5)
    enter_purchase(
        conn, ACT, NewPurchase("czj", "petrol", bought, Decimal(50), "升", None, "vehicle")
    )
    for found in (reported(conn, months, ZONE), reported(conn, months, ZONE, ["czj"])):
        inside = {one.month: one for one in found if one.energy == "petrol"}
        assert inside[JANUARY].unknown_members == ("czj",)
    own = {one.facts.month: one.micro for one in figures(conn, months, ZONE, ["czj"])}
    assert own[JANUARY] is None
    assert reported(conn, (date(2025, 12, 1), JANUARY), ZONE) == [], "in 2025 it bought none"


@pytest.mark.parametrize("whose", [None, ["czj"], ["xfj", "jgj"]])
def test_both_kinds_of_figures_are_the_same_as_each_by_itself(
    three: Conn, whose: list[str] | None
) -> None:
    house(three)
    hang(three, "m-3", "xfj", 7 * MILLION)
    relate(three, "jgj", Kind.ON_BEHALF, "czj", since=MID)
    ticks: list[None] = []
    months = (JANUARY, MARCH)
    own, given = own_and_reported(three, months, ZONE, whose, lambda: ticks.append(None))
    assert own == figures(three, months, ZONE, whose)
    assert given == reported(three, months, ZONE, whose)
    assert len(ticks) == 2 * ROUNDS
