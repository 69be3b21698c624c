"""docs/demo.md against the command and the summary it describes."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from pathlib import Path

from typer.core import TyperGroup
from typer.main import get_command

from jieyong.cli import app
from jieyong.demo.account import Summary

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "demo.md").read_text(encoding="utf-8")
ASKED = {"lag_p50_ms", "lag_p99_ms", "polls_ok", "polls_failed", "rows"} | {
    *("accepted", "lost", "duplicated", "refused", "missed_slots")
}
"""What whoever reads a summary by program relies on."""


def first_cells(heading: str) -> set[str]:
    section = PAGE.split(heading, 1)[1].split("\n## ", 1)[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


def test_every_field_of_the_summary_is_described() -> None:
    assert first_cells("## The summary") == {field.name for field in fields(Summary)}


def test_every_option_is_described() -> None:
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    options = {name for option in group.commands["demo"].params for name in option.opts}
    assert {text.split()[0] for text in first_cells("# The demo")} == options - {"--help"}


def test_the_summary_holds_what_programs_rely_on() -> None:
    told = Summary(
        started="2026-11-22T00:00:00+00:00",
        seconds=12.5,
        rows={"readings": 1},
        lag_p50_ms=None,
        lag_p99_ms=None,
        polls_ok=1,
        polls_failed=0,
        accepted=1,
        lost=0,
        duplicated=0,
        invented=0,
        refused=0,
        missed_slots=0,
        missed_by_cause={},
        quarantined=0,
        waiting=0,
        silent_devices=("空调-1",),
        meters=1,
        used={"kWh": 1.5},
        unbalanced=(),
        vehicles=1,
        trips=2,
        driven_km=3.5,
        odometer_km=3.6,
        doubts=3,
    )
    assert json.loads(told.as_json()).keys() >= ASKED
    assert "空调-1" in told.as_json()
    assert told.clean
    assert not replace(told, unbalanced=("m-1",)).clean
