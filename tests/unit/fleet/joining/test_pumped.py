"""Two fillings within two hours: stops at stations tell when pumps ran, statements come late."""

from __future__ import annotations

import pytest

from fleet.joining.model import Filling
from fleet.joining.verdict import Check, Doubt, Finding, Verdict, Why
from tests.unit.fleet.joining.scene import Car, Itinerary, filling, in_may, judged, subject, us

DAY = in_may(12)
B = "第二加油站"


def day(at_a: str, at_b: str) -> Itinerary:
    """A for six minutes, then B; in its yard before and behind."""
    gone, came = (f"{at[:3]}{int(at[3:]) + 6:02}" for at in (at_a, at_b))
    stops = ("A", at_a, gone), ("B", at_b, came)
    return [("yard", "00:00", "07:00"), *stops, ("yard", "19:00", "24:00")]


def pair(way: Itinerary, *papers: Filling, number: int = 2) -> Verdict:
    return judged(subject(Car("v", {DAY: way}), *papers), Check.PAIR, number)


@pytest.mark.parametrize(
    ("at_b", "says", "doubt"),
    # At B 119 minutes behind A, or 130, whatever the statement says of it.
    [("11:18", "11:24", True), ("11:18", "11:50", True), ("11:36", "11:29", False)],
)
def test_two_hours_are_those_between_stops_not_between_statements(
    at_b: str, says: str, doubt: bool
) -> None:
    papers = filling(1, DAY, "09:25"), filling(2, DAY, says, B)
    one = pair(day("09:20", at_b), *papers)
    assert (one.doubt is Doubt.TWO_FILLS) == doubt
    assert one.finding is (Finding.DOUBT if doubt else Finding.AGREES)
    figures = {figure.name: figure.value for figure in one.figures}
    assert figures["before_stop_us"] == us(DAY, "09:25")


def test_a_statement_that_no_stop_bears_out_may_be_hours_late() -> None:
    papers = filling(1, DAY, "09:25"), filling(2, DAY, "12:30", "第九加油站")
    one = pair(day("09:20", "16:00"), *papers)
    assert one.why is Why.TIME_DIFFERS
    assert {figure.name: figure.value for figure in one.figures}["stop_us"] is None
    early = pair(day("09:20", "16:00"), papers[0], filling(2, DAY, "11:00", "第九加油站"))
    assert early.doubt is Doubt.TWO_FILLS


def test_a_visit_that_no_other_paper_speaks_of_may_be_what_a_late_statement_means() -> None:
    # It was at A at seven; the paper of ten is perhaps late. With a paper of seven it is not.
    papers = filling(1, DAY, "10:30"), filling(2, DAY, "11:00", B)
    assert pair(day("07:20", "10:58"), *papers).why is Why.TIME_DIFFERS
    taken = filling(3, DAY, "07:25")
    assert pair(day("07:20", "10:58"), *papers, taken).doubt is Doubt.TWO_FILLS


def test_a_stop_is_one_filling_of_which_a_second_statement_is_not() -> None:
    # The card is used a second time at A, an hour behind the only stop there.
    papers = filling(1, DAY, "09:27", ml=20_000), filling(2, DAY, "10:20", ml=20_000)
    assert pair(day("09:20", "16:00"), *papers).doubt is Doubt.TWO_FILLS


def test_a_part_of_a_bill_that_is_later_than_statements_are_cannot_be_told() -> None:
    late = filling(1, DAY, "09:50", ml=20_000), filling(2, DAY, "10:05", ml=20_000)
    assert pair(day("09:20", "16:00"), *late).why is Why.TIME_DIFFERS
    usual = filling(1, DAY, "09:27", ml=20_000), filling(2, DAY, "09:50", ml=20_000)
    assert pair(day("09:20", "16:00"), *usual).finding is Finding.AGREES
