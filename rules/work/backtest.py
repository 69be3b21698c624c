"""What rules would find, or would have found: looked at, not written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import psycopg

from rules.derive.recompute import views
from rules.derive.span import look, windows
from rules.ruleset.model import Version
from rules.subjects.model import Basis, Subjects
from rules.timeline.runs import Runs

PORTION: Final = 500
"""Subjects looked at in one go."""


@dataclass(frozen=True, slots=True)
class Portion:
    """What was found of some subjects.

    Attributes:
        looked_at: how many.
        found: runs by version; those that begin before the time, or behind it, are left out.
    """

    looked_at: int
    found: tuple[tuple[Version, Runs], ...]


def backtest(  # noqa: PLR0913, PLR0917 - what, of whom, by which rules, and when
    conn: psycopg.Connection[Any],
    subjects: Subjects,
    among: Sequence[int],
    basis: Basis,
    begin_us: int,
    end_us: int,
) -> Iterator[Portion]:
    """Yield what the rules find in a time, portion by portion.

    Args:
        conn: any connection.
        subjects: of which sort.
        among: their ids, ascending.
        basis: rules about this sort, and what else.
        begin_us: doubts that begin from then on, µs UTC.
        end_us: and before this, µs UTC. How long they went on is looked up as far as needed to
            tell whether they had stood long enough, and no further.
    """
    for first in range(0, len(among), PORTION):
        part = among[first : first + PORTION]
        found: list[tuple[Version, Runs]] = []
        for view, group in views(conn, subjects, part, basis):
            # So far a run may reach that was confirmed within the time; layers need no room.
            room = view.longest_us
            seen = windows([look(one, begin_us - room, end_us + room) for one in group])
            found += [(o.version, _within(o.runs, begin_us, end_us)) for o in view.found(seen)]
        yield Portion(len(part), tuple(found))


def _within(runs: Runs, begin_us: int, end_us: int) -> Runs:
    return runs.where(np.asarray((runs.since >= begin_us) & (runs.since < end_us)))
