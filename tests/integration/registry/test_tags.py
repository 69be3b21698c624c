"""Tags: imported and dated, entered for a time, handed down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from registry import tag_changes, tag_entry
from registry.audit import Act, lines
from registry.bindings import Span
from registry.changes import Action
from registry.importing import diff
from registry.refusal import RefusedError
from registry.tag_changes import Touched
from registry.tag_entry import Said
from registry.tag_words import KINDS
from registry.tags import DatedTag, tags_at
from tests.integration.registry.imports import Conn, at, bring, counts, dump_all
from tests.unit.registry.samples import Document, catalogue, document, inventory

SECTION = {
    "institution": "institutions",
    "building": "buildings",
    "room": "rooms",
    "place": "places",
    "vehicle": "vehicles",
}
ACT = Act("张三", at(30))
NEVER = datetime(2000, 1, 1, tzinfo=UTC)


def tagged(kind: str, *tags: object) -> Document:
    """The small inventory whose first thing of a kind has tags."""
    content = document()
    content[SECTION[kind]][0]["tags"] = list(tags)
    return content


def stored(conn: Conn, kind: str = "room") -> list[tuple[str, datetime | None, datetime | None]]:
    return conn.execute(
        "SELECT tag, lower(valid), upper(valid) FROM tag WHERE kind = %s AND NOT isempty(valid)"
        " ORDER BY tag, valid",
        [kind],
    ).fetchall()


def had(conn: Conn, kind: str, code: str, moment: datetime) -> list[tuple[str, str, str]]:
    """What a thing has at a moment: the word, and where it comes from."""
    subject = tag_entry.find(conn, kind, code)
    found = tags_at(conn, kind, [subject.id], moment, moment).get(subject.id, ())
    assert all(tag.holds(moment) for tag in found)
    return [(tag.tag, tag.kind, tag.code) for tag in found]


def enter(conn: Conn, kind: str, code: str, said: Said, act: Act = ACT) -> int:
    return tag_entry.enter(conn, act, tag_entry.find(conn, kind, code), said)


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_new_thing_a_tag_holds_always(conn: Conn, kind: str) -> None:
    changes = bring(conn, tagged(kind, "x-own"))
    code = document()[SECTION[kind]][0]["code"]
    assert changes.codes(f"{kind}_tag", Action.CREATED) == (f"{code} @ x-own",)
    assert stored(conn, kind) == [("x-own", None, None)]
    assert had(conn, kind, code, NEVER) == [("x-own", kind, code)]


def test_of_a_known_thing_it_holds_from_the_import_on_or_as_dated(conn: Conn) -> None:
    bring(conn, document())
    bring(conn, tagged("room", "server-room", {"tag": "x-own", "since": at(-9).isoformat()}), 2)
    assert stored(conn) == [("server-room", at(2), None), ("x-own", at(-9), None)]
    again = tagged("room", {"tag": "server-room", "since": at(-5).isoformat()}, "x-own")
    bring(conn, again, 3)
    assert stored(conn) == [("server-room", at(-5), None), ("x-own", at(-9), None)]


def test_the_same_file_again_changes_nothing(conn: Conn) -> None:
    dated = {"tag": "canteen", "since": at(1).isoformat(), "until": at(3).isoformat()}
    bring(conn, document())
    bring(conn, tagged("room", "server-room", dated), 2)
    before = dump_all(conn)
    assert not bring(conn, tagged("room", "server-room", dated), 4)
    assert dump_all(conn) == before


def test_an_import_closes_what_vanished_deletes_nothing_and_tells(conn: Conn) -> None:
    bring(conn, tagged("room", "server-room", "x-own"))
    told = diff(conn, inventory(tagged("room", "x-own")), catalogue(), now=at(2))
    changes = bring(conn, tagged("room", "x-own"), 2)
    assert told == changes
    assert stored(conn) == [("server-room", None, at(2)), ("x-own", None, None)]
    assert changes.counts() == {("room_tag", Action.CLOSED): 1}
    assert str(changes) == (
        "room_tag: 1 closed: r-1 @ server-room (valid always → until 2026-03-03T00:00:00+00:00)"
    )
    row = conn.execute("SELECT changes FROM inventory_import ORDER BY id DESC LIMIT 1").fetchone()
    assert row == (changes.as_json(),)

    bring(conn, tagged("room", "server-room", "x-own"), 5)
    assert stored(conn) == [
        ("server-room", None, at(2)),
        ("server-room", at(5), None),
        ("x-own", None, None),
    ]


def test_tags_of_a_thing_that_vanished_end_with_it(conn: Conn) -> None:
    bring(conn, tagged("vehicle", "law-enforcement"))
    content = tagged("vehicle", "law-enforcement")
    gone = content["vehicles"].pop(0)
    content["terminals"].clear()
    bring(conn, content, 1)
    assert stored(conn, "vehicle") == [("law-enforcement", None, at(1))]
    content["vehicles"].append(gone)
    bring(conn, content, 3)
    assert had(conn, "vehicle", "v-1", at(0)) == [("law-enforcement", "vehicle", "v-1")]
    assert had(conn, "vehicle", "v-1", at(2)) == []
    assert had(conn, "vehicle", "v-1", at(3)) == [("law-enforcement", "vehicle", "v-1")]


def test_a_boundary_between_two_times_may_be_corrected_either_way(conn: Conn) -> None:
    for boundary in (5, 8, 3):
        first = {"tag": "canteen", "since": at(0).isoformat(), "until": at(boundary).isoformat()}
        second = {"tag": "canteen", "since": at(boundary).isoformat()}
        bring(conn, tagged("room", first, second), 1)
        assert stored(conn) == [("canteen", at(0), at(boundary)), ("canteen", at(boundary), None)]


def test_an_import_that_fails_leaves_no_tag(conn: Conn) -> None:
    conn.execute("ALTER TABLE terminal_vehicle ADD CONSTRAINT none CHECK (false)")
    with pytest.raises(psycopg.errors.CheckViolation):
        bring(conn, tagged("room", "server-room"))
    assert counts(conn)["tag"] == 0


def test_tags_are_handed_down_with_where_they_come_from(conn: Conn) -> None:
    content = document()
    content["institutions"].append({"code": "i-2", "name": "下级", "parent": "i-1"})
    content["buildings"].append({"code": "b-2", "name": "下级楼", "institution": "i-2"})
    for kind in KINDS:
        content[SECTION[kind]][0]["tags"] = [f"x-{kind}"]
    bring(conn, content)
    above = [(f"x-{kind}", kind, content[SECTION[kind]][0]["code"]) for kind in KINDS]
    institution, building, room, place, vehicle = above
    assert had(conn, "institution", "i-1", at(0)) == [institution]
    assert had(conn, "building", "b-1", at(0)) == [building, institution]
    assert had(conn, "room", "r-1", at(0)) == [building, institution, room]
    assert had(conn, "place", "p-1", at(0)) == [building, institution, place, room]
    assert had(conn, "vehicle", "v-1", at(0)) == [institution, vehicle]
    # Neighbours have what is above them only; who reports to an institution has its own life.
    assert had(conn, "room", "r-2", at(0)) == [building, institution]
    assert had(conn, "place", "p-2", at(0)) == [building, institution]
    assert had(conn, "vehicle", "v-2", at(0)) == [institution]
    assert had(conn, "institution", "i-2", at(0)) == []
    assert had(conn, "building", "b-2", at(0)) == []


def test_a_place_inherits_of_a_room_while_it_is_there(conn: Conn) -> None:
    content = document()
    content["rooms"][0]["tags"] = [{"tag": "server-room", "since": at(2).isoformat()}]
    content["places"][0] = {"code": "p-1", "name": "空调", "measures": "electricity"} | {
        "rooms": [
            {"room": "r-1", "since": at(0).isoformat(), "until": at(5).isoformat()},
            {"room": "r-2", "since": at(5).isoformat()},
        ]
    }
    bring(conn, content)
    place = tag_entry.find(conn, "place", "p-1").id
    (tag,) = tags_at(conn, "place", [place], NEVER, at(99))[place]
    assert (tag.since, tag.until, tag.code) == (at(2), at(5), "r-1")
    assert str(tag) == "机房（配电室）"
    # Half-open on both sides, the window and the tag; dates are those of the tag.
    assert tags_at(conn, "place", [place], at(0), at(2)) == {}
    assert tags_at(conn, "place", [place], at(2), at(2)) == {place: (tag,)}
    assert tags_at(conn, "place", [place], at(4), at(6)) == {place: (tag,)}
    assert tags_at(conn, "place", [place], at(5), at(6)) == {}
    assert tags_at(conn, "place", [place], at(5), at(5)) == {}
    assert tags_at(conn, "place", [], at(0), at(5)) == {}


def test_a_time_without_zone_is_a_mistake_of_the_caller(conn: Conn) -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001
    with pytest.raises(ValueError, match="no zone"):
        tags_at(conn, "room", [1], naive, at(0))


def test_what_people_entered_stands_beside_the_inventory(conn: Conn) -> None:
    bring(conn, tagged("room", "server-room"))
    said = Said("server-room", at(1), at(4), "机房扩容")
    number = enter(conn, "room", "r-1", said)
    both = [("server-room", "room", "r-1")] * 2
    assert had(conn, "room", "r-1", at(2)) == both
    bring(conn, document(), 2)
    assert had(conn, "room", "r-1", at(1)) == both
    assert had(conn, "room", "r-1", at(3)) == both[:1]
    assert not bring(conn, document(), 3)
    room = tag_entry.find(conn, "room", "r-1").id
    assert tags_at(conn, "room", [room], at(3), at(4))[room] == (
        DatedTag("server-room", at(1), at(4), "room", "r-1", "配电室", number, "机房扩容"),
    )


def test_what_was_entered_is_withdrawn_once_and_all_of_it_is_on_record(conn: Conn) -> None:
    bring(conn, document())
    number = enter(conn, "institution", "i-1", Said("event", at(1), at(2), "国庆升旗"))
    assert had(conn, "vehicle", "v-1", at(1)) == [("event", "institution", "i-1")]
    entry = tag_entry.withdraw(conn, Act("李四", at(31)), number, "录错日期")
    assert (entry.tag, entry.entered_by) == ("event", "张三")
    assert had(conn, "vehicle", "v-1", at(1)) == []
    assert tag_entry.entries(conn) == []
    (kept,) = tag_entry.entries(conn, withdrawn=True)
    assert (kept.withdrawn_by, kept.withdrawn_at) == ("李四", at(31))
    with pytest.raises(RefusedError, match="没有这个编号的、未撤销的标签"):
        tag_entry.withdraw(conn, ACT, number, "再来一次")
    assert [(one.action, one.principal, one.detail["reason"]) for one in lines(conn, "i-1")] == [
        ("tag.withdraw", "李四", "录错日期"),
        ("tag.enter", "张三", "国庆升旗"),
    ]
    # It may be entered anew.
    assert enter(conn, "institution", "i-1", Said("event", at(1), at(2), "国庆升旗")) != number


def test_a_tag_of_the_inventory_is_not_withdrawn_by_command(conn: Conn) -> None:
    bring(conn, tagged("room", "server-room"))
    (number,) = conn.execute("SELECT id FROM tag").fetchone() or (0,)
    with pytest.raises(RefusedError, match="没有这个编号的"):
        tag_entry.withdraw(conn, ACT, number, "不要了")


@pytest.mark.parametrize(
    ("kind", "said", "words"),
    [
        ("room", Said("overtme", at(1), at(2), "x"), "没有标签“overtme”.*相近的有 overtime"),
        ("room", Said("加班", at(1), at(2), "x"), "不是标签"),
        ("room", Said("special-vehicle", at(1), at(2), "x"), "“特种专业技术用车”只用于机构、车辆"),
        ("room", Said("overtime", at(2), at(2), "x"), "--until：截止时间（不含）应晚于"),
        ("room", Said("overtime", at(1), at(2), " "), "--reason：请写明原因"),
        ("room", Said("event", at(9), at(12), "x"), "配电室 在这段时间已有录入的“重大活动”，编号 "),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    conn: Conn, kind: str, said: Said, words: str
) -> None:
    bring(conn, document())
    enter(conn, "room", "r-1", Said("event", at(8), at(10), "x"))
    before = dump_all(conn)
    with pytest.raises(RefusedError, match=words):
        enter(conn, kind, "r-1", said)
    assert dump_all(conn) == before
    assert len(lines(conn, "r-1")) == 1


def test_times_that_only_meet_are_two_entries(conn: Conn) -> None:
    bring(conn, document())
    for day in (8, 10, 6):
        enter(conn, "room", "r-1", Said("event", at(day), at(day + 2), "x"))
    assert len(tag_entry.entries(conn)) == 3


def test_who_is_meant_is_found_or_named(conn: Conn) -> None:
    bring(conn, document())
    assert tag_entry.find(conn, "vehicle", "川A D1234").code == "v-1"
    with pytest.raises(RefusedError, match=r"没有编码为“r-9”的房间.*r-1"):
        tag_entry.find(conn, "room", "r-9")


def test_whoever_derives_learns_what_is_touched(conn: Conn) -> None:
    bring(conn, tagged("room", "server-room"))
    content = tagged("room", {"tag": "x-own", "since": at(1).isoformat()})
    content["places"][0]["room"] = "r-2"
    changes = bring(conn, content, 2)
    touched = [
        Touched("place", "p-1", Span("r-1", None, None), Span("r-1", None, at(2))),
        Touched("place", "p-1", None, Span("r-2", at(2), None)),
        Touched("room", "r-1", Span("server-room", None, None), Span("server-room", None, at(2))),
        Touched("room", "r-1", None, Span("x-own", at(1), None)),
    ]
    found = tag_changes.of_import(changes.as_json())
    assert sorted(found, key=repr) == sorted(touched, key=repr)

    entered = Span("event", at(1), at(2))
    number = enter(conn, "room", "r-2", Said("event", at(1), at(2), "x"))
    seen = tag_changes.since(conn, at(2))
    assert sorted(seen, key=repr) == sorted([*touched, seen[-1]], key=repr)
    assert seen[-1] == Touched("room", "r-2", None, entered)
    tag_entry.withdraw(conn, Act("李四", at(31)), number, "x")
    assert tag_changes.since(conn, at(30) + timedelta(hours=1)) == [
        Touched("room", "r-2", entered, None)
    ]


def test_all_times_of_one_tag_are_on_record(conn: Conn) -> None:
    spans = [(at(0), at(2)), (at(4), at(6)), (at(8), None)]
    dated = [
        {"tag": "x-own", "since": since.isoformat()} | ({"until": end.isoformat()} if end else {})
        for since, end in spans
    ]
    bring(conn, tagged("room", *dated))
    touched = [one for one in tag_changes.since(conn, at(0)) if one.kind == "room"]
    assert touched == [Touched("room", "r-1", None, Span("x-own", *span)) for span in spans]


def test_a_wrong_tag_that_is_withdrawn_touches_what_it_was(conn: Conn) -> None:
    bring(conn, tagged("room", {"tag": "x-own", "since": at(5).isoformat()}))
    changes = bring(conn, document(), 2)
    assert tag_changes.of_import(changes.as_json()) == [
        Touched("room", "r-1", Span("x-own", at(5), None), None)
    ]
    assert counts(conn)["tag"] == 1
    assert stored(conn) == []


@pytest.mark.parametrize(
    "row",
    [
        ("roof", 1, "x-a", None, None),
        ("room", 99_999, "x-a", None, None),
        ("room", 1, "X", None, None),
        ("room", 1, "x-a", "why", None),
        ("room", 1, "x-a", None, "张三"),
    ],
)
def test_the_database_takes_no_tag_of_nothing_and_no_half_record(
    conn: Conn, row: tuple[str, int, str, str | None, str | None]
) -> None:
    bring(conn, document())
    with pytest.raises(psycopg.errors.IntegrityError):
        conn.execute(
            "INSERT INTO tag (kind, subject_id, tag, valid, reason, entered_by)"
            " VALUES (%s, %s, %s, '(,)', %s, %s)",
            row,
        )
