"""Any sequence of inventories, at any times: what must hold after each import."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.document import InventoryError
from registry.importing import apply
from registry.inventory import Inventory
from registry.snapshot import load
from tests.unit.registry.samples import Document, catalogue, device, document, inventory

Conn = psycopg.Connection[Any]
START = datetime(2026, 1, 1, tzinfo=UTC)
COUNTED = ("place", "place_room", "device", "device_place", "point", "terminal_vehicle", "tag")


def at(day: int) -> datetime:
    return START + timedelta(days=day)


@st.composite
def bindings(draw: st.DrawFn, kind: str, targets: tuple[str, ...]) -> Document:
    """No binding, an undated one, or dated ones, in the words of the file."""
    days = sorted(draw(st.sets(st.integers(0, 12), max_size=4)))
    target = st.sampled_from(targets)
    if not days:
        return draw(st.sampled_from([{}, {kind: draw(target)}]))
    dated = [
        {kind: draw(target), "since": at(since).isoformat(), "until": at(until).isoformat()}
        for since, until in pairwise(days)
    ]
    last = {kind: draw(target), "since": at(days[-1]).isoformat()}
    return {f"{kind}s": [*dated, last]}


@st.composite
def documents(draw: st.DrawFn) -> Document:
    content = document()
    present = draw(st.sets(st.integers(1, 3)))
    content["devices"] = [
        device(f"m-{n}", n) | draw(bindings("place", ("p-1", "p-2"))) for n in sorted(present)
    ]
    content["terminals"] = [
        {"code": f"t-{n}"} | draw(bindings("vehicle", ("v-1", "v-2")))
        for n in sorted(draw(st.sets(st.integers(1, 2))))
    ]
    room = draw(bindings("room", ("r-1", "r-2")))
    if room:
        content["places"][0].pop("room")
        content["places"][0] |= room
    content["rooms"] = [room | {"tags": draw(tags())} for room in content["rooms"]]
    return content


@st.composite
def tags(draw: st.DrawFn) -> list[Document]:
    """Dated and undated ones, several at a time."""
    drawn = [draw(bindings("tag", words)) for words in (("x-a", "x-b"), ("x-c",))]
    return [tag for one in drawn for tag in one.get("tags", [one] if one else [])]


@settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=st.lists(st.tuples(documents(), st.integers(0, 12)), min_size=1, max_size=5))
def test_any_history_of_imports(conn: Conn, history: list[tuple[Document, int]]) -> None:
    conn.execute("TRUNCATE institution, profile, bus, vehicle, terminal, place CASCADE")
    for content, day in history:
        try:
            parsed = inventory(content)
        except InventoryError:
            continue  # two meters at one place: refused before it reaches the database
        before = {table: _count(conn, table) for table in COUNTED}
        apply(conn, parsed, catalogue(), now=at(day), by="tester")

        assert all(_count(conn, table) >= before[table] for table in COUNTED)
        assert not apply(conn, parsed, catalogue(), now=at(day), by="tester")
        _check_devices(conn, parsed)
        _check_one_meter_a_place(conn)
        for probe in range(-1, 14):
            _check_stated(conn, parsed, at(probe))
            _check_tags(conn, parsed, at(probe))
        _check_tags(conn, parsed, at(99))


def _count(conn: Conn, table: str) -> int:
    (count,) = conn.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
    return int(count)


def _check_devices(conn: Conn, parsed: Inventory) -> None:
    stated = {d.code for d in parsed.devices}
    rows = conn.execute("SELECT code FROM device WHERE upper_inf(valid)").fetchall()
    assert {code for (code,) in rows} == stated
    polled = {d.code for bus in load(conn, at(99)).buses for d in bus.devices}
    assert polled <= stated


def _check_one_meter_a_place(conn: Conn) -> None:
    assert conn.execute(
        "SELECT count(*) FROM device_place a JOIN device_place b USING (place_id) "
        "WHERE a.device_id < b.device_id AND a.valid && b.valid"
    ).fetchone() == (0,)


def _check_stated(conn: Conn, parsed: Inventory, moment: datetime) -> None:
    """Where the file gives a date, the database says the same at every moment from then on."""
    for thing in parsed.devices:
        if not thing.bindings or thing.bindings[0].since is None:
            continue
        first = min(b.since for b in thing.bindings if b.since)
        if moment < first:
            continue
        expected = [
            b.target
            for b in thing.bindings
            if b.since and b.since <= moment and (b.until is None or moment < b.until)
        ]
        rows = conn.execute(
            "SELECT p.code FROM device_place b JOIN place p ON p.id = b.place_id "
            "JOIN device d ON d.id = b.device_id WHERE d.code = %s AND b.valid @> %s::timestamptz",
            [thing.code, moment],
        ).fetchall()
        assert [code for (code,) in rows] == expected


def _check_tags(conn: Conn, parsed: Inventory, moment: datetime) -> None:
    """Each tag as :func:`_check_stated`; without a date it holds at the end."""
    rows = conn.execute(
        "SELECT r.code, t.tag FROM tag t JOIN room r ON r.id = t.room_id"
        " WHERE t.valid @> %s::timestamptz",
        [moment],
    ).fetchall()
    found = set(rows)
    assert len(found) == len(rows)
    for room in parsed.rooms:
        for word in ("x-a", "x-b", "x-c"):
            mine = [tag for tag in room.tags if tag.target == word]
            first = min((tag.since or at(98) for tag in mine), default=at(98))
            if moment >= first:
                assert ((room.code, word) in found) == any(
                    (tag.since or first) <= moment and (tag.until is None or moment < tag.until)
                    for tag in mine
                )


def test_the_check_for_two_meters_at_a_place_can_fail(conn: Conn) -> None:
    apply(conn, inventory(document()), catalogue(), now=at(0), by="tester")
    conn.execute("UPDATE device_place SET place_id = (SELECT min(place_id) FROM device_place)")
    with pytest.raises(AssertionError):
        _check_one_meter_a_place(conn)
