"""A rule that fails at a place holds up neither the other rules nor the other places."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from metering.gauge.hold import Holds
from rules.derive.evaluate import Layers, evaluate
from rules.derive.fared import Fared
from rules.kinds.model import Values
from rules.ruleset.model import Version
from rules.timeline.overlay import Pieces, Windows
from rules.timeline.truth import Truth
from storage.times import ALWAYS_US, NEVER_US
from tests.unit.rules.derive.test_evaluate import MINUTE, version

PLACES = np.array([1, 2, 3])
WINDOWS = Windows(PLACES, np.zeros(3, np.int64), np.full(3, 100 * MINUTE))
RELAYS = Holds(PLACES, PLACES * MINUTE, np.full(3, 60 * MINUTE), np.ones(3))
LAYERS = Layers({"relay": [RELAYS]}, {}, {})
GOOD = version("kind: lighting.never_off, for: 10m, severity: notice")


def failing_at(places: set[int]) -> Version:
    good = GOOD.rule.kind.holds

    def holds(pieces: Pieces, values: Values) -> Truth:
        if places & set(pieces.subject.tolist()):
            raise ZeroDivisionError("x / 0")
        return good(pieces, values)

    kind = replace(GOOD.rule.kind, holds=holds)
    return Version(2, replace(GOOD.rule, kind=kind), ALWAYS_US, NEVER_US)


def test_where_it_does_not_fail_it_finds_what_it_would_find_alone() -> None:
    fared = Fared()
    versions = [failing_at({2}), GOOD]
    failing, good = evaluate(versions, LAYERS, WINDOWS, fared.judge)
    (alone,) = evaluate([GOOD], LAYERS, WINDOWS)
    assert good.runs.subject.tolist() == [1, 2, 3]
    kept = alone.runs.where(alone.runs.subject != 2)
    for name in ("subject", "since", "confirmed", "until", "true_us", "behind"):
        assert getattr(failing.runs, name).tolist() == getattr(kept, name).tolist()
    assert failing.stretches.subject.tolist() == [1, 3]
    assert fared.failed() == {2: {2: "ZeroDivisionError: x / 0"}}
    assert [sorted(run.subjects) for run in fared.runs.values()] == [[1, 2, 3], [1, 2, 3]]


def test_a_rule_that_fails_everywhere_finds_nothing_and_asks_for_nothing_wider() -> None:
    fared = Fared()
    versions = [failing_at({1, 2, 3})]
    (found,) = evaluate(versions, LAYERS, WINDOWS, fared.judge)
    assert len(found.runs) == 0
    assert len(found.stretches) == 0
    assert set(fared.failed()[2]) == {1, 2, 3}


def test_where_it_failed_once_what_it_had_found_speaks_on_until_it_is_tried_again() -> None:
    fared = Fared()
    ill = {2}
    failing = failing_at(ill)
    (alone,) = evaluate([GOOD], LAYERS, WINDOWS)
    had_found = partial(
        fared.judge, kept=lambda _, subject: alone.runs.where(alone.runs.subject == subject)
    )
    evaluate([failing], LAYERS, WINDOWS, fared.judge)
    ill.clear()
    late = Layers({"relay": [replace(RELAYS, since=RELAYS.since + 20 * MINUTE)]}, {}, {})
    (found,) = evaluate([failing], late, WINDOWS, had_found)
    assert (found.runs.since // MINUTE).tolist() == [21, 2, 23]
    assert found.stretches.subject.tolist() == [1, 3]
    assert set(fared.failed()[2]) == {2}
