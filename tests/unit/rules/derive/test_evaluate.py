"""Which doubts follow from what was measured, by kind, tag and version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from metering.gauge.hold import Holds
from rules.derive.evaluate import Layers, evaluate, measured
from rules.kinds.model import ABSENT
from rules.ruleset.model import Version
from rules.ruleset.reading import read_rule_set
from rules.timeline.overlay import Windows
from storage.times import ALWAYS_US, NEVER_US

MINUTE = 60_000_000
Steps = Sequence[tuple[float, float, float]]
"""From minute, to minute, value."""


def holds(steps: Steps) -> Holds:
    since, until, value = zip(*steps, strict=True)
    return Holds(
        np.ones(len(steps), np.int64),
        np.array(since, np.int64) * MINUTE,
        np.array(until, np.int64) * MINUTE,
        np.array(value, np.float64),
    )


def version(rule: str, since: int = ALWAYS_US, until: int = NEVER_US) -> Version:
    hours = "hours: [{code: office, workday: [08:00-18:00], weekend: [], holiday: []}]"
    text = f"code: s\ntitle: t\n{hours}\nrules:\n  - {{code: r, title: t, source: s, {rule}}}\n"
    (found,) = read_rule_set(text, "r.yaml", ZoneInfo("Asia/Shanghai")).rules
    return Version(1, found, since, until)


def found(
    rule: str | Version,
    inputs: Mapping[str, Sequence[Steps]],
    tags: Mapping[str, Steps] | None = None,
    hours: Steps | None = None,
) -> list[tuple[int, int]]:
    """Begin and end in minutes of what a rule finds in 100 minutes."""
    layers = Layers(
        {name: [holds(steps) for steps in sources] for name, sources in inputs.items()},
        {tag: holds(steps) for tag, steps in (tags or {}).items()},
        {} if hours is None else {"office": holds(hours)},
    )
    windows = Windows(np.array([1]), np.array([0]), np.array([100 * MINUTE]))
    asked = version(rule) if isinstance(rule, str) else rule
    (told,) = evaluate([asked], layers, windows)
    pairs = zip(told.runs.since.tolist(), told.runs.until.tolist(), strict=True)
    return [(since // MINUTE, until // MINUTE) for since, until in pairs]


ON = [(0, 100, 1.0)]
COLD = "kind: aircon.cooling, for: 10m, severity: notice"
WARM = "kind: aircon.heating, for: 10m, severity: notice"


@pytest.mark.parametrize(("set_point", "doubt"), [(25.5, False), (25.4, True), (26.0, False)])
def test_cooling_half_a_degree_below_is_none_and_more_is(set_point: float, doubt: bool) -> None:
    inputs = {"run": [ON], "mode": [[(0, 100, 1.0)]], "set_point": [[(20, 60, set_point)]]}
    assert found(COLD, inputs) == ([(20, 60)] if doubt else [])


@pytest.mark.parametrize(("set_point", "doubt"), [(20.5, False), (20.6, True), (18.0, False)])
def test_heating_half_a_degree_above_is_none_and_more_is(set_point: float, doubt: bool) -> None:
    inputs = {"run": [ON], "mode": [[(0, 100, 4.0)]], "set_point": [[(20, 60, set_point)]]}
    assert found(WARM, inputs) == ([(20, 60)] if doubt else [])


@pytest.mark.parametrize("mode", [0.0, 2.0, 3.0])
@pytest.mark.parametrize("rule", [COLD, WARM])
def test_dry_fan_and_automatic_are_no_cases(mode: float, rule: str) -> None:
    inputs = {"run": [ON], "mode": [[(0, 100, mode)]], "set_point": [[(0, 100, 10.0)]]}
    assert found(rule, inputs) == []


def test_a_unit_that_is_off_cools_nothing() -> None:
    inputs = {"run": [[(0, 100, 0.0)]], "mode": [ON], "set_point": [[(0, 100, 16.0)]]}
    assert found(COLD, inputs) == []


def test_what_is_not_known_makes_no_doubt() -> None:
    assert found(COLD, {"run": [ON], "set_point": [[(0, 100, 16.0)]]}) == []


def test_a_tag_exempts_while_it_holds() -> None:
    inputs = {"run": [ON], "mode": [ON], "set_point": [[(0, 100, 20.0)]]}
    rule = COLD + ", except: [ward, archive]"
    assert found(rule, inputs) == [(0, 100)]
    assert found(rule, inputs, {"ward": [(30, 100, 1.0)]}) == [(0, 30)]
    assert found(rule, inputs, {"archive": [(0, 100, 1.0)]}) == []
    assert found(rule, inputs, {"canteen": [(0, 100, 1.0)]}) == [(0, 100)]


def test_only_what_has_a_tag_is_looked_at() -> None:
    inputs = {"run": [ON], "mode": [ON], "set_point": [[(0, 100, 20.0)]]}
    rule = COLD + ", only: [x-office]"
    assert found(rule, inputs) == []
    assert found(rule, inputs, {"x-office": [(0, 40, 1.0)]}) == [(0, 40)]


def test_a_version_says_nothing_of_other_times() -> None:
    inputs = {"run": [ON], "mode": [ON], "set_point": [[(0, 100, 20.0)]]}
    assert found(version(COLD, 20 * MINUTE, 50 * MINUTE), inputs) == [(20, 50)]


def test_outside_hours_needs_to_know_the_hours() -> None:
    rule = "kind: aircon.outside_hours, for: 10m, severity: notice, hours: office"
    assert found(rule, {"run": [ON]}, hours=[(0, 40, 1.0), (40, 70, 0.0)]) == [(40, 70)]


NOBODY = "kind: lighting.nobody, for: 10m, severity: notice"


@pytest.mark.parametrize(
    ("sensors", "told"),
    [
        ([[(0, 100, 0.0)]], [(0, 100)]),
        # One of two sees somebody for a while.
        ([[(0, 100, 0.0)], [(0, 40, 1.0), (40, 100, 0.0)]], [(40, 100)]),
        # One of two is silent: nobody knows that nobody is there.
        ([[(0, 100, 0.0)], [(0, 40, 0.0)]], [(0, 40)]),
        ([[(0, 100, 1.0)], [(0, 40, 0.0)]], []),
        # One of two hangs there no longer: it has no say.
        ([[(0, 100, 0.0)], [(0, 40, 1.0), (40, 100, ABSENT)]], [(40, 100)]),
        ([[(0, 100, ABSENT)]], []),
    ],
)
def test_nobody_is_there_when_no_sensor_of_the_room_sees_anybody(
    sensors: Sequence[Steps], told: list[tuple[int, int]]
) -> None:
    assert found(NOBODY, {"relay": [ON], "occupancy": sensors}) == told


def test_of_two_devices_the_first_that_knows_is_believed() -> None:
    sources = [[(0, 30, 0.0)], [(0, 100, 1.0)]]
    assert found(NOBODY, {"relay": sources, "occupancy": [[(0, 100, 0.0)]]}) == [(30, 100)]


def test_daylight_counts_above_what_the_lamps_themselves_give() -> None:
    rule = "kind: lighting.daylight, for: 10m, severity: notice, bright_enough: 300, lamps: 400"
    lux = [(0, 30, 699.0), (30, 60, 700.0), (60, 100, 500.0)]
    assert found(rule, {"relay": [ON], "lux": [lux]}) == [(30, 60)]


def test_a_lamp_that_was_off_for_a_moment_was_off() -> None:
    rule = "kind: lighting.never_off, for: 60m, severity: warning"
    assert found(rule, {"relay": [[(0, 45, 1.0), (45, 46, 0.0), (46, 100, 1.0)]]}) == []
    assert found(rule, {"relay": [ON]}) == [(0, 100)]


def test_power_alone_tells_a_lamp_that_is_never_off() -> None:
    rule = "kind: lighting.power_never_off, for: 60m, severity: warning, on_above: 20"
    assert found(rule, {"power": [[(0, 80, 20.0), (80, 100, 19.9)]]}) == [(0, 80)]


def test_what_several_devices_measured_is_shown_as_one() -> None:
    sources = [holds([(30, 100, 1.0)]), holds([(0, 30, 0.0)])]
    people = [holds([(0, 30, ABSENT), (30, 100, 0.0)]), holds([(0, 30, 1.0), (30, 100, ABSENT)])]
    layers = Layers({"relay": sources, "occupancy": people}, {}, {})
    windows = Windows(np.array([1]), np.array([0]), np.array([100 * MINUTE]))
    shown = measured(layers, windows)
    assert shown.column("relay").tolist() == [0.0, 1.0]
    assert shown.column("occupancy").tolist() == [1.0, 0.0]
