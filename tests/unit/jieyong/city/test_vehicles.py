"""Rules about vehicles find what they should, and less, or too much, when they are broken."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from jieyong.evaluation.city.places import Basis
from jieyong.evaluation.city.reading import known, read_plan
from jieyong.evaluation.city.run import ZONE
from jieyong.evaluation.city.score import Tally, curves, judged
from jieyong.evaluation.city.vehicles import Laid, laid
from metering.gauge.settings import GaugeSettings
from registry.calendar import DatedCalendar
from registry.published_days import published_days
from rules.ruleset.model import Rule
from rules.ruleset.reading import read_rule_set
from simulators.city.life import span
from simulators.city.plan import DRIVEN, Plan
from simulators.city.vehicles import live
from simulators.city.vehicles_model import Vehicle

SETS = Path(__file__).parents[4] / "rules" / "sets"
DEFAULT, TAIL = ((SETS / f"{name}.yaml").read_text("utf-8") for name in ("default", "plate-tail"))
ALIKE = {kind: frozenset({kind}) for kind in DRIVEN}
SEED = 6201
ENOUGH = 0.95


@cache
def plan() -> Plan:
    return read_plan(known()["garages"].read_text("utf-8"), "garages")


@cache
def world() -> Laid:
    made = live(plan(), SEED)
    vehicles = [one for number in range(plan().institutions) for one in made(number)]
    rules = [rule for text in (DEFAULT, TAIL) for rule in read_rule_set(text, "r", ZONE).rules]
    calendar = DatedCalendar(published_days())
    return laid(vehicles, Basis(rules, GaugeSettings(), calendar, ZONE, *span(plan())))


@cache
def measured(rule: str = "", good: str = "", bad: str = "") -> Tally:
    """Measure the rules, a word of one of them changed."""
    rules: list[Rule] = []
    for text in (DEFAULT, TAIL):
        head, code, tail = text.partition(f"  - code: {rule}\n")
        assert not code or good in tail
        changed = head + code + tail.replace(good, bad, 1) if rule and code else text
        rules += read_rule_set(changed, "r.yaml", ZONE).rules
    found = world().doubts(rules)
    tally = Tally()
    for one in world().vehicles:
        tally.add(judged(one, [doubt for doubt in found if doubt.subject == one.code], ALIKE))
    return tally


def found(tally: Tally, kind: str) -> int:
    return sum(one.delay_s is not None for one in tally.told if one.case.kind == kind)


def false(tally: Tally, kind: str) -> int:
    return sum(one.doubt.kind == kind for one in tally.false)


@pytest.mark.parametrize("kind", DRIVEN)
def test_what_is_above_the_floors_is_found_and_little_else(kind: str) -> None:
    (curve,) = (one for one in curves(measured(), plan().wanted) if one.kind == kind)
    assert all((size.recall or 0) >= ENOUGH for size in curve.sizes), curve
    assert (curve.precision(0) or 0) >= ENOUGH, curve


@pytest.mark.parametrize(
    ("rule", "good", "bad", "kind"),
    [
        ("out-of-hours", "for: 10m", "for: 40m", "out_of_hours"),
        ("not-in-yard", "for: 30m", "for: 3h", "not_in_yard"),
        ("sealed-moved", "for: 1m", "for: 30m", "sealed_moved"),
        ("plate-tail", "for: 1m", "for: 30m", "plate_tail"),
        ("maintenance-cost", "above: 30", "above: 400", "maintenance_cost"),
        ("repeated-part", "early: 50", "early: 80", "repeated_part"),
        ("fuel-rate", "own_above: 18", "own_above: 90", "fuel_rate"),
        ("fuel-cost", "own_above: 22", "own_above: 90", "fuel_cost"),
    ],
)
def test_a_rule_that_is_too_slack_finds_less(rule: str, good: str, bad: str, kind: str) -> None:
    kind = f"vehicle.{kind}"
    assert found(measured(rule, good, bad), kind) < found(measured(), kind)


EXEMPT = "    except: [law-enforcement, special-vehicle, emergency-response]\n"


@pytest.mark.parametrize(
    ("rule", "good", "bad", "kind"),
    [
        ("out-of-hours", EXEMPT, "", "out_of_hours"),
        ("not-in-yard", EXEMPT, "", "not_in_yard"),
        ("sealed-moved", "    except: [emergency-response]\n", "", "sealed_moved"),
    ],
)
def test_a_rule_that_is_too_strict_raises_false_doubts(
    rule: str, good: str, bad: str, kind: str
) -> None:
    kind = f"vehicle.{kind}"
    assert false(measured(rule, good, bad), kind) > false(measured(), kind)


def test_each_vehicle_is_looked_at_under_its_own_name() -> None:
    assert {one.subject for one in measured().told} <= {one.code for one in world().vehicles}
    assert all(isinstance(one, Vehicle) for one in world().vehicles)
