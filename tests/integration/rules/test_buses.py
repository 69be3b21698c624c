"""One silence is one doubt: a device's own, its bus's, or that of all that is polled."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from random import Random

import pytest

from rules.cases.life import State
from rules.cases.listing import Wanted, doubts
from rules.subjects import catalogue
from tests.integration.rules.test_silent import DAY, HOUR, polled
from tests.integration.rules.world import Conn, add_room, at, load_rules, look, store

RULES = """
code: tests
title: 测试
rules:
  - {code: device, kind: data.silent, title: 设备无数据, for: 1d, severity: notice, source: 惯例}
  - {code: bus, kind: bus.silent, title: 总线无数据, for: 12h, severity: warning, source: 惯例}
  - {code: site, kind: site.silent, title: 全部无数据, for: 6h, severity: urgent, source: 惯例}
"""
_ADD = """
WITH bus AS (
    INSERT INTO bus (code, transport, host, port) VALUES (%(bus)s, 'tcp', 'h', 502)
    ON CONFLICT (code) DO UPDATE SET host = 'h' RETURNING id
), device AS (
    INSERT INTO device (code, name, profile_id, bus_id, unit, interval_s, timeout_ms)
    SELECT %(code)s, %(code)s, 1, id, 1, %(interval)s, 500 FROM bus RETURNING id
), hung AS (
    INSERT INTO device_place SELECT id, %(place)s, tstzrange(%(since)s, NULL) FROM device
)
INSERT INTO point (device_id, name, label, unit, class)
SELECT id, 'run', 'run', '', 'state' FROM device RETURNING id
"""
Points = dict[str, int]


@pytest.fixture
def points(conn: Conn) -> Points:
    """Two devices on each of two buses, and one that is alone on a third."""
    room = add_room(conn)
    conn.execute("DELETE FROM device_place")
    load_rules(conn, RULES)
    on = {"a1": "A", "a2": "A", "b1": "B", "b2": "B", "c1": "C"}
    return {code: add_device(conn, code, bus, room.aircon) for code, bus in on.items()}


def add_device(  # noqa: PLR0917 - what a device is
    conn: Conn, code: str, bus: str, place: int, interval: int = 60, since: float = 0
) -> int:
    values = {"code": code, "bus": bus, "place": place, "since": at(since), "interval": interval}
    row = conn.execute(_ADD, values).fetchone()
    assert row is not None
    return int(row[0])


def speak(conn: Conn, points: Points, who: Iterable[str], hours: Iterable[int]) -> None:
    for code in who:
        store(conn, points[code], polled(hours))


def told(conn: Conn) -> list[tuple[str, float, float | None]]:
    """Subject, begin in hours after the start, end (None: it goes on), of what is still asked."""
    found = doubts(conn, Wanted(at(-100 * DAY), at(1000 * DAY), [State.ASKED]))
    hour = timedelta(hours=1)
    return sorted(
        (
            one.subject,
            (one.since - at(0)) / hour,
            None if one.until > at(365 * DAY) else (one.until - at(0)) / hour,
        )
        for one in found
    )


def test_a_gateway_that_is_down_is_one_doubt(conn: Conn, points: Points) -> None:
    speak(conn, points, points, range(6))
    speak(conn, points, ["b1", "b2", "c1"], range(6, 60))
    look(conn, at(58 * HOUR))
    assert told(conn) == [("A", 7, None)]
    (one,) = doubts(conn, Wanted(at(0), at(60 * HOUR)))
    assert (one.institution, one.room, one.subject_name) == ("i", None, "总线 A")
    # It is heard of again: the doubt ends, and nothing else is asked.
    speak(conn, points, ["a1", "a2"], range(58, 60))
    look(conn, at(60 * HOUR))
    assert told(conn) == [("A", 7, 58)]


def test_a_device_that_is_silent_beside_others_is_asked_about_itself(
    conn: Conn, points: Points
) -> None:
    speak(conn, points, points, range(6))
    speak(conn, points, points.keys() - {"a2"}, range(6, 60))
    look(conn, at(30 * HOUR))
    assert told(conn) == []
    look(conn, at(31 * HOUR))
    assert told(conn) == [("a2", 7, None)]


def test_a_device_alone_on_its_bus_is_no_bus(conn: Conn, points: Points) -> None:
    speak(conn, points, points, range(6))
    speak(conn, points, points.keys() - {"c1"}, range(6, 60))
    look(conn, at(58 * HOUR))
    assert told(conn) == [("c1", 7, None)]


def test_when_nothing_comes_of_anything_that_is_one_doubt(conn: Conn, points: Points) -> None:
    speak(conn, points, points, range(6))
    look(conn, at(12 * HOUR))
    assert told(conn) == []
    look(conn, at(60 * HOUR))
    assert told(conn) == [("site", 7, None)]
    # What the collector had spooled comes late, but of one bus: that was down by itself.
    speak(conn, points, points.keys() - {"a1", "a2"}, range(6, 60))
    look(conn, at(60 * HOUR))
    assert told(conn) == [("A", 7, None)]


def test_one_late_device_shows_that_the_others_on_its_bus_are_silent_by_themselves(
    conn: Conn, points: Points
) -> None:
    speak(conn, points, points, range(6))
    speak(conn, points, ["b1", "b2", "c1"], range(6, 60))
    look(conn, at(58 * HOUR))
    speak(conn, points, ["a1"], range(6, 60))
    look(conn, at(58 * HOUR))
    assert told(conn) == [("a2", 7, None)]


def test_a_doubt_about_a_device_outlives_that_its_bus_falls_silent(
    conn: Conn, points: Points
) -> None:
    speak(conn, points, points, range(6))
    speak(conn, points, points.keys() - {"a2"}, range(6, 40))
    speak(conn, points, ["b1", "b2", "c1"], range(40, 80))
    look(conn, at(78 * HOUR))
    assert told(conn) == [("A", 41, None), ("a2", 7, None)]
    speak(conn, points, points.keys() - {"a2"}, range(80, 120))
    look(conn, at(118 * HOUR))
    assert told(conn) == [("A", 41, 80), ("a2", 7, None)]


def test_where_all_others_went_from_a_bus_a_silence_is_the_devices_own(
    conn: Conn, points: Points
) -> None:
    speak(conn, points, points, range(6))
    speak(conn, points, ["b1", "b2", "c1"], range(6, 60))
    look(conn, at(58 * HOUR))
    assert told(conn) == [("A", 7, None)]
    bound = "device_id = (SELECT id FROM device WHERE code = 'a1')"
    conn.execute(
        f"UPDATE device_place SET valid = tstzrange(lower(valid), %s) WHERE {bound}", [at(0)]
    )
    look(conn, at(58 * HOUR))
    assert told(conn) == [("a2", 7, None)]


def test_what_comes_to_another_bus_is_looked_at_there(conn: Conn, points: Points) -> None:
    speak(conn, points, points, range(6))
    speak(conn, points, ["b1", "b2", "c1"], range(6, 60))
    look(conn, at(58 * HOUR))
    assert told(conn) == [("A", 7, None)]
    conn.execute(
        "UPDATE device SET bus_id = (SELECT id FROM bus WHERE code = 'B') WHERE code = 'a1'"
    )
    look(conn, at(58 * HOUR))
    assert told(conn) == [("a1", 7, None), ("a2", 7, None)]


def test_a_rule_may_be_about_the_buses_of_an_institution(conn: Conn, points: Points) -> None:
    conn.execute("INSERT INTO institution (code, name) VALUES ('other', '另一局')")
    for institution, found in (("other", []), ("i", [("A", 7.0, None)])):
        load_rules(
            conn,
            "code: tests\ntitle: 测试\nrules:\n"
            "  - {code: bus, kind: bus.silent, title: 总线无数据, for: 12h, severity: warning,\n"
            f"     institutions: [{institution}], source: 惯例}}\n",
        )
        speak(conn, points, points, range(6))
        speak(conn, points, ["b1", "b2", "c1"], range(6, 60))
        look(conn, at(58 * HOUR))
        assert told(conn) == found


def test_a_place_that_moves_takes_its_devices_and_their_bus_to_another_institution(
    conn: Conn, points: Points
) -> None:
    conn.execute("INSERT INTO institution (code, name) VALUES ('other', '另一局')")
    conn.execute("INSERT INTO building (code, name, institution_id) VALUES ('b2', '楼', 2)")
    conn.execute("INSERT INTO room (code, name, building_id) VALUES ('r2', '1 室', 2)")
    load_rules(conn, RULES.replace("source:", "institutions: [other], source:"))
    speak(conn, points, points, range(6))
    speak(conn, points, ["b1", "c1"], range(6, 60))
    look(conn, at(58 * HOUR))
    assert told(conn) == []
    conn.execute("UPDATE place_room SET room_id = 2")
    look(conn, at(58 * HOUR))
    assert told(conn) == [("A", 7, None), ("b2", 7, None)]


def test_the_tag_of_a_room_to_which_a_place_moves_exempts_its_devices(
    conn: Conn, points: Points
) -> None:
    load_rules(conn, RULES.replace("for: 1d,", "for: 1d, except: [x-store],"))
    conn.execute("INSERT INTO room (code, name, building_id) VALUES ('r2', '库房', 1)")
    conn.execute(
        "INSERT INTO tag (kind, subject_id, tag, valid) VALUES ('room', 2, 'x-store', '[,)')"
    )
    speak(conn, points, points, range(6))
    speak(conn, points, points.keys() - {"a2"}, range(6, 60))
    look(conn, at(58 * HOUR))
    assert told(conn) == [("a2", 7, None)]
    conn.execute("UPDATE place_room SET room_id = 2")
    look(conn, at(58 * HOUR))
    assert told(conn) == []


def test_a_second_bus_shows_whose_silences_of_before_were(conn: Conn, points: Points) -> None:
    conn.execute(
        "DELETE FROM device_place USING device, bus"
        " WHERE device.id = device_id AND bus.id = bus_id AND bus.code <> 'A'"
    )
    speak(conn, points, ["a1", "a2"], [*range(6), *range(30, 60)])
    look(conn, at(58 * HOUR))
    assert told(conn) == [("A", 7, 30)]
    # Nothing else was heard of then: it may have been anything.
    points["d1"] = add_device(conn, "d1", "D", 1)
    look(conn, at(58 * HOUR))
    assert told(conn) == [("d1", 30, None), ("site", 7, 30)]


def test_what_is_asked_more_often_than_all_on_its_bus_shows_their_past_in_another_light(
    conn: Conn, points: Points
) -> None:
    for code in ("d1", "d2"):
        points[code] = add_device(conn, code, "D", 1, interval=1440 * 60)
        store(conn, points[code], [(5, 1.0), (150 * HOUR, 1.0)])
    speak(conn, points, ["a1", "a2", "b1", "b2", "c1"], range(200))
    look(conn, at(199 * HOUR))
    assert told(conn) == [("D", 73, 150)]
    points["d3"] = add_device(conn, "d3", "D", 1, since=190 * HOUR)
    look(conn, at(199 * HOUR))
    query = "SELECT rule_id, subject_id, since, until FROM episode ORDER BY 1, 2, 3"
    piecemeal = conn.execute(query).fetchall()
    catalogue.mark_all(conn, "test")
    look(conn, at(199 * HOUR))
    assert conn.execute(query).fetchall() == piecemeal != []


def test_what_is_silent_is_looked_at_once_an_hour_with_what_is_not(
    conn: Conn, points: Points
) -> None:
    speak(conn, points, points, range(6))
    look(conn, at(6 * HOUR))
    due = (
        "SELECT code FROM rules_due"
        " JOIN rules_subject AS known ON known.id = subject AND sort = rules_due.kind"
        " WHERE sort IN ('device', 'bus', 'site') ORDER BY 1"
    )
    # Of the others nothing was heard since the hour before last.
    store(conn, points["b1"], [(7 * HOUR, 1.0)])
    catalogue.follow(conn)
    everything = [(code,) for code in ("A", "B", "C", *sorted(points), "site")]
    assert conn.execute(due).fetchall() == sorted(everything)
    look(conn, at(7 * HOUR))
    store(conn, points["b1"], [(7 * HOUR + 1, 1.0)])
    store(conn, points["b2"], [(7 * HOUR + 2, 1.0)])
    catalogue.follow(conn)
    assert conn.execute(due).fetchall() == [("b2",)]


SHORT = RULES.replace("for: 1d", "for: 2h").replace("for: 12h", "for: 2h, silence: 2h")


@pytest.mark.parametrize("seed", range(6))
def test_in_any_order_the_same_is_found(conn: Conn, points: Points, seed: int) -> None:
    load_rules(conn, SHORT)
    look(conn)
    random = Random(seed)
    points["c2"] = add_device(conn, "c2", "C", 1, interval=3 * 3600)
    for _ in range(30):
        code = random.choice([*sorted(points), *["a1"] * 8])
        hour = random.randrange(50)
        store(conn, points[code], [(hour * HOUR + random.randrange(60), 1.0)])
        if random.random() < 0.3:
            _rewire(conn, random, points)
        if random.random() < 0.7:
            look(conn)
    look(conn)
    query = "SELECT rule_id, subject_id, since, confirmed_at, until FROM episode ORDER BY 1, 2, 3"
    piecemeal = conn.execute(query).fetchall()
    conn.execute("DELETE FROM episode")
    catalogue.mark_all(conn, "test")
    look(conn)
    assert conn.execute(query).fetchall() == piecemeal != []


def _rewire(conn: Conn, random: Random, points: Points) -> None:
    """Hang another device somewhere, or have one go, come to another bus, or be asked at others."""
    code, bus = random.choice(sorted(points)), random.choice("ABCD")
    interval, moment = random.choice([60, 3600, 3 * 3600, 86400]), random.uniform(0, 50 * HOUR)
    match random.randrange(4):
        case 0:
            new = f"n{len(points)}"
            points[new] = add_device(conn, new, bus, 1, interval, moment)
        case 1:
            conn.execute(
                "UPDATE device_place AS bound SET valid = bound.valid * tstzrange(NULL, %s)"
                " FROM device WHERE id = device_id AND code = %s",
                [at(moment), code],
            )
        case 2:
            query = "UPDATE device SET bus_id = bus.id FROM bus WHERE bus.code = %s"
            conn.execute(f"{query} AND device.code = %s", [bus, code])
        case _:
            conn.execute("UPDATE device SET interval_s = %s WHERE code = %s", [interval, code])
