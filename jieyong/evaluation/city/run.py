"""The measurement: a simulated city, what rules find in it, held against what was true."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from jieyong.evaluation.city import metered, places, vehicles
from jieyong.evaluation.city.places import Basis
from jieyong.evaluation.city.score import Curve, Doubt, Tally, curves, judged
from metering.gauge.settings import GaugeSettings
from registry.calendar import Calendar
from rules.kinds.catalogue import KINDS
from rules.ruleset.model import Rule
from simulators.city import buildings, circuits, rooms
from simulators.city import vehicles as driven
from simulators.city.life import span
from simulators.city.model import Subject
from simulators.city.plan import Plan

ZONE: Final = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort of subjects that rules are about.

    Attributes:
        live: from a scenario and a seed, what makes up the subjects of an institution, from 0 on.
        doubts: what rules find at them.
        together: they are looked at all together: what is normal is learned from all of a city.
    """

    live: Callable[[Plan, int], Callable[[int], Sequence[Any]]]
    doubts: Callable[[Sequence[Any], Basis], Sequence[Doubt]]
    together: bool = False


SORTS: Final = (
    Sort(rooms.live, places.doubts),
    Sort(buildings.live, metered.doubts),
    Sort(circuits.live, places.doubts),
    Sort(driven.live, vehicles.doubts, together=True),
)
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
    rules: Sequence[Rule],
    calendar: Calendar,
    gauges: GaugeSettings,
    done: Callable[[], None] = lambda: None,
) -> Evaluation:
    """Simulate a city and hold what rules find in it against what was true.

    Args:
        plan: the scenario.
        seed: of everything that varies.
        rules: in force all the time, of one or several sets.
        calendar: of the platform.
        gauges: how long values hold.
        done: called behind each institution, for people who wait.

    Raises:
        ValueError: the city is too small for what is wanted of it.
    """
    basis = Basis(rules, gauges, calendar, ZONE, *span(plan))
    worlds = [(sort, sort.live(plan, seed)) for sort in SORTS]
    alike = _alike(rules)
    tally, subjects = Tally(), 0
    waiting: dict[int, list[Subject]] = {}
    for number in range(plan.institutions):
        last = number == plan.institutions - 1
        for at, (sort, live) in enumerate(worlds):
            lived = live(number)
            subjects += len(lived)
            if sort.together:
                lived = waiting[at] = [*waiting.get(at, ()), *lived]
            if last or not sort.together:
                tally.add(_judged(lived, sort.doubts(lived, basis), alike))
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


def _alike(rules: Sequence[Rule]) -> Mapping[str, frozenset[str]]:
    """Kinds of which the rules say that they speak of the same matter, each of itself."""
    matters: dict[str, set[str]] = {}
    for rule in rules:
        matters.setdefault(rule.matter or rule.code, set()).add(rule.kind.code)
    alike = {kind: {kind} for kind in KINDS}
    for kinds in matters.values():
        for kind in kinds:
            alike[kind] |= kinds
    return {kind: frozenset(others) for kind, others in alike.items()}
