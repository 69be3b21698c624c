from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.jt808.frame import (
    MOST_ON_WIRE,
    FrameError,
    FrameFault,
    Splitter,
    escape,
    unescape,
    unwrap,
    wrap,
)
from collector.jt808.header import HeaderError, split
from tests.unit.collector.jt808.golden import FRAMES, VECTOR, content, framed, sound


def test_the_standards_own_example_of_escaping() -> None:
    plain = bytes.fromhex("307e087d55")
    assert escape(plain) == VECTOR
    assert unescape(VECTOR) == plain


@pytest.mark.parametrize("name", FRAMES)
def test_frames_written_by_hand_are_sound_and_made_again_byte_for_byte(name: str) -> None:
    wire = FRAMES[name]
    assert unwrap(wire[1:-1]) == content(name)
    assert wrap(content(name)) == wire


@pytest.mark.parametrize("name", FRAMES)
def test_no_bit_of_a_frame_may_flip(name: str) -> None:
    # A flip in an escape is not seen by the checksum (7D 02 and 7C 02 have the XOR of 7E), but the
    # frame then has one byte more or less than its header says.
    raw = FRAMES[name][1:-1]
    for at in range(len(raw) * 8):
        wrong = bytearray(raw)
        wrong[at // 8] ^= 1 << at % 8
        with pytest.raises((FrameError, HeaderError)):
            split(unwrap(bytes(wrong)))


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ("7d030102", FrameFault.ESCAPE),
        ("0102037d", FrameFault.ESCAPE),
        ("7d7d02", FrameFault.ESCAPE),
        ("0000", FrameFault.SHORT),
        ("00" * 12, FrameFault.SHORT),
        ("00" * 12 + "01", FrameFault.CHECKSUM),
        ("00" * 1046, FrameFault.OVERSIZE),
    ],
)
def test_what_cannot_be_believed_is_told_apart(raw: str, fault: FrameFault) -> None:
    with pytest.raises(FrameError) as caught:
        unwrap(bytes.fromhex(raw))
    assert caught.value.fault is fault


@given(st.binary(min_size=12, max_size=1044))
def test_every_content_survives_the_wire(data: bytes) -> None:
    wire = wrap(data)
    assert wire == framed(data)
    assert b"\x7e" not in wire[1:-1]
    assert unwrap(wire[1:-1]) == data


@given(st.binary(max_size=60))
def test_only_what_an_own_count_holds_for_sound_is_taken(raw: bytes) -> None:
    try:
        unwrap(raw)
    except FrameError:
        assert not sound(raw)
    else:
        assert sound(raw)


@given(
    st.lists(st.sampled_from(sorted(FRAMES)), max_size=8),
    st.lists(st.integers(1, 40), min_size=1, max_size=200),
)
def test_a_stream_splits_the_same_however_it_is_cut(names: list[str], cuts: list[int]) -> None:
    stream = b"".join(FRAMES[name] for name in names)
    splitter = Splitter()
    found: list[bytes] = []
    at = 0
    while at < len(stream):
        size = cuts[at % len(cuts)]
        found += splitter.feed(stream[at : at + size])
        at += size
    assert [unwrap(raw) for raw in found] == [content(name) for name in names]
    assert splitter.oversize == splitter.discarded == 0


def test_garbage_before_and_between_costs_itself_alone() -> None:
    splitter = Splitter()
    good = FRAMES["heartbeat_2013"]
    found = splitter.feed(b"GET / HTTP/1.1\r\n" + good + b"garbage" + good)
    assert [raw for raw in found if sound(raw)] == [good[1:-1]] * 2
    assert splitter.discarded == len(b"GET / HTTP/1.1\r\n")


def test_frames_may_share_a_flag() -> None:
    good = FRAMES["heartbeat_2013"]
    assert Splitter().feed(good[:-1] + good) == [good[1:-1]] * 2


def test_a_lost_end_costs_its_own_frame_alone() -> None:
    good = FRAMES["heartbeat_2013"]
    found = Splitter().feed(good[:9] + good + good)
    assert [raw for raw in found if sound(raw)] == [good[1:-1]] * 2


def test_a_frame_without_end_is_given_up_and_the_next_one_is_found() -> None:
    splitter = Splitter()
    assert splitter.feed(b"\x7e") == []
    for _ in range(1000):
        assert splitter.feed(b"x" * 1000) == []
        assert len(splitter._pending) <= MOST_ON_WIRE
    assert splitter.oversize == 1
    assert splitter.discarded == 1_000_000
    good = FRAMES["heartbeat_2013"]
    assert splitter.feed(good) == [good[1:-1]]


def test_the_longest_frame_there_is_passes() -> None:
    longest = wrap(b"\x7e" * 1044)
    assert Splitter().feed(longest) == [longest[1:-1]]
    assert unwrap(longest[1:-1]) == b"\x7e" * 1044
