"""An import of the inventory after a replacement or a move was entered."""

from __future__ import annotations

from typing import Any

import pytest

from metering.facts.acts import withdraw_act
from metering.facts.move import Move, move_place
from metering.facts.replace import Replacement, replace
from registry.document import InventoryError
from tests.integration.metering.facts.world import (
    ACT,
    Conn,
    at,
    bindings,
    bring,
    content,
    effective,
)
from tests.unit.registry.samples import Document, device

REPLACED = Replacement("p-1", "m-9", at(100), at(100.5), ())
THERE = [("m-1", at(0), at(100)), ("m-9", at(100.5), None)]


def stated(*changes: tuple[str, dict[str, Any]], without: str = "") -> Document:
    """The small world's inventory with changed devices."""
    found = content()
    changed = dict(changes)
    found["devices"] = [
        {**one, **changed.get(one["code"], {})}
        for one in found["devices"]
        if one["code"] != without
    ]
    return found


def refused(conn: Conn, document: Document) -> str:
    before = effective(conn)
    with pytest.raises(InventoryError) as caught:
        bring(conn, document, at(300))
    assert effective(conn) == before
    return str(caught.value)


DATED = {"place": "p-1", "since": at(0).isoformat(), "until": at(100).isoformat()}
NEW = {"place": "p-1", "since": at(100.5).isoformat()}
OTHER_TIME = {"place": "p-1", "since": at(110).isoformat()}


def test_the_inventory_of_before_does_not_undo_a_replacement(conn: Conn) -> None:
    number = replace(conn, ACT, REPLACED)
    said = refused(conn, content())
    assert "device m-1 at place p-1" in said
    assert f"replacement #{number} (entered by 王芳, 2026-09-01T00:00+00:00)" in said
    assert "until: 2026-04-11T00:00:00+00:00" in said
    assert f"jieyong meter withdraw act {number}" in said


def test_a_fact_that_no_line_contradicts_but_none_states_is_not_ended_either(conn: Conn) -> None:
    replace(conn, ACT, REPLACED)
    said = refused(conn, stated(("m-1", DATED)))
    assert "device m-9 at place p-1" in said
    assert "since: 2026-04-11T12:00:00+00:00" in said


def test_a_device_that_left_the_file_is_not_taken_down_by_that(conn: Conn) -> None:
    replace(conn, ACT, REPLACED)
    assert "device m-9" in refused(conn, stated(("m-1", DATED), without="m-9"))


def test_another_time_in_the_inventory_is_refused_with_its_line(conn: Conn) -> None:
    replace(conn, ACT, REPLACED)
    document = stated(("m-1", DATED), ("m-9", OTHER_TIME))
    said = refused(conn, document)
    assert "m-1" not in said
    line = int(said.split(":")[1])
    assert line > 1


@pytest.mark.parametrize(
    "document",
    [
        stated(("m-1", DATED), ("m-9", NEW)),
        stated(("m-9", NEW), without="m-1"),
        stated(("m-9", {"place": "p-1"}), without="m-1"),
    ],
    ids=["both dated", "the old one is gone", "undated"],
)
def test_an_inventory_that_says_the_same_changes_nothing(conn: Conn, document: Document) -> None:
    replace(conn, ACT, REPLACED)
    bring(conn, document, at(300))
    assert bindings(conn, "p-1") == THERE


def test_what_happened_later_is_the_inventorys_to_say(conn: Conn) -> None:
    """A fact says when it happened, not that nothing ever happens again."""
    replace(conn, ACT, REPLACED)
    taken = {**NEW, "until": at(200).isoformat()}
    third = {"place": "p-1", "since": at(200).isoformat()}
    bring(conn, stated(("m-1", DATED), ("m-9", taken), ("m-8", third)), at(300))
    after = [*THERE[:1], ("m-9", at(100.5), at(200)), ("m-8", at(200), None)]
    assert bindings(conn, "p-1") == after
    bring(conn, stated(("m-1", DATED), ("m-8", third), without="m-9"), at(310))
    assert bindings(conn, "p-1") == after, "what ended may leave the file"


def test_a_withdrawn_replacement_no_longer_holds_the_inventory_up(conn: Conn) -> None:
    withdraw_act(conn, ACT, replace(conn, ACT, REPLACED))
    bring(conn, content(), at(300))
    assert bindings(conn, "p-1") == [("m-1", at(0), None)]


def test_other_devices_come_in_meanwhile(conn: Conn) -> None:
    replace(conn, ACT, REPLACED)
    more = stated(("m-1", DATED), ("m-9", NEW))
    more["devices"].append(device("m-10", 10))
    bring(conn, more, at(300))
    assert bindings(conn, "p-1") == THERE


def test_the_inventory_of_before_does_not_undo_a_move(conn: Conn) -> None:
    number = move_place(conn, ACT, Move("p-1", "r-2", at(50)))
    said = refused(conn, content())
    assert f"move #{number}" in said
    assert "place p-1 at room r-2" in said


def test_a_move_restated_in_the_inventory_changes_nothing(conn: Conn) -> None:
    move_place(conn, ACT, Move("p-1", "r-2", at(50)))
    before = effective(conn)
    moved = content()
    moved["places"][0]["room"] = "r-2"
    bring(conn, moved, at(300))
    assert effective(conn) == before
