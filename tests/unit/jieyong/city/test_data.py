"""Rules about whoever measures, reports or is asked find what they should; when broken less."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from jieyong.evaluation.city import answered, clocks, entered, heard, registers, reported
from jieyong.evaluation.city.entered import Looked
from jieyong.evaluation.city.places import Basis, Laid
from jieyong.evaluation.city.reading import known, read_plan
from jieyong.evaluation.city.run import ZONE, tally
from jieyong.evaluation.city.score import Tally, curves
from metering.gauge.settings import GaugeSettings
from registry.calendar import DatedCalendar
from registry.published_days import published_days
from rules.ruleset.model import Rule
from rules.ruleset.reading import read_rule_set
from simulators.city import devices, ledgers, reports, respondents, terminals
from simulators.city import registers as counted
from simulators.city.life import span
from simulators.city.plan import CLOCK, MISSING, ODD, SILENT, UNANSWERED, Plan

DEFAULT = (Path(__file__).parents[4] / "rules" / "sets" / "default.yaml").read_text("utf-8")
SEED = 6301
ENOUGH = 0.95
HEARD = tuple(SILENT)
REPORTED = tuple(
    f"{kind}.{energy}"
    for kind in ("quota.ahead", "consumption.year_on_year")
    for energy in ("electricity", "heat")
)
QUARTER, YEAR = MISSING["quarter"], MISSING["year"]


@cache
def plan() -> Plan:
    return read_plan(known()["data"].read_text("utf-8"), "data")


@cache
def rules(code: str = "", good: str = "", bad: str = "") -> tuple[Rule, ...]:
    """The default rules about these kinds, a word of one of them changed."""
    head, name, tail = DEFAULT.partition(f"  - code: {code}\n") if code else (DEFAULT, "", "")
    assert good in tail
    text = head + name + (tail.replace(good, bad, 1) if code else tail)
    wanted = {*HEARD, ODD, *REPORTED, CLOCK, QUARTER, YEAR, UNANSWERED}
    return tuple(one for one in read_rule_set(text, "r", ZONE).rules if one.kind.code in wanted)


def basis(of: Sequence[Rule]) -> Basis:
    calendar = DatedCalendar(published_days())
    return Basis(of, GaugeSettings(), calendar, ZONE, *span(plan()))


LIVE: dict[str, Callable[[Plan, int], Callable[[int], Sequence[Any]]]] = {
    "devices": devices.live,
    "registers": counted.live,
    "institutions": reports.live,
    "terminals": terminals.live,
    "ledgers": ledgers.live,
    "respondents": respondents.live,
}
LAY: dict[str, Callable[[list[Any], Basis], Sequence[Laid | Looked]]] = {
    "devices": heard.lay,
    "registers": lambda those, of: [registers.lay(those, of)],
    "institutions": lambda those, of: [reported.lay(those, of)],
    "terminals": lambda those, of: [clocks.lay(those, of)],
    "ledgers": lambda those, of: [entered.lay(those, of)],
    "respondents": lambda those, of: [answered.lay(those, of)],
}
SORTS = {
    **dict.fromkeys(HEARD, "devices"),
    ODD: "registers",
    **dict.fromkeys(REPORTED, "institutions"),
    CLOCK: "terminals",
    **dict.fromkeys((QUARTER, YEAR), "ledgers"),
    UNANSWERED: "respondents",
}


@cache
def lays(sort: str) -> tuple[list[Any], list[Laid | Looked]]:
    """Subjects of all institutions, and what is known of them."""
    made = LIVE[sort](plan(), SEED)
    subjects: list[Any] = []
    found: list[Laid | Looked] = []
    for number in range(plan().institutions):
        those = made(number)
        subjects += those
        found += LAY[sort](list(those), basis(rules()))
    return subjects, found


@cache
def measured(kind: str, rule: str = "", good: str = "", bad: str = "") -> Tally:
    subjects, parts = lays(SORTS[kind])
    mine = [one for one in rules(rule, good, bad) if one.kind.code == kind]
    found = [doubt for part in parts for doubt in part.doubts(mine)]
    return tally(subjects, found, {kind: frozenset({kind})})


def found(measured: Tally, kind: str) -> int:
    return sum(one.delay_s is not None for one in measured.told if one.case.kind == kind)


@pytest.mark.parametrize("kind", SORTS)
def test_what_is_above_the_floors_is_found_and_little_else(kind: str) -> None:
    for curve in (one for one in curves(measured(kind), plan().wanted) if one.kind == kind):
        told, hit = (sum(getattr(size, name) for size in curve.sizes) for name in ("told", "found"))
        assert told >= 15
        assert hit >= ENOUGH * told, curve
        assert (curve.precision(0) or 0) >= ENOUGH, curve


@pytest.mark.parametrize(
    ("kind", "rule", "good", "bad"),
    [
        ("data.silent", "device-silent", "for: 1d", "for: 3d"),
        ("bus.silent", "bus-silent", "for: 1d", "for: 3d"),
        ("site.silent", "site-silent", "for: 6h", "for: 20h"),
        ("meter.odd_readings", "meter-odd-readings", "for: 1m", "for: 2h"),
        ("quota.ahead.electricity", "quota-ahead-electricity", "over: 5", "over: 20"),
        ("quota.ahead.heat", "quota-ahead-heat", "over: 5", "over: 20"),
        (REPORTED[2], "year-on-year-electricity", "above: 25", "above: 65"),
        (REPORTED[3], "year-on-year-heat", "above: 25", "above: 90"),
        (CLOCK, "terminal-clock", "ahead: 60", "ahead: 1000"),
        (CLOCK, "terminal-clock", "behind: 600", "behind: 3600"),
        (CLOCK, "terminal-clock", "silence: 7d", "silence: 1h"),
        (QUARTER, "quarter-missing", "within: 15", "within: 25"),
        (YEAR, "year-missing", "within: 90", "within: 120"),
        (UNANSWERED, "doubts-unanswered", "for: 30d", "for: 40d"),
        (UNANSWERED, "doubts-unanswered", "least: 3", "least: 12"),
    ],
)
def test_a_rule_that_is_too_slack_finds_less(kind: str, rule: str, good: str, bad: str) -> None:
    assert found(measured(kind, rule, good, bad), kind) < found(measured(kind), kind)


@pytest.mark.parametrize(
    ("kind", "rule", "good", "bad"),
    [
        ("data.silent", "device-silent", "for: 1d", "for: 2h"),
        ("bus.silent", "bus-silent", "for: 1d", "for: 2h"),
        ("site.silent", "site-silent", "for: 6h", "for: 1h"),
        (REPORTED[2], "year-on-year-electricity", "above: 25", "above: 3"),
        (REPORTED[3], "year-on-year-heat", "above: 25", "above: 3"),
        (CLOCK, "terminal-clock", "behind: 600", "behind: 360"),
        (QUARTER, "quarter-missing", "ahead: 5", "ahead: 14"),
        (YEAR, "year-missing", "ahead: 15", "ahead: 89"),
        (UNANSWERED, "doubts-unanswered", "least: 3", "least: 1"),
    ],
)
def test_a_rule_that_is_too_strict_raises_false_doubts(
    kind: str, rule: str, good: str, bad: str
) -> None:
    assert len(measured(kind, rule, good, bad).false) > len(measured(kind).false)


def test_a_bus_or_a_site_that_is_silent_is_one_doubt() -> None:
    """While it is, nobody is asked about what is behind it."""
    subjects, _ = lays("devices")
    silent = [case for one in subjects if one.of != "device" for case in one.cases]
    assert len(silent) == 80
    assert measured("data.silent").false == []


@pytest.mark.parametrize("sort", LIVE)
def test_the_same_seed_is_the_same_city(sort: str) -> None:
    first, again, other = (LIVE[sort](plan(), seed)(0) for seed in (1, 1, 2))
    assert [one.cases for one in first] == [one.cases for one in again]
    assert [one.code for one in first] == [one.code for one in again]
    assert [one.cases for one in first] != [one.cases for one in other]


@pytest.mark.parametrize("sort", LIVE)
def test_a_city_that_is_too_small_is_refused(sort: str) -> None:
    small = replace(
        plan(),
        institutions=1,
        buses=2,
        registers=1,
        reporters=1,
        terminals=1,
        ledgers=1,
        respondents=1,
    )
    with pytest.raises(ValueError, match="fewer of it, or"):
        LIVE[sort](small, 1)
