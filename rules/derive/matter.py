"""One matter is one doubt: of rules that speak of the same, the one that is first speaks. Pure.

A lamp that burns all night burns outside hours, and with nobody there. Rules that share a matter
raise one doubt of it: that of the rule whose run was confirmed first. Another run is left out when
half of the time from its begin until it is confirmed is spoken for by then: so nothing that is
found later can take back a doubt, and a live look finds what a look back does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metering.counter.model import Int64s
from rules.ruleset.model import Version
from rules.timeline.runs import Runs

Row = tuple[int, int, int, str, int, int]
"""Subject, confirmed, since, code of the rule, and where it stands: version, run."""


def speaking(versions: Sequence[Version], found: Sequence[Runs]) -> list[Runs]:
    """Return the runs that speak for their matters.

    Args:
        versions: of rules.
        found: the runs of each; every run that overlaps one of them is among them.
    """
    matters: dict[str, list[int]] = {}
    for number, version in enumerate(versions):
        if version.rule.matter is not None:
            matters.setdefault(version.rule.matter, []).append(number)
    kept = [np.ones(len(runs), np.bool_) for runs in found]
    for numbers in matters.values():
        for number, run in _silent(versions, found, numbers):
            kept[number][run] = False
    return [runs.where(chosen) for runs, chosen in zip(found, kept, strict=True)]


def _silent(
    versions: Sequence[Version], found: Sequence[Runs], numbers: Sequence[int]
) -> list[tuple[int, int]]:
    """Return which runs of a matter another one speaks for: version and run."""
    if len(numbers) < 2:
        return []
    silent: list[tuple[int, int]] = []
    spoken: list[tuple[int, int, str]] = []
    subject_before = None
    for subject, confirmed, since, code, version, run in sorted(_rows(versions, found, numbers)):
        if subject != subject_before:
            subject_before, spoken = subject, []
        covered = sum(
            max(0, min(until, confirmed) - max(begin, since))
            for begin, until, other in spoken
            if other != code
        )
        if covered * 2 >= confirmed - since:
            silent.append((version, run))
        else:
            spoken.append((since, int(found[version].until[run]), code))
    return silent


def _rows(versions: Sequence[Version], found: Sequence[Runs], numbers: Sequence[int]) -> list[Row]:
    several = _several([found[number] for number in numbers])
    rows: list[Row] = []
    for number in numbers:
        runs, code = found[number], versions[number].rule.code
        chosen = np.flatnonzero(np.isin(runs.subject, several))
        columns = (runs.subject, runs.confirmed, runs.since)
        values = zip(chosen.tolist(), *(column[chosen].tolist() for column in columns), strict=True)
        rows += [(whose, when, since, code, number, at) for at, whose, when, since in values]
    return rows


def _several(found: Sequence[Runs]) -> Int64s:
    """Return the subjects of which any two runs overlap; of most none do."""
    subject, since, until = (
        np.concatenate([getattr(runs, name) for runs in found])
        for name in ("subject", "since", "until")
    )
    order = np.lexsort((since, subject))
    subject, since, until = subject[order], since[order], until[order]
    overlap = (subject[1:] == subject[:-1]) & (since[1:] < until[:-1])
    return np.unique(subject[1:][overlap])
