"""Whatever was entered, corrected and withdrawn: what stands is what only the survivors make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metering.facts.acts import withdraw_act
from metering.facts.entry import correct_entry, enter_entry, withdraw_entry
from metering.facts.entry_check import Entry
from metering.facts.move import Move, correct_move, move_place
from metering.facts.ratio import RatioFact, correct_ratio, enter_ratio, withdraw_ratio
from metering.facts.register import (
    RegisterFact,
    correct_register,
    enter_register,
    withdraw_register,
)
from metering.facts.replace import Replacement, Values, correct_replacement, replace
from metering.facts.span import Span
from registry.audit import Act
from registry.refusal import RefusedError
from tests.integration.metering.facts.world import ACT, Conn, at, audit, effective

Fact = RatioFact | RegisterFact | Entry | Replacement | Move

DAYS = st.integers(1, 12).map(lambda i: i * 10)
METERS = st.sampled_from(["p-1", "p-2"])
SPANS = st.builds(
    lambda day, length: Span(at(day), None if length is None else at(day + length)),
    DAYS,
    st.none() | st.sampled_from([10, 20]),
)


def read(meter: str, day: int, more: int) -> Entry:
    # Off the days of replacements, and rising, so that the order of entering does not matter.
    return Entry(meter, at(day + 0.25), Decimal(day * 10 + more))


def replaced(meter: str, device: str, day: int, lag: float) -> Replacement:
    values = Values(meter, Decimal(day * 10), Decimal(day * 10))
    return Replacement(meter, device, at(day), at(day + lag), (values,))


RATIOS = st.builds(
    RatioFact, METERS, st.sampled_from([Decimal(60), Decimal(80)]), st.just(Decimal(1)), SPANS
)
REGISTERS = st.builds(
    RegisterFact,
    st.sampled_from(["m-1", "m-9"]),
    st.sampled_from(["energy", "export"]),
    st.just(Decimal("0.01")),
    st.just(Decimal(1000000)),
    span=SPANS,
)
ENTRIES = st.builds(read, METERS, DAYS, st.integers(0, 1))
REPLACEMENTS = st.builds(
    replaced, METERS, st.sampled_from(["m-8", "m-9", "m-1"]), DAYS, st.sampled_from([0, 0.1])
)
MOVES = st.builds(Move, METERS, st.sampled_from(["r-1", "r-2"]), DAYS.map(at))
FACTS = RATIOS | REGISTERS | ENTRIES | REPLACEMENTS | MOVES
STEPS = st.tuples(
    st.sampled_from(["enter", "enter", "correct", "withdraw"]), FACTS, st.integers(0, 99)
)


@dataclass
class Standing:
    """What a person believes to stand: (id, fact), in the order of entering."""

    facts: list[tuple[int, Fact]] = field(default_factory=list)

    def like(self, fact: Fact) -> list[tuple[int, Fact]]:
        return [held for held in self.facts if type(held[1]) is type(fact)]


def enter(conn: Conn, act: Act, fact: Fact) -> int:
    match fact:
        case RatioFact():
            return enter_ratio(conn, act, fact)
        case RegisterFact():
            return enter_register(conn, act, fact)
        case Entry():
            return enter_entry(conn, act, fact)
        case Replacement():
            return replace(conn, act, fact)
        case Move():
            return move_place(conn, act, fact)


def correct(conn: Conn, act: Act, number: int, fact: Fact) -> int:
    match fact:
        case RatioFact():
            return correct_ratio(conn, act, number, fact)
        case RegisterFact():
            return correct_register(conn, act, number, fact)
        case Entry():
            return correct_entry(conn, act, number, fact)
        case Replacement():
            return correct_replacement(conn, act, number, fact)
        case Move():
            return correct_move(conn, act, number, fact)


def withdraw(conn: Conn, act: Act, number: int, fact: Fact) -> None:
    match fact:
        case RatioFact():
            withdraw_ratio(conn, act, number)
        case RegisterFact():
            withdraw_register(conn, act, number)
        case Entry():
            withdraw_entry(conn, act, number)
        case Replacement() | Move():
            withdraw_act(conn, act, number)


def step(conn: Conn, standing: Standing, how: str, fact: Fact, choice: int) -> bool:
    """Do one thing; a refusal changes nothing."""
    before, lines = effective(conn), len(audit(conn))
    held = standing.like(fact)
    old = held[choice % len(held)] if held else None
    try:
        if how == "enter":
            standing.facts.append((enter(conn, ACT, fact), fact))
        elif old is not None and how == "correct":
            number = correct(conn, ACT, old[0], fact)
            standing.facts.remove(old)
            standing.facts.append((number, fact))
        elif old is not None:
            withdraw(conn, ACT, *old)
            standing.facts.remove(old)
        else:
            return False
    except RefusedError:
        assert effective(conn) == before, "a refusal changed something"
        assert len(audit(conn)) == lines, "a refusal left a line in the audit log"
        return False
    assert len(audit(conn)) > lines, "a change left no line in the audit log"
    return True


def order(fact: Fact) -> tuple[int, object]:
    """Who hangs where comes first, in the order of time: readings are of what hangs there."""
    match fact:
        case Replacement():
            return 0, fact.removed_at
        case Move():
            return 1, fact.since
        case Entry():
            return 3, fact.at
        case _:
            return 2, fact.span.first


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    print_blob=True,
)
@given(steps=st.lists(STEPS, min_size=3, max_size=14))
def test_only_the_survivors_count(conn: Conn, steps: list[tuple[str, Fact, int]]) -> None:
    standing = Standing()
    with conn.transaction(force_rollback=True):
        for how, fact, choice in steps:
            step(conn, standing, how, fact, choice)
        stands = effective(conn)
    with conn.transaction(force_rollback=True):
        for _, fact in sorted(standing.facts, key=lambda held: order(held[1])):
            enter(conn, ACT, fact)
        assert effective(conn) == stands


@pytest.mark.parametrize("undo", ["withdraw", "correct"])
def test_readings_of_the_new_device_bar_what_would_leave_them_nowhere(
    conn: Conn, undo: str
) -> None:
    stated = replaced("p-1", "m-9", 100, 0)
    number = replace(conn, ACT, stated)
    entry = enter_entry(conn, ACT, read("p-1", 120, 0))
    before = effective(conn)
    actions: dict[str, Callable[[], object]] = {
        "withdraw": lambda: withdraw_act(conn, ACT, number),
        "correct": lambda: correct_replacement(conn, ACT, number, replaced("p-1", "m-9", 130, 0)),
    }
    with pytest.raises(RefusedError, match=f"（#{entry}），那时它将不在任何计量点"):
        actions[undo]()
    assert effective(conn) == before
    correct_replacement(conn, ACT, number, replaced("p-1", "m-9", 110, 0))
