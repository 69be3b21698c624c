from __future__ import annotations

import threading
from datetime import UTC, datetime

import psycopg
import pytest

from registry.changes import Action, Changes
from registry.importing import apply, diff
from tests.integration.registry.imports import Conn, at, bring, counts, dump_all
from tests.unit.registry.samples import (
    Document,
    catalogue,
    device,
    document,
    inventory,
    profile,
)


def validity(conn: Conn, table: str, code: str) -> tuple[datetime | None, datetime | None]:
    row = conn.execute(
        f"SELECT lower(valid), upper(valid) FROM {table} WHERE code = %s", [code]
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def places(conn: Conn, code: str) -> list[tuple[str, datetime | None, datetime | None]]:
    return conn.execute(
        "SELECT p.code, lower(b.valid), upper(b.valid) FROM device_place b "
        "JOIN device d ON d.id = b.device_id JOIN place p ON p.id = b.place_id "
        "WHERE d.code = %s AND NOT isempty(b.valid) ORDER BY b.valid",
        [code],
    ).fetchall()


def test_a_first_import_creates_everything_with_its_points(conn: Conn) -> None:
    content = document()
    content["institutions"].insert(0, {"code": "i-9", "name": "下级", "parent": "i-1"})
    changes = bring(conn, content)
    assert counts(conn) == {
        "institution": 2,
        "building": 1,
        "room": 2,
        "place": 2,
        "place_room": 2,
        "profile": 1,
        "bus": 1,
        "device": 2,
        "device_place": 2,
        "point": 4,
        "vehicle": 2,
        "terminal": 1,
        "terminal_vehicle": 1,
        "inventory_import": 1,
        "tag": 0,
    }
    assert changes.codes("point", Action.CREATED) == (
        "m-1/energy",
        "m-1/power",
        "m-2/energy",
        "m-2/power",
    )
    assert {action for _, action in changes.counts()} == {Action.CREATED}
    assert conn.execute(
        "SELECT p.code FROM institution i JOIN institution p ON p.id = i.parent_id"
    ).fetchall() == [("i-1",)]
    assert conn.execute("SELECT name, label, unit, class FROM point ORDER BY name").fetchone() == (
        "energy",
        "energy label",
        "kWh",
        "counter",
    )


def test_the_same_file_again_changes_nothing_at_all(conn: Conn) -> None:
    bring(conn, document())
    before = dump_all(conn)
    assert not bring(conn, document(), day=1)
    assert dump_all(conn) == before


def test_an_import_is_recorded_with_what_it_changed(conn: Conn) -> None:
    bring(conn, document())
    content = document()
    content["devices"][0]["interval_s"] = 30
    changes = bring(conn, content, day=1)
    row = conn.execute(
        "SELECT applied_at, applied_by, source, length(sha256), changes "
        "FROM inventory_import ORDER BY id DESC LIMIT 1"
    ).fetchone()
    assert row == (at(1), "tester", "inventory.yaml", 64, changes.as_json())
    assert changes.as_json() == {"device": {"changed": {"m-1": {"interval_s": ["60", "30"]}}}}
    assert str(changes) == "device: 1 changed: m-1 (interval_s 60 → 30)"


def test_a_dry_run_tells_the_same_and_changes_nothing(conn: Conn) -> None:
    bring(conn, document())
    before = dump_all(conn)
    content = document()
    del content["devices"][0]
    content["devices"][0]["place"] = "p-1"
    content["rooms"][0]["name"] = "变电所"
    parsed = inventory(content)
    told = diff(conn, parsed, catalogue(), now=at(2))
    assert dump_all(conn) == before
    assert told == apply(conn, parsed, catalogue(), now=at(2), by="tester")
    assert told.codes("device", Action.CLOSED) == ("m-1",)


@pytest.mark.parametrize(
    ("section", "table", "column", "value"),
    [
        ("institutions", "institution", "name", "财政局（新）"),
        ("institutions", "institution", "credit_code", "11510100MB0000001X"),
        ("buildings", "building", "floor_area_m2", 1234.5),
        ("rooms", "room", "purpose", "配电"),
        ("places", "place", "name", "进线"),
        ("buses", "bus", "host", "192.0.2.77"),
        ("buses", "bus", "gap_ms", 50),
        ("devices", "device", "unit", 77),
        ("devices", "device", "timeout_ms", 77),
        ("devices", "device", "serial_no", "A-1"),
        ("vehicles", "vehicle", "plate", "川A·D0000"),
        ("vehicles", "vehicle", "sensitive", True),
    ],
)
def test_what_may_change_changes_in_place(
    conn: Conn, section: str, table: str, column: str, value: object
) -> None:
    bring(conn, document())
    ids = conn.execute(f"SELECT id, code FROM {table} ORDER BY id").fetchall()
    content = document()
    content[section][0][column] = value
    changes = bring(conn, content, day=1)
    assert changes.counts() == {(table, Action.CHANGED): 1}
    code = content[section][0]["code"]
    assert conn.execute(f"SELECT {column} FROM {table} WHERE code = %s", [code]).fetchone() == (
        value,
    )
    assert conn.execute(f"SELECT id, code FROM {table} ORDER BY id").fetchall() == ids
    assert not bring(conn, content, day=2)


def test_what_vanished_is_closed_and_opens_again_with_its_id(conn: Conn) -> None:
    bring(conn, document())
    before = dump_all(conn)
    content = document()
    content["vehicles"].pop()
    content["devices"].pop()
    content["terminals"].clear()
    changes = bring(conn, content, day=1)
    assert changes.codes("device", Action.CLOSED) == ("m-2",)
    assert changes.codes("terminal_vehicle", Action.CLOSED) == ("t-1 @ v-1",)
    assert validity(conn, "device", "m-2") == (None, at(1))
    assert validity(conn, "terminal", "t-1") == (None, at(1))
    assert places(conn, "m-2") == [("p-2", None, at(1))]
    assert not bring(conn, content, day=2)

    changes = bring(conn, document(), day=3)
    assert changes.codes("device", Action.REOPENED) == ("m-2",)
    assert not changes.codes("point", Action.CREATED)
    assert validity(conn, "device", "m-2") == (None, None)
    after = dump_all(conn)
    assert [after[t] for t in ("device", "vehicle", "terminal", "point")] == [
        before[t] for t in ("device", "vehicle", "terminal", "point")
    ]
    # It was away from day 1 to day 3; a dated entry speaks for itself.
    assert places(conn, "m-2") == [("p-2", None, at(1)), ("p-2", at(3), None)]
    assert after["terminal_vehicle"] == before["terminal_vehicle"]


def test_nothing_is_ever_deleted(conn: Conn) -> None:
    bring(conn, document())
    before = counts(conn)
    empty: Document = {section: [] for section in document()}
    bring(conn, empty, day=1)
    assert counts(conn) == before | {"inventory_import": 2}
    for table in ("institution", "building", "room", "place", "bus", "device", "vehicle"):
        assert conn.execute(f"SELECT bool_and(upper(valid) = %s) FROM {table}", [at(1)]).fetchone()
    assert not bring(conn, empty, day=2)


def test_a_replaced_meter_is_a_new_device_at_the_same_place(conn: Conn) -> None:
    content = document()
    content["devices"][0]["since"] = "2026-01-01T00:00Z"
    bring(conn, content)
    content["devices"][0] = device("m-9", 1, place="p-1", since="2026-03-02T00:00Z")
    bring(conn, content, day=5)
    assert places(conn, "m-1") == [("p-1", datetime(2026, 1, 1, tzinfo=UTC), at(1))]
    assert places(conn, "m-9") == [("p-1", at(1), None)]
    assert not bring(conn, content, day=6)


def test_a_replaced_meter_without_dates_changes_at_the_import(conn: Conn) -> None:
    bring(conn, document())
    content = document()
    content["devices"][0] = device("m-9", 1, place="p-1")
    bring(conn, content, day=5)
    assert places(conn, "m-1") == [("p-1", None, at(5))]
    assert places(conn, "m-9") == [("p-1", at(5), None)]
    assert not bring(conn, content, day=6)


def test_meters_that_swap_places(conn: Conn) -> None:
    bring(conn, document())
    content = document()
    content["devices"][0]["place"], content["devices"][1]["place"] = "p-2", "p-1"
    changes = bring(conn, content, day=1)
    assert changes.counts() == {
        ("device_place", Action.CLOSED): 2,
        ("device_place", Action.CREATED): 2,
    }
    assert places(conn, "m-1") == [("p-1", None, at(1)), ("p-2", at(1), None)]
    assert places(conn, "m-2") == [("p-2", None, at(1)), ("p-1", at(1), None)]
    assert not bring(conn, content, day=2)


def test_a_boundary_between_two_bindings_may_be_corrected_either_way(conn: Conn) -> None:
    content = document()
    for boundary in ("2026-02-01", "2026-02-10", "2026-01-20"):
        content["terminals"][0] = {
            "code": "t-1",
            "vehicles": [
                {"vehicle": "v-1", "since": "2026-01-01T00:00Z", "until": f"{boundary}T00:00Z"},
                {"vehicle": "v-2", "since": f"{boundary}T00:00Z"},
            ],
        }
        bring(conn, content)
        edge = datetime.fromisoformat(f"{boundary}T00:00:00+00:00")
        assert conn.execute(
            "SELECT v.code, lower(b.valid), upper(b.valid) FROM terminal_vehicle b "
            "JOIN vehicle v ON v.id = b.vehicle_id ORDER BY 1"
        ).fetchall() == [
            ("v-1", datetime(2026, 1, 1, tzinfo=UTC), edge),
            ("v-2", edge, None),
        ]
        assert not bring(conn, content)


def test_a_wrong_binding_is_withdrawn_but_its_row_stays(conn: Conn) -> None:
    bring(conn, document())
    content = document()
    content["terminals"][0]["vehicle"] = "v-2"
    changes = bring(conn, content, day=1)
    assert changes.as_json()["terminal_vehicle"]["closed"] == {
        "t-1 @ v-1": {"valid": ["[2025-12-31T16:00:00+00:00,)", "withdrawn"]}
    }
    assert conn.execute(
        "SELECT v.code, isempty(b.valid) FROM terminal_vehicle b "
        "JOIN vehicle v ON v.id = b.vehicle_id ORDER BY 1"
    ).fetchall() == [("v-1", True), ("v-2", False)]
    assert not bring(conn, content, day=2)


def test_a_failing_import_leaves_nothing_behind(conn: Conn) -> None:
    # Someone else's check makes the last statement fail.
    conn.execute("ALTER TABLE terminal_vehicle ADD CONSTRAINT none CHECK (false)")
    before = dump_all(conn)
    with pytest.raises(psycopg.errors.CheckViolation):
        bring(conn, document())
    assert dump_all(conn) == before


def test_a_time_without_zone_is_a_mistake_of_the_caller(conn: Conn) -> None:
    parsed = inventory(document())
    naive = datetime(2026, 1, 1)  # noqa: DTZ001
    with pytest.raises(ValueError, match="now has no time zone"):
        apply(conn, parsed, catalogue(), now=naive, by="tester")


def test_concurrent_imports_wait_for_each_other(conn: Conn, database: str) -> None:
    parsed = inventory(document())
    results: list[Changes] = []

    def run() -> None:
        with psycopg.connect(database, autocommit=True) as own:
            results.append(apply(own, parsed, catalogue(), now=at(0), by="tester"))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(bool(r) for r in results) == [False, False, False, True]
    assert counts(conn)["inventory_import"] == 1


def test_a_thousand_devices_with_fourteen_points_each(conn: Conn) -> None:
    known = catalogue(profile("meter", points={f"point_{n}": "kW" for n in range(14)}))
    content = document()
    content["places"] = [
        {"code": f"p-{n}", "name": "点", "measures": "electricity", "room": "r-1"}
        for n in range(1000)
    ]
    content["devices"] = [device(f"m-{n}", n % 250, place=f"p-{n}") for n in range(1000)]
    content["buses"] = [
        {"code": f"gw-{n}", "transport": "modbus-tcp", "host": f"h{n}"} for n in range(4)
    ]
    for n, each in enumerate(content["devices"]):
        each["bus"] = f"gw-{n // 250}"
    bring(conn, content, known=known)
    assert counts(conn)["point"] == 14_000
    assert not bring(conn, content, day=1, known=known)
    changes = bring(conn, {section: [] for section in content}, day=2, known=known)
    assert changes.counts()["device", Action.CLOSED] == 1000


def test_points_are_numbered_in_the_order_of_the_profile(conn: Conn) -> None:
    # A device's first counter is what its meter counts: it must not be left to a join.
    names = [f"energy_{i}" for i in range(20)]
    known = catalogue(profile("meter", points=dict.fromkeys(names, "kWh")))
    bring(conn, document(), known=known)
    for code in ("m-1", "m-2"):
        rows = conn.execute(
            "SELECT p.name FROM point p JOIN device d ON d.id = p.device_id"
            " WHERE d.code = %s ORDER BY p.id",
            [code],
        ).fetchall()
        assert [name for (name,) in rows] == names
