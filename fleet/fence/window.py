"""Looking at a window of a vehicle's track so that it says what the whole track says.

More is read around the window until both sides hold a solid run of fixes (fleet.track.outliers:
what is believed behind one depends on nothing before it) and, for each fence, a time that is
decided (fleet.fence.passage). Usually that is two hours; a vehicle that stands on a fence's edge
for weeks costs weeks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from fleet.fence.passage import Crossing, Watch, crossings, decided
from fleet.fence.track import Silence, Track, track_of
from fleet.track.fixes import Fixes
from fleet.track.ground import ground
from fleet.track.judge import Judged, judge
from fleet.track.outliers import legs_of
from fleet.track.rules import SECOND_US, Rules

_HOUR_US: Final = 3_600 * SECOND_US
_PADS_US: Final = tuple(hours * _HOUR_US for hours in (2, 26, 240, 1_536))


@dataclass(frozen=True, slots=True)
class Around:
    """Where fixes lie around a window; µs UTC.

    Attributes:
        first, last: of all.
        before: the last one up to the window's begin; the begin itself where there is none.
        behind: the first one from the window's end on; the end itself where there is none.
    """

    first: int
    before: int
    behind: int
    last: int


class Source(Protocol):
    """The fixes of one vehicle."""

    def around(self, from_us: int, to_us: int) -> Around | None:
        """Return where fixes lie around a window; None: there is none at all."""
        ...

    def read(self, from_us: int, to_us: int) -> Fixes:
        """Return those of a span, both ends included, ordered."""
        ...


def window(  # noqa: PLR0913, PLR0917 - the span, and all that is believed
    source: Source,
    from_us: int,
    to_us: int,
    watches: Sequence[Watch],
    rules: Rules,
    silence: Silence,
) -> Track:
    """Return a track that says of a window, of each fence, what the whole track would.

    Args:
        source: the fixes.
        from_us: begin of the window, µs UTC.
        to_us: its end.
        watches: the fences that it will be asked for.
        rules: which fixes are believed.
        silence: what is believed between them.
    """
    around = source.around(from_us, to_us)
    if around is None or around.last < from_us or to_us < around.first:
        # Nothing is known before the first fix and behind the last.
        return track_of(judge(source.read(0, 0), rules), rules, silence)
    tries_before, tries_behind = 0, 0
    while True:
        first = _reach(tries_before, around.before, -1, around.first)
        last = _reach(tries_behind, around.behind, 1, around.last)
        fixes = source.read(first - rules.cover_us, last + rules.cover_us)
        judged = judge(fixes, rules, first, last)
        start = first if first <= around.first else _solid_from(judged, rules, from_us)
        end = last if last >= around.last else _solid_to(judged, rules, to_us)
        if start is not None and end is not None:
            track = track_of(_cut(judged, start, end), rules, silence)
            sides = ((start, from_us), (to_us, end))
            known = [decided(track, watch, sides) for watch in watches]
            if first > around.first and not all(before for before, _ in known):
                start = None
            if last < around.last and not all(behind for _, behind in known):
                end = None
            if start is not None and end is not None:
                return track
        tries_before += start is None
        tries_behind += end is None


def crossings_in(track: Track, watch: Watch, from_us: int, to_us: int) -> list[Crossing]:
    """Return the entries and exits of a window; its end is not included."""
    return [one for one in crossings(track, watch) if from_us <= one.at_us < to_us]


def _reach(tries: int, edge_us: int, sign: int, bound_us: int) -> int:
    """Return how far to read: a pad beyond the fix next to the window, at last all there is."""
    if tries >= len(_PADS_US):
        return min(edge_us, bound_us) if sign < 0 else max(edge_us, bound_us)
    return edge_us + sign * _PADS_US[tries]


def _cut(judged: Judged, from_us: int, to_us: int) -> Judged:
    times = judged.fixes.t_us[judged.counting]
    kept = judged.counting[(times >= from_us) & (times <= to_us)]
    return Judged(judged.fixes, judged.verdicts, judged.candidates, kept)


def _solid_from(judged: Judged, rules: Rules, until_us: int) -> int | None:
    """Return the first time that has a solid run before it, before the window; None: no time."""
    times, full = _solid(judged, rules)
    ends = times[rules.block :][full]
    return int(ends[0]) if len(ends) and ends[0] <= until_us else None


def _solid_to(judged: Judged, rules: Rules, from_us: int) -> int | None:
    """Return the last time that has a solid run behind it, behind the window; None: no time."""
    times, full = _solid(judged, rules)
    begins = times[: len(full)][full]
    return int(begins[-1]) if len(begins) and begins[-1] >= from_us else None


def _solid(judged: Judged, rules: Rules) -> tuple[np.ndarray, np.ndarray]:
    """Return the candidates' times, and of each whether enough joined ones begin with it."""
    fixes, which = judged.fixes, judged.candidates
    times = fixes.t_us[which]
    if len(times) <= rules.block:
        return times, np.zeros(0, np.bool_)
    broken = legs_of(times, ground(fixes.lat[which], fixes.lon[which]), rules).broken
    breaks = np.concatenate(([0], np.cumsum(broken)))
    return times, breaks[rules.block :] == breaks[: -rules.block]
