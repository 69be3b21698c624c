"""What is looked at of devices and buses, and since when they are silent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

from metering.gauge.hold import Holds
from rules.subjects.devices.heard import Hung
from rules.subjects.devices.own import Silence
from rules.timeline.overlay import Windows
from storage.times import OPEN_US

Looked = Mapping[int, tuple[int, int]]
"""From when to when each subject is looked at, µs UTC."""
LastHour = Callable[[Sequence[tuple[int, int]]], Mapping[int, int]]
"""Given subjects and moments, in which hour each was heard of last before: by its place in the
list; those that never were are left out."""


def looked_at(windows: Windows, among: Container[int]) -> dict[int, tuple[int, int]]:
    """Return windows of some subjects, none beyond what is known of the future."""
    columns = (windows.subject.tolist(), windows.begin.tolist(), windows.end.tolist())
    return {
        subject: (begin, min(end, OPEN_US))
        for subject, begin, end in zip(*columns, strict=True)
        if subject in among
    }


def within(hung: Iterable[Hung], looked: Looked) -> Iterator[Hung]:
    """Yield when subjects hung, cut to what is looked at."""
    for one in hung:
        first, last = looked.get(one.subject, (0, 0))
        since, until = max(one.since, first), min(one.until, last)
        if since < until:
            yield Hung(one.subject, since, until)


def silences(
    found: Holds, hung: Sequence[Hung], lasts: Mapping[int, int], last_hour: LastHour
) -> list[Silence]:
    """Return when nothing was heard of subjects, with when that began.

    Args:
        found: when they were heard of (1) and when not (0), within what is looked at.
        hung: when they hung, all of it.
        lasts: how long each is heard of from the hour of a reading on, µs.
        last_hour: looks up what was before.
    """
    silent = found.where(found.value == 0)
    columns = (silent.subject.tolist(), silent.since.tolist(), silent.until.tolist())
    rows = list(zip(*columns, strict=True))
    of: dict[int, list[Hung]] = defaultdict(list)
    for one in hung:
        of[one.subject].append(one)
    begins = [_hung_since(of[subject], since) for subject, since, _ in rows]
    longer = [n for n, (_, since, _) in enumerate(rows) if begins[n] < since]
    hours = last_hour([rows[n][:2] for n in longer]) if longer else {}
    for at, hour in hours.items():
        n = longer[at]
        begins[n] = min(max(begins[n], hour + lasts[rows[n][0]]), rows[n][1])
    return [Silence(row[0], begin, *row[1:]) for row, begin in zip(rows, begins, strict=True)]


def _hung_since(hung: Iterable[Hung], moment: int) -> int:
    return next(one.since for one in hung if one.since <= moment < one.until)
