"""Computing again from firm stop to firm stop gives exactly what computing everything gives."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.track.judge import judge
from fleet.trips.firm import End, with_known_ends
from fleet.trips.model import Kind, Share, Stop, Travelled, Trip
from fleet.trips.travel import travelled
from storage.records import PositionFlag
from tests.unit.fleet.drives import HOUR, MINUTE, RULES, SECOND, ZONE, Drive, Fix, fixes_of, made_of

FAR = 2**60


@dataclass
class Kept:
    """What a database would hold of a vehicle, and how a piece of it is replaced."""

    stops: list[Stop] = field(default_factory=list)
    trips: list[Trip] = field(default_factory=list)
    shares: list[Share] = field(default_factory=list)
    pieces: int = 0

    def change(self, rows: list[Fix], from_us: int, to_us: int) -> None:
        first, last = from_us - RULES.cover_us, to_us + RULES.cover_us
        befores = [s for s in self.stops if s.firm_after_us is not None and s.firm_after_us < first]
        behinds = [
            s for s in self.stops if s.firm_before_us is not None and s.firm_before_us > last
        ]
        begin = max(befores, key=lambda s: s.seen_from_us, default=None)
        end = min(behinds, key=lambda s: s.seen_to_us, default=None)
        cut_from = -FAR if begin is None else begin.seen_from_us
        cut_to = FAR if end is None else end.seen_to_us
        self.pieces += (cut_from > -FAR) + (cut_to < FAR)
        near = [r for r in rows if cut_from - RULES.cover_us <= r.t_us <= cut_to + RULES.cover_us]
        made = travelled(judge(fixes_of(near).ordered(), RULES, cut_from, cut_to), RULES, ZONE)
        made = with_known_ends(
            made,
            None if begin is None else End(begin.seen_from_us, begin.began_us),
            None if end is None else End(end.seen_to_us, end.ended_us),
        )
        self.stops = [
            *(s for s in self.stops if not cut_from <= s.seen_from_us <= cut_to),
            *made.stops,
        ]
        self.trips = [
            *(t for t in self.trips if not cut_from <= t.started_us < cut_to),
            *made.trips,
        ]
        self.shares = [*(s for s in self.shares if not _inside(s, cut_from, cut_to)), *made.shares]

    def whole(self) -> Travelled:
        return Travelled(
            tuple(sorted(self.stops, key=lambda s: s.seen_from_us)),
            tuple(sorted(self.trips, key=lambda t: t.started_us)),
            _sorted(self.shares),
        )


def _inside(share: Share, cut_from: int, cut_to: int) -> bool:
    at = share.owner_us
    return cut_from <= at < cut_to or (at == cut_to and share.kind is Kind.STOP)


def _sorted(shares: list[Share] | tuple[Share, ...]) -> tuple[Share, ...]:
    return tuple(sorted(shares, key=lambda s: (s.owner_us, s.kind, s.day)))


def history(seed: int, steps: int) -> list[Fix]:
    """A vehicle's random doings: parking, driving, gaps, jumps, drift, several clocks."""
    dice = random.Random(seed)
    drive = Drive(
        every_s=dice.choice([5, 10, 30, 60]),
        speeds=dice.random() < 0.7,
        acc=dice.random() < 0.7,
        noise_m=dice.choice([0, 5, 30]),
        odometer_km=dice.choice([None, 1000.0]),
        seed=seed,
    )
    for _ in range(steps):
        what = dice.random()
        if what < 0.35:
            drive.park(dice.choice([1, 3, 8, 25, 60, 200]), acc=dice.choice([0, 0, 1]))
        elif what < 0.7:
            drive.go(
                dice.uniform(-9000, 9000), dice.uniform(-9000, 9000), kmh=dice.choice([7, 40, 90])
            )
        elif what < 0.78:
            drive.silent(dice.choice([3, 20, 45, 540]))
        elif what < 0.86:
            drive.move(dice.uniform(-5000, 5000), dice.uniform(-200, 200)).silent(
                dice.choice([5, 70])
            )
        elif what < 0.92:
            x, y = drive.x, drive.y
            drive.move(dice.uniform(-90_000, 90_000))
            for _ in range(dice.choice([1, 2, 4, 7])):
                drive.now_us += drive.every_s * SECOND
                drive.fix(0.0, 1)
            drive.x, drive.y = x, y
            drive.now_us += drive.every_s * SECOND
        elif what < 0.96:
            drive.fix(10.0, 1, flags=int(PositionFlag.NO_FIX))
        elif what < 0.97:
            drive.fix(10.0, 1)
            drive.rows[-1] = replace(drive.rows[-1], received_us=drive.now_us - 61 * SECOND)
        else:
            drive.terminal = 3 - drive.terminal
    return drive.rows


def check(rows: list[Fix], seed: int, parts: int) -> int:
    """Bring fixes in part by part, compare after each; return how many ends were cut."""
    dice = random.Random(seed)
    kept, present = Kept(), []
    for part in deliveries(rows, dice, parts):
        present += part
        times = [r.t_us for r in part]
        kept.change(present, min(times), max(times))
        expected = made_of(present)
        found = kept.whole()
        assert found.stops == expected.stops
        assert found.trips == expected.trips
        assert found.shares == _sorted(expected.shares)
    return kept.pieces


def deliveries(rows: list[Fix], dice: random.Random, parts: int) -> list[list[Fix]]:
    """Cut a history into pieces and deliver them in any order, some of them twice."""
    if not rows:
        return []
    size = max(1, len(rows) // parts)
    pieces = [rows[n : n + size] for n in range(0, len(rows), size)]
    late = [piece for piece in pieces if dice.random() < 0.4]
    told = [piece for piece in pieces if piece not in late] + dice.sample(late, len(late))
    again = [dice.choice(pieces)]
    return told + again


@pytest.mark.parametrize("seed", range(40))
def test_pieces_in_any_order_give_what_the_whole_gives(seed: int) -> None:
    check(history(seed, 14), seed, 12)


def test_pieces_are_really_pieces() -> None:
    ends = sum(check(history(seed, 25), seed, 20) for seed in range(100, 106))
    assert ends > 60, "hardly any computation began or ended at a stop: the test shows nothing"


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 12), parts=st.integers(1, 25))
def test_any_history_in_any_pieces(seed: int, steps: int, parts: int) -> None:
    check(history(seed, steps), seed, parts)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_single_fixes_added_and_taken_away(seed: int) -> None:
    dice = random.Random(seed)
    rows = history(seed, 10)
    kept = Kept()
    kept.change(rows, -FAR // 2, FAR // 2)
    for _ in range(6):
        at = dice.choice(rows)
        if dice.random() < 0.5:
            rows = [r for r in rows if r is not at]
            kept.change(rows, at.t_us, at.t_us)
        else:
            moved = dice.choice([0, 1, MINUTE, HOUR])
            new = replace(
                at, t_us=at.t_us + moved, lat=at.lat + dice.choice([0, 0.001, 0.5]), hash=-1
            )
            rows = [*rows, new]
            kept.change(rows, new.t_us, new.t_us)
        expected = made_of(rows)
        assert kept.whole() == replace(expected, shares=_sorted(expected.shares))
        if not rows:
            break


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 10))
def test_order_and_repetition_of_fixes_change_nothing(seed: int, steps: int) -> None:
    rows = history(seed, steps)
    disordered = [*rows, *rows[::3]]
    random.Random(seed).shuffle(disordered)
    assert made_of(disordered) == made_of(rows)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 14))
def test_nothing_is_lost_between_trips_and_days(seed: int, steps: int) -> None:
    rows = history(seed, steps)
    made = made_of(rows)
    for column in ("distance_mm", "gap_mm", "moving_s", "idle_s"):
        shared = sum(getattr(share, column) for share in made.shares)
        assert shared == sum(getattr(trip, column) for trip in made.trips)
    assert sum(share.fixes for share in made.shares) == len(fixes_of(rows).ordered())
    assert sum(share.trips for share in made.shares) == len(made.trips)
    for one in made.trips:
        assert one.started_us < one.ended_us
        assert 0 <= (one.gap_mm or 0) <= (one.distance_mm or 0)
        assert (one.distance_mm or 0) > 0
        assert one.terminal_mm is None or one.terminal_mm >= 0
        assert ((one.moving_s or 0) + (one.idle_s or 0)) * SECOND <= one.ended_us - one.started_us
    for one, other in zip(made.trips[:-1], made.trips[1:], strict=True):
        assert one.ended_us <= other.started_us


def test_a_piece_whose_first_stop_is_gone_is_left_as_it_is() -> None:
    # Fixes that are stored, and not due yet, may have moved it.
    made = Drive().park(30).go(5000).park(30).travelled()
    elsewhere = End(made.stops[0].seen_from_us - 1, 0)
    assert with_known_ends(made, elsewhere, elsewhere) == made
    assert with_known_ends(Travelled(), elsewhere, elsewhere) == Travelled()
    known = with_known_ends(made, End(made.stops[0].seen_from_us, 1), None)
    assert known.stops[0].began_us == 1
