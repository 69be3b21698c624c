"""What a doubt rests on: the course of what was measured, and the energy it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, LiteralString

import numpy as np
import psycopg

from rules.cases.listing import Listed
from rules.derive.evaluate import Layers
from rules.derive.recompute import View
from rules.derive.span import look, windows
from rules.kinds.model import Sort
from rules.ruleset.model import Rule, Version
from rules.subjects.catalogue import SUBJECTS
from rules.subjects.model import Basis, Word
from rules.timeline.overlay import Pieces, Windows, overlay
from storage.times import at_us, us_of

_HOUR_US: Final = 3_600_000_000
_MARGIN_US: Final = 30 * 60 * 1_000_000
# The part of each quarter hour that lies in the doubt, as if used evenly.
_METERED: Final[LiteralString] = """
SELECT sum(consumption.micro
           * extract(epoch FROM least(slot + interval '15 minutes', %(until)s)
                                - greatest(slot, %(since)s)) / 900),
       sum(extract(epoch FROM least(slot + interval '15 minutes', %(until)s)
                              - greatest(slot, %(since)s)))
FROM meter
JOIN consumption ON consumption.meter_id = meter.id
    AND slot > %(since)s::timestamptz - interval '15 minutes' AND slot < %(until)s
WHERE meter.place_id = %(place)s AND meter.energy = 'electricity' AND meter.direction = 'in'
  AND meter.unit = 'kWh'
"""
_ALMOST_ALL: Final = Decimal("0.98")
"""A meter counts as having seen a doubt when so much of its time is known."""


@dataclass(frozen=True, slots=True)
class Used:
    """Energy between the begin and the end of a doubt.

    Attributes:
        kwh: None: nobody knows.
        how: by its meter, or from the power that the device tells; None likewise.
    """

    kwh: Decimal | None
    how: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a doubt rests on.

    Attributes:
        rule: as it was in force when the doubt began.
        tags: what the subject was then, of its own or by what it stands in, with the times.
        used: energy over the doubt; None: this is not asked of its sort.
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


def evidence(conn: psycopg.Connection[Any], basis: Basis, doubt: Listed, now_us: int) -> Evidence:
    """Return what a doubt rests on.

    Args:
        conn: any connection.
        basis: the rules, and what else.
        doubt: which.
        now_us: µs UTC. Values are taken to hold for a while: what has not happened yet is left out.
    """
    subjects, subject = SUBJECTS[doubt.sort], doubt.subject_id
    basis = basis.about(doubt.sort)
    since, until = us_of(doubt.since), min(us_of(doubt.until), now_us)
    known = subjects.look_up(conn, [subject], basis, list(subjects.words))
    seen = look(subject, since - _MARGIN_US, min(until + _MARGIN_US, now_us))
    layers = View(conn, subjects, known, basis, basis.versions).layers(windows([seen]))
    tags = subjects.tags(conn, [subject], doubt.since, doubt.until)
    at_place = doubt.sort is Sort.PLACE
    inside = course(layers, subject, since, until)
    return Evidence(
        next(v.rule for v in reversed(basis.versions) if _in_force(v, doubt.rule, since)),
        [str(tag) for tag in tags.get(subject, ())],
        used(conn, subject, since, until, inside) if at_place else None,
        subjects.compared(conn, basis, subject, since, until),
        course(layers, subject, seen.begin, seen.end),
        subjects.words,
    )


def _in_force(version: Version, code: str, at_us: int) -> bool:
    return version.rule.code == code and version.since <= at_us


def used(
    conn: psycopg.Connection[Any], place: int, since_us: int, until_us: int, course: Pieces
) -> Used:
    """Return the electricity that was used at a place.

    Args:
        conn: any connection.
        place: where.
        since_us: µs UTC.
        until_us: µs UTC.
        course: of that place over that time, for the power (W) where no meter hangs.
    """
    values = {"place": place, "since": at_us(since_us), "until": at_us(until_us)}
    row = conn.execute(_METERED, values).fetchone()
    length_s = Decimal(until_us - since_us) / 1_000_000
    if row is not None and row[0] is not None and row[1] >= _ALMOST_ALL * length_s:
        return Used((row[0] / 1_000_000).quantize(Decimal("0.001")), "计量表")
    watts, known_us = _power(course)
    if known_us < float(_ALMOST_ALL) * (until_us - since_us):
        return Used(None, None)
    kwh = watts * (until_us - since_us) / _HOUR_US / 1000
    return Used(Decimal(f"{kwh:.3f}"), "设备功率")


def course(layers: Layers, place: int, since_us: int, until_us: int) -> Pieces:
    """Return what was measured at a place from one moment to another."""
    window = Windows(np.array([place]), np.array([since_us]), np.array([until_us]))
    first = {name: sources[0] for name, sources in layers.inputs.items() if sources}
    return overlay(first, window)


def _power(course: Pieces) -> tuple[float, float]:
    """Mean power of the known time, W, and how long it is known, µs."""
    power = course.column("power")
    length = (course.until - course.since).astype(np.float64)
    known = np.isfinite(power)
    total = float(length[known].sum())
    return (float((power[known] * length[known]).sum()) / total if total else 0.0), total
