"""Parts that bound what anybody costs: packets, buckets, hours; and who is known."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.jt808.header import Header
from collector.jt808.limits import Bucket, Hourly
from collector.jt808.subpackets import (
    ASK_AFTER_US,
    MOST_ASKED,
    MOST_BYTES,
    MOST_OPEN,
    OLDEST_US,
    PART_COSTS,
    Assembler,
    Whole,
)
from collector.jt808.terminals import Codes, Terminals, secret_of

HOUR_US = 3_600_000_000


def part(serial: int, total: int, index: int) -> Header:
    return Header(0x0704, b"\0" * 6, serial & 0xFFFF, None, 0, total, index)


@given(st.permutations(range(1, 8)), st.integers(0, 0xFFFF))
def test_packets_are_put_together_in_any_order(order: list[int], first: int) -> None:
    assembler = Assembler()
    found = [assembler.add(part(first + i, 7, i), bytes((i,)), 0) for i in order]
    assert found[:-1] == [None] * 6
    serials = tuple((first + i) & 0xFFFF for i in range(1, 8))
    assert found[-1] == Whole(bytes(range(1, 8)), serials)
    assert assembler._bytes == 0
    assert assembler.given_up == 0


def test_a_packet_that_comes_twice_counts_once() -> None:
    assembler = Assembler()
    assert assembler.add(part(1, 2, 1), b"a", 0) is None
    assert assembler.add(part(1, 2, 1), b"a", 0) is None
    assert assembler.add(part(2, 2, 2), b"b", 0) == Whole(b"ab", (1, 2))


def test_packets_of_two_messages_do_not_mix() -> None:
    assembler = Assembler()
    assert assembler.add(part(1, 2, 1), b"a", 0) is None
    assert assembler.add(part(11, 2, 1), b"A", 0) is None
    assert assembler.add(part(12, 2, 2), b"B", 0) == Whole(b"AB", (11, 12))
    assert assembler.add(part(2, 2, 2), b"b", 0) == Whole(b"ab", (1, 2))


def test_what_is_never_completed_is_given_up_after_its_time() -> None:
    assembler = Assembler()
    assembler.add(part(1, 2, 1), b"a", 0)
    assembler.add(part(11, 2, 1), b"A", OLDEST_US)
    assert assembler.given_up == 0
    assembler.add(part(21, 2, 1), b"x", OLDEST_US + 1)
    assert assembler.given_up == 1
    assert assembler.add(part(12, 2, 2), b"B", OLDEST_US + 1) == Whole(b"AB", (11, 12))


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(1, 5), st.integers(0, 1023))))
def test_no_peer_can_make_it_keep_more_than_its_bounds(
    parts: list[tuple[int, int, int]],
) -> None:
    assembler = Assembler()
    for serial, index, size in parts:
        assembler.add(part(serial, 300, index), bytes(size), 0)
        kept = list(assembler._open.values())
        assert len(kept) <= MOST_OPEN
        total = sum(len(body) + PART_COSTS for m in kept for _, body in m.parts.values())
        assert total == assembler._bytes <= MOST_BYTES


def test_a_message_larger_than_the_bound_is_given_up() -> None:
    assembler = Assembler()
    for index in range(1, 66):
        assembler.add(part(index, 100, index), bytes(1023), 0)
    assert assembler.given_up == 1
    assert assembler._bytes <= MOST_BYTES


def test_packets_without_a_body_are_bounded_too() -> None:
    assembler = Assembler()
    for index in range(1, 60_000):
        assembler.add(part(index, 60_000, index), b"", 0)
        assert sum(len(m.parts) for m in assembler._open.values()) <= MOST_BYTES // PART_COSTS
    assert assembler.given_up > 0


def test_missing_packets_are_asked_for_once_the_terminal_is_silent_and_ever_more_rarely() -> None:
    assembler = Assembler()
    assembler.add(part(0x10001, 4, 2), b"b", 0)  # its first packet had the serial 0
    assembler.add(part(0x10003, 4, 4), b"d", ASK_AFTER_US - 1)
    assert assembler.missing(ASK_AFTER_US) == [], "it was still sending"
    asked = [second for second in range(90) if assembler.missing(ASK_AFTER_US + second * 1_000_000)]
    assert asked == [5, 15, 35], "three times, then no more"
    assembler.add(part(0x10000, 4, 1), b"a", 100_000_000)
    (again,) = assembler.missing(100_000_000 + ASK_AFTER_US)
    assert (again.serial, again.indexes) == (0, (3,))
    assert assembler.add(part(0x10002, 4, 3), b"c", 106_000_000) == Whole(b"abcd", (0, 1, 2, 3))
    assert not assembler


def test_a_packet_that_comes_once_more_behind_the_whole_asks_for_nothing() -> None:
    assembler = Assembler()
    assembler.add(part(1, 2, 1), b"a", 0)
    assert assembler.add(part(2, 2, 2), b"b", 0) is not None
    assert assembler.add(part(2, 2, 2), b"b", 1) is None
    assert assembler.missing(1 + ASK_AFTER_US) == []
    assert assembler.add(part(1, 2, 1), b"a", 2) == Whole(b"ab", (1, 2)), "said twice, heard twice"
    assembler.add(part(2, 2, 2), b"b", 3)
    assert assembler.missing(OLDEST_US + 4) == []
    assert assembler.given_up == 0


def test_no_more_packets_are_asked_for_than_fit_a_frame() -> None:
    assembler = Assembler()
    assembler.add(part(2000, 2000, 2000), b"z", 0)
    (asked,) = assembler.missing(ASK_AFTER_US)
    assert asked.indexes == tuple(range(1, MOST_ASKED + 1))
    assert (asked.serial, asked.to.total) == (1, 2000)


@given(
    st.integers(2, 40).flatmap(
        lambda total: st.tuples(st.just(total), st.sets(st.integers(1, total), min_size=1))
    ),
    st.integers(0, 0xFFFF),
)
def test_a_message_with_any_loss_is_whole_after_what_was_asked_for_came(
    lost: tuple[int, set[int]], first: int
) -> None:
    total, came = lost
    assembler = Assembler()
    whole = None
    for index in came:
        whole = assembler.add(part(first + index, total, index), bytes((index,)), 0)
    for asked in assembler.missing(ASK_AFTER_US):
        assert asked.serial == (first + 1) & 0xFFFF
        for index in asked.indexes:
            whole = assembler.add(part(first + index, total, index), bytes((index,)), ASK_AFTER_US)
    assert whole is not None
    assert whole.body == bytes(range(1, total + 1))


def test_a_bucket_lets_a_rate_through_and_makes_the_rest_wait() -> None:
    bucket = Bucket(10, now_s=0)
    assert bucket.take(40, 0) == 0  # a burst of four seconds
    assert bucket.take(10, 0) == 1
    assert bucket.take(0, 1) == 0
    assert bucket.take(5, 2) == 0
    assert bucket.take(40, 1000) == 0  # rest makes no more than a burst
    assert bucket.take(1, 1000) == pytest.approx(0.1)


def test_an_hour_bounds_each_subject_and_their_number() -> None:
    hourly = Hourly(subjects=2, times=2)
    assert [hourly.allow("a", 0) for _ in range(3)] == [True, True, False]
    assert hourly.allow("b", 0)
    assert not hourly.allow("c", 0)
    assert hourly.allow("b", HOUR_US - 1)
    assert hourly.allow("c", HOUR_US)


def test_terminals_are_found_by_their_number_without_zeros() -> None:
    known = Terminals({"013800138000": 1, "4EB6FB4AFD9E": 2, "1": 3, "0": 4})
    assert known.find("13800138000") == 1
    assert known.find("4eb6fb4afd9e") == 2
    assert known.find("1") == 3
    assert known.find("0") == 4
    assert known.find("13800138001") is None


def test_two_codes_that_are_one_number_are_nobodys() -> None:
    known = Terminals({"0138": 1, "138": 2, "139": 3})
    assert known.find("138") is None
    assert known.find("139") == 3


def test_codes_outlive_a_restart_and_differ_by_terminal_and_installation(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    codes = Codes(secret_of(here))
    assert codes.code("138") == Codes(secret_of(here)).code("138")
    assert len(codes.code("138")) == 16
    assert codes.code("138") != codes.code("139")
    assert codes.code("138") != Codes(secret_of(there)).code("138")
    assert codes.fits("138", frozenset({b"x", codes.code("138")}))
    assert not codes.fits("138", frozenset({codes.code("139"), b""}))
    assert (here / "jt808.secret").stat().st_mode & 0o777 == 0o600


def test_a_secret_cut_short_is_made_anew(tmp_path: Path) -> None:
    first = secret_of(tmp_path)
    (tmp_path / "jt808.secret").write_bytes(first[:7])
    again = secret_of(tmp_path)
    assert len(again) == 32
    assert again != first
    assert os.listdir(tmp_path) == ["jt808.secret"]  # noqa: PTH208 - names alone
