"""The schedule on a virtual clock: a bus that serves one device at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from collector.modbus.schedule import NEVER, Backoff, Queue, Timer, offset_us

S = 1_000_000
START = 1_790_000_003 * S
BACKOFF = Backoff(after=3, step_us=2 * S, max_us=300 * S)


@dataclass
class Bus:
    """Serves turns as the real bus does; each poll takes what ``cost`` says, -1 for no answer."""

    timers: list[Timer]
    cost: Callable[[int, int], int]
    now: int = START
    polled: dict[int, list[int]] = field(default_factory=dict)
    started: dict[int, list[int]] = field(default_factory=dict)
    missed: dict[int, int] = field(default_factory=dict)

    def run(self, seconds: float) -> None:
        queue = Queue(self.timers, BACKOFF)
        end = self.now + int(seconds * S)
        while self.now < end:
            turn = queue.take(self.now)
            if turn is None:
                self.now = min(end, self.now + max(1, queue.wait_us(self.now)))
                continue
            device = turn.timer.device
            self.polled.setdefault(device, []).append(turn.ts_us)
            self.started.setdefault(device, []).append(self.now)
            self.missed[device] = self.missed.get(device, 0) + turn.missed
            cost = self.cost(device, self.now)
            turn.timer.failures = 0 if cost >= 0 else turn.timer.failures + 1
            self.now += cost if cost >= 0 else turn.timer.timeout_us
            queue.put(turn.timer, self.now)


def timer(
    device: int = 0, interval_s: float = 10, offset_s: float = 0, timeout_s: float = 1
) -> Timer:
    return Timer(device, int(interval_s * S), int(offset_s * S), int(timeout_s * S), START)


def test_slots_are_aligned_to_the_clock_and_do_not_drift() -> None:
    bus = Bus([timer(offset_s=2.5)], lambda _device, _now: 70_001)
    bus.run(3600)
    assert bus.polled[0] == [1_790_000_010 * S + i * 10 * S for i in range(360)]
    assert all(at - ts == 2_500_000 for at, ts in zip(bus.started[0], bus.polled[0], strict=True))
    assert bus.missed[0] == 0


def test_case_10_starts_are_staggered_and_the_same_after_a_restart() -> None:
    offsets = [offset_us(f"meter-{i}", 10 * S, 0.3, 30 * S) for i in range(1000)]
    assert offsets == [offset_us(f"meter-{i}", 10 * S, 0.3, 30 * S) for i in range(1000)]
    assert min(offsets) >= 0
    assert max(offsets) < 3 * S
    tenths = [sum(i * 300_000 <= o < (i + 1) * 300_000 for o in offsets) for i in range(10)]
    assert min(tenths) > 60


def test_the_stagger_of_long_intervals_is_bounded() -> None:
    assert all(offset_us(f"m{i}", 900 * S, 0.3, 30 * S) < 30 * S for i in range(100))


def test_a_slow_bus_skips_slots_counts_them_and_never_polls_one_twice() -> None:
    bus = Bus([timer(i, 1) for i in range(5)], lambda _device, _now: 400_000)
    bus.run(600)
    for device, slots in bus.polled.items():
        assert len(slots) == len(set(slots))
        assert slots == sorted(slots)
        assert len(slots) + bus.missed[device] == slots[-1] // S - START // S
    shares = [len(slots) for slots in bus.polled.values()]
    assert max(shares) - min(shares) <= 2


def test_one_long_poll_is_caught_up_with_by_skipping_not_by_piling_up() -> None:
    slow_at = START + 30 * S
    bus = Bus([timer()], lambda _device, now: 35 * S if now < slow_at < now + 10 * S else S // 10)
    bus.run(200)
    assert bus.missed[0] == 2
    assert len(bus.polled[0]) == 18


def test_case_01_neighbours_of_dead_devices_keep_their_cadence() -> None:
    healthy = [timer(i, 10, 0.3 * i) for i in range(8)]
    dead = [timer(8, 10, 1), timer(9, 10, 2)]
    bus = Bus(healthy + dead, lambda device, _now: -1 if device >= 8 else 50_000)
    bus.run(3600)
    assert all(bus.missed[device] == 0 for device in range(8))
    assert all(len(bus.polled[device]) == 360 for device in range(8))
    assert bus.missed[8] > 250


def test_a_dead_device_backs_off_linearly_to_the_cap() -> None:
    bus = Bus([timer(0, 1)], lambda _device, _now: -1)
    bus.run(30_000)
    gaps = [b - a for a, b in pairwise(bus.started[0])]
    assert all(a <= b + S for a, b in pairwise(gaps[2:]))
    assert max(gaps) <= 302 * S
    assert gaps[-1] >= 300 * S


def test_case_02_a_device_that_answers_again_is_back_in_its_cadence_at_once() -> None:
    back_at = START + 500 * S
    bus = Bus([timer(0, 10)], lambda _device, now: -1 if now < back_at else 50_000)
    bus.run(1500)
    after = [ts for ts in bus.polled[0] if ts >= back_at]
    assert after[0] - back_at <= 120 * S
    assert all(b - a == 10 * S for a, b in pairwise(after))


def test_a_probe_waits_for_a_gap_in_which_its_silence_fits() -> None:
    bus = Bus(
        [timer(0, 10, 1.0), timer(1, 10, 0.5, timeout_s=1)],
        lambda device, _now: -1 if device == 1 else 10_000,
    )
    bus.run(600)
    late = [at - ts for at, ts in zip(bus.started[0], bus.polled[0], strict=True)]
    assert max(late[4:]) == 1 * S  # once it is known to be dead, it delays nobody


def test_a_probe_is_not_put_off_for_ever_by_a_full_bus() -> None:
    busy = [timer(i, 1, 0.1 * i) for i in range(9)]
    bus = Bus([*busy, timer(9, 1, timeout_s=1)], lambda d, _now: -1 if d == 9 else 90_000)
    bus.run(300)
    assert len(bus.polled[9]) > 10


@given(
    st.lists(st.sampled_from([1, 2, 5, 10]), min_size=1, max_size=6),
    st.lists(st.integers(-1, 3_000_000), min_size=20, max_size=60),
)
def test_every_slot_is_polled_once_or_counted(intervals: list[int], costs: list[int]) -> None:
    step = iter(costs)
    bus = Bus(
        [timer(i, interval, 0.1 * i) for i, interval in enumerate(intervals)],
        lambda _device, _now: next(step, 1000),
    )
    bus.run(60)
    for device, slots in bus.polled.items():
        interval = intervals[device] * S
        assert all(ts % interval == 0 for ts in slots)
        assert all(a < b for a, b in pairwise(slots))
        first = Timer(device, interval, int(0.1 * device * S), S, START).slot
        assert bus.missed[device] == slots[-1] // interval - first + 1 - len(slots)


def test_what_is_missed_while_the_bus_is_away_is_told_once() -> None:
    queue = Queue([timer(0, 10), timer(1, 60)], BACKOFF)
    later = START + 125 * S
    assert [(t.device, n) for t, n in queue.skip(later)] == [(0, 11), (1, 1)]
    assert queue.skip(later) == []
    turn = queue.take(later)
    assert turn is not None
    assert turn.missed == 0


def test_a_clock_that_jumps_ahead_skips_and_counts() -> None:
    queue = Queue([timer(0, 10)], BACKOFF)
    hour_later = START + 3600 * S
    ((_, missed),) = queue.resync(hour_later)
    assert missed == 359
    turn = queue.take(hour_later)
    assert turn is not None
    assert hour_later - turn.ts_us < 10 * S


def test_a_clock_set_back_does_not_silence_the_bus() -> None:
    queue = Queue([timer(0, 10)], BACKOFF)
    day_before = START - 86_400 * S
    assert queue.wait_us(day_before) > 86_000 * S
    assert queue.resync(day_before) == []
    assert queue.wait_us(day_before) <= 10 * S


def test_a_clock_set_back_a_little_polls_no_slot_twice() -> None:
    queue = Queue([timer(0, 10)], BACKOFF)
    due = START + 7 * S
    turn = queue.take(due)
    assert turn is not None
    queue.put(turn.timer, due)
    queue.resync(due - 5 * S)
    assert queue.wait_us(due - 5 * S) == 15 * S


def test_a_dead_device_is_asked_within_the_cap_after_the_clock_was_set_back() -> None:
    one = timer(0, 10)
    queue = Queue([one], BACKOFF)
    turn = queue.take(START + 7 * S)
    assert turn is not None
    one.failures = 50
    queue.put(one, START + 8 * S)
    queue.resync(START - 86_400 * S)
    assert queue.wait_us(START - 86_400 * S) <= 310 * S


def test_a_slot_polled_late_says_so() -> None:
    queue = Queue([timer(0, 10)], BACKOFF)
    on_time = queue.take(START + 7 * S)
    assert on_time is not None
    assert not on_time.late
    queue.put(on_time.timer, START + 8 * S)
    late = queue.take(START + 23 * S)
    assert late is not None
    assert late.late


def test_the_stagger_of_a_device_is_no_lateness() -> None:
    queue = Queue([timer(0, 10, offset_s=9)], BACKOFF)
    on_time = queue.take(START + 6 * S)  # the turn of its slot, 9 s after it
    assert on_time is not None
    assert not on_time.late
    queue.put(on_time.timer, START + 6 * S)
    late = queue.take(START + 21 * S + 1)  # half an interval, and a microsecond
    assert late is not None
    assert late.ts_us == on_time.ts_us + 10 * S
    assert late.late


def test_a_bus_without_devices_waits() -> None:
    assert Queue([], BACKOFF).wait_us(START) == NEVER - START
    assert Queue([], BACKOFF).take(START) is None
