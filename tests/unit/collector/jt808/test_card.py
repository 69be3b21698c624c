from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.jt808 import card
from collector.jt808.card import Card, CardTimeError, Event
from collector.jt808.messages import MessageError
from collector.jt808.session import Session
from tests.unit.collector.jt808 import golden
from tests.unit.collector.jt808.golden import NOW_US, body, content, refused
from tests.unit.collector.jt808.test_session import (
    OLD,
    authenticated,
    message,
    office,
    reason,
    results,
)

ELEVEN_US = NOW_US - 3600 * 1_000_000
"""11:00 of the frames' day, GMT+8."""
MINUTE_US = 60 * 1_000_000


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "driver_card_2011",
            Card(Event.READ, None, None, "李四", "5101009876543210001", "CDJTJYGLC", None),
        ),
        (
            "driver_card_2013",
            Card(
                *(Event.IN, ELEVEN_US, 0, "张三", "51010012345678901234", "CDJTJYGLC"),
                valid_until=date(2030, 12, 31),
            ),
        ),
        ("driver_card_locked_2013", Card(Event.IN, ELEVEN_US + 5 * MINUTE_US, 2)),
        ("driver_card_out_2013", Card(Event.OUT, ELEVEN_US + 30 * MINUTE_US)),
        (
            "driver_card_2019",
            Card(
                *(Event.IN, ELEVEN_US, 0, "李四", "5101009876543210001", "成都运管处"),
                valid_until=date(2028, 2, 29),
            ),
        ),
        ("driver_card_out_2019", Card(Event.OUT, ELEVEN_US + 45 * MINUTE_US)),
    ],
)
def test_cards_of_three_editions_written_by_hand(name: str, told: Card) -> None:
    assert card.parse(body(name)) == told


def test_what_stands_behind_a_card_that_cannot_be_read_means_nothing() -> None:
    damaged = body("driver_card_2013")[:7] + b"\x04" + body("driver_card_2013")[8:]
    assert card.parse(damaged) == Card(Event.IN, ELEVEN_US, 4)


def test_what_is_not_told_is_unknown_and_not_empty() -> None:
    told = card.parse(body("driver_card_2013")[:8] + b"\0" + bytes(20) + b"\0" + bytes(4))
    assert told == Card(Event.IN, ELEVEN_US, 0)


@pytest.mark.parametrize("day", ["00000000", "20300230", "ffffffff", "2030123a"])
def test_a_validity_that_is_no_day_is_unknown(day: str) -> None:
    told = card.parse(body("driver_card_2013")[:-4] + bytes.fromhex(day))
    assert (told.name, told.valid_until) == ("张三", None)


def test_a_terminal_of_2013_may_send_the_field_of_2019() -> None:
    whole = body("driver_card_2013")
    assert card.parse(whole + bytes(20)) == card.parse(whole)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "length of the name has 0 of its 1 bytes"),
        (b"\x01\x26", "2 bytes are too few for an event and its time"),
        (body("driver_card_2013")[:7], "nothing says whether it could be read"),
        (body("driver_card_2013")[:-1], "the validity has 3 of its 4 bytes"),
        (body("driver_card_2013")[:15], "the qualification has 2 of its 20 bytes"),
        (body("driver_card_2011")[:-1], "the issuer has 8 of its 9 bytes"),
        (body("driver_card_2011") + b"\0", "the form of 2011 ends 1 bytes early"),
    ],
)
def test_what_is_no_driver_card_is_told(data: bytes, said: str) -> None:
    with pytest.raises(MessageError, match=said):
        card.parse(data)


@pytest.mark.parametrize("event", [1, 2])
def test_a_time_that_does_not_exist_is_told(event: int) -> None:
    with pytest.raises(CardTimeError, match="does not exist"):
        card.parse(bytes((event,)) + bytes.fromhex("261329110000 00"))


@given(st.binary(max_size=120) | st.builds(lambda data: b"\1" + data, st.binary(max_size=120)))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    try:
        told = card.parse(data)
    except MessageError:
        return
    for text in (told.name, told.qualification, told.issuer):
        assert text is None or (text and "\0" not in text), "PostgreSQL takes no zero byte"


@pytest.mark.parametrize(
    ("name", "phone", "serial"),
    [
        ("driver_card_2013", OLD, 0x0A),
        ("driver_card_out_2013", OLD, 0x14),
        ("driver_card_2019", bytes(4) + OLD, 0x15),
    ],
)
def test_a_driver_card_is_a_row_and_is_answered(name: str, phone: bytes, serial: int) -> None:
    session = Session(office(), "192.0.2.1")
    session.admit(phone)
    step = session.handle(content(name), NOW_US)
    (row,) = step.cards
    found = golden.card(row)
    assert (found["terminal_id"], found["raw"]) == (9, body(name))
    assert (found["timed"], found["withheld"]) == (b"\1", b"\0")
    assert (step.positions, step.refused) == ((), ())
    assert results(step) == [(serial, 0x0702, 0)]


def test_a_driver_card_without_a_time_has_that_of_its_arrival() -> None:
    (row,) = authenticated().handle(content("driver_card_2011"), NOW_US).cards
    found = golden.card(row)
    assert (found["at"], found["received_at"], found["timed"]) == (NOW_US, NOW_US, b"\0")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("01261329110000 00", "time: driver card: time 261329110000 does not exist"),
        ("02251001110000", "time: driver card: more than 400 days old"),
        ("02261129121000", "time: driver card: more than 5 minutes ahead of our clock"),
        ("02261129", "malformed: driver card: 4 bytes are too few"),
    ],
)
def test_a_driver_card_that_cannot_be_believed_is_kept_without_a_name_in_words(
    data: str, said: str
) -> None:
    frame = message(0x0702, bytes.fromhex(data))
    step = authenticated().handle(frame, NOW_US)
    assert reason(step).startswith(said)
    assert refused(step.refused[0])[2] == frame
    assert (step.cards, results(step)) == ((), [(1, 0x0702, 0)])
