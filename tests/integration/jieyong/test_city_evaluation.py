"""The rules that come with the program hold their published floors on a seed nobody looked at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jieyong import cli
from jieyong.evaluation.city.score import ENOUGH, LEAST_TOLD

HELD_OUT = 6_001
PAGE = Path(__file__).parents[3] / "docs" / "rules_evaluation.md"


@pytest.mark.timeout(900)
def test_above_the_floors_every_kind_is_found_and_doubts_are_true() -> None:
    given = ["rules", "evaluate", "--scenario", "town", "--seed", str(HELD_OUT), "--json"]
    done = CliRunner().invoke(cli.app, given)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert len({one["kind"] for one in told["kinds"]}) == 9
    for one in told["kinds"]:
        found, tellable = (sum(size[key] for size in one["sizes"]) for key in ("found", "told"))
        assert tellable >= LEAST_TOLD, one
        assert found >= ENOUGH * tellable, one
        assert found >= ENOUGH * (found + one["false"]), one


def test_misses_and_false_alarms_can_be_listed() -> None:
    given = ["rules", "evaluate", "--scenario", "hamlet", "--seed", "6001", "--misses"]
    done = CliRunner().invoke(cli.app, given)
    assert done.exit_code == 0, done.output
    for said in ("漏检（自下限起）", "误报", "无人亮灯", "未达到"):
        assert said in done.stdout
    told = json.loads(CliRunner().invoke(cli.app, [*given, "--json"]).stdout)
    assert {"misses", "false_doubts"} <= told.keys()


def test_a_scenario_of_ones_own_is_a_file_and_its_mistakes_are_told(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    text = (PAGE.parents[1] / "simulators" / "scenarios" / "hamlet.yaml").read_text("utf-8")
    own.write_text(text.replace("days: 14", "days: fourteen"), "utf-8")
    given = ["rules", "evaluate", "--seed", "1", "--scenario"]
    done = CliRunner().invoke(cli.app, [*given, str(own)])
    assert done.exit_code != 0
    assert "own.yaml:6" in done.output + str(done.exception)
    own.write_text(text.replace("cleaners: 2", "cleaners: 900"), "utf-8")
    done = CliRunner().invoke(cli.app, [*given, str(own)])
    assert done.exit_code != 0
    assert "cleaners" in done.output + str(done.exception)
    done = CliRunner().invoke(cli.app, [*given, "nowhere"])
    assert done.exit_code != 0
    assert "autumn" in done.output + str(done.exception)


def test_one_sort_of_subjects_can_be_measured_alone() -> None:
    given = ["rules", "evaluate", "--scenario", "hamlet", "--seed", "1", "--json", "--sort"]
    rooms = json.loads(CliRunner().invoke(cli.app, [*given, "rooms"]).stdout)
    assert rooms["subjects"] == 16
    assert "lighting.nobody" in {one["kind"] for one in rooms["kinds"]}
    others = json.loads(CliRunner().invoke(cli.app, [*given, "meters", "--sort", "devices"]).stdout)
    assert (others["subjects"], others["kinds"]) == (0, [])
    refused = CliRunner().invoke(cli.app, [*given, "trees"])
    assert refused.exit_code != 0
    assert "institutions" in refused.output + str(refused.exception)
