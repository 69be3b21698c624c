from __future__ import annotations

import pytest

from collector.jt808 import bcd, messages
from collector.jt808.messages import MessageError, Registered, Result
from tests.unit.collector.jt808.golden import NOW_US, body


@pytest.mark.parametrize(
    ("edition", "maker", "model", "terminal", "colour"),
    [
        (2011, "70111", "BSJ-A6", "0000001", 1),
        (2013, "70111", "BSJ-A6", "0000001", 2),
        (2019, "70111000001", "G9", "ID7", 4),
    ],
)
def test_registrations_of_three_editions(
    edition: int, maker: str, model: str, terminal: str, colour: int
) -> None:
    told = messages.parse_registration(body(f"register_{edition}"), new=edition == 2019)
    assert (told.edition, told.province, told.city) == (edition, 51, 1)
    assert (told.maker, told.model, told.terminal) == (maker, model, terminal)
    assert (told.colour, told.plate) == (colour, "川A12345")


def test_a_registration_that_ends_early_is_told() -> None:
    with pytest.raises(MessageError, match="24 bytes are too few for a registration of 2011"):
        messages.parse_registration(bytes(24), new=False)
    with pytest.raises(MessageError, match="75 bytes are too few for a registration of 2019"):
        messages.parse_registration(bytes(75), new=True)


@pytest.mark.parametrize(
    "written",
    [
        b"ABC123",
        b"ABC123\0",
        b"ABC123\0\0\0\0",
        b"\x06ABC123",
        b"\x06ABC123860000000000001" + b"v1.0" + bytes(16),
        b"\x08ABC123\0\0860000000000001",
    ],
)
def test_a_code_is_found_however_it_is_written(written: bytes) -> None:
    assert b"ABC123" in messages.authentication_codes(written)


def test_codes_of_frames_written_by_hand() -> None:
    assert b"ABC123" in messages.authentication_codes(body("authenticate_2013"))
    assert b"ABC123" in messages.authentication_codes(body("authenticate_2019"))


def test_an_empty_authentication_holds_no_code() -> None:
    assert messages.authentication_codes(b"") == frozenset()
    assert messages.authentication_codes(b"\0") == frozenset({b"\0"})


def test_replies_byte_by_byte() -> None:
    assert messages.reply(5, 0x0200, Result.OK) == bytes.fromhex("0005 0200 00")
    assert messages.reply(5, 0x0705, Result.UNSUPPORTED) == bytes.fromhex("0005 0705 03")
    assert messages.registered(3, Registered.OK, b"AB") == bytes.fromhex("0003 00 4142")
    assert messages.registered(3, Registered.TERMINAL_UNKNOWN) == bytes.fromhex("0003 04")
    assert messages.time_now(NOW_US) == bytes.fromhex("261129040000")


@pytest.mark.parametrize(
    ("digits", "us"),
    [
        ("261129120000", NOW_US),
        ("261129115959", NOW_US - 1_000_000),
        ("000101080000", 946_684_800_000_000),
    ],
)
def test_times_are_eight_hours_ahead_of_utc(digits: str, us: int) -> None:
    assert bcd.utc_us(bytes.fromhex(digits)) == us


@pytest.mark.parametrize(
    "digits",
    ["000000000000", "261329000000", "260230000000", "261129240000", "261129006000",
     "261129000060", "2611290000ff", "a61129000000", "270229000000"],
)  # fmt: skip
def test_times_that_do_not_exist_are_refused(digits: str) -> None:
    with pytest.raises(ValueError, match="time "):
        bcd.utc_us(bytes.fromhex(digits))


def test_a_leap_day_exists_every_fourth_year() -> None:
    assert bcd.utc_us(bytes.fromhex("280229120000")) > 0
