"""What a simulated city hands out: subjects with what was measured, and what was true of them.

Nothing here knows of rules. A sort of subject (a room's devices today) makes these; whoever holds
rules against them needs no more. Times are UTC, s where a name ends in ``_s``, else µs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.city.plan import By
from simulators.city.spans import Spans

Int64s = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Case:
    """What was waste, by the law of :mod:`simulators.city.law`.

    Attributes:
        kind: of :data:`simulators.city.plan.KINDS`.
        since_s: when it really began.
        until_s: when it really ended.
        size: along each measure of its kind.
        told: whether the sensors told of two thirds of it or more.
    """

    kind: str
    since_s: int
    until_s: int
    size: dict[By, float]
    told: bool


@dataclass(frozen=True, slots=True)
class Series:
    """What a device told of one point, as far as it was there.

    Attributes:
        point: by its name in device profiles.
        ts: ascending, µs.
        value: NaN: the device said that it does not know.
        received: when it came, µs.
        since_s: the device was there from then on.
        until_s: and until then.
    """

    point: str
    ts: Int64s
    value: NDArray[np.float64]
    received: Int64s
    since_s: int
    until_s: int


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of a subject, ``since_s`` ≤ t < ``until_s``; None: always."""

    word: str
    since_s: int | None = None
    until_s: int | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that rules are about.

    Attributes:
        code: unique in the city.
        series: its own; of a point the newest device first.
        beside: what other subjects of its room tell of people.
        tags: what it is.
        cases: what was waste.
        true: kind → when its condition really held, however short.
        marked: what only looks like waste: (name, spans), to explain what is found wrongly.
    """

    code: str
    series: tuple[Series, ...]
    beside: tuple[Series, ...]
    tags: tuple[Tag, ...]
    cases: tuple[Case, ...]
    true: dict[str, Spans]
    marked: tuple[tuple[str, Spans], ...]
