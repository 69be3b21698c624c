"""What a doubt rests on: the course of what was measured, and the energy it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

import numpy as np
import psycopg

from metering.factors.meter_cost import Pricing
from registry.day_kind import DayKind
from rules.cases.listing import Listed
from rules.cases.used import Stretch, Used, counted, used
from rules.derive.evaluate import Layers, measured
from rules.derive.recompute import View
from rules.derive.span import look, windows
from rules.kinds.model import Kind, Sort
from rules.ruleset.model import Rule, Version
from rules.subjects.catalogue import SUBJECTS
from rules.subjects.model import Basis, Word
from rules.timeline.overlay import Pieces, Windows
from storage.times import us_of

_HOUR_US: Final = 3_600_000_000
_MARGIN_US: Final = 30 * 60 * 1_000_000


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a doubt rests on.

    Attributes:
        rule: as it was in force when the doubt began.
        day: on which it began, and what that is by the calendar (None: its year is not published);
            None: the rule has no hours.
        tags: what the subject was then, of its own or by what it stands in, with the times.
        used: what was used over the doubt; None: this is not asked of its sort.
        excess: what was used more than usual; None: there is nothing usual.
        compared: what else was compared: lines for officers.
        course: of what was known, some time before and behind included.
        words: how the layers are called.
    """

    rule: Rule
    day: tuple[date, DayKind | None] | None
    tags: Sequence[str]
    used: Used | None
    excess: str | None
    compared: Sequence[str]
    course: Pieces
    words: Mapping[str, Word]


def evidence(
    conn: psycopg.Connection[Any],
    basis: Basis,
    doubt: Listed,
    now_us: int,
    pricing: Pricing | None = None,
) -> Evidence:
    """Return what a doubt rests on.

    Args:
        conn: any connection.
        basis: the rules, and what else.
        doubt: which.
        now_us: µs UTC. Values are taken to hold for a while: what has not happened yet is left out.
        pricing: tariffs, calendar, zone; None: nothing is priced.
    """
    subjects, subject = SUBJECTS[doubt.sort], doubt.subject_id
    basis = basis.about(doubt.sort)
    since, until = us_of(doubt.since), min(us_of(doubt.until), now_us)
    version = next(v for v in reversed(basis.versions) if _in_force(v, doubt.rule, since))
    kind = version.rule.kind
    # Of a place all that is measured is shown; of others, what the rule held against what.
    wanted = list(subjects.words) if doubt.sort is Sort.PLACE else [*kind.inputs, *kind.beside]
    known = subjects.look_up(conn, [subject], basis, wanted)
    seen = look(subject, since - _MARGIN_US, min(until + _MARGIN_US, now_us))
    layers = View(conn, subjects, known, basis, basis.versions).layers(windows([seen]))
    tags = subjects.tags(conn, [subject], doubt.since, doubt.until)
    stretches = [Stretch(doubt.sort, subject, since, until)] if counted(doubt.sort) else []
    spent = used(conn, basis, stretches, pricing)
    unit = "" if kind.excess is None else kind.excess.unit or subjects.unit(conn, subject)
    return Evidence(
        version.rule,
        None if version.rule.hours is None else _day(basis, doubt.since),
        [str(tag) for tag in tags.get(subject, ())],
        spent[0] if spent else None,
        excess(kind, course(layers, subject, since, until), unit),
        subjects.compared(conn, replace(basis, versions=(version,)), subject, since, until),
        course(layers, subject, seen.begin, seen.end),
        subjects.words,
    )


def _day(basis: Basis, moment: datetime) -> tuple[date, DayKind | None]:
    day = moment.astimezone(basis.zone).date()
    return day, basis.calendar.kind(day) if basis.calendar.published(day.year) else None


def excess(kind: Kind, course: Pieces, unit: str) -> str | None:
    """Say how much more than usual was used, on the time of which it is known.

    Args:
        kind: of the rule.
        course: of the subject, from the begin to the end of the doubt.
        unit: of the quantity.
    """
    if kind.excess is None:
        return None
    hours = (course.until - course.since) / _HOUR_US
    more = kind.excess.of(course) * hours
    known = np.isfinite(more)
    if not known.any():
        return "不详（期间的用量或平常用量未知）"
    told = f"约 {more[known].sum():.1f} {unit}"
    return told if known.all() else f"{told}（其中 {hours[~known].sum() / 24:.1f} 天未知，未计入）"


def _in_force(version: Version, code: str, at_us: int) -> bool:
    return version.rule.code == code and version.since <= at_us


def course(layers: Layers, place: int, since_us: int, until_us: int) -> Pieces:
    """Return what was measured at a place from one moment to another."""
    window = Windows(np.array([place]), np.array([since_us]), np.array([until_us]))
    return joined(measured(layers, window))


def joined(pieces: Pieces) -> Pieces:
    """Join pieces of one subject between which nothing changes: readings repeat themselves."""
    changes = np.zeros(max(len(pieces) - 1, 0), np.bool_)
    for values in pieces.columns.values():
        before, behind = values[:-1], values[1:]
        changes |= (before != behind) & ~(np.isnan(before) & np.isnan(behind))
    first = np.flatnonzero(np.r_[len(pieces) > 0, changes])
    last = np.r_[first[1:] - 1, len(pieces) - 1][: len(first)]
    columns = {name: values[first] for name, values in pieces.columns.items()}
    return Pieces(pieces.subject[first], pieces.since[first], pieces.until[last], columns)
