"""Rules that fail: told, owed, tried again; the others go on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rules.kinds.catalogue import KINDS
from rules.kinds.model import Values
from rules.timeline.overlay import Pieces
from rules.timeline.truth import Truth
from rules.work.health import due_again, standing
from tests.integration.rules.world import (
    RULES,
    Conn,
    add_room,
    at,
    episodes,
    load_rules,
    look,
    store,
)

NINE = 9 * 60.0
EVENING = 20 * 60.0


@pytest.fixture
def points(conn: Conn) -> dict[str, int]:
    """Of a unit that cooled to 24 ℃ from nine to ten, and from eight in the evening to nine."""
    made = add_room(conn)
    load_rules(conn)
    return made.points


def cool(conn: Conn, points: dict[str, int], begin: float) -> None:
    store(conn, points["mode"], [(begin, 1), (begin + 59, 1)])
    store(conn, points["run"], [(begin, 1), (begin + 60, 0)])
    store(conn, points["set_point"], [(begin + m, 24.0) for m in range(0, 60, 10)])


def found(conn: Conn) -> list[tuple[str, float]]:
    return [(row[0], row[2]) for row in episodes(conn)]


def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_pieces: Pieces, _values: Values) -> Truth:
        raise ZeroDivisionError("x / 0")

    kind = replace(KINDS["aircon.cooling"], holds=fail)
    monkeypatch.setitem(KINDS, "aircon.cooling", kind)


def test_what_a_rule_that_fails_had_found_still_speaks_for_its_matter(
    conn: Conn, points: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    load_rules(conn, RULES.replace("kind: aircon", "matter: ac, kind: aircon"))
    cool(conn, points, EVENING)
    look(conn, at(EVENING + 60))
    assert found(conn) == [("cold", EVENING)]
    broken(monkeypatch)
    store(conn, points["set_point"], [(EVENING + 45, 24.5)])
    look(conn, at(EVENING + 61))
    assert found(conn) == [("cold", EVENING)]


def test_what_a_failing_rule_missed_is_looked_at_as_far_as_others_of_its_matter_changed(
    conn: Conn, points: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    six = 18 * 60.0
    text = RULES.replace("kind: aircon", "matter: ac, kind: aircon").replace("for: 30m", "for: 3h")
    load_rules(conn, text)
    on = [(six + m, 1.0) for m in (0, 40, 70, 100, 130, 160, 190)]
    store(conn, points["run"], [*on, (six + 210, 0)])
    store(conn, points["mode"], [(six + m, 1) for m in range(0, 211, 30)])
    store(conn, points["set_point"], [(six + 170 + m, 24.0) for m in range(0, 41, 10)])
    look(conn, at(six + 211))
    assert found(conn) == [("night", six)]
    with monkeypatch.context() as context:
        broken(context)
        # It was off for a while, hours before it cooled too much: not on for long enough then.
        store(conn, points["run"], [(six + 1, 0)])
        look(conn, at(six + 212))
        assert found(conn) == []
    look(conn, at(six + 900))
    assert found(conn) == [("cold", six + 170)]


def test_what_another_rule_says_instead_is_withdrawn_when_the_first_works_again(
    conn: Conn, points: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    load_rules(conn, RULES.replace("kind: aircon", "matter: ac, kind: aircon"))
    states = "SELECT rule_code, state FROM doubt ORDER BY id"
    with monkeypatch.context() as context:
        broken(context)
        cool(conn, points, EVENING)
        look(conn, at(EVENING + 61))
        assert conn.execute(states).fetchall() == [("night", "asked")]
    look(conn, at(EVENING + 900))
    assert found(conn) == [("cold", EVENING)]
    assert conn.execute(states).fetchall() == [("night", "withdrawn"), ("cold", "asked")]


def test_a_rule_that_fails_stops_no_other_and_keeps_what_it_had_found(
    conn: Conn, points: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    cool(conn, points, NINE)
    look(conn, at(NINE + 60))
    with monkeypatch.context() as context:
        broken(context)
        cool(conn, points, EVENING)
        store(conn, points["set_point"], [(NINE + 61, 26.0)])
        look(conn, at(EVENING + 61))
        assert found(conn) == [("cold", NINE), ("night", EVENING)]
        # Tried again when its time has come; the pauses grow.
        for minute in (61, 62, 63, 64, 65, 69, 70):
            look(conn, at(EVENING + minute))
    owing = {one.code: one for one in standing(conn, at(EVENING + 70))}
    assert owing["cold"].owed == 1
    assert owing["cold"].owed_since is not None
    assert owing["cold"].error == "ZeroDivisionError: x / 0"
    assert owing["night"].owed == 0
    assert owing["night"].error is None
    ((tries, retry_at),) = conn.execute(
        "SELECT tries, retry_at FROM rule_health WHERE tries > 0"
    ).fetchall()
    assert tries == 4
    look(conn, retry_at - timedelta(seconds=1))
    assert found(conn) == [("cold", NINE), ("night", EVENING)]
    look(conn, retry_at)
    assert found(conn) == [("cold", NINE), ("cold", EVENING), ("night", EVENING)]
    look(conn, retry_at + timedelta(hours=7))
    (cold,) = [one for one in standing(conn, at(EVENING + 500)) if one.code == "cold"]
    assert (cold.owed, cold.retry_at) == (0, None)
    assert cold.error is not None


def test_a_rule_of_a_newer_program_waits_for_it_and_keeps_what_it_had_found(
    conn: Conn, points: dict[str, int]
) -> None:
    cool(conn, points, NINE)
    look(conn, at(NINE + 60))
    conn.execute(
        "UPDATE rule SET meaning = jsonb_set(meaning, '{kind}', '\"lift.second\"')"
        " WHERE code = 'cold'"
    )
    cool(conn, points, EVENING)
    look(conn, at(EVENING + 61))
    assert found(conn) == [("cold", NINE), ("night", EVENING)]
    told = {one.code: one.error for one in standing(conn, at(EVENING + 61))}
    assert "this program knows no kind lift.second" in (told["cold"] or "")
    # Nobody looks at everything again and again for what this program will never know.
    due_again(conn, at(EVENING + 6000))
    assert conn.execute("SELECT FROM rules_due").fetchall() == []
    conn.execute(
        "UPDATE rule SET meaning = jsonb_set(meaning, '{kind}', '\"aircon.cooling\"')"
        " WHERE code = 'cold'"
    )
    look(conn, at(EVENING + 6001))
    assert found(conn) == [("cold", NINE), ("cold", EVENING), ("night", EVENING)]


def test_how_a_rule_fares_is_data(conn: Conn, points: dict[str, int]) -> None:
    cool(conn, points, NINE)
    look(conn, at(NINE + 60))
    look(conn, at(NINE + 61))
    standings = {one.code: one for one in standing(conn, at(NINE + 61))}
    cold = standings["cold"]
    assert cold.in_force
    assert cold.ran_at == at(NINE + 60)
    assert cold.subjects == 1
    assert cold.total_us >= cold.took_us > 0
