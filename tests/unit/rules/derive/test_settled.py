"""What is looked at again around a change is enough: the rest is as it was found before."""

from __future__ import annotations

import random
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from metering.gauge.hold import Holds
from rules.derive.evaluate import Found, Layers, evaluate
from rules.derive.settled import Area, Matters, Settled, Spans, settle
from rules.derive.span import around, wider
from rules.ruleset.model import Version
from rules.ruleset.reading import read_rule_set
from rules.timeline.overlay import Windows
from storage.times import ALWAYS_US, NEVER_US

MINUTE = 60_000_000
LENGTH = 40
"""Minutes in which anything is known; nothing is before and behind."""
RULES = """
code: s
title: t
hours: [{code: office, workday: [08:00-18:00], weekend: [], holiday: []}]
rules:
  - {code: a, title: t, source: s, kind: lighting.nobody, matter: lit, for: 4m, gap: 1m,
     severity: notice}
  - {code: b, title: t, source: s, kind: lighting.outside_hours, hours: office, matter: lit,
     for: 6m, gap: 2m, silence: 3m, severity: notice}
  - {code: c, title: t, source: s, kind: lighting.never_off, for: 12m, gap: 1m, silence: 5m,
     severity: notice}
"""
VERSIONS = [
    Version(1 + n, rule, ALWAYS_US, NEVER_US)
    for n, rule in enumerate(read_rule_set(RULES, "r.yaml", ZoneInfo("Asia/Shanghai")).rules)
]
MATTERS = Matters.of(VERSIONS)
CHAINS = (2530, 2547, 2767, 2813, 2922, 2688)
"""Seeds that tell what others do not: what was bridged to silent runs, and matters of three."""
Doubt = tuple[int, int, int, int, int, int]


def layer(text: str) -> Holds:
    """A value for each minute; nothing where nothing is known."""
    at = np.array([n for n, symbol in enumerate(text) if symbol != "?"], np.int64)
    value = np.array([float(text[n]) for n in at.tolist()])
    return Holds(np.ones(len(at), np.int64), at * MINUTE, (at + 1) * MINUTE, value)


def found(texts: list[str], seen: Windows) -> list[Found]:
    relay, people, working = map(layer, texts)
    layers = Layers({"relay": [relay], "occupancy": [people]}, {}, {"office": working})
    return evaluate(VERSIONS, layers, seen)


def window(begin: int, end: int) -> Windows:
    return Windows(np.array([1]), np.array([begin * MINUTE]), np.array([end * MINUTE]))


def doubts(told: list[Found]) -> list[Doubt]:
    return [
        (one.version.id, *row)
        for one in told
        for row in zip(
            *(
                getattr(one.runs, name).tolist()
                for name in ("since", "confirmed", "until", "true_us", "behind")
            ),
            strict=True,
        )
    ]


def spans(of: list[Doubt]) -> Spans:
    columns = np.array(of, np.int64).reshape(-1, 6).T
    ones = np.ones(len(of), np.int64)
    return Spans.found(ones, MATTERS.numbers(columns[0]), columns[1], columns[3])


def looked_at_again(texts: list[str], changed: Windows, before: list[Doubt]) -> list[Doubt]:
    """What is found after a change, of which little is looked at."""
    seen = around(changed, 10 * MINUTE, 10 * MINUTE)
    first, stood = Area.of(changed, MATTERS), spans(before)
    while True:
        told = found(texts, seen)
        standing = [Spans.standing(one, MATTERS) for one in told]
        settled = settle(first, seen, Spans.joined([stood, *standing]))
        if not (settled.before | settled.behind).any():
            break
        seen = wider(seen, settled.before, settled.behind)
    return sorted(untouched(before, settled) + touched(doubts(told), settled))


def untouched(of: list[Doubt], settled: Settled) -> list[Doubt]:
    return [one for one in of if not settled.area.touched(spans([one]))[0]]


def touched(of: list[Doubt], settled: Settled) -> list[Doubt]:
    return [one for one in of if settled.area.touched(spans([one]))[0]]


def drawn(rng: random.Random, often: str) -> str:
    """Minutes of which most are as the one before."""
    text = ""
    while len(text) < LENGTH:
        text += rng.choice(often + "01?") * rng.choice((1, 2, 3, 9))
    return text[:LENGTH]


@pytest.mark.parametrize("seed", [*range(200), *CHAINS])
def test_what_was_found_besides_and_what_is_found_again_are_what_one_look_finds(seed: int) -> None:
    rng = random.Random(seed)
    before = [drawn(rng, often) for often in ("111111", "000", "000")]
    begin = rng.randrange(LENGTH)
    end = min(begin + rng.randint(1, 6), LENGTH)
    after = [text[:begin] + drawn(rng, "01")[begin:end] + text[end:] for text in before]
    everything = window(-60, LENGTH + 60)
    was, is_ = (sorted(doubts(found(texts, everything))) for texts in (before, after))
    assert looked_at_again(after, window(begin, end), was) == is_


def test_a_lamp_that_is_switched_is_not_looked_at_for_longer_than_it_is_on() -> None:
    on = "0" * 10 + "1" * 20 + "0" * 10
    told = found([on, "?" * LENGTH, "?" * LENGTH], seen := window(2, 25))
    standing = Spans.joined([Spans.standing(one, MATTERS) for one in told])
    settled = settle(Area.of(window(20, 21), MATTERS), seen, standing)
    assert (settled.before.tolist(), settled.behind.tolist()) == ([False], [True])


def test_what_went_out_before_anything_changed_is_not_looked_at_again() -> None:
    on = "1" * 10 + "0" * 30
    told = found([on, "?" * LENGTH, "?" * LENGTH], seen := window(5, 30))
    standing = Spans.joined([Spans.standing(one, MATTERS) for one in told])
    assert standing.before.any()
    settled = settle(Area.of(window(20, 21), MATTERS), seen, standing)
    assert not (settled.before | settled.behind).any()


def test_rules_about_different_matters_are_looked_at_apart() -> None:
    told = found(
        ["1" * LENGTH, "0" * 10 + "1" * 30, "1" * LENGTH], seen := window(-60, LENGTH + 60)
    )
    assert [one[0] for one in doubts(told)] == [1, 3]
    standing = Spans.joined([Spans.standing(one, MATTERS) for one in told])
    area = settle(Area.of(window(30, 31), MATTERS), seen, standing).area
    of = dict(MATTERS.of_version)
    assert [area.begin[0, of[one]] // MINUTE for one in (1, 2, 3)] == [30, 30, 0]
