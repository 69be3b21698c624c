"""Tags of subjects as layers: what has which tag when, its own and what it inherits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

import numpy as np

from metering.gauge.hold import Holds
from rules.subjects.model import Conn, Subjects
from rules.timeline.overlay import Windows
from storage.times import ALWAYS_US, NEVER_US, at_us, us_of

Spans = list[tuple[int, int, int]]
"""Whose, from, to; µs UTC."""


def load_tags(
    conn: Conn, subjects: Subjects, words: Collection[str], windows: Windows
) -> dict[str, Holds]:
    """Load which subjects have which tags within windows.

    Args:
        conn: any connection.
        subjects: of which sort.
        words: the tags that matter.
        windows: of the subjects.
    """
    if not words or not len(windows):
        return {}
    since, until = at_us(int(windows.begin.min())), at_us(int(windows.end.max()))
    spans: dict[str, Spans] = defaultdict(list)
    for subject, tags in subjects.tags(conn, windows.subject.tolist(), since, until).items():
        for tag in tags:
            if tag.tag in words:
                begin = ALWAYS_US if tag.since is None else us_of(tag.since)
                end = NEVER_US if tag.until is None else us_of(tag.until)
                spans[tag.tag].append((subject, begin, end))
    return {word: spanned(joined(found)) for word, found in spans.items()}


def joined(spans: Spans) -> Spans:
    """Return spans in order, none of a subject touching another: several may hand down a tag."""
    found: Spans = []
    for subject, begin, end in sorted(spans):
        if found and found[-1][0] == subject and begin <= found[-1][2]:
            found[-1] = (subject, found[-1][1], max(end, found[-1][2]))
        else:
            found.append((subject, begin, end))
    return found


def spanned(spans: Spans) -> Holds:
    """Return layers of value 1 over spans."""
    subject, begin, end = np.array(spans, np.int64).T
    return Holds(subject, begin, end, np.ones(len(spans)))
