"""A meter that nobody polls: what people read off it is what it used."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from metering.facts.entry import enter_entry
from metering.facts.entry_check import Entry
from metering.quality.stale import stale
from registry.snapshot import load
from tests.integration.metering.facts.test_consumption import compute
from tests.integration.metering.facts.world import ACT, NOW, START, Conn, at, bring, content


def with_a_hand_read_meter(conn: Conn) -> None:
    stated = content()
    stated["buses"].append({"code": "hand", "transport": "by-hand"})
    stated["places"].append(
        {"code": "p-3", "name": "燃气", "measures": "electricity", "room": "r-1"}
    )
    stated["devices"].append(
        {
            "code": "h-1",
            "name": "手抄表",
            "profile": "meter",
            "bus": "hand",
            "place": "p-3",
            "since": START.isoformat(),
        }
    )
    bring(conn, stated)


def test_readings_by_hand_are_its_consumption(conn: Conn) -> None:
    with_a_hand_read_meter(conn)
    for day, value in ((1, "100.5"), (32, "350.75"), (60, "400.25")):
        enter_entry(conn, ACT, Entry("p-3", at(day), Decimal(value), "reading"))
    compute(conn)
    rows = conn.execute(
        "SELECT sum(micro), sum(estimated), min(slot), max(slot) FROM consumption"
        " WHERE meter_id = (SELECT id FROM meter WHERE code = 'p-3')"
    ).fetchone()
    last = at(60) - timedelta(minutes=15)
    assert rows == (299_750_000, 299_750_000, at(1), last)


def test_nobody_asks_it_and_nobody_calls_it_silent(conn: Conn) -> None:
    with_a_hand_read_meter(conn)
    asked = [device.code for bus in load(conn, NOW).buses for device in bus.devices]
    assert asked
    assert "h-1" not in asked
    silent = {one.meter for one in stale(conn, NOW, 3)}
    assert silent == {"p-1", "p-2"}
