"""What a simulated terminal reports, on virtual time."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import pytest

from simulators.jt808 import location, messages
from simulators.jt808.habit import Habit
from simulators.jt808.location import LocationError
from simulators.jt808.report import Fuel
from simulators.mqtt.payload import MessageFaults
from tests.unit.simulators.platforms import BEGIN, CARD, WHO, talk

HOUR = 3600


def test_driving_reports_every_ten_seconds_parked_every_minute() -> None:
    found = talk()
    found.connect()
    found.wait(6 * HOUR)
    where = found.platform.positions
    gaps: Counter[tuple[bool, int]] = Counter()
    for before, after in itertools.pairwise(where):
        acc = before.status & 1, after.status & 1
        if acc[0] == acc[1]:
            gaps[bool(acc[0]), after.time_s - before.time_s] += 1
    assert gaps[True, 10] > 100
    assert {gap for acc, gap in gaps if not acc} == {60}


def test_a_position_says_what_the_vehicle_does() -> None:
    found = talk(Habit(fuel=Fuel.SENSOR))
    found.connect()
    found.wait(HOUR)
    for where in found.platform.positions:
        items = dict(where.items)
        assert 30_400_000 < where.lat < 30_700_000
        assert 103_900_000 < where.lon < 104_200_000
        assert where.status & 0x000C_0002 == 0x000C_0002
        assert int.from_bytes(items[location.MILEAGE]) > 0
        assert 0 < int.from_bytes(items[location.FUEL]) <= 550
        assert int.from_bytes(items[location.RECORDER_SPEED]) == where.speed


@pytest.mark.parametrize(("fuel", "data"), [(Fuel.ABSENT, None), (Fuel.ZERO, b"\0\0")])
def test_a_terminal_without_a_sensor(fuel: Fuel, data: bytes | None) -> None:
    found = talk(Habit(fuel=fuel))
    found.connect()
    found.wait(60)
    assert dict(found.platform.positions[0].items).get(location.FUEL) == data


def first(kind: str) -> bytes:
    found = talk(faults=MessageFaults(**{kind: 1.0}))  # type: ignore[arg-type]
    found.connect()
    found.wait(60)
    return found.platform.bodies[0]


def test_impossible_places_and_times() -> None:
    zero, out, no_fix = (
        location.decode(first(kind)) for kind in ("zero_island", "out_of_range", "no_fix")
    )
    assert (zero.lat, zero.lon, zero.status & location.FIXED) == (0, 0, location.FIXED)
    assert out.lat > 90_000_000
    assert no_fix.status & location.FIXED == 0
    assert location.decode(first("future")).time_s > BEGIN // 1_000_000 + 86_400
    with pytest.raises(LocationError, match="no time"):
        location.decode(first("malformed"))


def test_a_duplicate_has_the_same_body_and_another_serial() -> None:
    found = talk(faults=MessageFaults(duplicate=1.0))
    found.connect()
    found.wait(60)
    (one, body), (two, same) = found.platform.heard[2:4]
    assert (body, one.serial + 1) == (same, two.serial)


def test_bytes_that_must_be_escaped_come_again_and_again() -> None:
    found = talk(Habit(awkward_every=2))
    found.connect()
    found.wait(HOUR)
    awkward = [location.AWKWARD in dict(where.items) for where in found.platform.positions]
    assert awkward[:4] == [False, True, False, True]


# Other things it says.


def test_a_sign_of_life_after_a_minute_of_silence() -> None:
    found = talk(Habit(heartbeat_s=20))
    found.connect()
    silence = longest = 0
    for _ in range(HOUR):
        heard = len(found.platform.heard)
        found.wait(1)
        silence = 0 if len(found.platform.heard) > heard else silence + 1
        longest = max(longest, silence)
    assert longest == 19
    assert found.platform.ids.count(messages.HEARTBEAT) > 10


def test_asked_where_it_is_it_tells_a_numbered_position() -> None:
    found = talk()
    found.connect()
    found.tell(messages.WHERE, b"")
    head, body = found.platform.heard[-1]
    assert head.message == messages.LOCATION_ON_DEMAND
    assert body[:2] == (found.platform.serial - 1).to_bytes(2), "the query's, before the answer"
    where = location.decode(body[2:])
    assert where.time_s == found.now // 1_000_000
    assert found.answered == [(location.number_of(where), 0)]


def test_what_it_does_not_know_it_says_so() -> None:
    found = talk()
    found.connect()
    found.tell(0x8103, b"\0")
    head, body = found.platform.heard[-1]
    serial = found.platform.serial
    assert head.message == messages.REPLY
    assert body == serial.to_bytes(2) + bytes.fromhex("8103 03")


def test_a_drivers_card_goes_in_and_out_with_the_ignition() -> None:
    found = talk(who=replace(WHO, driver=CARD))
    found.connect()
    found.wait(4 * HOUR)
    cards = [body for head, body in found.platform.heard if head.message == messages.DRIVER]
    assert len(cards) >= 4
    assert {body[0] for body in cards[::2]} == {1}
    assert {body[0] for body in cards[1::2]} == {2}
    every = [seq for seq, result in found.answered if result == 0]
    assert every == list(range(1, len(every) + 1)), "cards are numbered with the positions"


def test_it_logs_out() -> None:
    found = talk()
    found.connect()
    found.do(found.terminal.leave(found.now))
    assert found.platform.ids[-1] == messages.LOGOUT
    assert found.terminal.unanswered == 0
