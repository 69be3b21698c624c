from __future__ import annotations

import threading
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.range import TimestamptzRange

from metering.tree import scope
from metering.tree.days import day_totals
from metering.tree.holders import NOBODY, OUTSIDE
from metering.tree.levels import Level
from metering.tree.relations import Kind, Relation, enter_relation
from metering.tree.standing import Standing, enter_standing, standings
from metering.tree.totals import (
    DIVIDED,
    UNDIVIDED,
    Figure,
    bounds,
    month_totals,
    sum_by,
    widened,
)
from tests.integration.metering.tree.town import (
    ACT,
    QUARTER,
    ZONE,
    Town,
    midnight,
    month_of,
    since,
    wait_for_lock,
)

JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)


def totals(town: Town, month: date = JUNE, level: Level = Level.INSTITUTION) -> dict[str, Figure]:
    """Figures of electricity by the holder's code."""
    rows = town.conn.execute(f"SELECT id, code FROM {level}").fetchall()  # levels are tables
    codes = dict(rows) | {NOBODY: "nobody", OUTSIDE: "outside"}
    return {
        codes[line.holder]: line.figure
        for line in month_totals(town.conn, [month], ZONE, level)
        if line.energy == "electricity"
    }


def micros(town: Town, month: date = JUNE, level: Level = Level.INSTITUTION) -> dict[str, Any]:
    return {code: figure.micro for code, figure in totals(town, month, level).items()}


def test_a_main_and_its_sub_meters_count_once_whoever_has_them(town: Town) -> None:
    town.house("A", "B")
    for code, room, used in (("M", "r-A", 100), ("S", "r-A", 30), ("T", "r-B", 20)):
        town.meter(code, room)
        town.days(code, month_of(used, JUNE))
    town.hang("S", "M")
    town.hang("T", "M")

    found = totals(town)

    assert found["A"] == Figure(taken_in=100, supplied=20, meters=2)
    assert found["B"] == Figure(taken_in=20, meters=1)
    assert found["A"].micro == 80
    assert found["A"].complete


def test_pv_is_own_use_and_what_is_fed_in_is_taken_off(town: Town) -> None:
    town.house("A")
    for code, direction, used in (("M", "in", 100), ("X", "out", 15), ("PV", "generated", 40)):
        town.meter(code, "r-A", direction=direction)
        town.days(code, month_of(used, JUNE))

    found = totals(town)

    assert found["A"] == Figure(taken_in=100, generated=40, supplied=15, meters=3)
    assert found["A"].micro == 125
    assert found["outside"].micro == 15


def test_a_place_that_moves_counts_there_from_that_day_on(town: Town) -> None:
    town.house("A", "B")
    town.meter("M", None)
    moved = midnight(date(2026, 6, 11)).replace(hour=15)
    town.put("M", "r-A", TimestamptzRange(None, moved))
    town.put("M", "r-B", TimestamptzRange(moved, None))
    town.days("M", {JUNE + timedelta(days=n): 2**n for n in range(30)})

    assert micros(town) == {"A": 2**10 - 1, "B": 2**30 - 2**10}
    assert micros(town, level=Level.ROOM) == {"r-A": 2**10 - 1, "r-B": 2**30 - 2**10}
    assert all(figure.complete for figure in totals(town).values())


def test_unknown_is_not_zero(town: Town) -> None:
    town.house("A", "B", "C")
    for code, room in (("M", "r-A"), ("N", "r-A"), ("O", "r-B"), ("P", "r-C")):
        town.meter(code, room)
    town.days("M", month_of(50, JUNE))
    town.days("P", {JUNE: 7})

    found = totals(town)

    assert found["A"] == Figure(taken_in=50, meters=2, unknown=1)
    assert found["B"].micro is None
    assert found["C"] == Figure(taken_in=7, meters=1, partial=1)
    assert not any(found[code].complete for code in "ABC")


def test_a_shared_building_is_given_away_whole(town: Town) -> None:
    town.house("A", "B", "C")
    town.meter("M", "r-A")
    town.days("M", month_of(100, JUNE))
    parts = {"A": 1, "B": 1, "C": 1}
    enter_relation(town.conn, ACT, Relation("building", "b-A", Kind.SHARED, parts))

    assert micros(town) == {"A": 34, "B": 33, "C": 33}
    assert micros(town, level=Level.BUILDING) == {"b-A": 100}


def test_relations_hold_from_their_day_on(town: Town) -> None:
    town.house("A", "B")
    for code, room in (("M", "r-A"), ("N", "r-B")):
        town.meter(code, room)
        town.days(code, month_of(3000, JUNE) | month_of(3100, JULY))
    enter_relation(
        town.conn,
        ACT,
        Relation("institution", "B", Kind.MERGED, {"A": 1}, since=date(2026, 6, 16)),
    )
    assert micros(town) == {"A": 4500, "B": 1500}
    assert micros(town, JULY) == {"A": 6200}


def test_the_canteen_of_a_contractor_is_not_counted(town: Town) -> None:
    town.house("A")
    town.room("canteen", "b-A")
    for code, room, used in (("M", "r-A", 100), ("K", "canteen", 25)):
        town.meter(code, room)
        town.days(code, month_of(used, JUNE))
    town.hang("K", "M")
    enter_relation(town.conn, ACT, Relation("room", "canteen", Kind.EXCLUDED))

    assert micros(town) == {"A": 75, "outside": 25}
    assert micros(town, level=Level.ROOM) == {"r-A": 75, "canteen": 25}


def test_energies_stand_apart(town: Town) -> None:
    town.house("A")
    town.meter("M", "r-A")
    town.meter("K", "r-A", energy="cooling", unit="GJ")
    for code in "MK":
        town.days(code, month_of(10, JUNE))
    lines = month_totals(town.conn, [JUNE], ZONE)
    assert [(line.energy, line.unit, line.figure.micro) for line in lines] == [
        ("cooling", "GJ", 10),
        ("electricity", "kWh", 10),
    ]


def test_items_add_up_to_the_institution_and_inherit_from_the_main(town: Town) -> None:
    town.house("A")
    town.meter("M", "r-A")
    for code, item, main, used in (
        ("L", "01A00", "M", 60),
        ("L1", None, "L", 20),
        ("AC", "01B00", "L", 15),  # hangs below the lighting, but is none
    ):
        town.meter(code, "r-A", item=item)
        town.hang(code, main)
        town.days(code, month_of(used, JUNE))
    town.days("M", month_of(100, JUNE))

    lines = month_totals(town.conn, [JUNE], ZONE, Level.ITEM)

    assert {line.item: line.figure.micro for line in lines} == {"": 40, "01A00": 45, "01B00": 15}
    assert {line.holder for line in lines} == {town.ids["A"]}


def test_what_hangs_below_a_virtual_main_is_taken_off_the_item_of_its_sources(town: Town) -> None:
    town.house("A")
    for code, item, used in (("P", "01A00", 60), ("Q", "01A00", 40), ("S", "01B00", 15)):
        town.meter(code, "r-A", item=item)
        town.days(code, month_of(used, JUNE))
    town.virtual("V", "{P} + {Q}")
    town.hang("S", "V")

    lines = month_totals(town.conn, [JUNE], ZONE, Level.ITEM)

    assert {line.item: line.figure.micro for line in lines} == {"01A00": 85, "01B00": 15}


def test_where_sources_have_different_items_the_virtual_main_has_its_own(town: Town) -> None:
    town.house("A")
    for code, item, used in (("P", "01A00", 60), ("Q", "01B00", 40), ("S", "01C00", 15)):
        town.meter(code, "r-A", item=item)
        town.days(code, month_of(used, JUNE))
    town.virtual("V", "{P} + {Q}", item="01A00")
    town.hang("S", "V")

    lines = month_totals(town.conn, [JUNE], ZONE, Level.ITEM)

    found = {line.item: line.figure.micro for line in lines}
    assert found == {"01A00": 45, "01B00": 40, "01C00": 15}


def test_a_virtual_meter_over_one_that_only_subtracts_hinders_nobody(town: Town) -> None:
    town.house("A")
    for code, used in (("P", 60), ("Q", 40)):
        town.meter(code, "r-A")
        town.days(code, month_of(used, JUNE))
    town.virtual("V", "{P} * 0.5 - {P}")
    town.virtual("W", "{V} + {Q}")
    town.virtual("X", "{V}")
    town.hang("Q", "X")

    assert micros(town) == {"A": 100}


def test_an_item_holds_all_that_is_below_it(town: Town) -> None:
    town.house("A")
    for code, item, used in (("L", "01A00", 1), ("L1", "01A10", 20), ("L2", "01A1B", 300)):
        town.meter(code, "r-A", item=item)
        town.days(code, month_of(used, JUNE))
    lines = widened(month_totals(town.conn, [JUNE], ZONE, Level.ITEM))
    sums = sum_by(lines, lambda line: line.item)
    assert {item: figure.micro for (item, *_), figure in sums.items()} == {
        "01A1B": 300,
        "01A10": 320,
        "01A00": 321,
        "01000": 321,
    }


def test_items_are_kept_whatever_they_are_called(town: Town) -> None:
    town.house("A")
    names = ["照\t明", "a\\b", "\\N", "two\nlines"]
    for n, item in enumerate(names):
        town.meter(f"M{n}", "r-A", item=item)
    lines = month_totals(town.conn, [JUNE], ZONE, Level.ITEM)
    assert sorted(line.item for line in lines) == sorted(names)


def test_districts_are_sums(town: Town) -> None:
    town.institution("bureau")
    for code, parent in (("A", "bureau"), ("B", "A"), ("C", None)):
        town.institution(code, parent)
        town.building(f"b-{code}", code)
        town.room(f"r-{code}", f"b-{code}")
        town.meter(f"m-{code}", f"r-{code}")
        town.days(f"m-{code}", month_of(10 ** ("ABC".index(code) + 1), JUNE))
    for code, district in (("A", "东区"), ("B", "西区"), ("C", "东区")):
        enter_standing(town.conn, ACT, Standing(code, district, "01"))

    lines = month_totals(town.conn, [JUNE], ZONE)
    where = standings(town.conn, JULY - timedelta(days=1))
    districts = sum_by(lines, lambda line: where[line.holder].district)

    assert {key[0]: figure.micro for key, figure in districts.items()} == {
        "东区": 1010,
        "西区": 100,
    }


@pytest.mark.parametrize("began", [JUNE, date(2026, 6, 11)])
def test_a_meter_is_known_for_all_the_time_that_it_is_there(town: Town, began: date) -> None:
    """It is there from ten o'clock of a day until two o'clock of another."""
    town.house("A")
    begin, end = midnight(began) + timedelta(hours=10), midnight(date(2026, 6, 21))
    end += timedelta(hours=14)
    town.meter("M", "r-A", valid=TimestamptzRange(begin, end))
    quarters = (end - begin) // QUARTER
    town.known("M", begin, dict.fromkeys(range(quarters), 1))
    assert totals(town)["A"] == Figure(taken_in=quarters, meters=1)
    first, *_, last = day_totals(town.conn, began, date(2026, 6, 22), ZONE)
    assert (first.figure, last.figure) == (Figure(56, meters=1), Figure(56, meters=1))
    town.known("M", begin, {0: None})
    assert totals(town)["A"].partial == 1
    (first,) = day_totals(town.conn, began, began + timedelta(days=1), ZONE)
    assert first.figure.partial == 1


def test_a_month_that_is_no_first_day_is_refused(town: Town) -> None:
    with pytest.raises(ValueError, match="2026-06-02 is not the first day of a month"):
        month_totals(town.conn, [date(2026, 6, 2)], ZONE)


def test_what_makes_no_sense_is_told_and_hinders_nobody(town: Town) -> None:
    town.house("A", "B")
    for code in ("M", "N", "O"):
        town.meter(code, "r-A")
        town.days(code, month_of(10, JUNE))
    town.meter("W", "r-A", energy="water", unit="m3")
    town.hang("M", "N")
    town.hang("N", "M")
    town.hang("W", "M")
    town.virtual("V", "{V}")

    assert micros(town) == {"A": 30}
    assert [(problem.kind, problem.subject) for problem in scope.problems(town.conn)] == [
        ("energy", "W"),
        ("formula", "V"),
        ("ring", "M"),
        ("ring", "N"),
    ]


def test_the_attribution_is_built_anew_when_its_facts_change_and_only_then(town: Town) -> None:
    town.house("A")
    assert scope.ensure(town.conn, ZONE)
    assert not scope.ensure(town.conn, ZONE)
    town.meter("M", "r-A")
    assert scope.ensure(town.conn, ZONE)
    town.days("M", month_of(10, JUNE))
    assert not scope.ensure(town.conn, ZONE)


def test_a_change_committed_while_the_attribution_is_built_is_not_missed(
    database: str, town: Town
) -> None:
    town.house("A")
    town.meter("M", "r-A")
    town.days("M", month_of(10, JUNE))
    with psycopg.connect(database) as late:
        Town(late).institution("B")
        late.execute("UPDATE building SET institution_id = (SELECT max(id) FROM institution)")
        assert micros(town) == {"A": 10}
        late.commit()
    assert micros(town) == {"B": 10}


def test_of_two_who_build_the_attribution_one_waits_and_has_nothing_left_to_do(
    database: str, town: Town
) -> None:
    town.house("A")
    built: list[bool] = []

    def second() -> None:
        with psycopg.connect(database, autocommit=True) as other:
            built.append(scope.ensure(other, ZONE))

    with psycopg.connect(database) as one:
        one.execute("SELECT")  # opens the transaction that stays open
        assert scope.ensure(one, ZONE)
        thread = threading.Thread(target=second)
        thread.start()
        wait_for_lock(town, "advisory")
        one.commit()
    thread.join(60)
    assert built == [False]


def test_month_totals_look_at_months_and_days_and_at_nothing_finer(town: Town) -> None:
    town.house("A", "B")
    town.meter("M", None)
    town.put("M", "r-A", since(None, date(2026, 6, 11)))
    town.put("M", "r-B", since(date(2026, 6, 11)))
    town.days("M", month_of(100, JUNE))
    month_totals(town.conn, [JUNE], ZONE)
    values = bounds(JUNE, ZONE, Level.INSTITUTION) | {"divided": False}
    for query in (UNDIVIDED, DIVIDED):
        rows = town.conn.execute("EXPLAIN (FORMAT JSON) " + query, values).fetchone()
        assert rows is not None
        plan = str(rows[0])
        assert "'consumption_month'" in plan
        assert "'consumption'" not in plan
        assert "'consumption_hour'" not in plan


def test_a_virtual_main_stands_for_what_its_formulas_come_to(town: Town) -> None:
    town.house("A", "B", "C")
    for code, room, used in (("P", "r-A", 100), ("Q", "r-B", 80), ("S", "r-C", 30)):
        town.meter(code, room)
        town.days(code, month_of(used, JUNE))
    town.virtual("W", "{P} + {Q}")
    town.virtual("V", "{W} - {P}")  # Q alone
    town.hang("S", "V")
    assert micros(town) == {"A": 100, "B": 50, "C": 30}
    assert scope.problems(town.conn) == []
    town.virtual("R", "{W} - {Q}")
    town.conn.execute("UPDATE meter SET formula = '{W} - {R}' WHERE code = 'V'")
    assert micros(town) == {"A": 100, "B": 50, "C": 30}
    town.conn.execute("UPDATE meter SET formula = '{Q} - {R}' WHERE code = 'V'")
    assert micros(town) == {"A": 100, "B": 50, "C": 30}, "what is taken off is none of it"
    town.conn.execute("UPDATE meter SET formula = '{Q} - ({W} - {P})' WHERE code = 'V'")
    assert micros(town) == {"A": 100, "B": 80, "C": 30}, "it comes to nothing: S hangs below nobody"
