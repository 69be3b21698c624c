"""A terminal's behaviour against a scripted platform, on virtual time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.jt808 import header, location, messages
from simulators.jt808.dialogue import Send
from simulators.jt808.habit import Habit, State
from simulators.jt808.header import Header, Version
from simulators.jt808.terminal import Since
from simulators.mqtt.payload import MessageFaults
from tests.unit.simulators.platforms import BEGIN, CARD, CODE, WHO, Platform, Talk, talk, terminal

HOUR = 3600

# Logging in.


@pytest.mark.parametrize("version", Version)
def test_it_registers_authenticates_and_reports(version: Version) -> None:
    found = talk(who=replace(WHO, version=version))
    found.connect()
    assert found.terminal.state is State.READY
    log_in = [messages.REGISTER, messages.AUTHENTICATE]
    assert found.platform.ids == log_in + [messages.TIME_QUERY] * (version is Version.V2019)
    found.wait(HOUR)
    assert len(found.platform.numbers) > 60
    assert found.platform.numbers == list(range(1, len(found.platform.numbers) + 1))
    assert found.answered == [(n, 0) for n in found.platform.numbers]
    assert not found.terminal.stats.wrong


def test_the_next_time_it_has_a_code() -> None:
    found = talk()
    found.connect()
    found.cut()
    found.platform.heard.clear()
    found.connect()
    assert found.platform.ids == [messages.AUTHENTICATE]
    assert found.platform.heard[0][1] == CODE


def test_a_refused_code_is_forgotten() -> None:
    found = talk()
    found.connect()
    found.cut()
    found.platform.heard.clear()
    found.platform.authenticate = messages.FAILED
    found.connect()
    found.platform.authenticate = messages.OK
    found.wait(1)
    log_in = [messages.REGISTER, messages.AUTHENTICATE]
    assert found.platform.ids[:3] == [messages.AUTHENTICATE, *log_in]


def test_a_fresh_code_that_is_refused_is_not_asked_for_at_once_again() -> None:
    found = talk(Habit(retry_s=30), Platform(authenticate=messages.FAILED))
    found.connect()
    found.wait(29)
    assert found.platform.ids == [messages.REGISTER, messages.AUTHENTICATE]
    found.wait(1)
    assert found.platform.ids == [messages.REGISTER, messages.AUTHENTICATE] * 2


@pytest.mark.parametrize("result", [1, 2, 3, 4])
def test_a_refused_registration_is_tried_again_and_nothing_is_lost(result: int) -> None:
    found = talk(Habit(retry_s=30), Platform(register=result))
    found.connect()
    found.wait(299)
    assert found.terminal.state is State.REFUSED
    assert found.platform.ids == [messages.REGISTER] * 10
    kept = found.terminal.kept
    assert kept > 0
    found.platform.register = messages.OK
    found.wait(60)
    assert set(range(1, kept + 1)) <= set(found.platform.numbers)


def test_a_terminal_goes_on_after_its_last_number() -> None:
    found = talk(since=Since(40, BEGIN))
    found.connect()
    found.wait(200)
    assert found.platform.numbers[:2] == [41, 42]


# Catching up.


@pytest.mark.parametrize("newest_first", [False, True])
def test_what_was_measured_without_a_connection_is_caught_up_with(newest_first: bool) -> None:
    found = talk(Habit(newest_first=newest_first, batch=7))
    found.wait(HOUR)
    found.connect()
    kept = found.terminal.kept
    assert kept > 60
    found.wait(60)
    batches = [b for h, b in found.platform.heard if h.message == messages.LOCATIONS]
    kinds = {messages.read_locations(b)[0] for b in batches}
    sizes = [len(messages.read_locations(b)[1]) for b in batches]
    assert kinds == {messages.CATCH_UP}
    assert sizes[:-1] == [7] * (len(sizes) - 1)
    late = [n for n in found.platform.numbers if n <= kept]
    assert late == sorted(range(1, kept + 1), reverse=newest_first)


def test_a_day_late() -> None:
    found = talk(Habit(late_s=86_400))
    found.wait(HOUR)
    kept = found.terminal.kept
    found.connect()
    found.wait(HOUR)
    assert min(found.platform.numbers) > kept
    found.now += 23 * HOUR * 1_000_000
    found.wait(HOUR)
    times = [where.time_s for where in found.platform.positions if location.number_of(where) == 1]
    assert set(range(1, kept + 1)) <= set(found.platform.numbers)
    assert len(times) == 1
    assert found.now // 1_000_000 - times[0] > 86_400


def test_a_full_buffer_gives_up_the_oldest() -> None:
    found = talk(Habit(capacity=20))
    found.wait(HOUR)
    measured = found.terminal.stats.measured
    assert found.terminal.stats.overwritten == measured - 20
    found.connect()
    found.wait(30)
    assert min(found.platform.numbers) == measured - 19


def test_a_batch_that_does_not_fit_one_frame_comes_in_several() -> None:
    found = talk(Habit(batch=40))
    found.wait(HOUR)
    found.connect()
    found.wait(2)
    parts = [head for head, _ in found.platform.heard if head.message == messages.LOCATIONS]
    assert [head.index for head in parts if head.total == 3][:3] == [1, 2, 3]
    assert found.platform.numbers[:40] == list(range(1, 41))
    assert found.terminal.unanswered == 0


def cut_batch() -> tuple[Talk, list[Header]]:
    """A batch of three frames that the platform has not answered."""
    found = talk(Habit(batch=40), Platform(results={messages.LOCATIONS: None}))
    found.wait(HOUR)
    found.connect()
    found.wait(1)
    parts = [head for head, _ in found.platform.heard if head.message == messages.LOCATIONS]
    assert [head.index for head in parts] == [1, 2, 3]
    return found, parts


def test_frames_asked_for_again_are_sent_again_and_no_others() -> None:
    found, parts = cut_batch()
    before = list(found.platform.heard)
    found.tell(messages.SEND_AGAIN, parts[0].serial.to_bytes(2) + bytes.fromhex("02 0001 0003"))
    again = found.platform.heard[len(before) :]
    sent = {head.index: (head, body) for head, body in before if head.total}
    assert again == [sent[1], sent[3]]


def test_the_answer_to_a_first_frame_alone_settles_nothing() -> None:
    found, parts = cut_batch()
    about = messages.LOCATIONS.to_bytes(2) + b"\0"
    found.tell(messages.GENERAL_ANSWER, parts[0].serial.to_bytes(2) + about)
    assert found.answered == []
    found.tell(messages.GENERAL_ANSWER, parts[2].serial.to_bytes(2) + about)
    assert found.answered == [(n, 0) for n in range(1, 41)]


def test_answers_to_every_frame_settle_it() -> None:
    found, parts = cut_batch()
    about = messages.LOCATIONS.to_bytes(2) + b"\0"
    for part in (parts[0], parts[1]):
        found.tell(messages.GENERAL_ANSWER, part.serial.to_bytes(2) + about)
        assert found.answered == []
    found.tell(messages.GENERAL_ANSWER, parts[2].serial.to_bytes(2) + about)
    assert len(found.answered) == 40


# No answer.


def test_what_is_not_answered_is_said_again_the_same_and_later_and_later() -> None:
    silent = Platform(results={messages.LOCATION: None, messages.HEARTBEAT: None})
    found = talk(Habit(reply_s=10, tries=3), silent)
    found.connect()
    when: dict[int, list[int]] = {}
    for second in range(200):
        heard = len(silent.heard)
        found.wait(1)
        for head, _ in silent.heard[heard:]:
            when.setdefault(head.serial, []).append(second)
        if found.hung_up:
            break
    first = min(serial for serial in when if len(when[serial]) == 3)
    begin = when[first][0]
    assert [second - begin for second in when[first]] == [0, 10, 30]
    same = {body for head, body in silent.heard if head.serial == first}
    assert len(same) == 1
    assert found.hung_up == 1
    assert found.answered == []


def test_after_a_lost_connection_the_same_bodies_come_by_0x0704() -> None:
    found = talk(Habit(reply_s=100), Platform(results={messages.LOCATION: None}))
    found.connect()
    found.wait(70)
    sent = [body for head, body in found.platform.heard if head.message == messages.LOCATION]
    assert sent
    found.cut()
    found.platform.results.clear()
    found.connect()
    found.wait(1)
    late = [body for head, body in found.platform.heard if head.message == messages.LOCATIONS]
    assert messages.read_locations(late[0])[1][: len(sent)] == sent


def test_a_result_of_failure_keeps_the_position_and_bad_gives_it_up() -> None:
    for result, back in ((messages.FAILED, True), (messages.BAD, False)):
        found = talk(platform=Platform(results={messages.LOCATION: result}))
        found.connect()
        found.wait(120)
        refused = {seq for seq, told in found.answered if told == result}
        assert refused
        found.platform.results.clear()
        found.wait(60)
        taken = set(found.platform.numbers)
        assert (refused & taken == refused) is back


def test_a_full_window_sends_the_rest_later() -> None:
    found = talk(Habit(window=2, reply_s=10_000), Platform(results={messages.LOCATION: None}))
    found.connect()
    found.wait(HOUR // 2)
    assert found.platform.ids.count(messages.LOCATION) == 2
    taken = found.platform.numbers
    assert taken == list(range(3, 3 + len(taken)))
    assert len(taken) > 10


# What it hears amiss.


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (Header(0x8001, "013900000000", 1, Version.V2013), "for another terminal"),
        (Header(0x8001, WHO.phone.zfill(20), 1, Version.V2019), "of another edition"),
    ],
)
def test_what_is_meant_for_another_changes_nothing(head: Header, why: str) -> None:
    found = talk(platform=Platform(results={messages.LOCATION: None}))
    found.connect()
    found.wait(30)
    serial = found.platform.heard[-1][0].serial
    told = header.encode(head, serial.to_bytes(2) + bytes.fromhex("0200 00"))
    assert found.terminal.received(told, found.now) == []
    assert [why in reason for reason in found.terminal.stats.wrong] == [True]
    assert found.answered == []


def test_nonsense_from_the_platform_is_counted() -> None:
    found = talk()
    found.connect()
    for message, body in (
        (messages.GENERAL_ANSWER, b"\xff\xff\x02\x00\0"),
        (messages.GENERAL_ANSWER, b"\0"),
        (messages.REGISTERED, b"\xff\xff\0abc"),
        (messages.SEND_AGAIN, b"\xff\xff\1\0\1"),
    ):
        found.tell(message, body)
    assert found.terminal.stats.wrong.total() == 4
    assert found.terminal.state is State.READY


def test_a_second_answer_to_the_same_is_no_surprise() -> None:
    found = talk()
    found.connect()
    found.wait(60)
    before = list(found.answered)
    head, _ = found.platform.heard[-1]
    again = head.serial.to_bytes(2) + head.message.to_bytes(2) + b"\0"
    found.tell(messages.GENERAL_ANSWER, again)
    found.tell(messages.REGISTERED, b"\0\0\0other")
    assert found.answered == before
    assert found.terminal.stats.wrong.total() == 0


# Whatever happens.


@given(
    seed=st.integers(0, 50),
    habit=st.builds(
        Habit,
        window=st.integers(1, 4),
        batch=st.sampled_from([1, 3, 40]),
        newest_first=st.booleans(),
        reply_s=st.just(3),
    ),
    deeds=st.lists(
        st.sampled_from(["wait", "cut", "connect", "mute", "fail", "answer"]), max_size=12
    ),
)
@settings(max_examples=30, deadline=None)
def test_nothing_is_lost_and_nothing_invented(seed: int, habit: Habit, deeds: list[str]) -> None:
    found = talk(habit, since=Since(seed, BEGIN))
    every = (messages.LOCATION, messages.LOCATIONS)
    for deed in deeds:
        match deed:
            case "wait":
                found.wait(90)
            case "cut" if found.online:
                found.cut()
            case "connect" if not found.online:
                found.connect()
            case "mute":
                found.platform.results = dict.fromkeys(every)
            case "fail":
                found.platform.results = dict.fromkeys(every, messages.FAILED)
            case "answer":
                found.platform.results = {}
    found.platform.results = {}
    if not found.online:
        found.connect()
    found.wait(200)
    measured = set(range(seed + 1, seed + 1 + found.terminal.stats.measured))
    assert set(found.platform.numbers) == measured
    assert {seq for seq, result in found.answered if result == 0} == measured
    bodies = {location.number_of(location.decode(b)): b for b in found.platform.bodies}
    assert all(
        bodies[location.number_of(location.decode(b))] == b for b in found.platform.bodies
    ), "a position said twice is the same"


def test_the_same_seed_says_the_same() -> None:
    heard = []
    for _ in range(2):
        found = talk(who=replace(WHO, driver=CARD), faults=MessageFaults(no_fix=0.2))
        found.connect()
        found.wait(HOUR)
        heard.append(found.platform.heard)
    assert heard[0] == heard[1]


def test_a_tunnel_takes_the_network_away() -> None:
    subject = terminal(faults=MessageFaults(tunnel=0.5, tunnel_s=60))
    reachable = [subject.reachable(BEGIN + n * 60_000_000) for n in range(40)]
    assert {True, False} == set(reachable)


def test_actions_tell_every_report_once() -> None:
    found = talk(Habit(batch=40), Platform(results={messages.LOCATIONS: None}))
    found.wait(HOUR)
    found.connect()
    found.now += 1_000_000
    sends = [a for a in found.terminal.tick(found.now) if isinstance(a, Send)]
    cut = [send for send in sends if send.message == messages.LOCATIONS]
    assert [len(send.reports) for send in cut] == [40, 0, 0]
