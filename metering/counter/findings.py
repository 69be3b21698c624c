"""What is not ordinary in a counter's history: rows of ``counter_finding``."""

from __future__ import annotations

from typing import Final

import numpy as np

from metering.counter.model import (
    MEASURED_US,
    Finding,
    Int64s,
    Path,
    Policy,
    Readings,
    Step,
)

_KINDS: Final[dict[int, str]] = {
    Step.ROLLOVER: "rollover",
    Step.RESET: "reset",
    Step.JUMP: "jump",
    Step.ENTERED: "entered",
}


def findings(readings: Readings, path: Path, policy: Policy) -> list[Finding]:
    """Return what is not ordinary, by time.

    All but ``first`` and ``stuck`` rest on the readings between two accepted ones and on nothing
    else; ``first`` is of the first accepted reading given, and stretches on which a counter is
    stuck are whole only where all their readings are given.

    Args:
        readings: of one counter.
        path: which of them count.
        policy: asks for ``stuck`` or does not.
    """
    found = _first(readings, path)
    if len(path.kept) < len(readings):
        found += _left_out(readings, path, policy)
    found += _steps(readings, path)
    if policy.stuck_us is not None:
        found += _stuck(readings, path, policy.stuck_us)
    return sorted(found, key=lambda finding: (finding.ts, finding.kind))


def _first(readings: Readings, path: Path) -> list[Finding]:
    if not len(path.kept):
        return []
    ts, ticks = _at(readings, int(path.kept[0]))
    return [Finding("first", ts, ts, before=None, after=ticks, ticks=None)]


def _steps(readings: Readings, path: Path) -> list[Finding]:
    ts, ticks = readings.ts[path.kept], readings.ticks[path.kept]
    gaps = path.known & (ts[1:] - ts[:-1] > MEASURED_US)
    rows = np.flatnonzero(gaps | (path.steps != Step.NORMAL))
    columns = (path.steps, gaps, path.known, path.booked, ts[:-1], ts[1:], ticks[:-1], ticks[1:])
    found = []
    for step, gap, known, booked, before, end, first, last in zip(
        *(column[rows].tolist() for column in columns), strict=True
    ):
        # Two resets may follow each other, the first next to its final value: told apart by their
        # own time, not by that of the reading before.
        begin = end if step == Step.ENTERED else before
        kinds = [_KINDS[step]] if step in _KINDS else []
        kinds += ["gap"] if gap else []
        ticks_of = booked if known else None
        found += [Finding(kind, begin, end, first, last, ticks_of) for kind in kinds]
    return found


def _left_out(readings: Readings, path: Path, policy: Policy) -> list[Finding]:
    """Group what is left out between two accepted readings, by what it looks like."""
    counts = np.ones(len(readings), np.bool_)
    counts[path.kept] = False
    odd = np.flatnonzero(counts)
    follower = np.searchsorted(path.kept, odd)
    found = []
    for group in np.split(odd, np.flatnonzero(np.diff(follower)) + 1):
        at = int(np.searchsorted(path.kept, group[0]))
        before = _at(readings, int(path.kept[at - 1]))[1] if at else None
        if at == len(path.kept):
            kinds = ["suspect"] * len(group)
        elif _runs_backwards(readings.ticks[group], before, policy):
            kinds = ["backwards"] * len(group)
        else:
            base = readings.ticks[path.kept[max(at - 1, 0)]]
            kinds = ["dip" if low else "spike" for low in readings.ticks[group] < base]
        found += _runs(readings, group, kinds, before)
    return found


def _runs(readings: Readings, group: Int64s, kinds: list[str], before: int | None) -> list[Finding]:
    starts = [i for i in range(len(kinds)) if not i or kinds[i] != kinds[i - 1]]
    found = []
    for start, stop in zip(starts, [*starts[1:], len(kinds)], strict=True):
        ts, ticks = _at(readings, int(group[start]))
        until, _ = _at(readings, int(group[stop - 1]))
        # What is left out adds nothing; of the last ones that is not yet known.
        booked = None if kinds[start] == "suspect" else 0
        found.append(Finding(kinds[start], ts, until, before, ticks, booked))
    return found


def _runs_backwards(ticks: Int64s, before: int | None, policy: Policy) -> bool:
    """Tell whether readings fall and fall: a counter wired the wrong way, not a dip."""
    if before is None or len(ticks) <= policy.confirm_readings or ticks[0] > before:
        return False
    falls = np.diff(ticks)
    return bool((falls <= 0).all() and np.count_nonzero(falls) >= policy.confirm_readings)


def _stuck(readings: Readings, path: Path, longest: int) -> list[Finding]:
    ts = readings.ts[path.kept]
    still = path.known & (path.booked == 0) & (path.steps == Step.NORMAL)
    bounds = np.flatnonzero(np.diff(np.concatenate(([0], still.astype(np.int8), [0]))))
    found = []
    for begin, end in bounds.reshape(-1, 2).tolist():
        if ts[end] - ts[begin] >= longest:
            ticks = int(readings.ticks[path.kept[begin]])
            found.append(Finding("stuck", int(ts[begin]), int(ts[end]), ticks, ticks, 0))
    return found


def _at(readings: Readings, index: int) -> tuple[int, int]:
    return int(readings.ts[index]), int(readings.ticks[index])
