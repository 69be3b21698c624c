"""The measurement of joining holds on a seed that nobody looked at."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fleet.joining.rules import Rules
from jieyong import cli
from jieyong.commands.fleet_check_tables import curves_as_json
from jieyong.evaluation import costs
from jieyong.evaluation.run import evaluate
from jieyong.evaluation.score import ENOUGH_PER_MILLE, TOLD_PER_MILLE, together
from jieyong.evaluation.staged import on_recordings
from simulators.receipts.tamper import KINDS
from tests.unit.simulators.taxis import write_taxi

HELD_OUT = 6_003
COSTS_HELD_OUT = 6_103
FLOORS = {
    "borrowed_card": 500,
    "station_elsewhere": 700,
    "without_travel": 90,
    "overfill:tank": 10,
    "overfill:since": 30,
    "two_fills": 45,
    "wrong_fuel": 5,
    "other_vehicle": 5,
    "garage_never_visited": 500,
    "padded_litres": 150,
    "order_without_trip": 40,
    "order_kilometres": 80,
    "trip_without_order": 5,
    "trip_without_order:shifted": 120,
}
"""As docs/joining.md publishes them, or a size or two larger: one seed is few papers."""


@pytest.mark.timeout(300)
def test_litres_and_yuan_above_their_floor_are_found_on_a_seed_that_nobody_looked_at() -> None:
    kinds = [replace(kind, sizes=(50,)) for kind in costs.KINDS]
    for one in costs.evaluate_costs(COSTS_HELD_OUT, Rules(), fleets=2, kinds=kinds):
        (found,) = one.scores
        assert found.made == 20
        assert (found.told_share or 0) >= TOLD_PER_MILLE, one.kind.name
        assert (found.recall or 0) >= ENOUGH_PER_MILLE, one.kind.name
        assert found.false == 0, one.kind.name


@pytest.mark.timeout(900)
def test_above_its_floor_every_kind_is_found_on_a_seed_that_nobody_looked_at() -> None:
    kinds = [
        replace(kind, sizes=tuple(size for size in kind.sizes if size >= FLOORS[kind.name]))
        for kind in KINDS
    ]
    curves = evaluate(HELD_OUT, Rules(), fleets=2, kinds=kinds)
    assert [one.kind.name for one in curves] == [kind.name for kind in KINDS]
    for one in curves:
        sums = together(one.scores)
        assert sums.told >= 20, one
        assert sums.told * 1_000 >= sums.made * TOLD_PER_MILLE, one
        assert (sums.recall or 0) >= ENOUGH_PER_MILLE, one
        assert (sums.precision or 0) >= ENOUGH_PER_MILLE, one
    shown = json.loads(curves_as_json(HELD_OUT, 2, curves))
    assert [one["kind"] for one in shown["kinds"]] == [kind.name for kind in KINDS]


def test_untrue_papers_on_tracks_of_files_are_found(tmp_path: Path) -> None:
    for n in range(2):
        write_taxi(tmp_path / f"new_{n}.txt", n * 700.0)
    kinds = [kind for kind in KINDS if kind.name in {"wrong_fuel", "two_fills"}]
    curves = evaluate(1, Rules(), fleets=1, fleet=on_recordings(tmp_path).fleet, kinds=kinds)
    found = {one.kind.name: one.scores[-1] for one in curves}
    assert found["wrong_fuel"].found == found["wrong_fuel"].made > 0
    assert found["two_fills"].found > 0


@pytest.mark.parametrize("line", [None, "37.7 -122.4 occupied never"])
def test_tracks_that_cannot_be_read_are_refused_with_the_reason(
    line: str | None, tmp_path: Path
) -> None:
    if line is not None:
        (tmp_path / "one.txt").write_text(line, encoding="ascii")
    given = ["fleet", "evaluate", "--seed", "1", "--tracks", str(tmp_path)]
    done = CliRunner().invoke(cli.app, given)
    assert done.exit_code != 0
    said = str(done.exception) + done.output
    assert "--tracks" in said
    assert ("one.txt:1" in said) is (line is not None)


def test_what_a_measurement_on_tracks_stands_on_is_said_and_what_it_left_out(
    tmp_path: Path,
) -> None:
    for n in range(2):
        write_taxi(tmp_path / f"new_{n}.txt", n * 700.0)
    (tmp_path / "README.md").write_text("no track", encoding="ascii")
    fixes = [f"{37.7 + n / 100:.3f} -122.4 0 {1_211_033_530 + n * 60}" for n in range(50)]
    (tmp_path / "restless.txt").write_text("\n".join([*fixes, fixes[0]]), encoding="ascii")
    given = ["fleet", "evaluate", "--seed", "1", "--fleets", "1", "--kind", "wrong_fuel"]
    done = CliRunner().invoke(cli.app, [*given, "--tracks", str(tmp_path)])
    assert done.exit_code == 0, done.output
    lines = [len((tmp_path / f"new_{n}.txt").read_text().splitlines()) for n in range(2)]
    assert "2 辆车" in done.output
    assert f"{sum(lines)} 个定位" in done.output
    assert "restless" in done.output
    assert "README.md" in done.output
    given += ["--tracks", str(tmp_path), "--json"]
    told = json.loads(CliRunner().invoke(cli.app, given).output)
    assert told["tracks"]["vehicle_days"] > 2
    assert told["tracks"]["never_stood"] == ["restless"]
