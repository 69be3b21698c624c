"""A change rebuilds what it reaches: the result is that of building all anew."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from metering.tree import facts, reach, scope
from metering.tree.levels import attribute
from metering.tree.reach import Reach
from metering.tree.relations import withdraw_relation
from metering.tree.timeline import EVER, NEVER
from tests.integration.metering.tree.brute import DAYS, ITEMS, KINDS, Drawn
from tests.integration.metering.tree.town import ACT, ZONE, Town, since


def kept(town: Town) -> tuple[Counter[Any], Counter[Any]]:
    scopes = town.conn.execute(
        "SELECT meter_id, energy, unit, level, holder_id, item, sign, role, divided, parts, whole,"
        " nullif(since, '-infinity'), nullif(until, 'infinity') FROM tree_scope"
    )
    problems = town.conn.execute("SELECT kind, subject, text, meter_id FROM tree_problem")
    return Counter(scopes.fetchall()), Counter(problems.fetchall())


def anew(town: Town) -> tuple[Counter[Any], Counter[Any]]:
    known = facts.load(town.conn, ZONE)
    made = attribute(known)
    scopes = [
        (
            *(s.meter, known.meters[s.meter].node.energy, known.meters[s.meter].node.unit),
            *(level.value, s.holder, item, s.sign, s.role.value, s.parts < s.whole),
            *(s.parts, s.whole),
            s.begin if s.begin != EVER else None,
            s.end if s.end != NEVER else None,
        )
        for level, item, s in made.scopes
    ]
    return Counter(scopes), Counter((p.kind, p.subject, p.text, p.meter) for p in made.problems)


class Editor:
    """Changes something in a town, whatever it is."""

    def __init__(self, drawn: Drawn, rng: random.Random) -> None:
        self.drawn, self.town, self.rng = drawn, drawn.town, rng
        self.added = 0

    def edit(self) -> None:
        edits: list[Callable[[], None]] = [
            *(self.move, self.hang, self.unhang, self.column, self.rename, self.formula),
            *(self.relate, self.withdraw, self.room, self.building, self.add, self.life),
            self.drop,
        ]
        # No such meter can be: nothing has changed.
        with suppress(psycopg.errors.CheckViolation, psycopg.errors.ForeignKeyViolation):
            self.rng.choice(edits)()

    def _meter(self) -> int:
        ids = self.town.conn.execute("SELECT id FROM meter ORDER BY id").fetchall()
        return int(self.rng.choice(ids)[0])

    def _do(self, query: str, *values: object) -> None:
        self.town.conn.execute(query.encode(), values)

    def _days(self) -> object:
        first, last = sorted(self.rng.sample(DAYS, 2))
        return since(self.rng.choice([None, first]), self.rng.choice([None, last]))

    def move(self) -> None:
        meter = self._meter()
        self._do(
            "DELETE FROM place_room WHERE place_id = (SELECT place_id FROM meter WHERE id = %s)",
            meter,
        )
        self._do(
            "INSERT INTO place_room SELECT place_id, %s, %s FROM meter WHERE id = %s"
            " AND place_id IS NOT NULL",
            self.town.ids[f"r-{self.rng.choice(self.drawn.houses)}"],
            self._days(),
            meter,
        )

    def hang(self) -> None:
        self.unhang()
        meter, main = self._meter(), self._meter()
        self._do("DELETE FROM meter_main WHERE meter_id = %s", meter)
        self._do("INSERT INTO meter_main VALUES (%s, %s, %s)", meter, main, self._days())

    def unhang(self) -> None:
        self._do("DELETE FROM meter_main WHERE meter_id = %s", self._meter())

    def column(self) -> None:
        direction = self.rng.choice(["in", "out", "generated"])
        energy = self.rng.choice(list(KINDS))
        item = self.rng.choice(ITEMS) or None
        self._do(
            "UPDATE meter SET direction = %s, energy = %s, unit = %s, item = %s WHERE id = %s",
            *(direction, energy, KINDS[energy], item, self._meter()),
        )

    def life(self) -> None:
        self._do("UPDATE meter SET valid = %s WHERE id = %s", self._days(), self._meter())

    def rename(self) -> None:
        self._do(
            "UPDATE meter SET code = code || 'x' WHERE id = %s"
            if self.rng.random() < 0.5
            else "UPDATE meter SET code = rtrim(code, 'x') WHERE id = %s",
            self._meter(),
        )

    def formula(self) -> None:
        codes = [c for (c,) in self.town.conn.execute("SELECT code FROM meter ORDER BY id")]
        one, other = self.rng.choice(codes), self.rng.choice([*codes, "gone"])
        self._do(
            "UPDATE meter SET formula = %s WHERE formula IS NOT NULL AND id >= %s",
            f"{{{one}}} {self.rng.choice('+-')} {{{other}}}",
            self._meter(),
        )

    def relate(self) -> None:
        kind, code = self.rng.choice(
            [
                *(("institution", house) for house in self.drawn.houses),
                *((k, f"{k[0]}-{h}") for k in ("building", "room") for h in self.drawn.houses),
            ]
        )
        subject = self.town.ids[code]
        row = self.town.conn.execute(
            "INSERT INTO reporting_relation"
            " (subject_kind, subject_id, kind, valid, entered_by, entered_at)"
            " VALUES (%s, %s, 'shared', daterange(%s, NULL), 'x', now())"
            " ON CONFLICT DO NOTHING RETURNING id",
            [kind, subject, self.rng.choice([None, *DAYS])],
        ).fetchone()
        if row is None:
            return
        for house in self.rng.sample(self.drawn.houses, 2):
            self._do("INSERT INTO reporting_share VALUES (%s, %s, 2)", row[0], self.town.ids[house])

    def withdraw(self) -> None:
        found = self.town.conn.execute(
            "SELECT id FROM reporting_relation WHERE withdrawn_at IS NULL ORDER BY id"
        ).fetchall()
        if found:
            withdraw_relation(self.town.conn, ACT, self.rng.choice(found)[0])

    def room(self) -> None:
        houses = [self.rng.choice(self.drawn.houses) for _ in range(2)]
        self._do(
            "UPDATE room SET building_id = %s WHERE id = %s",
            *(self.town.ids[f"b-{houses[0]}"], self.town.ids[f"r-{houses[1]}"]),
        )

    def building(self) -> None:
        houses = [self.rng.choice(self.drawn.houses) for _ in range(2)]
        self._do(
            "UPDATE building SET institution_id = %s WHERE id = %s",
            *(self.town.ids[houses[0]], self.town.ids[f"b-{houses[1]}"]),
        )

    def add(self) -> None:
        self.added += 1
        self.town.meter(f"N{self.added}", f"r-{self.rng.choice(self.drawn.houses)}")

    def drop(self) -> None:
        meter = self._meter()
        self._do("DELETE FROM consumption WHERE meter_id = %s", meter)
        self._do("DELETE FROM meter_main WHERE %s IN (meter_id, main_id)", meter)
        self._do("DELETE FROM meter WHERE id = %s AND formula IS NULL", meter)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_edited_what_is_kept_is_what_would_be_built_anew(town: Town, seed: int) -> None:
    rng = random.Random(1000 + seed)
    editor = Editor(Drawn(town, rng), rng)
    scope.ensure(town.conn, ZONE)
    for _ in range(25):
        for _ in range(rng.choice([1, 1, 1, 2, 5])):
            editor.edit()
        scope.ensure(town.conn, ZONE)
        assert kept(town) == anew(town)


def noted(town: Town) -> Reach | None:
    return reach.reach(
        town.conn, town.conn.execute("DELETE FROM tree_change RETURNING subject, ids").fetchall()
    )


@pytest.fixture
def chain(town: Town) -> Town:
    """M2 below M1 below M0, M4 below M3; V over M1."""
    town.house("A", "B")
    for n in range(5):
        town.meter(f"M{n}", "r-A" if n < 3 else "r-B")
    for below, above in (("M1", "M0"), ("M2", "M1"), ("M4", "M3")):
        town.hang(below, above)
    town.virtual("V", "{M1}")
    scope.ensure(town.conn, ZONE)
    return town


def test_a_change_reaches_what_hangs_below_and_what_is_made_of_it(chain: Town) -> None:
    chain.conn.execute("UPDATE meter SET item = '01A00' WHERE code = 'M1'")
    found = noted(chain)
    assert found is not None
    ids = {chain.ids[code] for code in ("M1", "M2", "V")}
    assert found == Reach(frozenset(ids), frozenset(ids | {chain.ids["M0"]}))


def test_a_link_that_passes_to_another_meter_reaches_both(chain: Town) -> None:
    chain.conn.execute(
        "UPDATE meter_main SET meter_id = %s WHERE meter_id = %s",
        [chain.ids["M3"], chain.ids["M1"]],
    )
    found = noted(chain)
    assert found is not None
    assert found.changed == {chain.ids[code] for code in ("M1", "M2", "V", "M3", "M4")}


def relate(town: Town, kind: str, code: str, target: str) -> None:
    """Enter a relation without asking whether it makes sense."""
    made = town.conn.execute(
        "WITH r AS (INSERT INTO reporting_relation"
        " (subject_kind, subject_id, kind, valid, entered_by, entered_at)"
        " VALUES (%s, %s, 'on_behalf', '[,)', 'x', now()) RETURNING id)"
        " INSERT INTO reporting_share SELECT id, %s, 1 FROM r",
        [kind, town.ids[code], town.ids[target]],
    )
    assert made.rowcount == 1


def test_a_relation_reaches_the_meters_of_those_who_count_for_it(chain: Town) -> None:
    chain.institution("C")
    below = {chain.ids[code] for code in ("M3", "M4")}
    everyone = below | {chain.ids[code] for code in ("M0", "M1", "M2", "V")}
    for kind, code, target, expected in (
        ("building", "b-B", "A", below),
        ("institution", "A", "C", everyone),
        ("institution", "B", "C", below),
    ):
        relate(chain, kind, code, target)
        found = noted(chain)
        assert found is not None
        assert found.changed == expected


def test_a_share_alone_reaches_the_subject_of_its_relation(chain: Town) -> None:
    relate(chain, "building", "b-B", "A")
    scope.ensure(chain.conn, ZONE)
    chain.conn.execute("UPDATE reporting_share SET parts = 2")
    found = noted(chain)
    assert found is not None
    assert found.changed == {chain.ids["M3"], chain.ids["M4"]}


def test_a_ring_of_relations_is_told_whatever_else_changes(chain: Town) -> None:
    chain.institution("C")
    chain.institution("D")
    relate(chain, "institution", "C", "D")
    relate(chain, "institution", "D", "C")
    rings = sorted(str(chain.ids[code]) for code in "CD")
    for item in ("01A00", "01B00"):
        chain.conn.execute("UPDATE meter SET item = %s WHERE code = 'M4'", [item])
        assert scope.ensure(chain.conn, ZONE)
        assert [problem.subject for problem in scope.problems(chain.conn)] == rings


def test_what_is_the_same_as_before_is_no_change(chain: Town) -> None:
    chain.conn.execute("UPDATE meter SET item = item")
    assert not scope.ensure(chain.conn, ZONE)


@pytest.mark.parametrize("table", ["meter_main", "reporting_relation CASCADE"])
def test_what_cannot_be_told_reaches_all(chain: Town, table: str) -> None:
    chain.conn.execute(f"TRUNCATE {table}".encode())
    assert noted(chain) is None


def test_so_much_at_once_is_built_anew(chain: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "AT_LEAST", 1)
    chain.conn.execute("UPDATE meter SET item = 'x' WHERE code = 'M0'")
    assert noted(chain) is None


def test_another_zone_is_built_anew(chain: Town) -> None:
    chain.conn.execute("UPDATE meter SET valid = '[2026-06-01 02:00+08,)' WHERE code = 'M0'")
    scope.ensure(chain.conn, ZONE)
    assert scope.ensure(chain.conn, ZoneInfo("UTC"))
    begin = chain.conn.execute(
        "SELECT DISTINCT since FROM tree_scope WHERE meter_id = %s", [chain.ids["M0"]]
    ).fetchall()
    assert begin == [(date(2026, 5, 31),)]
