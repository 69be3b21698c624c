"""Tags in the inventory, and the words they may be."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from registry import tag_words
from registry.document import InventoryError
from registry.inventory import Binding
from registry.tag_words import KINDS, Misuse, known, misuse
from tests.unit.registry.samples import Document, document, dump, inventory

SECTION = {
    "institution": "institutions",
    "building": "buildings",
    "room": "rooms",
    "place": "places",
    "vehicle": "vehicles",
}
NEW_YEAR = datetime(2025, 12, 31, 16, tzinfo=UTC)


def errors_of(content: Document) -> list[str]:
    with pytest.raises(InventoryError) as caught:
        inventory(content)
    return [f"{p.line}: {p.message}" for p in caught.value.problems]


def with_tags(*tags: object) -> Document:
    content = document()
    content["rooms"][0]["tags"] = list(tags)
    return content


def line_of(content: Document, text: str) -> int:
    """The last line that has it, from 1."""
    lines = dump(content).splitlines()
    return max(number for number, line in enumerate(lines, 1) if text in line)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_thing_may_have_tags_and_has_none_unless_it_says_so(kind: str) -> None:
    content = document()
    content[SECTION[kind]][0]["tags"] = ["x-own", {"tag": "x-dated", "since": "2026-01-01"}]
    tagged, *others = inventory(content).tagged(kind)
    assert tagged.tags == (Binding("x-own", None, None), Binding("x-dated", NEW_YEAR, None))
    assert all(other.tags == () for other in others)


@pytest.mark.parametrize("section", ["buses", "devices", "terminals"])
def test_nothing_else_may(section: str) -> None:
    content = document()
    content[section][0]["tags"] = ["x-own"]
    (error,) = errors_of(content)
    assert "tags is not a key that is known here" in error


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        (
            "server-rom",
            (
                "tag server-rom is not known (did you mean server-room?): `jieyong tag words` "
                "lists them; one of your own begins with x-"
            ),
        ),
        ("qqqqq", "tag qqqqq is not known: `jieyong tag words` lists them; one of your own begins"),
        ("机房", "tag 机房: a tag is a word of a-z, 0-9 and -, at most 64: change it"),
        ("Server-Room", "tag Server-Room: a tag is a word of a-z"),
        ("-room", "tag -room: a tag is a word of a-z"),
        ("x-", "tag x-: a tag is a word of a-z"),
        ("x-" + "a" * 63, "a: a tag is a word of a-z"),
        ("special-vehicle", "tag special-vehicle stands at institution, vehicle only: move it"),
        ("", "tag is empty or holds control characters"),
        (None, "tag has no value: give one"),
        ([], "room r-1, tags: an entry must be a mapping"),
        ({"since": "2026-01-01"}, "tag is missing: add it"),
        ({"tag": "x-a", "untl": "2026-01-01"}, "untl is not a key that is known here"),
        ({"tag": "x-a", "until": "2026-01-01"}, "until without since: add since"),
        ({"tag": "x-a", "since": "2026-01-02", "until": "2026-01-01"}, "until is not after since"),
    ],
)
def test_a_wrong_tag_is_named_with_its_line(tag: object, said: str) -> None:
    content = with_tags("x-right", tag)
    (error,) = errors_of(content)
    line, _, words = error.partition(": ")
    assert said in words
    first = line_of(with_tags("x-right"), "- x-right")
    assert first < int(line) <= first + 3


def test_tags_that_are_no_list_are_refused() -> None:
    content = document()
    content["rooms"][0]["tags"] = "server-room"
    assert "tags must be a list" in errors_of(content)[0]


def test_a_tag_stands_once_at_a_time() -> None:
    content = with_tags("server-room", "x-own", "server-room")
    lines = [n for n, row in enumerate(dump(content).splitlines(), 1) if "- server-room" in row]
    assert errors_of(content) == [
        (
            f"{lines[1]}: room r-1: tag server-room stands here twice for the same time (first in "
            f"line {lines[0]}): keep one, or date both (since, until)"
        )
    ]


def test_one_after_the_other_it_may_stand_again() -> None:
    parts = (("2026-01-01", "2026-02-01"), ("2026-02-01", "2026-03-01"))
    dated = [{"tag": "canteen", "since": since, "until": until} for since, until in parts]
    room, _ = inventory(with_tags(*dated)).tagged("room")
    assert [tag.target for tag in room.tags] == ["canteen", "canteen"]
    assert room.tags[0].until == room.tags[1].since


def test_the_well_known_words_are_fit_to_be_shown_and_written() -> None:
    words = known().values()
    assert len(words) >= 20
    assert all(word.tag == tag for tag, word in known().items())
    for word in words:
        assert word.of
        assert all(misuse(word.tag, kind) is None for kind in word.of)
        assert not word.name.isascii()
    names = [word.name for word in words]
    assert len(set(names)) == len(names)


def test_what_the_practice_exempts_has_a_word() -> None:
    practice = (
        *("server-room", "ward", "archive", "laboratory", "duty-room", "command-room"),
        *("fire-control-room", "service-hall", "canteen", "emergency-response"),
        *("emergency-lighting", "evacuation-lighting", "landscape-lighting", "special-vehicle"),
    )
    assert set(practice) <= set(known())


def test_a_word_of_ones_own_fits_everywhere_and_is_shown_as_it_is() -> None:
    assert all(misuse("x-night-shift", kind) is None for kind in KINDS)
    assert tag_words.name("x-night-shift") == "x-night-shift"
    assert tag_words.name("server-room") == "机房"
    assert misuse("ward", "vehicle") is Misuse.ELSEWHERE


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{tag: x-a, name: 甲, of: [room], means: 乙}", "tags.yaml:3: tag: x-a stands here"),
        ("{tag: a, name: 甲, of: [roof], means: 乙}", "kind roof is not known (did you mean room?"),
        ("{tag: a, of: [room], means: 乙}", "name is missing"),
        ("{tag: a, name: 甲, of: [room], means: 乙, x: 1}", "x is not a key"),
    ],
)
def test_a_broken_list_of_words_says_where(line: str, said: str) -> None:
    with pytest.raises(InventoryError) as caught:
        tag_words.read(f"source: somebody\ntags:\n  - {line}\n", "tags.yaml")
    assert said in str(caught.value)
