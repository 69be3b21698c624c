"""Episodes of a room: what is found, and that it does not matter in which order data came."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from registry.document import InventoryError
from rules.subjects import catalogue
from rules.subjects.places import due
from tests.integration.rules.world import (
    RULES,
    START,
    Conn,
    add_point,
    add_room,
    at,
    episodes,
    load_rules,
    look,
    store,
)

NINE = 9 * 60


def test_a_set_point_below_the_limit_is_a_doubt_from_its_begin(conn: Conn) -> None:
    room = add_room(conn)
    load_rules(conn)
    for name, value in (("run", 1), ("mode", 1)):
        store(conn, room.points[name], [(NINE, value), (NINE + 50, value)])
    store(conn, room.points["set_point"], [(NINE + m, 24.0 if m < 40 else 26.0) for m in range(60)])
    look(conn)
    assert episodes(conn) == [("cold", "ac", NINE, NINE + 15, NINE + 40, "false")]


def test_half_a_degree_is_tolerated(conn: Conn) -> None:
    room = add_room(conn)
    load_rules(conn)
    store(conn, room.points["run"], [(NINE, 1)])
    store(conn, room.points["mode"], [(NINE, 1)])
    store(conn, room.points["set_point"], [(NINE + m, 25.5) for m in range(60)])
    look(conn)
    assert episodes(conn) == []


def test_nobody_in_the_room_is_known_from_another_device(conn: Conn) -> None:
    room = add_room(conn)
    text = RULES + (
        "  - {code: empty, kind: aircon.nobody, title: 无人, for: 20m, severity: notice,"
        " source: 惯例}\n"
    )
    load_rules(conn, text)
    store(conn, room.points["run"], [(NINE, 1), (NINE + 55, 1)])
    store(conn, room.points["occupancy"], [(NINE, 1), (NINE + 10, 0), (NINE + 45, 1)])
    look(conn)
    assert ("empty", "ac", NINE + 10, NINE + 30, NINE + 45, "false") in episodes(conn)


def test_a_sensor_that_was_replaced_has_no_say_any_more(conn: Conn) -> None:
    room = add_room(conn)
    load_rules(conn)
    swap = at(NINE + 30)
    conn.execute(
        "UPDATE device_place SET valid = tstzrange(NULL, %s) WHERE place_id = %s", [swap, room.lamp]
    )
    newer: dict[str, int] = {}
    for name in ("relay", "occupancy"):
        newer[name] = add_point(conn, "lamp2", name, room.lamp, swap)
    store(conn, room.points["relay"], [(NINE, 0)])
    store(conn, room.points["occupancy"], [(NINE, 1)])
    store(conn, newer["relay"], [(NINE + 30, 1), (NINE + 85, 1)])
    store(conn, newer["occupancy"], [(NINE + 30, 0), (NINE + 80, 1)])
    look(conn)
    assert episodes(conn) == [("lamp", "lamp", NINE + 30, NINE + 50, NINE + 80, "false")]


def test_a_circuit_and_a_condition_of_ones_own_are_found(conn: Conn) -> None:
    room = add_room(conn)
    text = RULES + (
        "  - {code: boiler, kind: circuit.outside_schedule, title: 时段外, hours: office, for: 30m,"
        " severity: notice, source: 惯例}\n"
        "  - {code: own, kind: custom, title: 自定义, for: 20m, severity: notice, source: 惯例,"
        " expression: relay == 1 and not working}\n"
    )
    with pytest.raises(InventoryError, match="own: hours is missing"):
        load_rules(conn, text)
    load_rules(conn, text.replace("自定义, for", "自定义, hours: office, for"))
    store(conn, room.points["relay"], [(17 * 60 + m, 1) for m in range(0, 180, 30)])
    store(conn, room.points["relay"], [(20 * 60, 0)])
    look(conn)
    six, eight = 18 * 60, 20 * 60
    assert [row for row in episodes(conn) if row[0] != "lamp"] == [
        ("boiler", "lamp", six, six + 30, eight, "false"),
        ("own", "lamp", six, six + 20, eight, "false"),
    ]


def test_night_begins_when_working_hours_end(conn: Conn) -> None:
    room = add_room(conn)
    load_rules(conn)
    store(conn, room.points["run"], [(17 * 60 + m, 1) for m in range(0, 180, 30)])
    store(conn, room.points["run"], [(20 * 60, 0)])
    look(conn)
    assert episodes(conn) == [("night", "ac", 18 * 60, 18 * 60 + 30, 20 * 60, "false")]


def test_what_is_asked_seldom_holds_until_it_is_asked_again(conn: Conn) -> None:
    room = add_room(conn)
    load_rules(conn)
    conn.execute("UPDATE device SET interval_s = 43200 WHERE code = 'ac'")
    store(conn, room.points["run"], [(12 * 60 - 1, 0)])
    look(conn)
    store(conn, room.points["run"], [(12 * 60, 1)])
    look(conn)
    six, midnight = 18 * 60, 24 * 60
    assert episodes(conn) == [("night", "ac", six, six + 30, midnight, "unknown")]


def test_a_correction_that_comes_late_withdraws_what_it_refutes(conn: Conn) -> None:
    room = add_room(conn)
    load_rules(conn)
    store(conn, room.points["run"], [(NINE, 1)])
    store(conn, room.points["mode"], [(NINE, 1)])
    store(conn, room.points["set_point"], [(NINE, 24.0), (NINE + 14, 24.0), (NINE + 28, 24.0)])
    look(conn)
    assert len(episodes(conn)) == 1
    # The unit had been off in between: known only now.
    store(conn, room.points["run"], [(NINE + m, 0) for m in (1, 8, 20)])
    look(conn)
    assert episodes(conn) == []


MATTERS = (
    RULES.replace("{code: lamp,", "{code: lamp, matter: lit,")
    + "  - {code: late, matter: lit, kind: lighting.outside_hours, title: 夜间, hours: office,"
    " for: 30m, gap: 5m, silence: 30m, severity: notice, source: 惯例}\n"
)


@pytest.mark.parametrize("rules", [RULES, MATTERS])
def test_any_order_gives_what_one_look_at_everything_gives(conn: Conn, rules: str) -> None:
    room = add_room(conn)
    load_rules(conn, rules)
    for seed in range(8):
        rng = random.Random(seed)
        base = 3 * 1440 * seed
        rows = _history(rng, room.points, base)
        rng.shuffle(rows)
        for begin in range(0, len(rows), 7):
            for point, minute, value in rows[begin : begin + 7]:
                store(conn, point, [(minute, value)])
            if rng.random() < 0.6:
                look(conn)
    look(conn)
    piecemeal = episodes(conn)
    codes = {"cold", "night", "lamp"} | ({"late"} if rules == MATTERS else set())
    assert {rule for rule, *_ in piecemeal} == codes
    conn.execute("DELETE FROM episode")
    conn.execute("DELETE FROM dirty_mark WHERE consumer = 'rules'")
    look(conn)
    assert episodes(conn) == piecemeal


def _history(
    rng: random.Random, points: dict[str, int], base: int
) -> list[tuple[int, float, float | None]]:
    rows: list[tuple[int, float, float | None]] = []
    for name, values in (
        ("run", [0, 1, 1]),
        ("mode", [1, 1, 4]),
        ("set_point", [24.0, 25.0, 26.0]),
        ("relay", [0, 1, 1]),
        ("occupancy", [0, 0, 1]),
    ):
        moments = rng.sample(range(2000), rng.randint(5, 60))
        for minute in moments:
            unknown = rng.random() < 0.05
            rows.append((points[name], base + minute, None if unknown else rng.choice(values)))
    return rows


@pytest.mark.parametrize("seed", range(4))
def test_so_it_does_while_rules_tags_and_bindings_change(conn: Conn, seed: int) -> None:
    room = add_room(conn)
    load_rules(conn, MATTERS, at(-10))
    rng, now = random.Random(seed), 0.0
    rows = [(point, m + rng.random(), value) for point, m, value in _history(rng, room.points, 0)]
    rng.shuffle(rows)
    for begin in range(0, len(rows), 5):
        for point, minute, value in rows[begin : begin + 5]:
            store(conn, point, [(minute, value)])
        moment = rng.uniform(0, 2000)
        match rng.randrange(8):
            case 0:
                now = max(now, moment)
                load_rules(conn, rng.choice(VERSIONS), at(now))
            case 1:
                conn.execute(
                    "INSERT INTO tag (kind, subject_id, tag, valid) SELECT 'place', %s, 'x-a', new"
                    " FROM tstzrange(%s, %s) AS new"
                    " WHERE NOT EXISTS (SELECT FROM tag WHERE valid && new)",
                    [room.lamp, at(moment), at(moment + rng.uniform(1, 300))],
                )
            case 2:
                bound = rng.choice(["(,)", f"(,{at(moment)})"])
                conn.execute("UPDATE device_place SET valid = %s", [bound])
        if rng.random() < 0.6:
            look(conn, at(now))
    look(conn, at(3000))
    piecemeal = episodes(conn)
    conn.execute("DELETE FROM episode")
    catalogue.mark_all(conn, "test")
    look(conn, at(3000))
    assert episodes(conn) == piecemeal != []


VERSIONS = (
    MATTERS,
    MATTERS.replace("for: 20m, gap: 5m", "for: 35m, gap: 12m"),
    MATTERS.replace("kind: aircon", "matter: ac, kind: aircon"),
    MATTERS.replace("无人亮灯, for", "无人亮灯, except: [x-a], for"),
)


def test_another_version_takes_over_when_it_is_loaded(conn: Conn) -> None:
    room = add_room(conn)
    load_rules(conn)
    store(conn, room.points["run"], [(NINE + m, 1) for m in range(0, 180, 30)])
    store(conn, room.points["mode"], [(NINE + m, 1) for m in range(0, 180, 30)])
    store(conn, room.points["set_point"], [(NINE + m, 25.0) for m in range(0, 180, 10)])
    loaded = load_rules(conn, RULES.replace("制冷, for", "制冷, at_least: 25, for"), at(NINE + 60))
    assert loaded.added == ("cold",)
    look(conn)
    assert episodes(conn) == [("cold", "ac", NINE, NINE + 15, NINE + 60, "false")]


def test_the_same_rules_again_change_nothing(conn: Conn) -> None:
    add_room(conn)
    load_rules(conn)
    look(conn)
    loaded = load_rules(conn, now=START + timedelta(days=1))
    assert (loaded.added, loaded.ended) == ((), ())
    assert conn.execute("SELECT count(*) FROM rules_due").fetchone() == (0,)
    assert conn.execute("SELECT count(*) FROM rule").fetchone() == (3,)


def test_a_device_that_never_hung_there_leaves_no_doubt(conn: Conn) -> None:
    room = add_room(conn)
    load_rules(conn)
    store(conn, room.points["run"], [(1200, 1), (1260, 1)])
    look(conn)
    assert len(episodes(conn)) == 1
    conn.execute("UPDATE device_place SET valid = 'empty' WHERE place_id = %s", [room.aircon])
    look(conn)
    assert episodes(conn) == []


def test_what_no_rule_asks_for_makes_nothing_due(conn: Conn) -> None:
    room = add_room(conn)
    text = (
        "code: t\ntitle: t\nrules:\n  - {code: cold, kind: aircon.cooling, title: 制冷, for: 15m,"
    )
    load_rules(conn, text + " severity: notice, source: 42号}\n")
    look(conn)
    store(conn, room.points["relay"], [(NINE, 1)])
    store(conn, room.points["occupancy"], [(NINE, 0)])
    due.follow(conn)
    assert conn.execute("SELECT count(*) FROM rules_due").fetchone() == (0,)
    store(conn, room.points["set_point"], [(NINE, 20.0)])
    due.follow(conn)
    assert conn.execute("SELECT kind, subject FROM rules_due").fetchall() == [
        ("place", room.aircon)
    ]
