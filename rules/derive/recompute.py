"""Computes the episodes of places again, as far as a change of what was measured reaches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import numpy as np
import psycopg

from metering.gauge.settings import GaugeSettings
from registry.calendar import Calendar
from rules.derive import store
from rules.derive.evaluate import Found, Layers, Version, evaluate
from rules.derive.hours import of_all, working
from rules.derive.inputs import load_inputs
from rules.derive.modes import Modes
from rules.derive.sources import Sources
from rules.derive.span import Look, look, too_narrow, windows
from rules.derive.tagging import load_tags
from rules.kinds.model import Input
from rules.timeline.overlay import Windows
from storage import arrays
from storage.due import Claim, Span
from storage.times import ALWAYS_US, NEVER_US, us_of

# From the first to the last reading of a place and, since sensors of a room speak for all of it, of
# its room: two index descents a point. And what was found before: a binding may be withdrawn.
_READ: Final[LiteralString] = """
WITH wanted AS MATERIALIZED (
    SELECT place FROM unnest(%(places)s::int[]) AS place
), near AS (
    SELECT place, place AS at FROM wanted
    UNION
    SELECT place, other.place_id FROM wanted
    JOIN place_room AS own ON own.place_id = place
    JOIN place_room AS other ON other.room_id = own.room_id
), known AS (
    SELECT place, oldest.ts AS since, newest.ts AS until
    FROM near
    JOIN device_place AS bound ON bound.place_id = near.at
    JOIN point ON point.device_id = bound.device_id AND point.name = ANY(%(names)s::text[])
    CROSS JOIN LATERAL (
        SELECT ts FROM reading WHERE point_id = point.id ORDER BY ts LIMIT 1
    ) AS oldest
    CROSS JOIN LATERAL (
        SELECT ts FROM reading WHERE point_id = point.id ORDER BY ts DESC LIMIT 1
    ) AS newest
    UNION ALL
    SELECT place, since, until FROM wanted JOIN episode ON episode.place_id = place
)
SELECT place, min(since), max(until) FROM known GROUP BY place
"""


@dataclass(frozen=True, slots=True)
class Basis:
    """What evaluation rests on besides what was measured.

    Attributes:
        versions: of all rules.
        gauges: how long values hold.
        calendar: which days are workdays.
        zone: of the site.
        modes: what operating modes mean; it learns.
    """

    versions: tuple[Version, ...]
    gauges: GaugeSettings
    calendar: Calendar
    zone: ZoneInfo
    modes: Modes

    @property
    def inputs(self) -> frozenset[Input]:
        """What some rule cannot do without: nothing else decides whether there is a doubt."""
        return frozenset(name for one in self.versions for name in one.rule.kind.inputs)

    def reach_us(self, versions: Sequence[Version]) -> int:
        """How far a change reaches at most where nothing stood before."""
        hold = max(self.gauges.gauge_silence_s, self.gauges.state_silence_s) * 1_000_000
        return hold + max((one.rule.persistence.reach_us for one in versions), default=0)


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What was done.

    Attributes:
        looks: where episodes are others than before.
        episodes: how many were written.
    """

    looks: tuple[Look, ...]
    episodes: int


def recompute(conn: psycopg.Connection[Any], claims: Sequence[Claim], basis: Basis) -> Recomputed:
    """Replace the episodes that changes can have touched.

    Any order and overlap of changes gives what one look at everything gives.

    Args:
        conn: in the transaction of the claims.
        claims: places; every change has a bound, see :func:`bounded`.
        basis: rules and what else.
    """
    places = [one.subject for one in claims]
    sources = Sources.load(conn, places, basis.gauges, basis.inputs)
    seen: list[Look] = []
    written = 0
    spans = {one.subject: one for one in claims}
    for versions, group in grouped(spans, sources, basis.versions):
        reach = basis.reach_us(versions)
        waiting = [_looks(spans[place], reach) for place in group]
        while waiting := [looks for looks in waiting if looks]:
            known = Known(conn, basis, versions, sources)
            one = _settle(known, [looks.pop() for looks in waiting])
            seen += one.looks
            written += one.episodes
    return Recomputed(tuple(seen), written)


def grouped(
    places: Iterable[int], sources: Sources, versions: Sequence[Version]
) -> Iterator[tuple[tuple[Version, ...], list[int]]]:
    """Put together the places where the same is measured, with the rules that can be about them.

    A place where nothing is measured any more keeps its rules, so that what was found goes away.
    """
    measured = sources.measured()
    groups: dict[frozenset[Input], list[int]] = {}
    for place in places:
        groups.setdefault(measured.get(place, frozenset()), []).append(place)
    for names, group in groups.items():
        yield tuple(v for v in versions if not names or set(v.rule.kind.inputs) <= names), group


@dataclass(frozen=True, slots=True)
class Known:
    """Where to look.

    Attributes:
        conn: in the transaction of the claims.
        basis: what evaluation rests on.
        versions: rules that can be about the places.
        sources: points that speak of them.
    """

    conn: psycopg.Connection[Any]
    basis: Basis
    versions: Sequence[Version]
    sources: Sources

    def found(self, seen: Windows) -> list[Found]:
        """Return what the rules find within windows of places."""
        return evaluate(self.versions, self.layers(seen), seen)

    def layers(self, seen: Windows) -> Layers:
        """Load what is known of places within windows."""
        basis = self.basis
        begin, end = int(seen.begin.min()), int(seen.end.max())
        hours = {one.rule.hours.code: one.rule.hours for one in self.versions if one.rule.hours}
        words = {word for one in self.versions for word in one.rule.only | one.rule.without}
        return Layers(
            load_inputs(self.conn, self.sources, seen, basis.modes),
            load_tags(self.conn, words, seen),
            {
                code: of_all(working(one, basis.calendar, basis.zone, begin, end), seen)
                for code, one in hours.items()
            },
        )


def _settle(known: Known, looks: Sequence[Look]) -> Recomputed:
    """Look at places, wider and wider, until nothing that is found goes on beyond."""
    done: list[Look] = []
    written = 0
    while looks:
        extents = store.extents(known.conn, windows(looks))
        looks = [one.over(extents.get(one.place)) for one in looks]
        seen = windows(looks)
        found = known.found(seen)
        narrow = too_narrow(looks, found)
        wide = [one for one in looks if one.place not in narrow]
        settled = windows(wide)
        replaced = store.replace(known.conn, settled, [_of(settled, one) for one in found])
        written += replaced.written
        done += [one for one in wide if one.place in replaced.places]
        looks = [one.wider(*narrow[one.place]) for one in looks if one.place in narrow]
    return Recomputed(tuple(done), written)


def _of(settled: Windows, found: Found) -> Found:
    """Keep what was found of some places."""
    return Found(
        found.version, found.runs.where(np.isin(found.runs.subject, settled.subject)), found.edges
    )


def bounded(conn: psycopg.Connection[Any], claims: Sequence[Claim]) -> list[Claim]:
    """Bound changes that have no bound by what is known of their places.

    Args:
        conn: any connection.
        claims: of places. One of which nothing is known is left without a span.
    """
    known = _extents(conn, [one.subject for one in claims if _unbounded(one)])
    return [_bounded(one, known.get(one.subject)) if _unbounded(one) else one for one in claims]


def _bounded(claim: Claim, extent: tuple[int, int] | None) -> Claim:
    if extent is None:
        return replace(claim, spans=())
    first, last = extent
    spans = (Span(max(one.from_us, first), min(one.to_us, last)) for one in claim.spans)
    return replace(claim, spans=tuple(one for one in spans if one.from_us <= one.to_us))


def _unbounded(claim: Claim) -> bool:
    return claim.spans[0].from_us <= ALWAYS_US or claim.spans[-1].to_us >= NEVER_US


def _looks(claim: Claim, reach: int) -> list[Look]:
    """What a place's changes can have touched."""
    return [look(claim.subject, span.from_us - reach, span.to_us + reach) for span in claim.spans]


def _extents(conn: psycopg.Connection[Any], places: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Return from when to when something is known of places, or was found in them."""
    rows = conn.execute(_READ, {"places": arrays.ids(places), "names": [n.value for n in Input]})
    return {place: (us_of(first), us_of(last)) for place, first, last in rows}
