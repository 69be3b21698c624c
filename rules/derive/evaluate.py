"""Which doubts follow from what was measured. Pure: no clock, no database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from metering.gauge.hold import Float64s, Holds
from rules.derive.matter import speaking
from rules.kinds.model import ABSENT, WORKING
from rules.ruleset.model import Version
from rules.timeline.overlay import Pieces, Windows, overlay
from rules.timeline.runs import Runs, runs
from rules.timeline.stretches import Stretches, stretches
from rules.timeline.truth import FALSE, TRUE, Truth, both, negated

_TAG: Final = "tag:"
_HOURS: Final = "hours:"


@dataclass(frozen=True, slots=True)
class Layers:
    """What is known of subjects, to be laid over each other.

    Attributes:
        inputs: by name; where several points measure the same, they follow one another in the
            order in which they are believed. A sensor of people tells when it does not hang there:
            :data:`rules.kinds.model.ABSENT`.
        tags: what holds a tag when, by tag; and what belongs to whom, by :func:`whose`.
        hours: working hours of each subject, by the code of the hours.
    """

    inputs: Mapping[str, Sequence[Holds]]
    tags: Mapping[str, Holds]
    hours: Mapping[str, Holds]


@dataclass(frozen=True, slots=True)
class Found:
    """What a version found.

    Attributes:
        version: the rule.
        runs: doubts; those of which another rule speaks already are left out.
        stretches: when its condition stands, for long enough or not.
    """

    version: Version
    runs: Runs
    stretches: Stretches


def judged(version: Version, pieces: Pieces) -> Found:
    """Return what a version finds in pieces that fill their windows."""
    condition = _condition(version, pieces)
    persistence = version.rule.persistence
    stood = stretches(pieces, condition, persistence)
    return Found(version, runs(pieces, condition, stood, persistence), stood)


Judge = Callable[[Version, Pieces], Found]
"""As :func:`judged`."""


def evaluate(
    versions: Sequence[Version], layers: Layers, windows: Windows, judge: Judge = judged
) -> list[Found]:
    """Return what each version finds within the windows.

    Args:
        versions: of rules.
        layers: of the windows' subjects.
        windows: what is looked at.
        judge: asks a version; by itself the first that fails stops everything.

    Raises:
        ValueError: see :func:`rules.timeline.overlay.overlay`.
    """
    pieces = _combined(overlay(_named(layers) | _cuts(versions, windows), windows), layers)
    found = [judge(version, pieces) for version in versions]
    spoken = speaking(versions, [one.runs for one in found])
    return [replace(one, runs=runs) for one, runs in zip(found, spoken, strict=True)]


def measured(layers: Layers, windows: Windows) -> Pieces:
    """Return what was measured within windows, one column for those that measure the same."""
    bare = Layers(layers.inputs, {}, {})
    return _combined(overlay(_named(bare), windows), bare)


def _condition(version: Version, pieces: Pieces) -> Truth:
    rule = version.rule
    view = pieces
    if rule.hours is not None:
        hours = pieces.column(_HOURS + rule.hours.code)
        view = replace(pieces, columns={**pieces.columns, WORKING: hours})
    parts = [rule.kind.holds(view, rule.values), _in_force(version, pieces)]
    if rule.without:
        parts.append(negated(_tagged(pieces, rule.without)))
    if rule.only:
        parts.append(_tagged(pieces, rule.only))
    if rule.institutions:
        parts.append(_tagged(pieces, frozenset(map(whose, rule.institutions))))
    return both(*parts)


def whose(institution: str) -> str:
    """Return what stands among the tags of what belongs to an institution, or to one below it."""
    return f"@{institution}"


def _in_force(version: Version, pieces: Pieces) -> Truth:
    inside = (pieces.since >= version.since) & (pieces.since < version.until)
    return np.where(inside, TRUE, FALSE)


def _tagged(pieces: Pieces, tags: frozenset[str]) -> Truth:
    """Where a subject has one of the tags. No tag is known not to be there: false."""
    having = [np.isfinite(pieces.column(_TAG + tag)) for tag in sorted(tags)]
    return np.where(np.logical_or.reduce(having), TRUE, FALSE)


def _named(layers: Layers) -> dict[str, Holds]:
    named = {_TAG + tag: found for tag, found in layers.tags.items()}
    named |= {_HOURS + code: found for code, found in layers.hours.items()}
    for name, sources in layers.inputs.items():
        named |= {_source(name, number): found for number, found in enumerate(sources)}
    return named


def _source(name: str, number: int) -> str:
    return f"{name}#{number}"


def _cuts(versions: Sequence[Version], windows: Windows) -> dict[str, Holds]:
    """Layers that say nothing, but end a piece where a version begins or ends."""
    if not len(windows):
        return {}
    low, high = int(windows.begin.min()), int(windows.end.max())
    bounds = {at for one in versions for at in (one.since, one.until) if low < at < high}
    return {
        f"cut:{at}": Holds(
            windows.subject, np.full(len(windows), at), windows.end, np.zeros(len(windows))
        )
        for at in sorted(bounds)
    }


def _combined(pieces: Pieces, layers: Layers) -> Pieces:
    """Make one column of those that measure the same."""
    columns = dict(pieces.columns)
    for name, sources in layers.inputs.items():
        parts = [columns.pop(_source(name, number)) for number in range(len(sources))]
        if parts:
            columns[name] = _somebody(parts) if name == "occupancy" else _first_known(parts)
    return replace(pieces, columns=columns)


def _first_known(parts: Sequence[Float64s]) -> Float64s:
    found = parts[0]
    for other in parts[1:]:
        found = np.where(np.isnan(found), other, found)
    return found


def _somebody(parts: Sequence[Float64s]) -> Float64s:
    """Of several sensors in a room: somebody is there when one sees them, nobody when none does."""
    seen = np.fmax.reduce(parts)
    unknown = np.logical_or.reduce([np.isnan(part) for part in parts])
    nobody_knows = (unknown & ~(seen > 0)) | (seen == ABSENT)
    silent: Float64s = np.where(nobody_knows, np.nan, seen)
    return silent
