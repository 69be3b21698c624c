"""Counting which cases were found, which doubts are false, and from which size on it is enough."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from simulators.city.law import LEAST_S
from simulators.city.model import Case, Subject
from simulators.city.plan import AHEAD, MEASURES, By, Wanted
from simulators.city.spans import common, length, union

ENOUGH: Final = 0.98
"""Of the mission's kinds: air conditioners, lighting, and what vehicles pay for fuel."""
ENOUGH_ELSEWHERE: Final = 0.95
LEAST_TOLD: Final = 20
_MISSION: Final = frozenset({*MEASURES, "vehicle.fuel_cost"})
_CLEAN: Final[Mapping[tuple[str, By], tuple[By, float]]] = {
    ("aircon.cooling", By.DEGREES): (By.MINUTES, 45.0),
    ("aircon.cooling", By.MINUTES): (By.DEGREES, 1.0),
    ("aircon.heating", By.DEGREES): (By.MINUTES, 45.0),
    ("aircon.heating", By.MINUTES): (By.DEGREES, 1.0),
    ("lighting.daylight", By.LUX): (By.MINUTES, 55.0),
    ("lighting.daylight", By.MINUTES): (By.LUX, 700.0),
    ("electricity.base_load", By.SHARE): (By.LOAD, 2.0),
    ("electricity.base_load", By.LOAD): (By.SHARE, 80.0),
    **{(kind, By.SHARE): (By.MONTHS, 4.0) for kind in AHEAD.values()},
}
"""Along one measure only cases count that are large enough along the other."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """What a rule found at a subject, s UTC."""

    subject: str
    kind: str
    rule: str
    since_s: int
    confirmed_s: int
    until_s: int


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a case.

    Attributes:
        subject: where.
        case: what was true.
        delay_s: from its begin to the first doubt's confirmation; None: it was not found.
        otherwise: found as another kind of the same matter only.
        doubts: how many true doubts speak of it.
    """

    subject: str
    case: Case
    delay_s: int | None
    otherwise: bool = False
    doubts: int = 0


@dataclass(frozen=True, slots=True)
class FalseDoubt:
    """A doubt that nothing true stands behind; ``looks`` is what it was, where the city knows."""

    doubt: Doubt
    looks: tuple[str, ...]


@dataclass(slots=True)
class Tally:
    """What was made, found, and found wrongly; sums of subjects."""

    told: list[Told] = field(default_factory=list)
    false: list[FalseDoubt] = field(default_factory=list)
    doubts: int = 0

    def add(self, other: Tally) -> None:
        """Add what was counted elsewhere."""
        self.told += other.told
        self.false += other.false
        self.doubts += other.doubts


@dataclass(frozen=True, slots=True)
class Size:
    """Cases of a kind from one size on, below the next.

    Attributes:
        size: in the unit of its curve.
        made: cases.
        told: of them, those that the sensors told of.
        found: of those.
        otherwise: of those found, as another kind of the same matter only.
        doubts: that speak of those found.
        delays_s: of those found by their own rule, ascending.
    """

    size: float
    made: int
    told: int
    found: int
    otherwise: int
    doubts: int
    delays_s: tuple[int, ...]

    @property
    def recall(self) -> float | None:
        """Found of what can be told; None: nothing can."""
        return self.found / self.told if self.told else None


@dataclass(frozen=True, slots=True)
class Curve:
    """A kind along one measure.

    Attributes:
        kind: of cases.
        by: along what.
        sizes: ascending.
        false: doubts of the kind that nothing true stands behind, of whatever size.
    """

    kind: str
    by: By
    sizes: tuple[Size, ...]
    false: int

    def precision(self, size: float) -> float | None:
        """Found of what was found and what is false, from a size on; all that is false counts."""
        found = sum(one.found for one in self.sizes if one.size >= size)
        return found / (found + self.false) if found + self.false else None

    @property
    def enough(self) -> float:
        """Recall and precision that are asked of its kind."""
        return ENOUGH if self.kind in _MISSION else ENOUGH_ELSEWHERE

    @property
    def floor(self) -> float | None:
        """The smallest size from which on cases are found and doubts true; None: none is."""
        found = None
        for one in reversed(self.sizes):
            if one.told < LEAST_TOLD or (one.recall or 0) < self.enough:
                break
            found = one.size
        if found is None or (self.precision(found) or 0) < self.enough:
            return None
        return found


def judged(subject: Subject, found: Sequence[Doubt], alike: Mapping[str, frozenset[str]]) -> Tally:
    """Hold what was found at a subject against what was true there.

    A doubt is true when half of its time, and ten minutes or all of it, really were so. A case is
    found by a true doubt that shares five minutes with it, or half of the shorter one of them.

    Args:
        subject: with its truth.
        found: all doubts there.
        alike: kind → kinds whose doubts speak of the same matter, itself among them.
    """
    tally = Tally(doubts=len(found))
    true: list[Doubt] = []
    for doubt in found:
        spans = union(*(subject.true.get(kind, []) for kind in alike[doubt.kind]))
        held = length(common([(doubt.since_s, doubt.until_s)], spans))
        lasts = doubt.until_s - doubt.since_s
        if held >= max(min(LEAST_S, lasts), lasts / 2):
            true.append(doubt)
        else:
            tally.false.append(FalseDoubt(doubt, _looks(subject, doubt)))
    tally.told = [_told(subject, case, true, alike) for case in subject.cases]
    return tally


def _told(
    subject: Subject, case: Case, true: Sequence[Doubt], alike: Mapping[str, frozenset[str]]
) -> Told:
    span = (case.since_s, case.until_s)
    lasts = min(LEAST_S, case.until_s - case.since_s)
    matching = [
        one
        for one in true
        if case.kind in alike[one.kind]
        and length(common([span], [(one.since_s, one.until_s)]))
        >= min(lasts, one.until_s - one.since_s) / 2
    ]
    if not matching:
        return Told(subject.code, case, None)
    delay = min(one.confirmed_s for one in matching) - case.since_s
    otherwise = all(one.kind != case.kind for one in matching)
    return Told(subject.code, case, delay, otherwise, len(matching))


def _looks(subject: Subject, doubt: Doubt) -> tuple[str, ...]:
    span = [(doubt.since_s, doubt.until_s)]
    return tuple(sorted({name for name, spans in subject.marked if common(spans, span)}))


def curves(tally: Tally, wanted: Iterable[Wanted]) -> list[Curve]:
    """Return what was found of each kind along each measure that was asked for."""
    return [_curve(tally, one) for one in wanted]


def _curve(tally: Tally, wanted: Wanted) -> Curve:
    false = sum(one.doubt.kind == wanted.kind for one in tally.false)
    mine = [
        one for one in tally.told if one.case.kind == wanted.kind and clean(one.case, wanted.by)
    ]
    bounds = [*wanted.sizes, float("inf")]
    sizes = []
    for low, high in pairwise(bounds):
        # A set point is a decimal that a float tells: half of a tenth beyond is none.
        made = [one for one in mine if low - 1e-6 <= one.case.size[wanted.by] < high - 1e-6]
        told = [one for one in made if one.case.told]
        found = [one for one in told if one.delay_s is not None]
        own = (one.delay_s for one in found if not one.otherwise)
        delays = sorted(delay for delay in own if delay is not None)
        counts = len(made), len(told), len(found), sum(one.otherwise for one in found)
        sizes.append(Size(low, *counts, sum(one.doubts for one in found), tuple(delays)))
    return Curve(wanted.kind, wanted.by, tuple(sizes), false)


def clean(case: Case, by: By) -> bool:
    """Whether a case has this measure, and is large enough along the other to count along it."""
    if by not in case.size:
        return False
    other = _CLEAN.get((case.kind, by))
    return other is None or case.size[other[0]] >= other[1]
