"""An order's driver against the card that was in the terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.joining.drivers import names_in, present
from fleet.joining.model import Card, Order, Records
from fleet.joining.verdict import Check, Doubt, Finding, Verdict, Why
from fleet.yards.spans import total, within
from tests.unit.fleet.joining.scene import HOME, RULES, Car, in_may, judged, order, subject, us

DAY = in_may(8)
NEVER = us(in_may(31)) * 2
HOUR_US = 3_600_000_000


def card(
    clock: str, event: str, name: str | None = None, *, terminal: int = 1, until: int = NEVER
) -> Card:
    return Card(terminal, us(DAY, clock), event, name, until)


def judge(*cards: Card, driver: str = "张三", others: tuple[Order, ...] = ()) -> Verdict:
    """The verdict of an order from 8:50 to 10:10, in which was driven from 9:00 to 10:00."""
    mine = replace(order(30, DAY, "08:50", "10:10"), driver=driver)
    found = subject(Car("v", {}), mine, *others, others=False)
    told = {"v": replace(found.vehicles["v"], cards=cards)}
    return judged(Records(told), Check.DRIVER, 30)


def figures(one: Verdict) -> dict[str, object]:
    return {figure.name: figure.value for figure in one.figures}


@pytest.mark.parametrize(
    "driver", ["张三", "张 三", "张三、李四", "李四/张三", "张三 13800000000", "张三师傅"]
)
def test_the_driver_of_the_order_agrees(driver: str) -> None:
    one = judge(card("08:55", "in", "张三"), card("10:05", "out"), driver=driver)
    assert one.finding is Finding.AGREES
    found = figures(one)
    assert (found["driven_s"], found["card_own_s"], found["card_others_s"]) == (3600, 3600, 0)


def test_the_card_of_somebody_else_is_a_doubt_and_says_whose() -> None:
    one = judge(card("08:55", "in", "李四"), card("10:05", "out"))
    assert one.doubt is Doubt.OTHER_DRIVER
    found = figures(one)
    assert (found["driver"], found["card_names"]) == ("张三", "李四")
    assert (found["card_own_s"], found["card_others_s"]) == (0, 3600)


@pytest.mark.parametrize(
    ("cards", "why"),
    [
        ((), Why.NO_CARD),
        ((card("06:00", "in", "李四"), card("08:59", "out")), Why.NO_CARD),
        ((card("10:01", "in", "李四"),), Why.NO_CARD),
        ((card("08:55", "in"),), Why.CARD_UNREADABLE),
        ((card("08:55", "in", "张\ufffd"),), Why.CARD_UNREADABLE),
        ((card("09:31", "in", "李四"),), Why.CARD_PARTLY),
        ((card("09:31", "in", "张三"),), Why.CARD_PARTLY),
        ((card("08:55", "in", "李四"), card("09:50", "in", "张三")), Why.CARD_PARTLY),
        ((card("08:55", "in", "李四", until=us(DAY, "08:59")),), Why.NO_CARD),
    ],
)
def test_without_a_card_for_half_of_the_way_one_cannot_tell(
    cards: tuple[Card, ...], why: Why
) -> None:
    one = judge(*cards)
    assert (one.finding, one.why) == (Finding.CANNOT_TELL, why)


def test_half_of_the_way_is_enough() -> None:
    assert judge(card("09:30", "in", "张三")).finding is Finding.AGREES
    assert judge(card("09:30", "in", "李四")).doubt is Doubt.OTHER_DRIVER


@pytest.mark.parametrize("driver", ["", " ", "张师傅", "驾驶员"])
def test_without_a_name_on_the_order_one_cannot_tell(driver: str) -> None:
    assert judge(card("08:55", "in", "李四"), driver=driver).why is Why.DRIVER_UNSTATED


def test_a_card_of_which_nothing_more_is_heard_is_believed_for_a_day() -> None:
    day_before = card("08:55", "in", "李四")
    kept = replace(day_before, at_us=us(DAY, "09:30") - RULES.card_us)
    assert judge(kept).doubt is Doubt.OTHER_DRIVER
    assert judge(replace(kept, at_us=kept.at_us - 1)).why is Why.CARD_PARTLY
    assert judge(replace(kept, at_us=us(DAY, "09:00") - RULES.card_us)).why is Why.NO_CARD


def test_a_form_that_tells_no_removal_counts_until_the_next_card() -> None:
    assert judge(card("08:55", "read", "张三")).finding is Finding.AGREES
    assert judge(card("08:00", "read", "张三"), card("08:55", "read", "李四")).doubt is not None


def test_the_terminals_of_a_vehicle_speak_each_for_itself() -> None:
    one = judge(card("08:55", "in", "张三"), card("08:56", "out", terminal=2))
    assert one.finding is Finding.AGREES


def test_in_one_second_a_card_goes_before_the_next_one_comes() -> None:
    one = judge(card("08:00", "in", "李四"), card("08:55", "in", "张三"), card("08:55", "out"))
    assert one.finding is Finding.AGREES


def test_what_was_driven_in_the_time_of_another_order_belongs_to_none_of_both() -> None:
    other = replace(order(31, DAY, "08:00", "10:30"), driver="李四")
    assert judge(card("08:55", "in", "李四"), others=(other,)).why is Why.NO_TRIP


def test_an_order_on_which_nothing_was_driven_has_no_driver_to_compare() -> None:
    mine = replace(order(30, DAY, "08:50", "10:10"), driver="张三")
    found = subject(Car("v", {DAY: HOME}), mine, others=False)
    assert judged(found, Check.DRIVER, 30).why is Why.NO_TRIP


def test_of_a_sensitive_vehicle_no_driver_is_compared() -> None:
    mine = replace(order(30, DAY, "08:50", "10:10"), driver="张三")
    found = subject(Car("v", {}, sensitive=True), mine, others=False)
    one = judged(found, Check.DRIVER, 30)
    assert (one.why, "card_names" in figures(one)) == (Why.SENSITIVE, False)


CARDS = st.lists(
    st.builds(
        Card,
        st.integers(1, 2),
        st.integers(0, 50),
        st.sampled_from(["in", "out", "read"]),
        st.sampled_from([None, "张三", "李四"]),
        st.integers(0, 60),
    ),
    max_size=12,
)


@given(CARDS, st.integers(1, 60))
def test_in_one_terminal_there_is_one_card_at_a_time(cards: list[Card], holds: int) -> None:
    for terminal in (1, 2):
        mine = [one for one in cards if one.terminal == terminal]
        found = [one.span for one in present(mine, holds)]
        for n, span in enumerate(found):
            assert 0 < total([span]) <= holds
            assert not within([span], sorted(found[n + 1 :]))


@given(CARDS, st.permutations(range(12)))
def test_the_order_in_which_cards_come_changes_nothing(cards: list[Card], turn: list[int]) -> None:
    other = [cards[n] for n in turn if n < len(cards)]

    def told(of: list[Card]) -> set[tuple[str | None, tuple[int, int]]]:
        return {(one.name, one.span) for one in present(of, 20)}

    assert told(cards) == told(other)


def test_names_are_parted_at_whatever_is_no_letter() -> None:
    assert names_in("张三（李 四）") == {"张三", "张三李四"}
    assert names_in("Li Lei") == {"li", "lei", "lilei"}
