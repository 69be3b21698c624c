"""Computes the episodes of subjects again, as far as a change of what was measured reaches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
import psycopg

from rules.derive import store
from rules.derive.evaluate import Found, Judge, Layers, evaluate, judged
from rules.derive.fared import Fared
from rules.derive.hours import of_all, working
from rules.derive.settled import Area, Matters, Spans, settle
from rules.derive.span import Look, around, look, looks_of, wider, windows
from rules.ruleset.model import Version
from rules.subjects.model import Basis, Known, Subjects
from rules.subjects.owners import load_owners
from rules.subjects.tagging import load_tags
from rules.timeline.overlay import Windows
from storage.due import Claim, Span
from storage.times import ALWAYS_US, NEVER_US, OPEN_US

_SECOND_US: Final = 1_000_000
_SHORT_US: Final = 4 * 3_600_000_000
"""Most rules wait less."""


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What was done.

    Attributes:
        looks: where episodes are others than before.
        episodes: how many were written.
        fared: how the rules fared; where one failed, what it had found stays.
    """

    looks: tuple[Look, ...]
    episodes: int
    fared: Fared


def recompute(
    conn: psycopg.Connection[Any], subjects: Subjects, claims: Sequence[Claim], basis: Basis
) -> Recomputed:
    """Replace the episodes that changes can have touched.

    Any order and overlap of changes gives what one look at everything gives.

    Args:
        conn: in the transaction of the claims.
        subjects: of which sort.
        claims: every change has a bound, see :func:`bounded`.
        basis: rules about this sort, and what else.
    """
    spans = {one.subject: one for one in claims}
    seen: list[Look] = []
    written, fared = 0, Fared()
    for view, group in views(conn, subjects, list(spans), basis):
        waiting = [view.changed(spans[subject]) for subject in group]
        while waiting := [looks for looks in waiting if looks]:
            looked, count = _settled(view, fared, [looks.pop() for looks in waiting])
            seen += looked
            written += count
    return Recomputed(tuple(seen), written, fared)


def views(
    conn: psycopg.Connection[Any], subjects: Subjects, among: Sequence[int], basis: Basis
) -> Iterator[tuple[View, list[int]]]:
    """Put together the subjects of which the same is known, with the rules that can be about them.

    One of which nothing is known any more keeps its rules, so that what was found goes away.

    Args:
        conn: any connection.
        subjects: of which sort.
        among: their ids.
        basis: rules about this sort, and what else.
    """
    known = subjects.look_up(conn, among, basis, basis.inputs)
    layers = known.layers()
    groups: dict[frozenset[str], list[int]] = {}
    for subject in among:
        groups.setdefault(layers.get(subject, frozenset()), []).append(subject)
    for names, group in groups.items():
        about = [v for v in basis.versions if not names or set(v.rule.kind.inputs) <= names]
        for versions, others in _apart(about, subjects.apart):
            its = known
            if others:
                inputs = frozenset(name for v in versions for name in v.rule.kind.inputs)
                its = subjects.look_up(conn, group, basis, inputs)
            yield View(conn, subjects, its, basis, versions, others), group


def _apart(
    versions: Sequence[Version], layers: frozenset[str]
) -> Iterator[tuple[tuple[Version, ...], frozenset[int]]]:
    """Yield rules that are looked at together, with the ids of those that are not among them.

    Rules that share a matter are never parted.
    """
    long = [v for v in versions if v.rule.matter is None and set(v.rule.kind.inputs) <= layers]
    rest = [v for v in versions if v not in long]
    if not long or not rest:
        yield tuple(versions), frozenset()
        return
    for part, others in ((rest, long), (long, rest)):
        yield tuple(part), frozenset(v.id for v in others)


@dataclass(frozen=True, slots=True)
class View:
    """Some subjects, and what rules make of them.

    Attributes:
        conn: in the transaction of the claims.
        subjects: of which sort.
        known: they, looked up.
        basis: what evaluation rests on.
        versions: rules that can be about them.
        others: ids of rules about them that another view looks at.
    """

    conn: psycopg.Connection[Any]
    subjects: Subjects
    known: Known
    basis: Basis
    versions: Sequence[Version]
    others: frozenset[int] = frozenset()

    @property
    def bridged_us(self) -> int:
        """More than any rule bridges."""
        most = max((one.rule.persistence.bridged_us for one in self.versions), default=0)
        return most + _SECOND_US

    @property
    def longest_us(self) -> int:
        """No rule waits longer, and what is bridged is not counted."""
        return max((one.rule.persistence.reach_us for one in self.versions), default=0)

    @property
    def room_us(self) -> int:
        """How much is looked at around a change at first; where that is too narrow, it is widened.

        A lamp must not be looked at for days whenever it is switched, because some rule waits for
        days: whether it has been on for long shows at the edge of a short look.
        """
        return max(self.bridged_us, min(self.longest_us, _SHORT_US))

    def changed(self, claim: Claim) -> list[Look]:
        """Return where layers of a subject may be others than before."""
        back, on = self.known.reach_us()
        least = OPEN_US if self.subjects.open_ended else ALWAYS_US
        return [
            look(claim.subject, span.from_us - back, max(span.to_us, least) + on)
            for span in claim.spans
        ]

    def found(self, seen: Windows, judge: Judge = judged) -> list[Found]:
        """Return what the rules find within windows of subjects.

        Args:
            seen: the windows.
            judge: asks a version; by itself the first that fails stops everything.
        """
        return evaluate(self.versions, self.layers(seen), seen, judge)

    def layers(self, seen: Windows) -> Layers:
        """Load what is known of subjects within windows; nothing where no rule asks for it."""
        if not self.versions:
            return Layers({}, {}, {})
        basis = self.basis
        begin, end = int(seen.begin.min()), int(seen.end.max())
        hours = {one.rule.hours.code: one.rule.hours for one in self.versions if one.rule.hours}
        words = {word for one in self.versions for word in one.rule.only | one.rule.without}
        owners = {code for one in self.versions for code in one.rule.institutions}
        return Layers(
            self.known.load(self.conn, seen),
            load_tags(self.conn, self.subjects, words, seen)
            | load_owners(self.conn, self.subjects.sort, owners, seen),
            {
                code: of_all(working(one, basis.calendar, basis.zone, begin, end), seen)
                for code, one in hours.items()
            },
        )


def _settled(view: View, fared: Fared, looks: Sequence[Look]) -> tuple[list[Look], int]:
    """Look at where subjects changed, wider and wider, until nothing found there goes on beyond."""
    conn, sort = view.conn, view.subjects.sort
    done: list[Look] = []
    written = 0
    matters = Matters.of(view.versions)
    changed = windows(looks)
    seen = around(changed, view.room_us, view.room_us)
    while len(changed):
        stored = store.stored(conn, sort, changed, seen, view.bridged_us + _SECOND_US)
        stored = stored[~np.isin(stored["rule"], list(view.others))]
        stood = store.spans(stored, matters)
        first = Area.of(changed, matters)
        seen = _over(seen, stood.where(first.touched(stood)), view.bridged_us)
        found = view.found(seen, partial(fared.judge, kept=partial(store.runs, stored)))
        all_ = Spans.joined([stood, *(Spans.standing(one, matters) for one in found)])
        settled = settle(first, seen, all_)
        narrow = settled.before | settled.behind
        area = settled.area.where(~narrow)
        replaced = store.replace(
            conn,
            sort,
            stored[area.touched(stood)],
            [_touched(one, area, matters) for one in found],
            fared.failed(),
        )
        written += replaced.written
        done += [one for one in looks_of(area.hull()) if one.subject in replaced.subjects]
        seen = wider(seen, settled.before, settled.behind).where(narrow)
        changed = changed.where(narrow)
    return done, written


def _over(seen: Windows, stood: Spans, room_us: int) -> Windows:
    """Return windows over what stood, and the room around it: nothing of it is at the edge then."""
    begin, end = seen.begin.copy(), seen.end.copy()
    row = np.searchsorted(seen.subject, stood.subject)
    np.minimum.at(begin, row, stood.since - room_us)
    np.maximum.at(end, row, stood.until + room_us)
    return around(Windows(seen.subject, begin, end), 0, 0)


def _touched(found: Found, area: Area, matters: Matters) -> Found:
    """Keep what was found that touches an area."""
    runs = found.runs
    matter = np.full(len(runs), matters.of_version[found.version.id])
    spans = Spans.found(runs.subject, matter, runs.since, runs.until)
    return replace(found, runs=runs.where(area.touched(spans)))


def bounded(
    conn: psycopg.Connection[Any], subjects: Subjects, claims: Sequence[Claim]
) -> list[Claim]:
    """Bound changes that have no bound by what is known of their subjects.

    Args:
        conn: any connection.
        subjects: of which sort.
        claims: one of which nothing is known is left without a span.
    """
    known = subjects.extents(conn, [one.subject for one in claims if _unbounded(one)])
    return [_bounded(one, known.get(one.subject)) if _unbounded(one) else one for one in claims]


def _bounded(claim: Claim, extent: tuple[int, int] | None) -> Claim:
    if extent is None:
        return replace(claim, spans=())
    first, last = extent

    def within(moment: int) -> int:
        """What is known last holds on, and what is not heard of was heard of before."""
        return min(max(moment, first), last)

    return replace(
        claim,
        spans=tuple(Span(within(one.from_us), within(one.to_us)) for one in claim.spans),
    )


def _unbounded(claim: Claim) -> bool:
    return claim.spans[0].from_us <= ALWAYS_US or claim.spans[-1].to_us >= NEVER_US
