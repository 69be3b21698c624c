"""How rules fare: one that fails at a subject stops no other rule, and at no other subject."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from rules.derive.evaluate import Found, judged
from rules.ruleset.model import Version
from rules.timeline.overlay import Pieces
from rules.timeline.runs import Runs
from rules.timeline.stretches import Stretches

Kept = Callable[[Version, int], Runs]
"""What a version had found at a subject."""


@dataclass(slots=True)
class Run:
    """How a version of a rule fared.

    Attributes:
        version: of the rule.
        subjects: at which it looked.
        failed: those of them at which it failed, and why.
        took_us: how long it worked, µs.
    """

    version: Version
    subjects: set[int] = field(default_factory=set)
    failed: dict[int, str] = field(default_factory=dict)
    took_us: int = 0


@dataclass(frozen=True, slots=True)
class Fared:
    """How versions fared; fills as they work.

    Attributes:
        runs: by the id of the version.
    """

    runs: dict[int, Run] = field(default_factory=dict)

    def failed(self) -> Mapping[int, Mapping[int, str]]:
        """Return where versions failed: by the id of the version and the subject, why."""
        return {rule: run.failed for rule, run in self.runs.items() if run.failed}

    def judge(self, version: Version, pieces: Pieces, kept: Kept = lambda *_: Runs.none()) -> Found:
        """Return what a version finds, and where it fails, which is noted, what it had found.

        So that goes on to speak for its matter. Where it failed once it is asked no more: what it
        finds there would not be kept, and must take nothing back of what others say.
        """
        run = self.runs.setdefault(version.id, Run(version))
        begin = time.perf_counter_ns()
        subjects = np.unique(pieces.subject).tolist()
        run.subjects.update(subjects)
        try:
            if run.failed.keys().isdisjoint(subjects):
                with suppress(Exception):  # which of them it fails at, and why, is found out
                    return judged(version, pieces)
            return _joined(version, [_alone(run, pieces, one, kept) for one in subjects])
        finally:
            run.took_us += (time.perf_counter_ns() - begin) // 1000


def _alone(run: Run, pieces: Pieces, subject: int, kept: Kept) -> Found:
    if subject not in run.failed:
        try:
            return judged(run.version, pieces.of(subject))
        except Exception as error:  # noqa: BLE001 - told as the health of the rule
            run.failed[subject] = f"{type(error).__name__}: {error}"
    return Found(run.version, kept(run.version, subject), Stretches.none())


def _joined(version: Version, found: Sequence[Found]) -> Found:
    runs, stood = ([getattr(one, name) for one in found] for name in ("runs", "stretches"))
    return Found(version, Runs.joined(runs), Stretches.joined(stood))
