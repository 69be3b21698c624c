"""The measurement: a simulated city, what rules find in it, held against what was true."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from jieyong.evaluation.city import (
    answered,
    clocks,
    entered,
    heard,
    metered,
    places,
    registers,
    reported,
    vehicles,
)
from jieyong.evaluation.city.places import Basis
from jieyong.evaluation.city.score import Curve, Doubt, Tally, curves, judged
from metering.gauge.settings import GaugeSettings
from registry.calendar import Calendar
from rules.kinds.catalogue import KINDS
from rules.ruleset.model import Rule
from simulators.city import (
    buildings,
    circuits,
    devices,
    ledgers,
    reports,
    respondents,
    rooms,
    terminals,
)
from simulators.city import registers as counted
from simulators.city import vehicles as driven
from simulators.city.life import span
from simulators.city.model import Subject
from simulators.city.plan import (
    AHEAD,
    CLOCK,
    DRIVEN,
    GROWN,
    MEASURES,
    METERED,
    MISSING,
    ODD,
    SILENT,
    TIMED,
    UNANSWERED,
    Plan,
)

ZONE: Final = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort of subjects that rules are about.

    Attributes:
        name: by which it is asked for.
        kinds: of waste that its subjects tell of.
        live: from a scenario and a seed, what makes up the subjects of an institution, from 0 on.
        doubts: what rules find at them.
        together: they are looked at all together: what is normal is learned from all of a city.
    """

    name: str
    kinds: Collection[str]
    live: Callable[[Plan, int], Callable[[int], Sequence[Any]]]
    doubts: Callable[[Sequence[Any], Basis], Sequence[Doubt]]
    together: bool = False


SORTS: Final = (
    Sort("rooms", MEASURES, rooms.live, places.doubts),
    Sort("meters", METERED, buildings.live, metered.doubts),
    Sort("circuits", TIMED, circuits.live, places.doubts),
    Sort("vehicles", DRIVEN, driven.live, vehicles.doubts, together=True),
    Sort("registers", (ODD,), counted.live, registers.doubts),
    Sort("institutions", (*AHEAD.values(), *GROWN.values()), reports.live, reported.doubts),
    Sort("devices", SILENT, devices.live, heard.doubts),
    Sort("terminals", (CLOCK,), terminals.live, clocks.doubts),
    Sort("ledgers", MISSING.values(), ledgers.live, entered.doubts),
    Sort("respondents", (UNANSWERED,), respondents.live, answered.doubts),
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
    sorts: Sequence[Sort] = SORTS,
    done: Callable[[], None] = lambda: None,
) -> Evaluation:
    """Simulate a city and hold what rules find in it against what was true.

    Args:
        plan: the scenario.
        seed: of everything that varies.
        rules: in force all the time, of one or several sets.
        calendar: of the platform.
        gauges: how long values hold.
        sorts: of subjects that are made up and looked at.
        done: called behind each institution, for people who wait.

    Raises:
        ValueError: the city is too small for what is wanted of it.
    """
    basis = Basis(rules, gauges, calendar, ZONE, *span(plan))
    worlds = [(sort, sort.live(plan, seed)) for sort in sorts]
    same = alike(rules)
    whole, subjects = Tally(), 0
    waiting: dict[int, list[Subject]] = {}
    for number in range(plan.institutions):
        last = number == plan.institutions - 1
        for at, (sort, live) in enumerate(worlds):
            lived = live(number)
            subjects += len(lived)
            if sort.together:
                lived = waiting[at] = [*waiting.get(at, ()), *lived]
            if last or not sort.together:
                whole.add(tally(lived, sort.doubts(lived, basis), same))
        done()
    wanted = [one for one in plan.wanted if any(one.kind in sort.kinds for sort in sorts)]
    return Evaluation(tuple(curves(whole, wanted)), whole, subjects)


def tally(
    lived: Sequence[Subject], found: Sequence[Doubt], same: Mapping[str, frozenset[str]]
) -> Tally:
    """Hold what was found at subjects against what was true there; same: see :func:`alike`."""
    of_subject: dict[str, list[Doubt]] = {}
    for doubt in found:
        of_subject.setdefault(doubt.subject, []).append(doubt)
    whole = Tally()
    for one in lived:
        whole.add(judged(one, of_subject.get(one.code, []), same))
    return whole


def alike(rules: Sequence[Rule]) -> Mapping[str, frozenset[str]]:
    """Kinds of which the rules say that they speak of the same matter, each of itself."""
    matters: dict[str, set[str]] = {}
    for rule in rules:
        matters.setdefault(rule.matter or rule.code, set()).add(rule.kind.code)
    found = {kind: {kind} for kind in KINDS}
    for kinds in matters.values():
        for kind in kinds:
            found[kind] |= kinds
    return {kind: frozenset(others) for kind, others in found.items()}
