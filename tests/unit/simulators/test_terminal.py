"""Terminals on virtual time: numbers, faults, tunnels."""

from __future__ import annotations

import json
from collections import Counter

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators import almanac
from simulators.models.route import City
from simulators.models.vehicle import PATROL, Vehicle
from simulators.mqtt.payload import Message, MessageFaults, Mishaps, rfc3339
from simulators.mqtt.terminal import Schedule, Terminal

SINCE = 20_500
BEGIN = almanac.start_of(SINCE + 3) + 10 * 3600 * 1_000_000
HOUR = 3600 * 1_000_000


def terminal(faults: MessageFaults | None = None, last_seq: int = 0) -> Terminal:
    vehicle = Vehicle(PATROL, City(30.572, 104.066), 11, SINCE)
    schedule = Schedule(vehicle, 10, 6, 11)
    mishaps = Mishaps(faults or MessageFaults(), 5, "t-1")
    return Terminal("t-1", schedule, mishaps, last_seq, BEGIN)


def listen(subject: Terminal, hours: float, step_s: float = 1.0) -> list[Message]:
    step = int(step_s * 1e6)
    heard: list[Message] = []
    for now in range(BEGIN + step, BEGIN + int(hours * HOUR) + 1, step):
        heard.extend(subject.due(now))
    return heard


def test_the_payload_is_the_json_of_the_contract() -> None:
    first = json.loads(listen(terminal(), 1.0)[0].payload)
    assert list(first) == [
        *("ts", "lat", "lon", "speed", "course", "altitude", "odometer"),
        *("satellites", "acc", "fix", "seq"),
    ]
    assert 30.4 < first["lat"] < 30.7
    assert 103.9 < first["lon"] < 104.2
    assert first["fix"] is True
    assert first["seq"] == 1
    assert first["ts"].endswith("Z")
    assert len(first["ts"]) == len("2026-11-22T05:01:02.003Z")


def test_times_are_utc_with_milliseconds() -> None:
    assert rfc3339(1_795_323_662_003_999) == "2026-11-22T05:01:02.003Z"


@given(step_s=st.sampled_from([0.2, 1.0, 7.0, 400.0]))
@settings(max_examples=4, deadline=None)
def test_the_steps_of_the_listener_do_not_matter(step_s: float) -> None:
    whole = listen(terminal(), 0.5, 1800.0)
    stepped = listen(terminal(), 0.5, step_s)
    assert stepped == whole[: len(stepped)]
    assert len(whole) - len(stepped) <= 400 / 10


def test_numbers_rise_by_one_and_go_on_after_a_restart() -> None:
    assert [m.seq for m in listen(terminal(last_seq=40), 0.5)][:3] == [41, 42, 43]


def test_driving_reports_every_ten_seconds_parked_every_minute() -> None:
    heard = listen(terminal(), 6.0)
    acc = [json.loads(m.payload)["acc"] for m in heard]
    gaps = {
        (heard[n + 1].ts - heard[n].ts) // 1_000_000
        for n in range(len(heard) - 1)
        if acc[n] and acc[n + 1]
    }
    parked = {
        (heard[n + 1].ts - heard[n].ts) // 1_000_000
        for n in range(len(heard) - 1)
        if not acc[n] and not acc[n + 1]
    }
    assert 10 in gaps
    assert parked == {60}


def one(kind: str) -> Message:
    return listen(terminal(MessageFaults(**{kind: 1.0})), 1.0)[0]  # type: ignore[arg-type]


def test_malformed_cannot_be_read_and_says_its_number_only_in_the_truth() -> None:
    message = one("malformed")
    with pytest.raises(json.JSONDecodeError):
        json.loads(message.payload)
    assert (message.kind, message.seq) == ("malformed", 1)


def test_impossible_places_and_times() -> None:
    zero, out, future = (one(k) for k in ("zero_island", "out_of_range", "future"))
    assert [json.loads(zero.payload)[k] for k in ("lat", "lon")] == [0.0, 0.0]
    assert json.loads(out.payload)["lat"] > 90.0
    assert future.ts > BEGIN + 2 * almanac.DAY_US
    assert json.loads(future.payload)["ts"] == rfc3339(future.ts)
    assert json.loads(one("no_fix").payload)["fix"] is False


def test_an_unknown_terminal_has_a_name_of_its_own() -> None:
    assert one("unknown_terminal").terminal == "unknown-t-1"


def test_a_duplicate_repeats_bytes_and_number() -> None:
    first, second = listen(terminal(MessageFaults(duplicate=1.0)), 1.0)[:2]
    assert (first.payload, first.seq, first.copy) == (second.payload, 1, 0)
    assert (second.seq, second.copy) == (1, 1)


def test_disorder_sends_everything_once() -> None:
    heard = listen(terminal(MessageFaults(disorder=0.3)), 4.0)
    numbers = [m.seq for m in heard]
    assert numbers != sorted(numbers)
    missing = set(range(1, max(numbers) + 1)) - set(numbers)
    assert len(set(numbers)) == len(numbers)
    assert len(missing) <= 1, "the last one may still wait for its successor"


def test_a_tunnel_lets_everything_out_at_its_end_in_every_second_newest_first() -> None:
    faults = MessageFaults(tunnel=1.0, tunnel_s=120)
    subject = terminal(faults)
    bursts = [b for b in (subject.due(BEGIN + n * 1_000_000) for n in range(7200)) if len(b) > 1]
    orders = Counter(tuple(m.seq for m in b) == tuple(sorted(m.seq for m in b)) for b in bursts)
    assert orders[True] > 5
    assert orders[False] > 5
    numbers = sorted(m.seq for b in bursts for m in b)
    assert len(set(numbers)) == len(numbers)


def test_nothing_is_lost_whatever_goes_wrong() -> None:
    names = MessageFaults.__struct_fields__
    shares = {n: 0.05 for n in names if n != "tunnel_s"}
    faults = msgspec.convert(shares, MessageFaults)
    heard = listen(terminal(faults), 8.0)
    numbers = {m.seq for m in heard}
    whole = listen(terminal(), 8.0)
    missing = {m.seq for m in whole} - numbers
    assert all(n > len(whole) - 20 for n in missing), "only what is still held back"
    assert len(heard) == len(numbers) + sum(m.copy for m in heard)
