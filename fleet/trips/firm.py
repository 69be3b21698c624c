"""Which stops a computation may begin and end at.

**Claim.** Let S be a stop of the whole series with ``firm_after`` A, and E a later one with
``firm_before`` B. Change fixes at times in (A, B) only: add some, take some away. Then what is
computed from the fixes from S's first to E's last alone is exactly what is computed from the
whole series, for everything from the beginning of S to the end of E; and outside of it nothing
changes.

**Proof.** Call the longest time that a window looks ahead L (``Rules.longest_us``).

1. *Verdicts.* More than ``block`` fixes from S's first on are joined by unbroken legs up to A:
   part of a solid run, before the change and after it, in the piece and in the whole. What is
   left out behind them depends on nothing before them (outliers.py); the same holds before B for
   E's last fixes. Whether another terminal speaks is decided with the fixes of five minutes
   around, which are read besides, and a change counts as five minutes wider for it.
2. *S begins where it began.* A window that begins before S ends before S, or it would belong to
   S; one that fails is refuted by a fix no later than the first at least L after S's first fix,
   whose being driven depends on the fix behind that: both lie up to A. So all are as they were. A
   window begins at S's first fix and was decided up to A: it holds still. Windows look ahead
   only, so those that begin in the piece are those of the whole.
3. *E ends where it ended.* B is no later than a fix f of E with f + L up to E's last fix, in
   front of the begin of a window that ends at E's last fix. The first fix behind the change is f
   or earlier, so no window that begins there or before reaches beyond E. Those that begin behind
   f have the fix before them unchanged, so they are as they were, none reaches beyond E's end,
   and one ends there.
4. *The rest.* Whether two stops are one is seen at the last window of the first, the first window
   of the second, and what lies between; a trip is measured, and the odometer stepped through,
   between the begin of one stop and the end of the next. None of it reaches
   from beyond S or E across A or B. Where the leg before S's first fix, or behind E's last, holds
   part of the stop, the time that it began or ended is as it was: :func:`with_known_ends`.

Everything that was used lies within the stop itself, so a piece that holds the whole stop finds
the same A and B as the whole series does. A stop that is too short for that has none, and the
piece goes on to the next. tests/unit/fleet/trips/test_recompute.py holds it by random histories.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fleet.track.fixes import Int64s
from fleet.track.ground import ground
from fleet.track.judge import Judged
from fleet.track.outliers import legs_of
from fleet.track.rules import Rules
from fleet.trips.model import Travelled
from fleet.trips.series import Series
from fleet.trips.stops import Standing


@dataclass(frozen=True, slots=True)
class End:
    """The stop at which a piece begins or ends, as it was.

    Attributes:
        seen_us: its first fix, for a begin; its last, for an end; µs UTC.
        was_us: when it began, or ended.
    """

    seen_us: int
    was_us: int


def with_known_ends(made: Travelled, begin: End | None, end: End | None) -> Travelled:
    """Return what a piece came to, with the ends of its first and last stop as they were.

    Where fixes that nobody has told of yet have moved a stop away, nothing is known: they become
    due, and then a larger piece is computed.

    Args:
        made: of the piece.
        begin: the stop that it begins with; None: it begins with none.
        end: the stop that it ends with; None: it ends with none.
    """
    stops = list(made.stops)
    if begin is not None and stops and stops[0].seen_from_us == begin.seen_us:
        stops[0] = replace(stops[0], began_us=begin.was_us)
    if end is not None and stops and stops[-1].seen_to_us == end.seen_us:
        stops[-1] = replace(stops[-1], ended_us=end.was_us)
    return replace(made, stops=tuple(stops))


class Firmness:
    """Says when the ends of stops are certain."""

    def __init__(self, judged: Judged, series: Series, rules: Rules) -> None:
        """Look at the candidates of which the series is what was left.

        Args:
            judged: what the series was made from.
            series: the fixes that count.
            rules: how far windows look.
        """
        fixes, self._candidates = judged.fixes, judged.candidates
        times = fixes.t_us[self._candidates]
        where = ground(fixes.lat[self._candidates], fixes.lon[self._candidates])
        broken = legs_of(times, where, rules).broken
        self._run: Int64s = np.concatenate(([0], np.cumsum(broken)))
        self._place = np.searchsorted(self._candidates, judged.counting)
        self._times, self._series, self._rules = times, series, rules

    def after(self, stop: Standing) -> int | None:
        """Return the time from which on changes cannot move a stop's begin; None: never certain."""
        if not stop.window_first:
            return None
        far = self._series.t_us[stop.first] + self._rules.longest_us
        kept = int(np.searchsorted(self._series.t_us, far, side="left")) + 1
        if kept > stop.last:
            return None
        begin = int(self._place[stop.first])
        upto = max(begin + self._rules.block, int(self._place[kept]))
        if upto > int(self._place[stop.last]) or self._run[begin] != self._run[upto]:
            return None
        return int(self._times[upto])

    def before(self, stop: Standing) -> int | None:
        """Return the time up to which changes cannot move a stop's end; None: never certain."""
        if stop.window_last is None:
            return None
        far = self._series.t_us[stop.last] - self._rules.longest_us
        kept = min(
            int(np.searchsorted(self._series.t_us, far, side="right")) - 1, stop.window_last - 1
        )
        if kept < stop.first:
            return None
        end = int(self._place[stop.last])
        from_ = min(end - self._rules.block, int(self._place[kept]))
        if from_ < int(self._place[stop.first]) or self._run[from_] != self._run[end]:
            return None
        return int(self._times[from_])
