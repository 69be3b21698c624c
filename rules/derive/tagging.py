"""Tags of places as layers: what holds which tag when, its own and what it inherits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import psycopg

from metering.gauge.hold import Holds
from registry.tags import tags_at
from rules.timeline.overlay import Windows
from storage.times import ALWAYS_US, NEVER_US, at_us, us_of

Spans = list[tuple[int, int, int]]
"""Place, from, to; µs UTC."""


def load_tags(
    conn: psycopg.Connection[Any], words: Collection[str], windows: Windows
) -> Mapping[str, Holds]:
    """Load what places hold which tags within windows.

    Args:
        conn: any connection.
        words: the tags that matter.
        windows: of places.
    """
    if not words or not len(windows):
        return {}
    since, until = at_us(int(windows.begin.min())), at_us(int(windows.end.max()))
    spans: dict[str, Spans] = defaultdict(list)
    for place, tags in tags_at(conn, "place", windows.subject.tolist(), since, until).items():
        for tag in tags:
            if tag.tag in words:
                begin = ALWAYS_US if tag.since is None else us_of(tag.since)
                end = NEVER_US if tag.until is None else us_of(tag.until)
                spans[tag.tag].append((place, begin, end))
    return {word: _holds(joined(found)) for word, found in spans.items()}


def joined(spans: Spans) -> Spans:
    """Return spans in order, none of a place touching another: several may hand down a tag."""
    found: Spans = []
    for place, begin, end in sorted(spans):
        if found and found[-1][0] == place and begin <= found[-1][2]:
            found[-1] = (place, found[-1][1], max(end, found[-1][2]))
        else:
            found.append((place, begin, end))
    return found


def _holds(spans: Spans) -> Holds:
    place, begin, end = np.array(spans, np.int64).T
    return Holds(place, begin, end, np.ones(len(spans)))
