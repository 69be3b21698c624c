"""Histories from the field, one file each: cases/<name>.yaml.

A file says what a meter's devices showed and what follows from it, to the last digit:

- about, source: what went wrong where (``ME`` = MyEMS, other short names as in the field notes);
- register: resolution, max_per_hour and capacity in kWh, reversible; policy: confirm_readings,
  confirm_hours, confirm_minutes_least, stuck_hours; ratios: factor by the time from which it
  holds; zone: of all times;
- devices: readings and entries as lines (entries name their kind, ``reading`` or ``reset``), begin
  and end of the time at the meter;
- expect: kwh in all, estimated of it, findings (without ``first``, unless ``first`` is asked for),
  days (kWh by local day), unknown (quarters of which nothing is known), illegible (values left out
  before judging).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import yaml

from metering.counter.model import (
    GRAIN_US,
    Finding,
    Origin,
    Policy,
    Quarters,
    Ratio,
    Readings,
    Register,
)
from metering.counter.series import Series, merge, quarters_of
from metering.counter.ticks import legible, ticks_of

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
KEYS = {"about", "source", "register", "policy", "ratios", "zone", "devices", "expect"}
EXPECTATIONS = {"kwh", "estimated", "findings", "days", "unknown", "illegible"}
ORIGINS = {"polled": Origin.POLLED, "reading": Origin.ENTERED, "reset": Origin.RESET}
EVER = (0, 4_000_000_000_000_000 // GRAIN_US * GRAIN_US)


@dataclass(frozen=True)
class Case:
    zone: ZoneInfo
    resolution: Decimal
    register: Register
    policy: Policy
    ratios: list[Ratio]
    devices: list[dict[str, str]]
    expect: dict[str, Any]

    def us(self, text: str) -> int:
        moment = datetime.fromisoformat(str(text)).replace(tzinfo=self.zone)
        return int(moment.timestamp() * 1_000_000)


def load(path: Path) -> Case:
    body = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)
    assert body.keys() <= KEYS, f"{path.name}: unknown {body.keys() - KEYS}"
    assert body["expect"].keys() <= EXPECTATIONS, f"{path.name}: {body['expect'].keys()}"
    zone = ZoneInfo(body.get("zone", "Asia/Shanghai"))
    register, policy = body["register"], body.get("policy", {})
    resolution = Decimal(register["resolution"])
    case = Case(
        zone=zone,
        resolution=resolution,
        register=Register(
            int(Decimal(register["capacity"]) / resolution) if "capacity" in register else None,
            int(Decimal(register["max_per_hour"]) / resolution),
            register.get("reversible") == "true",
        ),
        policy=Policy(
            int(policy.get("confirm_readings", 4)),
            int(policy.get("confirm_hours", 24)) * 3_600_000_000,
            int(policy["stuck_hours"]) * 3_600_000_000 if "stuck_hours" in policy else None,
            int(policy.get("confirm_minutes_least", 45)) * 60_000_000,
        ),
        ratios=[],
        devices=body["devices"],
        expect=body["expect"],
    )
    for since, factor in body.get("ratios", {"1970-01-02": "1"}).items():
        worth = Decimal(factor) * resolution * 1_000_000
        assert worth == int(worth), f"{path.name}: a tick is not a whole number of millionths"
        case.ratios.append(Ratio(case.us(since), int(worth)))
    return case


def computed(case: Case) -> tuple[Quarters, list[Finding], int]:
    parts, findings, illegible = [], [], 0
    for device in case.devices:
        readings, dropped = readings_of(case, device)
        begin, end = (case.us(device[key]) if key in device else None for key in ("begin", "end"))
        series = Series(readings, case.register, case.ratios, begin=begin, end=end)
        quarters, found = quarters_of(series, case.policy, case.zone, EVER)
        parts.append(quarters)
        findings += found
        illegible += dropped
    return merge(parts), findings, illegible


def readings_of(case: Case, device: dict[str, str]) -> tuple[Readings, int]:
    rows = [(*line.rsplit(maxsplit=1), "polled") for line in device["readings"].splitlines()]
    for line in device.get("entries", "").splitlines():
        moment, kind, value = line.rsplit(maxsplit=2)
        rows.append((moment, value, kind))
    readable = legible(np.array([float(row[1]) for row in rows]), case.resolution)
    rows = [row for row, shown in zip(rows, readable, strict=True) if shown]
    # As the rows come, disorder and all, and each once.
    rows = sorted(set(rows), key=lambda row: (case.us(row[0]), ORIGINS[row[2]]))
    return Readings(
        np.array([case.us(row[0]) for row in rows], np.int64),
        ticks_of(np.array([float(row[1]) for row in rows]), case.resolution),
        np.array([ORIGINS[row[2]] for row in rows], np.int8),
    ), int((~readable).sum())


def expected_finding(case: Case, row: dict[str, str]) -> tuple[object, ...]:
    kwh = None if row["kwh"] == "unknown" else Decimal(row["kwh"]) * 1_000_000
    return row["kind"], case.us(row["from"]), case.us(row.get("until", row["from"])), kwh


def test_there_are_cases() -> None:
    assert len(CASES) >= 25


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    case = load(path)
    quarters, findings, illegible = computed(case)
    expect = case.expect
    assert Decimal(int(quarters.micro.sum())) / 1_000_000 == Decimal(expect["kwh"])
    estimated = Decimal(int(quarters.estimated.sum())) / 1_000_000
    assert estimated == Decimal(expect.get("estimated", "0"))
    first_asked = any(row["kind"] == "first" for row in expect["findings"])
    assert [
        (found.kind, found.ts, found.until, found.micro)
        for found in findings
        if first_asked or found.kind != "first"
    ] == [expected_finding(case, row) for row in expect["findings"]]
    for day, kwh in expect.get("days", {}).items():
        assert day_sum(case, quarters, day) == Decimal(kwh) * 1_000_000, day
    for moment in expect.get("unknown", []):
        assert case.us(moment) // GRAIN_US * GRAIN_US not in quarters.slot.tolist(), moment
    assert illegible == int(expect.get("illegible", "0"))


def day_sum(case: Case, quarters: Quarters, day: str) -> int:
    begin = datetime.fromisoformat(day).replace(tzinfo=case.zone)
    end = begin.replace(hour=23, minute=59, second=59)
    inside = (quarters.slot >= begin.timestamp() * 1e6) & (quarters.slot <= end.timestamp() * 1e6)
    assert inside.any()
    return int(quarters.micro[inside].sum())
