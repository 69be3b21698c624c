from __future__ import annotations

import pytest

from collector.jt808.frame import FrameError, unwrap
from collector.jt808.office import Office
from collector.jt808.rows import Fault
from collector.jt808.session import Session
from collector.jt808.stats import Jt808Stats
from collector.jt808.step import Step
from collector.jt808.subpackets import ASK_AFTER_US
from collector.jt808.terminals import Codes, Terminals
from tests.unit.collector.jt808.golden import (
    FRAMES,
    NOW_US,
    PHONE,
    body,
    content,
    framed,
    positions,
    refused,
    unescaped,
)

CODES = Codes(b"secret" * 6)
OLD = bytes.fromhex("013800138000")


def office(kept_per_hour: int = 1000, **terminals: int) -> Office:
    known = Terminals({PHONE: 9} | terminals)
    return Office(known, CODES, Jt808Stats(), strangers=3, kept_per_hour=kept_per_hour)


def message(message_id: int, data: bytes, serial: int = 1, phone: bytes = OLD) -> bytes:
    """Content of a frame of 2013, byte by byte."""
    head = message_id.to_bytes(2, "big") + len(data).to_bytes(2, "big")
    return head + phone + serial.to_bytes(2, "big") + data


def authenticated(shared: Office | None = None) -> Session:
    session = Session(shared or office(), "192.0.2.1")
    step = session.handle(message(0x0102, CODES.code(PHONE)), NOW_US)
    assert results(step) == [(1, 0x0102, 0)]
    return session


def bodies(step: Step) -> list[tuple[int, bytes]]:
    """Message id and body of each reply."""
    found = []
    for frame in step.replies:
        whole = unescaped(frame[1:-1])
        assert whole is not None
        assert framed(whole[:-1]) == frame
        head = 17 if whole[2] & 0x40 else 12
        found.append((int.from_bytes(whole[:2], "big"), whole[head:-1]))
    return found


def results(step: Step) -> list[tuple[int, int, int]]:
    """Serial, message and result of each 0x8001."""
    found = []
    for message_id, data in bodies(step):
        assert message_id == 0x8001
        assert len(data) == 5
        found.append((int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big"), data[4]))
    return found


def reason(step: Step) -> str:
    (row,) = step.refused
    return refused(row)[1]


@pytest.mark.parametrize("edition", [2011, 2013, 2019])
def test_a_known_terminal_registers_and_authenticates_with_its_code(edition: int) -> None:
    session = Session(office(), "192.0.2.1")
    step = session.handle(content(f"register_{edition}"), NOW_US)
    ((message_id, data),) = bodies(step)
    assert (message_id, data[:3], data[3:]) == (0x8100, b"\0\x03\0", CODES.code(PHONE))
    assert step.rows == 0
    assert session.terminal is None

    step = session.handle(message(0x0102, data[3:], serial=4), NOW_US)
    assert results(step) == [(4, 0x0102, 0)]
    assert session.terminal == PHONE


def test_a_registration_that_cannot_be_read_lets_in_all_the_same_and_is_kept() -> None:
    step = Session(office(), "192.0.2.1").handle(message(0x0100, b"short"), NOW_US)
    assert bodies(step)[0][1][2] == 0
    assert reason(step).startswith("malformed: registration: 5 bytes")


def test_an_older_code_is_told_to_register_again() -> None:
    shared = office()
    session = Session(shared, "192.0.2.1")
    step = session.handle(message(0x0102, b"ABC123", serial=4), NOW_US)
    assert results(step) == [(4, 0x0102, 1)]
    assert session.terminal is None
    assert shared.stats.refusals == {"code": 1}


def test_a_wrong_code_ends_what_a_right_one_began() -> None:
    session = authenticated()
    session.handle(message(0x0102, b"ABC123"), NOW_US)
    assert session.terminal is None


def test_an_unknown_terminal_waits_and_nothing_of_it_is_lost() -> None:
    shared = office()
    shared.terminals.update({})
    session = Session(shared, "192.0.2.1")

    first = session.handle(content("register_2013"), NOW_US)
    assert bodies(first) == [(0x8100, b"\0\x03\x04")]
    origin, why, payload = refused(first.refused[0])
    assert origin == PHONE
    assert why.startswith("unknown_terminal: terminal '13800138000' is not in the inventory")
    assert "川A12345" in why
    assert payload == body("register_2013")
    again = session.handle(message(0x0100, body("register_2013"), serial=77), NOW_US)
    assert again.refused[0] == first.refused[0], "attempts are one row"

    assert results(session.handle(message(0x0102, b"x"), NOW_US)) == [(1, 0x0102, 1)]
    step = session.handle(content("location_2013"), NOW_US)
    assert results(step) == [(5, 0x0200, 1)]
    assert refused(step.refused[0])[2] == content("location_2013")
    assert step.faults == (Fault.UNKNOWN_TERMINAL,)
    assert shared.stats.refusals == {"unknown_terminal": 3}


def test_an_approved_terminal_is_let_in_without_a_restart() -> None:
    shared = office()
    shared.terminals.update({})
    session = Session(shared, "192.0.2.1")
    session.handle(content("register_2013"), NOW_US)
    shared.terminals.update({PHONE: 9})
    assert bodies(session.handle(content("register_2013"), NOW_US))[0][1][2] == 0


def test_what_is_kept_of_strangers_is_bounded_and_the_rest_is_never_acknowledged() -> None:
    shared = office(kept_per_hour=2)
    shared.terminals.update({})
    phones = [bytes.fromhex(f"0{n}3800138000") for n in range(1, 9)]
    steps = [
        Session(shared, "192.0.2.1").handle(message(0x0200, bytes(28), serial, phone), NOW_US)
        for phone in phones
        for serial in range(3)
    ]
    assert sum(step.rows for step in steps) == 3 * 2
    assert all(result == 1 for step in steps for _, _, result in results(step))
    assert shared.stats.dropped == {Fault.UNKNOWN_TERMINAL: 24 - 6}


def test_a_position_before_authentication_is_kept_aside_and_not_acknowledged() -> None:
    step = Session(office(), "192.0.2.1").handle(content("location_2013"), NOW_US)
    assert results(step) == [(5, 0x0200, 1)]
    assert reason(step).startswith("unauthenticated: ")


def test_another_terminal_on_the_same_connection_authenticates_for_itself() -> None:
    session = authenticated(office(**{"13900139000": 10}))
    other = bytes.fromhex("013900139000")
    step = session.handle(message(0x0200, body("location_2013"), 2, other), NOW_US)
    assert results(step) == [(2, 0x0200, 1)]
    assert session.terminal is None


def test_a_position_is_a_row_and_its_reply_waits_with_it() -> None:
    step = authenticated().handle(content("location_2013"), NOW_US)
    (row,) = step.positions
    assert positions(row)["terminal_id"] == 9
    assert positions(row)["seq"] == 5
    assert results(step) == [(5, 0x0200, 0)]


def test_the_forms_of_2013_and_2019_are_one_terminal() -> None:
    session = authenticated()
    step = session.handle(content("location_2019_south_west"), NOW_US)
    assert results(step)[0][2] == 1, "another number on the wire authenticates anew"
    session.handle(
        bytes.fromhex("01024011 01 00000000013800138000 0001 10") + CODES.code(PHONE), NOW_US
    )
    step = session.handle(content("location_2019_south_west"), NOW_US)
    assert positions(step.positions[0])["terminal_id"] == 9
    assert results(step) == [(6, 0x0200, 0)]
    assert step.replies[0][3] == 0x40, "the reply has the form the terminal speaks"


def test_an_answer_to_a_query_is_a_position() -> None:
    step = authenticated().handle(content("location_answer"), NOW_US)
    assert positions(step.positions[0])["lat"] == 30.656193
    assert results(step) == [(8, 0x0201, 0)]


def test_one_bad_position_does_not_drop_its_neighbours() -> None:
    step = authenticated().handle(content("locations_blind"), NOW_US)
    assert [positions(row)["extra"]["blind"] for row in step.positions] == [True, True]
    assert refused(step.refused[0])[:2] == (
        PHONE,
        "time: time 261329080010 does not exist: month must be in 1..12",
    )
    assert refused(step.refused[0])[2] == body("locations_blind")[35:63]
    assert results(step) == [(9, 0x0704, 0)]


def test_the_same_fix_at_once_and_caught_up_has_one_key() -> None:
    session = authenticated()
    fix = body("location_2013")
    live = session.handle(message(0x0200, fix, 7), NOW_US)
    bulk = b"\0\1\1" + len(fix).to_bytes(2, "big") + fix
    late = session.handle(message(0x0704, bulk, 8), NOW_US + 9_000_000)
    key = ("terminal_id", "fix_time", "content_hash")
    one, other = positions(live.positions[0]), positions(late.positions[0])
    assert [one[name] for name in key] == [other[name] for name in key]


def test_a_catch_up_that_is_cut_keeps_what_is_whole_and_the_rest_aside() -> None:
    whole = body("locations_blind")
    step = authenticated().handle(message(0x0704, whole[:-1]), NOW_US)
    assert len(step.positions) == 1
    assert len(step.refused) == 2
    assert refused(step.refused[1])[2] == whole[63:-1]
    assert results(step) == [(1, 0x0704, 0)]


def test_a_position_too_short_is_kept_aside_and_not_sent_again() -> None:
    step = authenticated().handle(message(0x0200, bytes(20)), NOW_US)
    assert reason(step) == "malformed: 20 bytes are less than the 28 of a position"
    assert results(step) == [(1, 0x0200, 0)]


def test_packets_are_acknowledged_together_when_the_last_one_came() -> None:
    session = authenticated()
    assert session.handle(content("part_2_of_2"), NOW_US) == Step()
    step = session.handle(content("part_1_of_2"), NOW_US)
    assert len(step.positions) == 1
    assert results(step) == [(0x10, 0x0704, 0), (0x11, 0x0704, 0)]


def test_packets_that_never_complete_are_counted() -> None:
    shared = office()
    session = authenticated(shared)
    session.handle(content("part_1_of_2"), NOW_US)
    session.handle(content("part_1_of_2"), NOW_US + 121_000_000)
    assert shared.stats.given_up == 1


def test_missing_packets_are_asked_for_in_the_form_of_2013() -> None:
    shared = office()
    session = authenticated(shared)
    session.handle(content("part_2_of_2"), NOW_US)
    assert session.remind(NOW_US + ASK_AFTER_US - 1) == ()
    step = Step(replies=session.remind(NOW_US + ASK_AFTER_US))
    assert bodies(step) == [(0x8003, bytes.fromhex("0010 01 0001"))]
    assert shared.stats.asked_again == 1
    step = session.handle(content("part_1_of_2"), NOW_US + ASK_AFTER_US)
    assert results(step) == [(0x10, 0x0704, 0), (0x11, 0x0704, 0)]
    assert session.remind(NOW_US + 10 * ASK_AFTER_US) == ()


def test_missing_packets_are_asked_for_in_the_form_of_2019() -> None:
    session = authenticated()
    head = "0704 6001 01" + PHONE.zfill(20)
    session.handle(bytes.fromhex("0102 4010 01" + PHONE.zfill(20) + "0001") + CODES.code(PHONE), 0)
    session.handle(bytes.fromhex(head + "0005 0004 0003 aa"), NOW_US)
    session.handle(bytes.fromhex(head + "0003 0004 0001 aa"), NOW_US)
    step = Step(replies=session.remind(NOW_US + ASK_AFTER_US))
    assert bodies(step) == [(0x8003, bytes.fromhex("0003 0002 0002 0004"))]


def test_nothing_is_asked_of_a_terminal_that_left() -> None:
    session = authenticated()
    session.handle(content("part_2_of_2"), NOW_US)
    session.handle(message(0x0003, b""), NOW_US)
    assert session.remind(NOW_US + ASK_AFTER_US) == ()


def test_what_is_never_completed_is_given_up_without_another_frame() -> None:
    shared = office()
    session = authenticated(shared)
    session.handle(content("part_1_of_2"), NOW_US)
    assert session.remind(NOW_US + 121_000_000) == ()
    assert shared.stats.given_up == 1


def test_vehicle_case_20_other_messages_are_kept_and_told_to_be_unsupported() -> None:
    shared = office(kept_per_hour=1)
    session = authenticated(shared)
    step = session.handle(content("can_bus"), NOW_US)
    assert reason(step) == "unsupported: message 0x0705"
    assert results(step) == [(15, 0x0705, 3)]
    more = session.handle(message(0x0801, b"picture"), NOW_US)
    assert (more.rows, results(more)) == (0, [(1, 0x0801, 3)])
    assert shared.stats.dropped == {Fault.UNSUPPORTED: 1}
    assert shared.stats.frames["0x0200"] == 0
    assert shared.stats.frames["other"] == 2


def test_an_encrypted_body_is_kept_and_told_to_be_unsupported() -> None:
    frame = bytearray(content("location_2013"))
    frame[2] |= 0x04
    step = authenticated().handle(bytes(frame), NOW_US)
    assert reason(step) == "encrypted: message 0x0200, method 1"
    assert results(step) == [(5, 0x0200, 3)]


def test_a_header_that_does_not_fit_is_kept_and_not_answered() -> None:
    step = authenticated().handle(content("location_2013")[:-1], NOW_US)
    assert reason(step).startswith("malformed: the body has 60 bytes, its header says 61")
    assert step.replies == ()


def test_a_frame_with_a_wrong_checksum_is_kept_and_not_answered() -> None:
    shared = office()
    raw = FRAMES["location_2013"][1:-2] + b"\0"
    with pytest.raises(FrameError) as caught:
        unwrap(raw)
    step = authenticated(shared).unsound(raw, caught.value, NOW_US)
    assert refused(step.refused[0])[2] == raw
    assert step.replies == ()
    assert shared.stats.bad_frames == {"checksum": 1}


def test_signs_of_life_are_answered_while_the_terminal_may_send() -> None:
    session = authenticated()
    assert results(session.handle(content("heartbeat_2013"), NOW_US)) == [(1, 2, 0)]
    assert results(session.handle(content("logout"), NOW_US)) == [(11, 3, 0)]
    assert session.terminal is None
    assert results(session.handle(content("heartbeat_2013"), NOW_US)) == [(1, 2, 1)]


def test_the_time_is_told_to_anybody() -> None:
    step = Session(office(), "192.0.2.1").handle(content("ask_time_2019"), NOW_US)
    assert bodies(step) == [(0x8004, bytes.fromhex("261129040000"))]


def test_what_needs_no_row_has_none() -> None:
    session = authenticated()
    assert session.handle(content("terminal_reply"), NOW_US) == Step()
    assert results(session.handle(content("ask_again"), NOW_US)) == [(13, 5, 3)]


def test_a_terminal_taken_from_the_inventory_may_not_send_any_more() -> None:
    shared = office()
    session = authenticated(shared)
    shared.terminals.update({})
    step = session.handle(content("location_2013"), NOW_US)
    assert results(step) == [(5, 0x0200, 1)]
    assert step.faults == (Fault.UNKNOWN_TERMINAL,)


def test_our_serials_count_up_and_around() -> None:
    session = authenticated()
    session._serial = 0xFFFE
    steps = [session.handle(content("heartbeat_2013"), NOW_US) for _ in range(2)]
    serials = [step.replies[0][11:13] for step in steps]
    assert serials == [b"\xff\xff", b"\0\0"]
