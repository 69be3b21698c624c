"""An institution that answers none of what it is asked: one doubt, never about one of its kind."""

from __future__ import annotations

import itertools
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from registry.audit import Act
from rules.cases.acting import do
from rules.cases.life import Conclusion, Deed, State, Step, Verdict
from rules.cases.listing import Wanted, doubts
from rules.subjects import catalogue
from rules.subjects.catalogue import SUBJECTS
from storage.migrate import DIRECTORY, migrate
from tests.integration.rules.world import Conn, Room, add_room, at, load_rules, look

RULES = """
code: tests
title: 测试
rules:
  - {code: lamp, kind: lighting.never_off, title: 长明, for: 1d, severity: notice, source: 惯例}
  - {code: mute, kind: doubts.unanswered, title: 未说明, least: 2, for: 30d, severity: notice,
     except: [emergency-response], from: 2026-01-01, source: 惯例}
"""
DAY = 1440.0
_MONTHS = itertools.count(1)
_ASK = """
INSERT INTO doubt (rule_code, sort, subject_id, since, until, opened_at, state, changed_at)
VALUES ('lamp', 'place', %s, %s, %s, %s, 'asked', %s) RETURNING id
"""


@pytest.fixture
def room(conn: Conn) -> Room:
    made = add_room(conn)
    load_rules(conn, RULES)
    look(conn)
    return made


def ask(conn: Conn, room: Room, day: float, place: int | None = None) -> int:
    """A doubt about a lamp, that is told on a day after the start."""
    long_ago = at(-next(_MONTHS) * 30 * DAY)
    values = [place or room.lamp, long_ago, long_ago + timedelta(days=1), at(day * DAY)]
    row = conn.execute(_ASK, [*values, values[-1]]).fetchone()
    assert row is not None
    return int(row[0])


def act(conn: Conn, doubt: int, day: float, step: Step = Step.EXPLAIN) -> None:
    do(conn, Act("张三", at(day * DAY)), doubt, Deed(step, "加班"))


def told(conn: Conn, day: float) -> list[tuple[str, float, float | None, State]]:
    """Whose, from and until which day (None: it goes on), state; as it stands on a day."""
    look(conn, at(day * DAY))
    return [
        (
            one.institution or "",
            (one.since - at(0)) / timedelta(days=1),
            None if one.until > at(9000 * DAY) else (one.until - at(0)) / timedelta(days=1),
            one.state,
        )
        for one in sorted(doubts(conn, Wanted(at(0), at(400 * DAY))), key=lambda one: one.since)
        if one.rule == "mute"
    ]


def test_several_doubts_that_wait_for_thirty_days_are_one_doubt(conn: Conn, room: Room) -> None:
    ask(conn, room, 1)
    ask(conn, room, 4)
    assert told(conn, 33.9) == []
    assert told(conn, 34) == [("i", 4, None, State.ASKED)]
    # What is asked meanwhile, this doubt itself among it, makes no other.
    ask(conn, room, 36)
    assert told(conn, 200) == [("i", 4, None, State.ASKED)]


def test_one_that_waits_alone_is_none(conn: Conn, room: Room) -> None:
    ask(conn, room, 1)
    assert told(conn, 200) == []


def test_one_answer_ends_it_and_without_another_it_comes_again(conn: Conn, room: Room) -> None:
    first, *_ = (ask(conn, room, day) for day in (1, 2, 3))
    told(conn, 40)
    act(conn, first, 41)
    assert told(conn, 42) == [("i", 2, 41, State.ASKED)]
    minute = 1 / DAY
    assert told(conn, 72) == [
        ("i", 2, 41, State.ASKED),
        ("i", pytest.approx(41 + minute), None, State.ASKED),
    ]


def test_who_answers_in_time_is_not_asked(conn: Conn, room: Room) -> None:
    numbers = [ask(conn, room, day) for day in (1, 2, 3, 4)]
    act(conn, numbers[0], 20)
    act(conn, numbers[1], 45)
    assert told(conn, 60) == []


def test_what_is_exempt_or_withdrawn_waits_no_more(conn: Conn, room: Room) -> None:
    ask(conn, room, 1)
    act(conn, ask(conn, room, 2), 20, Step.EXEMPT)
    assert told(conn, 60) == []


def test_it_is_never_about_doubts_of_its_own_kind(conn: Conn, room: Room) -> None:
    for day in (1, 2):
        ask(conn, room, day)
    told(conn, 40)
    ((own,),) = conn.execute("SELECT id FROM doubt WHERE sort = 'respondent'").fetchall()
    assert conn.execute("SELECT FROM doubt_respondent WHERE doubt_id = %s", [own]).rowcount == 0
    # To explain that nothing was explained explains nothing of the others.
    act(conn, own, 50)
    of = Deed(Step.CONCLUDE, conclusion=Conclusion(Verdict.NOT_WASTE, "短信失效", "改号码"))
    do(conn, Act("李四", at(51 * DAY)), own, of)
    assert told(conn, 100) == [("i", 2, None, State.CONCLUDED)]


def test_nobody_is_asked_for_what_is_nobodys(conn: Conn, room: Room) -> None:
    conn.execute("DELETE FROM place_room")
    for day in (1, 2):
        ask(conn, room, day)
    assert told(conn, 100) == []


def test_a_tag_exempts_while_it_holds(conn: Conn, room: Room) -> None:
    for day in (1, 2):
        ask(conn, room, day)
    told(conn, 40)
    conn.execute(
        "INSERT INTO tag (kind, subject_id, tag, valid)"
        " VALUES ('institution', 1, 'emergency-response', '[,)')"
    )
    assert [row[-1] for row in told(conn, 41)] == [State.WITHDRAWN]


def test_looking_once_at_everything_gives_the_same(conn: Conn, room: Room) -> None:
    numbers = []
    for day in (1, 2, 3, 50, 51):
        numbers.append(ask(conn, room, day))
        told(conn, day)
    for n, day in enumerate((45, 60, 100)):
        act(conn, numbers[n], day)
        told(conn, day)
    kept = conn.execute("SELECT since, until, confirmed_at FROM episode ORDER BY 1").fetchall()
    conn.execute("TRUNCATE episode")
    catalogue.mark_all(conn, "test")
    told(conn, 140)
    again = conn.execute("SELECT since, until, confirmed_at FROM episode ORDER BY 1").fetchall()
    assert again == kept
    assert len(kept) == 3


def test_it_says_which_wait_and_how_many_were_explained(conn: Conn, room: Room) -> None:
    numbers = [ask(conn, room, day) for day in (1, 2)]
    told(conn, 40)
    subjects = SUBJECTS[next(s for s in SUBJECTS if s.value == "respondent")]
    since, until = (int(at(day * DAY).timestamp() * 1e6) for day in (2, 40))
    lines = subjects.compared(conn, None, 1, since, until)  # type: ignore[arg-type]
    assert lines == [f"其间待说明 2 项（编号 {numbers[0]}、{numbers[1]}），收到说明 0 项"]


def test_what_was_asked_before_is_known_after_the_migration(
    blank_database: str, tmp_path: Path
) -> None:
    for file in DIRECTORY.glob("*.sql"):
        if file.name < "0034":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    migrate(blank_database, tmp_path)
    with psycopg.connect(blank_database, autocommit=True) as conn:
        room = add_room(conn)
        for day in (1, 2):
            ask(conn, room, day)
        migrate(blank_database)
        load_rules(conn, RULES, at(3 * DAY))
        assert told(conn, 40) == [("i", 2, None, State.ASKED)]
