"""Computes the episodes of subjects again, as far as a change of what was measured reaches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import psycopg

from rules.derive import store
from rules.derive.evaluate import Found, Layers, evaluate, judged
from rules.derive.fared import Fared
from rules.derive.hours import of_all, working
from rules.derive.span import Look, look, too_narrow, windows
from rules.ruleset.model import Version
from rules.subjects.model import Basis, Known, Subjects
from rules.subjects.owners import load_owners
from rules.subjects.tagging import load_tags
from rules.timeline.overlay import Windows
from storage.due import Claim, Span
from storage.times import ALWAYS_US, NEVER_US, OPEN_US

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
        waiting = [view.looks(spans[subject]) for subject in group]
        while waiting := [looks for looks in waiting if looks]:
            looked, count = _settle(view, fared, [looks.pop() for looks in waiting])
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
        versions = (v for v in basis.versions if not names or set(v.rule.kind.inputs) <= names)
        yield View(conn, subjects, known, basis, tuple(versions)), group


@dataclass(frozen=True, slots=True)
class View:
    """Some subjects, and what rules make of them.

    Attributes:
        conn: in the transaction of the claims.
        subjects: of which sort.
        known: they, looked up.
        basis: what evaluation rests on.
        versions: rules that can be about them.
    """

    conn: psycopg.Connection[Any]
    subjects: Subjects
    known: Known
    basis: Basis
    versions: Sequence[Version]

    @property
    def reach_us(self) -> int:
        """How far around a change to look first; where that is too narrow, it is widened."""
        reach = self.subjects.reach_us(self.basis)
        return reach + self._stood_us(reach)

    @property
    def back_us(self) -> int:
        """How far it reaches back in time, likewise."""
        back = (self.subjects.back_us or self.subjects.reach_us)(self.basis)
        return back + self._stood_us(back)

    def _stood_us(self, reach_us: int) -> int:
        """How far runs are looked for beyond what layers reach, at first.

        A lamp must not be looked at for days whenever it is switched, because some rule waits for
        days: whether it has been on for long shows at the edge of a short look.
        """
        short = max(_SHORT_US, reach_us)
        stood = (one.rule.persistence for one in self.versions)
        return max((max(one.bridged_us, min(one.reach_us, short)) for one in stood), default=0)

    def looks(self, claim: Claim) -> list[Look]:
        """What the changes of a subject can have touched."""
        back, reach = self.back_us, self.reach_us
        least = OPEN_US if self.subjects.open_ended else ALWAYS_US
        return [
            look(claim.subject, span.from_us - back, max(span.to_us, least) + reach)
            for span in claim.spans
        ]

    def found(self, seen: Windows, fared: Fared | None = None) -> list[Found]:
        """Return what the rules find within windows of subjects.

        Args:
            seen: the windows.
            fared: told how rules fare; None: the first that fails stops everything.
        """
        judge = judged if fared is None else fared.judge
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


def _settle(view: View, fared: Fared, looks: Sequence[Look]) -> tuple[list[Look], int]:
    """Look at subjects, wider and wider, until nothing that is found goes on beyond."""
    conn, sort = view.conn, view.subjects.sort
    done: list[Look] = []
    written = 0
    while looks:
        extents = store.extents(conn, sort, windows(looks))
        looks = [one.over(extents.get(one.subject)) for one in looks]
        found = view.found(windows(looks), fared)
        narrow = too_narrow(looks, found)
        wide = [one for one in looks if one.subject not in narrow]
        settled = windows(wide)
        kept = [_of(settled, one) for one in found]
        replaced = store.replace(conn, sort, settled, kept, fared.failed())
        written += replaced.written
        done += [one for one in wide if one.subject in replaced.subjects]
        looks = [one.wider(*narrow[one.subject]) for one in looks if one.subject in narrow]
    return done, written


def _of(settled: Windows, found: Found) -> Found:
    """Keep what was found of some subjects."""
    return Found(
        found.version, found.runs.where(np.isin(found.runs.subject, settled.subject)), found.edges
    )


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
