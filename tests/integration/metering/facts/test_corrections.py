"""A slip in the number of what is corrected must not withdraw somebody else's."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from metering.facts.entry import correct_entry, enter_entry
from metering.facts.entry_check import Entry
from metering.facts.move import Move, correct_move, move_place
from metering.facts.ratio import RatioFact, correct_ratio, enter_ratio
from metering.facts.register import RegisterFact, correct_register, enter_register
from metering.facts.replace import Replacement, Values, correct_replacement, replace
from metering.facts.span import Span
from registry.refusal import RefusedError
from tests.integration.metering.facts.world import ACT, Conn, at, audit, due, effective

ONE = Decimal(1)


def rated(meter: str) -> RatioFact:
    return RatioFact(meter, Decimal(80), ONE, Span(at(0), None))


def read(meter: str) -> Entry:
    return Entry(meter, at(10), Decimal(100), "reading")


def exchanged(meter: str, device: str) -> Replacement:
    return Replacement(meter, device, at(100), at(101), (Values(meter, ONE, ONE),))


def registered(device: str, register: str = "energy") -> RegisterFact:
    return RegisterFact(device, register, Decimal("0.01"))


ENTERED: dict[str, tuple[Callable[[Conn], int], Callable[[Conn, int], object]]] = {
    "ratio": (
        lambda conn: enter_ratio(conn, ACT, rated("p-2")),
        lambda conn, number: correct_ratio(conn, ACT, number, rated("p-1")),
    ),
    "reading": (
        lambda conn: enter_entry(conn, ACT, read("p-2")),
        lambda conn, number: correct_entry(conn, ACT, number, read("p-1")),
    ),
    "register": (
        lambda conn: enter_register(conn, ACT, registered("m-2")),
        lambda conn, number: correct_register(conn, ACT, number, registered("m-1")),
    ),
    "another register": (
        lambda conn: enter_register(conn, ACT, registered("m-1", "export")),
        lambda conn, number: correct_register(conn, ACT, number, registered("m-1")),
    ),
    "replacement": (
        lambda conn: replace(conn, ACT, exchanged("p-2", "m-8")),
        lambda conn, number: correct_replacement(conn, ACT, number, exchanged("p-1", "m-9")),
    ),
    "move": (
        lambda conn: move_place(conn, ACT, Move("p-2", "r-1", at(100))),
        lambda conn, number: correct_move(conn, ACT, number, Move("p-1", "r-2", at(100))),
    ),
    "a move for a replacement": (
        lambda conn: move_place(conn, ACT, Move("p-1", "r-2", at(100))),
        lambda conn, number: correct_replacement(conn, ACT, number, exchanged("p-1", "m-9")),
    ),
}


@pytest.mark.parametrize("what", ENTERED)
def test_what_is_anothers_is_not_corrected(conn: Conn, what: str) -> None:
    enter, correct = ENTERED[what]
    number = enter(conn)
    due(conn)
    before, lines = effective(conn), audit(conn)
    with pytest.raises(RefusedError, match="请核对编号"):
        correct(conn, number)
    assert (effective(conn), audit(conn), due(conn)) == (before, lines, [])
