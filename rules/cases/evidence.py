"""What a doubt rests on: the course of what was measured, and the energy it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import psycopg

from metering.factors.meter_cost import Pricing
from rules.cases.listing import Listed
from rules.cases.used import Stretch, Used, counted, used
from rules.derive.evaluate import Layers, measured
from rules.derive.recompute import View
from rules.derive.span import look, windows
from rules.ruleset.model import Rule, Version
from rules.subjects.catalogue import SUBJECTS
from rules.subjects.model import Basis, Word
from rules.timeline.overlay import Pieces, Windows
from storage.times import us_of

_MARGIN_US: Final = 30 * 60 * 1_000_000


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a doubt rests on.

    Attributes:
        rule: as it was in force when the doubt began.
        tags: what the subject was then, of its own or by what it stands in, with the times.
        used: what was used over the doubt; None: this is not asked of its sort.
        compared: what else was compared: lines for officers.
        course: of what was known, some time before and behind included.
        words: how the layers are called.
    """

    rule: Rule
    tags: Sequence[str]
    used: Used | None
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
    known = subjects.look_up(conn, [subject], basis, list(subjects.words))
    seen = look(subject, since - _MARGIN_US, min(until + _MARGIN_US, now_us))
    layers = View(conn, subjects, known, basis, basis.versions).layers(windows([seen]))
    tags = subjects.tags(conn, [subject], doubt.since, doubt.until)
    stretches = [Stretch(doubt.sort, subject, since, until)] if counted(doubt.sort) else []
    spent = used(conn, basis, stretches, pricing)
    version = next(v for v in reversed(basis.versions) if _in_force(v, doubt.rule, since))
    return Evidence(
        version.rule,
        [str(tag) for tag in tags.get(subject, ())],
        spent[0] if spent else None,
        subjects.compared(conn, replace(basis, versions=(version,)), subject, since, until),
        course(layers, subject, seen.begin, seen.end),
        subjects.words,
    )


def _in_force(version: Version, code: str, at_us: int) -> bool:
    return version.rule.code == code and version.since <= at_us


def course(layers: Layers, place: int, since_us: int, until_us: int) -> Pieces:
    """Return what was measured at a place from one moment to another."""
    window = Windows(np.array([place]), np.array([since_us]), np.array([until_us]))
    return measured(layers, window)
