from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notify.text import MOST, SHORTEST, key_of, packed, written
from tests.unit.notify.samples import note

WORDS = st.text(alphabet="节用a 0\n😀", max_size=300)


def test_one_note_keeps_its_key_and_its_words() -> None:
    text = written([note("case-7")], 2000)
    assert text.key == "case-7"
    assert text.whole == "疑点：case-7\n三楼会议室空调设定 22 °C，已持续 40 分钟。\n编号：case-7"


def test_many_are_numbered_under_one_key_that_depends_on_nothing_else() -> None:
    a, b = note("a", body="甲"), note("b", body="")
    text = written([a, b], 2000)
    assert text.title == "节用：2 条通知"
    assert text.body == f"1. 疑点：a\n甲\n2. 疑点：b\n编号：{text.key}"
    assert key_of([a, b]) == key_of([b, a]) != key_of([a])


@settings(deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=3), st.integers(SHORTEST, 2000))
def test_no_message_is_longer_than_its_channel_takes_and_all_end_with_their_key(
    bodies: list[str], longest: int
) -> None:
    text = written([note(f"n{i}", body=body) for i, body in enumerate(bodies)], longest)
    assert len(text.whole.encode()) <= longest
    assert text.body.endswith(f"编号：{text.key}")


@settings(deadline=None)
@given(st.lists(WORDS, max_size=150), st.integers(SHORTEST, 2000))
def test_notes_are_packed_in_their_order_each_once_and_whole(
    bodies: list[str], longest: int
) -> None:
    notes = [note(f"n{i}", body=body) for i, body in enumerate(bodies)]
    packs = list(packed(notes, longest))
    assert [one for pack in packs for one in pack] == notes
    for pack in packs:
        assert len(pack) <= MOST
        if len(pack) > 1:
            assert all(one.body in written(pack, longest).body for one in pack)


@pytest.mark.parametrize("key", ["", "with space", "编号", "x" * 121, "a\nb"])
def test_a_key_must_fit_into_a_header(key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        note(key)
