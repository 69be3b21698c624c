"""Random towns: whatever the tree, nothing counts twice and nothing is lost."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import pytest
from psycopg.types.range import TimestamptzRange

from metering.tree import facts
from metering.tree.attribution import Scope
from metering.tree.levels import Level, attribute
from metering.tree.relations import Kind, Relation, enter_relation
from metering.tree.totals import UNDIVIDED, Figure, bounds, month_totals, sum_by
from tests.integration.metering.tree.town import ACT, ZONE, Town, since

JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)


def _random_town(town: Town, rng: random.Random) -> None:
    houses = [f"I{n}" for n in range(rng.randint(2, 5))]
    town.house(*houses)
    days = [date(2026, 6, 1) + timedelta(days=n) for n in range(60)]
    meters: list[str] = []
    for n in range(rng.randint(3, 14)):
        direction = rng.choice(["in", "in", "in", "in", "out", "generated"])
        code = f"M{n}"
        item = rng.choice([None, "01A00", "01A10", "01B00"])
        town.meter(code, None, direction=direction, item=item, valid=_maybe(rng, days))
        first, *rest = sorted(rng.sample(days, rng.randint(1, 2)))
        if rng.random() < 0.9:
            town.put(code, f"r-{rng.choice(houses)}", since(None, first))
            town.put(code, f"r-{rng.choice(houses)}", since(first, rest[0] if rest else None))
        if meters and rng.random() < 0.7:
            town.hang(code, rng.choice(meters), _maybe(rng, days))
        town.days(code, {d: rng.randint(-3, 10**6) for d in days if rng.random() < 0.97})
        meters.append(code)
        if n == 2:
            town.virtual("V", f"{{{meters[0]}}} + {{{meters[1]}}} - {{{meters[2]}}}")
            meters.append("V")  # a main for those that follow
    _random_relations(town, rng, houses, [meter for meter in meters if meter != "V"])


def _random_relations(town: Town, rng: random.Random, houses: list[str], meters: list[str]) -> None:
    subjects = [("institution", house) for house in houses[1:]]
    subjects += [(kind, f"{kind[0]}-{house}") for kind in ("building", "room") for house in houses]
    subjects += [("meter", meter) for meter in meters]
    for kind, code in rng.sample(subjects, rng.randint(0, len(subjects) // 2)):
        how = rng.choice(list(Kind))
        size = {Kind.EXCLUDED: 0, Kind.SHARED: 2}.get(how, 1)
        # Institutions report for those before them: no rings.
        others = houses[: houses.index(code)] if kind == "institution" else houses
        if kind == "institution" and how is Kind.OWN:
            size = 0
        if len(others) < size:
            continue
        shares = {house: rng.randint(1, 7) for house in rng.sample(others, size)}
        begin = date(2026, 6, rng.randint(1, 30))
        enter_relation(town.conn, ACT, Relation(kind, code, how, shares, begin))


def _maybe(rng: random.Random, days: list[date]) -> TimestamptzRange:
    first, last = sorted(rng.sample(days, 2))
    return since(rng.choice([None, first]), rng.choice([None, None, last]))


@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_tree_the_city_is_its_institutions_is_its_top_meters(
    town: Town, seed: int
) -> None:
    _random_town(town, random.Random(seed))
    lines = month_totals(town.conn, [JUNE, JULY], ZONE)
    city = sum_by(lines, lambda _: "city")
    for month in (JUNE, JULY):
        figure = city.get(("city", month, "electricity", "kWh"), Figure())
        assert figure.taken_in + figure.generated - figure.supplied == _top(town, month)
    for level in (Level.BUILDING, Level.ROOM, Level.ITEM):
        other = sum_by(month_totals(town.conn, [JUNE, JULY], ZONE, level), lambda _: "city")
        assert _nets(other) == _nets(city)


def _nets(figures: dict[Any, Figure]) -> dict[Any, int]:
    return {key: f.taken_in + f.generated - f.supplied for key, f in figures.items()}


_TOP = """
SELECT coalesce(sum(d.micro), 0)::int8 FROM consumption_day d JOIN meter m ON m.id = d.meter_id
WHERE d.day >= %(month)s::date AND d.day < %(month)s::date + interval '1 month'
  AND m.valid && tstzrange(d.day::timestamp AT TIME ZONE %(zone)s,
                           (d.day + 1)::timestamp AT TIME ZONE %(zone)s)
  AND (m.direction = 'generated' OR m.direction = 'in' AND NOT EXISTS (
      SELECT FROM meter_main l JOIN meter p ON p.id = l.main_id
      WHERE l.meter_id = m.id AND l.valid @> d.day::timestamp AT TIME ZONE %(zone)s
        AND p.valid @> d.day::timestamp AT TIME ZONE %(zone)s
        AND (p.formula IS NULL OR EXISTS (
            SELECT FROM meter s
            WHERE s.code IN ('M0', 'M1') AND s.valid @> d.day::timestamp AT TIME ZONE %(zone)s))))
"""


def _top(town: Town, month: date) -> int:
    """What the top meters measured and what was generated, by SQL of its own, day by day."""
    row = town.conn.execute(_TOP, {"month": month, "zone": ZONE.key}).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("seed", range(3))
def test_totals_are_what_the_scopes_say_day_by_day(town: Town, seed: int) -> None:
    """Against the attribution in Python over single days, where nothing is shared."""
    _random_town(town, random.Random(100 + seed))
    expected: dict[int, int] = defaultdict(int)
    made = attribute(facts.load(town.conn, ZONE))
    own = [s for level, _, s in made.scopes if level is Level.INSTITUTION and s.parts == s.whole]
    for s, n in itertools.product(own, range(30)):
        expected[s.holder] += _of_day(town, s, JUNE + timedelta(days=n))
    got: dict[int, int] = defaultdict(int)
    values = bounds(JUNE, ZONE, Level.INSTITUTION) | {"divided": False}
    month_totals(town.conn, [JUNE], ZONE)
    for holder, *_, taken_in, generated, supplied, _, _, _, _ in town.conn.execute(
        UNDIVIDED, values
    ):
        got[holder] += taken_in + generated - supplied
    assert {k: v for k, v in got.items() if v} == {k: v for k, v in expected.items() if v}


def _of_day(town: Town, s: Scope, day: date) -> int:
    if not s.begin <= day < s.end:
        return 0
    row = town.conn.execute(
        "SELECT micro FROM consumption_day WHERE meter_id = %s AND day = %s", [s.meter, day]
    ).fetchone()
    return s.sign * int(row[0]) if row else 0
