"""The measurement: a simulated city, what rules find in it, held against what was true."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from jieyong.evaluation.city import places
from jieyong.evaluation.city.places import Basis
from jieyong.evaluation.city.score import Curve, Doubt, Tally, curves, judged
from metering.gauge.settings import GaugeSettings
from registry.calendar import Calendar
from rules.kinds.catalogue import KINDS
from rules.ruleset.model import RuleSet
from simulators.city import rooms
from simulators.city.model import Subject
from simulators.city.plan import MEASURES, Plan

ZONE: Final = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort of subjects that rules are about.

    Attributes:
        kinds: of cases; those of no other sort.
        live: makes up the subjects of an institution.
        doubts: what rules find at them.
    """

    kinds: frozenset[str]
    live: Callable[[rooms.City, int], Sequence[Subject]]
    doubts: Callable[[Sequence[Subject], Basis], Sequence[Doubt]]


SORTS: Final = (Sort(frozenset(MEASURES), rooms.institution, places.doubts),)
"""Each is simulated and looked at by itself; another sort is another line."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured.

    Attributes:
        curves: of each kind.
        tally: each case, and each false doubt.
        subjects: how many there were.
    """

    curves: tuple[Curve, ...]
    tally: Tally
    subjects: int


def evaluate(  # noqa: PLR0913, PLR0917 - what is measured, each by its name
    plan: Plan,
    seed: int,
    rules: RuleSet,
    calendar: Calendar,
    gauges: GaugeSettings,
    done: Callable[[], None] = lambda: None,
) -> Evaluation:
    """Simulate a city and hold what rules find in it against what was true.

    Args:
        plan: the scenario.
        seed: of everything that varies.
        rules: in force all the time.
        calendar: of the platform.
        gauges: how long values hold.
        done: called behind each institution, for people who wait.

    Raises:
        ValueError: the city is too small for what is wanted of it.
    """
    city = rooms.city(plan, seed)
    basis = Basis(rules, gauges, calendar, ZONE, *city.span)
    alike = _alike(rules)
    tally, subjects = Tally(), 0
    for number in range(plan.institutions):
        for sort in SORTS:
            lived = sort.live(city, number)
            tally.add(_judged(lived, sort.doubts(lived, basis), alike))
            subjects += len(lived)
        done()
    return Evaluation(tuple(curves(tally, plan.wanted)), tally, subjects)


def _judged(
    lived: Sequence[Subject], found: Sequence[Doubt], alike: Mapping[str, frozenset[str]]
) -> Tally:
    of_subject: dict[str, list[Doubt]] = {}
    for doubt in found:
        of_subject.setdefault(doubt.subject, []).append(doubt)
    tally = Tally()
    for one in lived:
        tally.add(judged(one, of_subject.get(one.code, []), alike))
    return tally


def _alike(rules: RuleSet) -> Mapping[str, frozenset[str]]:
    """Kinds of which the rules say that they speak of the same matter, each of itself."""
    matters: dict[str, set[str]] = {}
    for rule in rules.rules:
        matters.setdefault(rule.matter or rule.code, set()).add(rule.kind.code)
    alike = {kind: {kind} for kind in KINDS}
    for kinds in matters.values():
        for kind in kinds:
            alike[kind] |= kinds
    return {kind: frozenset(others) for kind, others in alike.items()}
