from __future__ import annotations

from typing import Any

from metering.facts.sync import sync_meters
from tests.integration.metering.facts.world import ACT, Conn, at, bring, content, due
from tests.unit.registry.samples import device


def meters(conn: Conn) -> dict[str, tuple[Any, ...]]:
    rows = conn.execute("SELECT code, energy, unit, register, upper(valid) FROM meter")
    return {code: tuple(rest) for code, *rest in rows.fetchall()}


def test_each_place_with_a_counter_has_its_meter(conn: Conn) -> None:
    assert meters(conn) == {
        "p-1": ("electricity", "kWh", None, None),
        "p-2": ("electricity", "kWh", None, None),
    }


def test_the_same_inventory_again_changes_nothing(conn: Conn) -> None:
    synced = sync_meters(conn, ACT)
    assert (synced.created, synced.changed) == ((), ())
    assert due(conn) == []


def test_a_place_that_vanishes_closes_its_meter_and_coming_back_opens_it(conn: Conn) -> None:
    stated = content()
    gone = content()
    del gone["places"][1]
    gone["devices"] = [d for d in gone["devices"] if d["code"] != "m-2"]
    bring(conn, gone, at(100))
    assert meters(conn)["p-2"][-1] == at(100)
    assert ("p-2", at(100), None) in due(conn)
    bring(conn, stated, at(120))
    assert meters(conn)["p-2"][-1] is None
    assert ("p-2", at(100), None) in due(conn)
    actions = conn.execute("SELECT action FROM audit_log WHERE subject = 'p-2' ORDER BY id")
    assert [a for (a,) in actions.fetchall()] == ["meter.create", "meter.close", "meter.reopen"]


def test_a_new_meter_is_due_from_where_its_place_begins(conn: Conn) -> None:
    stated = content()
    stated["places"].append({"code": "w", "name": "水", "measures": "water", "room": "r-1"})
    stated["devices"].append(device("m-w", 20, place="w", since=at(3).isoformat(), profile="water"))
    bring(conn, stated, at(100))
    assert meters(conn)["w"] == ("water", "m3", None, None)
    assert ("w", at(3), None) in due(conn)


def test_a_place_without_a_fitting_counter_has_none(conn: Conn) -> None:
    stated = content()
    stated["places"].append({"code": "h", "name": "热", "measures": "coal", "room": "r-1"})
    stated["devices"].append(device("m-h", 21, place="h", since=at(3).isoformat()))
    bring(conn, stated, at(100))
    assert "h" not in meters(conn)


def test_a_counter_in_another_unit_is_counted_in_that_of_the_energy(conn: Conn) -> None:
    stated = content()
    stated["places"].append({"code": "h", "name": "热", "measures": "heat", "room": "r-1"})
    stated["devices"].append(device("m-h", 21, place="h", since=at(3).isoformat()))
    bring(conn, stated, at(100))
    assert meters(conn)["h"] == ("heat", "GJ", None, None)
