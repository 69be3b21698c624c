"""Rules about an institution and all below it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jieyong import cli
from registry.audit import Act
from registry.belonging import belonging, below
from registry.refusal import RefusedError
from rules.cases.inspection import Finding, report
from rules.ruleset.reading import read_rule_set
from rules.ruleset.store import load, versions
from tests.integration.rules.test_doubts import cold
from tests.integration.rules.world import (
    ACT,
    RULES,
    ZONE,
    Conn,
    Room,
    add_room,
    at,
    episodes,
    load_rules,
    look,
)

NINE = 9 * 60.0
OF_CITY = RULES.replace("title: 制冷,", "title: 制冷, institutions: [city],")


@pytest.fixture
def room(conn: Conn) -> Room:
    """Of institution i, below the district, below the city; beside it a county."""
    made = add_room(conn)
    for code, parent in (("city", None), ("district", "city"), ("county", None)):
        conn.execute(
            "INSERT INTO institution (code, name, parent_id)"
            " SELECT %s, %s, (SELECT id FROM institution WHERE code = %s)",
            [code, code, parent],
        )
    move(conn, "i", "district")
    return made


def move(conn: Conn, code: str, parent: str) -> None:
    conn.execute(
        "UPDATE institution SET parent_id = (SELECT id FROM institution WHERE code = %s)"
        " WHERE code = %s",
        [parent, code],
    )


def found(conn: Conn) -> list[str]:
    return [row[0] for row in episodes(conn)]


def due(conn: Conn) -> set[tuple[str, int]]:
    return set(conn.execute("SELECT kind, subject FROM rules_due WHERE why = 'institution'"))


def test_a_rule_is_about_what_stands_below_and_about_nothing_else(conn: Conn, room: Room) -> None:
    load_rules(conn, OF_CITY)
    cold(conn, room, NINE, NINE + 60)
    look(conn, at(NINE + 60))
    assert found(conn) == ["cold"]
    load_rules(conn, OF_CITY.replace("city", "county"), at(NINE - 60))
    look(conn, at(NINE + 61))
    assert found(conn) == []


def test_who_is_moved_elsewhere_is_looked_at_again(conn: Conn, room: Room) -> None:
    load_rules(conn, OF_CITY)
    cold(conn, room, NINE, NINE + 60)
    look(conn, at(NINE + 60))
    conn.execute("UPDATE institution SET name = '改名', parent_id = parent_id")
    assert due(conn) == set()
    move(conn, "district", "county")
    places = {("place", room.aircon), ("place", room.lamp)}
    assert places <= due(conn)
    look(conn, at(NINE + 61))
    assert found(conn) == []
    move(conn, "i", "city")
    look(conn, at(NINE + 62))
    assert found(conn) == ["cold"]
    conn.execute("TRUNCATE rules_due")
    county = conn.execute("SELECT id FROM institution WHERE code = 'county'").fetchone()
    assert county is not None
    conn.execute("UPDATE building SET institution_id = %s", county)
    assert places <= due(conn)
    look(conn, at(NINE + 63))
    assert found(conn) == []


def test_where_no_rule_asks_for_it_nothing_is_looked_at_again(conn: Conn, room: Room) -> None:
    load_rules(conn)
    look(conn)
    move(conn, "district", "county")
    assert due(conn) == set()


def test_a_place_is_theirs_while_it_is_in_their_room(conn: Conn, room: Room) -> None:
    load_rules(conn, OF_CITY)
    cold(conn, room, NINE, NINE + 60)
    conn.execute(
        "UPDATE place_room SET valid = tstzrange(NULL, %s) WHERE place_id = %s",
        [at(NINE + 30), room.aircon],
    )
    look(conn, at(NINE + 60))
    assert [(row[2], row[4]) for row in episodes(conn)] == [(NINE, NINE + 30)]
    (one,) = belonging(conn, "place", [room.aircon], ["city"])
    assert (one.since, one.until) == (None, at(NINE + 30))


def test_whatever_can_be_a_subject_belongs_to_somebody(conn: Conn, room: Room) -> None:
    conn.execute(
        "INSERT INTO meter (code, name, energy, unit, place_id)"
        " VALUES ('m', 'm', 'electricity', 'kWh', %s)",
        [room.aircon],
    )
    conn.execute(
        "INSERT INTO vehicle (code, plate, institution_id, energy) VALUES ('v', 'x', 1, 'gasoline')"
    )
    for kind in ("place", "device", "meter", "room", "vehicle", "institution"):
        assert [one.above for one in belonging(conn, kind, [1], ["city"])] == ["city"], kind
        assert belonging(conn, kind, [1], ["county"]) == []
    assert below(conn, ["district", "county"]) == ["county", "district", "i"]
    # A ring ends the search, too.
    move(conn, "city", "i")
    assert below(conn, ["city"]) == ["city", "district", "i"]


def test_an_institution_that_is_not_there_is_refused_with_its_line(conn: Conn, room: Room) -> None:
    with pytest.raises(
        RefusedError, match=r"规则 cold（第 7 行）的 institutions：机构 town 不存在"
    ):
        load_rules(conn, OF_CITY.replace("[city]", "[city, town]"))


def test_rules_without_it_mean_what_they_meant(conn: Conn, room: Room) -> None:
    (cold_rule, *_) = read_rule_set(RULES, "r", ZONE).rules
    assert "institutions" not in cold_rule.meaning
    (theirs, *_) = read_rule_set(OF_CITY, "r", ZONE).rules
    assert theirs.digest != cold_rule.digest
    load_rules(conn, OF_CITY)
    assert {one.rule.institutions for one in versions(conn)} == {frozenset(), frozenset({"city"})}


def test_inspectors_are_told_where_a_rule_holds(conn: Conn, room: Room) -> None:
    text = Path("rules/sets/inspection.yaml").read_text("utf-8")
    text = text.replace("    severity", "    institutions: [county]\n    severity")
    load(conn, ACT, read_rule_set(text, "i.yaml", ZONE))
    seen = Finding("r", "inspected-water", at(NINE), "水龙头未关")
    with pytest.raises(RefusedError, match="只查这些机构及其下级：county"):
        report(conn, Act("甲", at(NINE) + timedelta(hours=1)), seen, versions(conn), ZONE)


def test_doubts_of_an_institution_are_those_of_all_below_it(
    conn: Conn, room: Room, database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    load_rules(conn)
    cold(conn, room, NINE, NINE + 60)
    look(conn, at(NINE + 60))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)

    def rows(institution: str) -> int:
        words = ["doubt", "list", "--from", "2026-07-01", "--institution", institution, "--json"]
        output = CliRunner().invoke(cli.app, words, catch_exceptions=False).output
        return len(json.loads(output)[0]["rows"])

    assert [rows(code) for code in ("city", "district", "i", "county")] == [1, 1, 1, 0]
