"""Rules that are loaded, changed and ended while doubts stand and workers run."""

from __future__ import annotations

from registry.calendar_store import load_calendar
from rules.cases import listing
from rules.cases.evidence import evidence
from rules.ruleset.store import versions
from rules.subjects.model import Basis
from rules.subjects.places.modes import Modes
from storage.times import us_of
from tests.integration.rules.world import (
    GAUGES,
    RULES,
    ZONE,
    Conn,
    add_room,
    at,
    episodes,
    load_rules,
    look,
    store,
)

BOUNDED = RULES.replace("for: 15m,", "for: 15m, until: 2026-12-31,")
DAY = 1440


def spans(conn: Conn, code: str) -> list[tuple[object, object]]:
    query = "SELECT lower(valid), upper(valid) FROM rule WHERE code = %s AND NOT isempty(valid)"
    return conn.execute(query + " ORDER BY 1", [code]).fetchall()


def test_a_rule_with_an_end_can_be_loaded_again(conn: Conn) -> None:
    load_rules(conn, BOUNDED)
    before = spans(conn, "cold")
    again = load_rules(conn, BOUNDED.replace("for: 20m", "for: 25m"), at(DAY))
    assert (again.added, again.kept) == (("lamp",), ("cold", "night"))
    assert spans(conn, "cold") == before


def test_a_rule_with_an_end_can_be_changed_and_can_be_taken_away(conn: Conn) -> None:
    load_rules(conn, BOUNDED)
    ((since, until),) = spans(conn, "cold")
    load_rules(conn, BOUNDED.replace("for: 15m", "for: 30m"), at(DAY))
    assert spans(conn, "cold") == [(since, at(DAY)), (at(DAY), until)]
    gone = load_rules(conn, RULES.replace("code: cold", "code: warm"), at(2 * DAY))
    assert gone.ended == ("cold",)
    assert spans(conn, "cold") == [(since, at(DAY)), (at(DAY), at(2 * DAY))]


def test_another_end_of_the_same_rule_is_taken_up(conn: Conn) -> None:
    load_rules(conn, BOUNDED)
    ((since, _),) = spans(conn, "cold")
    load_rules(conn, BOUNDED.replace("2026-12-31", "2026-08-31"), at(DAY))
    assert [upper for _, upper in spans(conn, "cold")][-1] == at(56 * DAY)
    load_rules(conn, RULES, at(2 * DAY))
    assert spans(conn, "cold")[0][0] == since
    assert spans(conn, "cold")[-1][1] is None


def test_a_rule_is_looked_at_again_from_when_it_changed_and_not_before(conn: Conn) -> None:
    add_room(conn)
    load_rules(conn)
    look(conn)
    load_rules(conn, RULES.replace("for: 20m", "for: 25m"), at(DAY))
    due = "SELECT DISTINCT kind, ts_from, ts_to::text FROM rules_due"
    assert conn.execute(due).fetchall() == [("place", at(DAY), "infinity")]


def test_what_is_known_by_now_counts_for_a_rule_that_comes_later(conn: Conn) -> None:
    room = add_room(conn)
    load_rules(conn, RULES.replace("code: cold", "code: warm"))
    for name, value in (("run", 1), ("mode", 1), ("set_point", 24.0)):
        store(conn, room.points[name], [(540, value)])
    look(conn, at(541))
    # The values hold until 9:15 and 10:00, and nothing is measured after the rule is loaded.
    load_rules(conn, RULES.replace("for: 15m", "for: 5m").replace("warm", "cold"), at(545))
    look(conn, at(560))
    found = [(rule, since, until) for rule, _, since, _, until, _ in episodes(conn)]
    assert found == [("cold", 545, 555)]


def test_a_doubt_of_a_rule_that_was_taken_away_stays_and_follows_late_data(conn: Conn) -> None:
    room = add_room(conn)
    load_rules(conn)
    for name, value in (("run", 1), ("mode", 1), ("set_point", 24.0)):
        store(conn, room.points[name], [(540 + 10 * n, value) for n in range(6)])
    look(conn, at(600))
    load_rules(conn, RULES.replace("code: cold", "code: warm"), at(580))
    look(conn, at(601))
    doubts = "SELECT since, until, state FROM doubt WHERE rule_code = 'cold'"
    assert conn.execute(doubts).fetchall() == [(at(540), at(580), "asked")]
    # What is said about it rests on the rule as it was.
    found = listing.doubt(conn, 1)
    basis = Basis(versions(conn), GAUGES, load_calendar(conn), ZONE, Modes())
    assert evidence(conn, basis, found, us_of(at(700))).rule.code == "cold"
    # It was warm enough from the first moment on, comes to light later.
    store(conn, room.points["set_point"], [(540 + n, 26.0) for n in range(60) if n % 10])
    store(conn, room.points["run"], [(541, 0)])
    look(conn, at(602))
    assert [state for *_, state in conn.execute(doubts)] == ["withdrawn"]
