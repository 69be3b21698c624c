"""Counting what was found of what is known to be untrue, and from which size on it is enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from fleet.joining.verdict import Check, Doubt, Finding, Verdict
from simulators.receipts.case import Case

ENOUGH_PER_MILLE: Final = 980
TOLD_PER_MILLE: Final = 500
LEAST_TOLD: Final = 20
_NAMED: Final = {Check.PAIR: ("before_number",), Check.ROOM: ("since_number", "between")}
"""In which figures a check names other papers of which its doubt speaks too."""
_PLACE: Final = frozenset({Doubt.BORROWED_CARD, Doubt.STATION_ELSEWHERE})
_ALIKE: Final = dict.fromkeys(_PLACE, _PLACE)
"""Late statements make doubts of one check look alike: each is found, and false, as the other."""


@dataclass(frozen=True, slots=True)
class Score:
    """Of one kind at one size; sums of several fleets.

    Attributes:
        size: in the kind's unit.
        made: untrue papers, or runs of them.
        told: of them, those of which one can tell; of a run, two thirds of its papers.
        found: of them, those that raised their doubt.
        false: doubts of this kind, or of one that looks alike, that true papers raised.
        papers: true papers of which one can tell.
        otherwise: of those found, how many only as the kind that looks alike.
    """

    size: int
    made: int
    told: int
    found: int
    false: int
    papers: int
    otherwise: int = 0

    @property
    def recall(self) -> int | None:
        """Found of what can be told, per mille; None: nothing can."""
        return self.found * 1_000 // self.told if self.told else None

    @property
    def precision(self) -> int | None:
        """Found of all doubts, per mille; None: there are none."""
        doubts = self.found + self.false
        return self.found * 1_000 // doubts if doubts else None

    @property
    def told_share(self) -> int | None:
        """What can be told, per mille; None: nothing was made up."""
        return self.told * 1_000 // self.made if self.made else None

    @property
    def sharp(self) -> bool:
        """Tell whether precision and recall suffice, of enough papers that can be told."""
        return (
            self.told >= LEAST_TOLD
            and (self.recall or 0) >= ENOUGH_PER_MILLE
            and (self.precision or 0) >= ENOUGH_PER_MILLE
        )

    @property
    def enough(self) -> bool:
        """Tell whether they suffice, and whether half of what is untrue can be told at all."""
        return self.sharp and (self.told_share or 0) >= TOLD_PER_MILLE


def floor(scores: Sequence[Score]) -> int | None:
    """Return the smallest size from which on all are enough; None: there is none."""
    return _from(scores, lambda one: one.enough)


def floor_of_told(scores: Sequence[Score]) -> int | None:
    """Return the same of what can be told, however little that is."""
    return _from(scores, lambda one: one.sharp)


def _from(scores: Sequence[Score], good: Callable[[Score], bool]) -> int | None:
    found = None
    for one in reversed(scores):
        if not good(one):
            break
        found = one.size
    return found


def together(parts: Iterable[Score]) -> Score:
    """Return the sums of one size in several fleets."""
    found = list(parts)
    return Score(
        found[0].size,
        sum(one.made for one in found),
        sum(one.told for one in found),
        sum(one.found for one in found),
        sum(one.false for one in found),
        sum(one.papers for one in found),
        sum(one.otherwise for one in found),
    )


def score(size: int, case: Case, verdicts: Iterable[Verdict], doubt: Doubt, *, runs: bool) -> Score:
    """Count the verdicts of one check.

    Args:
        size: of the untrue papers.
        case: which papers are untrue.
        verdicts: of that check alone.
        doubt: the kind that untrue papers should raise.
        runs: a group is a run of one vehicle; then a false alarm counts once for a vehicle, and
            what its run leaves behind in later fillings is neither.
    """
    untrue, alike = case.untrue, _ALIKE.get(doubt, frozenset({doubt}))
    told: Counter[int] = Counter()
    found: set[int] = set()
    named: set[int] = set()
    false: list[str] = []
    papers = 0
    tampered = set()
    for one in verdicts:
        if one.number in case.apart:
            continue
        about = _about(one) if one.doubt in alike else (one.number,)
        groups = {untrue[number] for number in about if number in untrue}
        can_tell = one.finding is not Finding.CANNOT_TELL
        if one.number in untrue and can_tell:
            told[untrue[one.number]] += 1
        if groups and runs:
            tampered.add(one.vehicle)
        papers += not groups and can_tell
        if one.doubt not in alike:
            continue
        if groups:
            found |= groups
            named |= groups if one.doubt is doubt else set()
        else:
            false.append(one.vehicle)
    if runs:
        false = list(set(false) - tampered)
    sizes = Counter(untrue.values())
    tellable = {group for group, count in told.items() if count * 3 >= sizes[group] * 2} | found
    counts = len(sizes), len(tellable), len(found), len(false), papers
    return Score(size, *counts, otherwise=len(found - named))


def _about(one: Verdict) -> tuple[int, ...]:
    """Return the papers that a verdict speaks of: of two fillings both, of several all.

    That two papers do not go together is what can be known; which of them is untrue is not.
    """
    told = [figure.value for figure in one.figures if figure.name in _NAMED.get(one.check, ())]
    others = [int(text) for value in told if value for text in str(value).split("、")]
    return (one.number, *others)
