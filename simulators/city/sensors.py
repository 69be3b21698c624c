"""What sensors told of a room: polled, kept on change and as a sign of life, disturbed.

What they did not tell is written down here, so that nobody has to guess it from what they told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.city.life import Course
from simulators.city.model import Int64s, Series
from simulators.city.spans import Span, Spans, union, without

POLLS_S: Final = (60, 60, 60, 300)
"""So often gateways ask: mostly every minute, some every five."""
_STATE_S: Final = 1_800
_GAUGE_S: Final = 600
"""So often a value that does not change is told all the same."""
_GLITCH_C: Final = 16.0
_STANDBY_W: Final = 3.0
_HOLDS_S: Final = (60, 120, 300)
"""So long sensors of movement go on saying that somebody is there."""
_FALSE_PULSES_A_DAY: Final = 0.5
"""Sun and draughts: a sensor of movement sees somebody in an empty room."""
_LUX_NOISE: Final = 0.03
_BENCH_S: Final = 2 * 3_600
"""Between the old device and the new one."""


@dataclass(slots=True)
class Troubles:
    """What happens to a device, s UTC.

    Attributes:
        gone: it tells nothing.
        unknown: of these, when it begins by saying that it does not know.
        late: what it tells then comes when the time is over.
        glitches: moments of one wrong value.
        replaced: when another device took its place; None: never.
    """

    gone: Spans = field(default_factory=list)
    unknown: Spans = field(default_factory=list)
    late: Spans = field(default_factory=list)
    glitches: list[int] = field(default_factory=list)
    replaced: int | None = None

    @property
    def silent(self) -> Spans:
        """When nothing was told."""
        swapped = [] if self.replaced is None else [(self.replaced, self.replaced + _BENCH_S)]
        return union(self.gone, swapped)


@dataclass(frozen=True, slots=True)
class Sensed:
    """A device's time in a room.

    Attributes:
        span: of the plan, s UTC.
        rng: of this device.
        troubles: what happens to it.
        poll_s: how often it is asked.
    """

    span: Span
    rng: np.random.Generator
    troubles: Troubles
    poll_s: int = POLLS_S[0]

    def state(self, point: str, spans: Spans) -> list[Series]:
        """Tell 1 within spans, else 0."""
        at, value = _steps(spans, self.span)
        return self.told(point, at, value, _STATE_S)

    def told(
        self, point: str, at: Int64s, value: NDArray[np.float64], every_s: int, noise: float = 0.0
    ) -> list[Series]:
        """Tell a value that is what it is from each moment on.

        Args:
            point: its name.
            at: ascending moments, s UTC; the first is the begin.
            value: from each on.
            every_s: it is told again at least so often.
            noise: share by which each telling errs.
        """
        begin, end = self.span
        first = begin + int(self.rng.integers(self.poll_s))
        changes = first + -(-(at - first) // self.poll_s) * self.poll_s
        beats = np.arange(first, end, every_s)
        ts = np.unique(np.concatenate([changes[(changes >= first) & (changes < end)], beats]))
        seen = value[np.searchsorted(at, ts, side="right") - 1]
        if noise:
            seen = np.round(seen * (1 + noise * self.rng.standard_normal(len(ts))))
        return self._disturbed(point, ts, seen)

    def _disturbed(self, point: str, ts: Int64s, value: NDArray[np.float64]) -> list[Series]:
        troubles = self.troubles
        kept = ~_inside(ts, troubles.silent)
        says_not = np.array([begin for begin, _ in troubles.unknown], np.int64)
        ts, value = np.r_[ts[kept], says_not], np.r_[value[kept], np.full(len(says_not), np.nan)]
        if point == "set_point":
            ts, value = _glitched(ts, value, troubles.glitches, self.poll_s)
        order = np.argsort(ts, kind="stable")
        ts, value = ts[order], value[order]
        single = np.r_[True, ts[1:] > ts[:-1]]
        ts, value = ts[single], value[single]
        received = ts + 1
        for begin, end in troubles.late:
            received = np.where((ts >= begin) & (ts < end), end + 1, received)
        bounds = self._devices()
        parts = [(ts >= since) & (ts < until) for since, until in bounds]
        second = 1_000_000
        return [
            Series(point, ts[part] * second, value[part], received[part] * second, since, until)
            for part, (since, until) in zip(parts, bounds, strict=True)
        ]

    def _devices(self) -> list[Span]:
        """From when to when each device was there, the newest first."""
        begin, end = self.span
        swapped = self.troubles.replaced
        if swapped is None:
            return [self.span]
        return [(swapped + _BENCH_S, end), (begin, swapped)]


def seen(course: Course, span: Span, rng: np.random.Generator, poll_s: int) -> Spans:
    """Return when a sensor of movement says that somebody is there.

    It is set to go on saying so until it is asked again: docs/rules_evaluation.md says what becomes
    of doubts where it is not.
    """
    hold = max(int(rng.choice(_HOLDS_S)), poll_s)
    moving = without(course.people, union(course.still))
    days = (span[1] - span[0]) / 86_400
    pulses = rng.uniform(*span, rng.poisson(days * _FALSE_PULSES_A_DAY)).astype(int)
    return union([(a, b + hold) for a, b in moving], [(int(at), int(at) + hold) for at in pulses])


def aircon(course: Course, sensed: Sensed) -> list[Series]:
    """Tell run, mode and set point."""
    begin = sensed.span[0]
    moments = sorted([*((a, how) for a, _, how in course.run), *course.idle], key=lambda x: x[0])
    at = np.array([max(moment, begin) for moment, _ in moments], np.int64)
    last = np.r_[at[1:] > at[:-1], True]
    modes = np.array([mode for _, (mode, _) in moments], np.float64)[last]
    degrees = np.array([degrees for _, (_, degrees) in moments])[last]
    at = at[last]
    running = union([(a, b) for a, b, _ in course.run])
    return [
        *sensed.state("run", running),
        *sensed.told("mode", at, modes, _STATE_S),
        *sensed.told("set_point", at, degrees, _GAUGE_S),
    ]


def lamps(
    course: Course, sensed: Sensed, light: NDArray[np.float64], own_lx: float
) -> list[Series]:
    """Tell relay, people and light: what comes through the window, and what the lamps add."""
    begin, end = sensed.span
    quarters = np.arange(begin, end, 900)
    changes = np.array([moment for span in course.lamp for moment in span], np.int64)
    at = np.unique(np.concatenate([quarters, changes[(changes > begin) & (changes < end)]]))
    lux = light[(at - begin) // 900] + own_lx * _inside(at, course.lamp)
    return [
        *sensed.state("relay", course.lamp),
        *sensed.state("occupancy", seen(course, sensed.span, sensed.rng, sensed.poll_s)),
        *sensed.told("lux", at, lux, _GAUGE_S, _LUX_NOISE),
    ]


def power(course: Course, sensed: Sensed, rated_w: float) -> list[Series]:
    """Tell power alone."""
    at, on = _steps(course.lamp, sensed.span)
    return sensed.told("power", at, np.where(on > 0, rated_w, _STANDBY_W), _GAUGE_S, _LUX_NOISE)


def _steps(spans: Spans, span: Span) -> tuple[Int64s, NDArray[np.float64]]:
    begin, end = span
    found = [(max(a, begin), min(b, end)) for a, b in spans if a < end and b > begin]
    at = np.array([begin, *(moment for one in found for moment in one)], np.int64)
    value = np.r_[0.0, np.tile([1.0, 0.0], len(found))]
    last = np.r_[at[1:] > at[:-1], True]
    return at[last], value[last]


def _inside(ts: Int64s, spans: Spans) -> NDArray[np.bool_]:
    if not spans:
        return np.zeros(len(ts), np.bool_)
    begins, ends = np.array(spans, np.int64).T
    at = np.searchsorted(begins, ts, side="right") - 1
    inside: NDArray[np.bool_] = (at >= 0) & (ts < ends[at])
    return inside


def _glitched(
    ts: Int64s, value: NDArray[np.float64], moments: list[int], poll_s: int
) -> tuple[Int64s, NDArray[np.float64]]:
    """One wrong value; the next poll tells the right one."""
    for moment in moments:
        at = int(np.searchsorted(ts, moment, side="right")) - 1
        if at >= 0 and moment - ts[at] < _GAUGE_S:
            ts = np.r_[ts, moment, moment + poll_s]
            value = np.r_[value, _GLITCH_C, value[at]]
    return ts, value
