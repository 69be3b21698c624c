from __future__ import annotations

import pytest

from collector.jt808.header import Header, HeaderError, build, display, split
from tests.unit.collector.jt808.golden import FRAMES, content

OLD = bytes.fromhex("013800138000")
NEW = bytes.fromhex("00000000013800138000")


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("heartbeat_2013", Header(0x0002, OLD, 1, None)),
        ("heartbeat_2019", Header(0x0002, NEW, 2, 1)),
        ("heartbeat_hex_phone", Header(0x0002, bytes.fromhex("4eb6fb4afd9e"), 1, None)),
        ("part_1_of_2", Header(0x0704, OLD, 0x10, None, 0, 2, 1)),
        ("part_2_of_2", Header(0x0704, OLD, 0x11, None, 0, 2, 2)),
    ],
)
def test_headers_written_by_hand(name: str, header: Header) -> None:
    assert split(content(name))[0] == header


@pytest.mark.parametrize("name", FRAMES)
def test_every_body_is_as_long_as_its_header_says(name: str) -> None:
    _, body = split(content(name))
    assert len(body) == int.from_bytes(content(name)[2:4], "big") & 0x3FF


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ("000200010138001380000001", "the body has 0 bytes, its header says 1"),
        ("00020000013800138000000155", "the body has 1 bytes, its header says 0"),
        ("000240000138001380000001", "less than the header needs"),
        ("000220000138001380000001", "less than the header needs"),
        ("00022000013800138000000100020000", "packet 0 of 2"),
        ("00022000013800138000000100020003", "packet 3 of 2"),
        ("0002", "less than the header needs"),
    ],
)
def test_impossible_headers_are_refused(changed: str, says: str) -> None:
    with pytest.raises(HeaderError, match=says):
        split(bytes.fromhex(changed))


def test_encryption_is_read() -> None:
    assert split(bytes.fromhex("000204000138001380000001"))[0].encryption == 1


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("013800138000", "13800138000"),
        ("00000000013800138000", "13800138000"),
        ("4eb6fb4afd9e", "4eb6fb4afd9e"),
        ("000000000000", "0"),
        ("100000000000", "100000000000"),
    ],
)
def test_numbers_are_shown_without_zeros_in_front(phone: str, shown: str) -> None:
    assert display(bytes.fromhex(phone)) == shown


def test_replies_have_the_form_the_terminal_speaks() -> None:
    old, new = (split(content(f"heartbeat_{year}"))[0] for year in (2013, 2019))
    assert build(0x8001, b"abc", 7, old) == bytes.fromhex("80010003 013800138000 0007 616263")
    assert build(0x8001, b"abc", 7, new) == bytes.fromhex(
        "80014003 01 00000000013800138000 0007 616263"
    )
