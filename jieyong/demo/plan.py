"""What a demo consists of: where its files lie, which settings its collectors get."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from simulators import scenario
from simulators.county import Size, county, rough
from simulators.run import Files
from simulators.scenario import Scenario

ZONE: Final = ZoneInfo("Asia/Shanghai")
SEED: Final = 20_260_101
MISHAPS: Final = 0.002
"""Chance of each kind of fault, per request and per message: an ordinary day."""
SIZE: Final = Size(institutions=10, meters=60, ac=20, lights=20, vehicles=20, jt808=4)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a demo keeps its files; everything lies below ``state``."""

    state: Path

    @property
    def county(self) -> Path:
        """The scenario as it was made up at the first start."""
        return self.state / "county.yaml"

    @property
    def equipment(self) -> Files:
        """What the simulated meters, air conditioners and lights leave."""
        return Files(self.state / "equipment")

    @property
    def fleet(self) -> Files:
        """What the simulated vehicles leave."""
        return Files(self.state / "fleet")

    @property
    def logs(self) -> Path:
        """One log file for each process."""
        return self.state / "logs"

    @property
    def inventory(self) -> Path:
        """The inventory with the ports of this run."""
        return self.state / "inventory.yaml"

    @property
    def settings(self) -> Path:
        """Settings with which other commands find the demo's database."""
        return self.state / "jieyong.toml"

    def scenario_file(self, files: Files) -> Path:
        """Return the scenario that one of the two simulators plays."""
        return files.state / "scenario.yaml"


def load_or_make(layout: Layout, now: datetime, history_days: int) -> Scenario:
    """Return the county of this state directory; made up at the first start, then kept.

    Args:
        layout: where it is kept.
        now: decides on which day the counters begin, at the first start.
        history_days: days of the past that shall be there.
    """
    if not layout.county.exists():
        since = now.astimezone(ZONE).date() - timedelta(days=max(history_days, 1))
        made = county(SEED, since, SIZE)
        faults, messages = rough(made, MISHAPS)
        scenario.save(
            msgspec.structs.replace(made, faults=faults, messages=messages), layout.county
        )
    plan = scenario.load(layout.county)
    # Two processes, so that the vehicles can fall silent before the collectors stop.
    equipment = msgspec.structs.replace(plan, code=f"{plan.code}-equipment", vehicles=())
    fleet = msgspec.structs.replace(
        plan, code=f"{plan.code}-fleet", buses=(), devices=(), faults=()
    )
    scenario.save(equipment, layout.scenario_file(layout.equipment))
    scenario.save(fleet, layout.scenario_file(layout.fleet))
    return plan


def played_before(layout: Layout) -> Scenario | None:
    """Return the county this state directory plays already, if any."""
    return scenario.load(layout.county) if layout.county.exists() else None


def days_until(plan: Scenario, now: datetime) -> list[date]:
    """Return the local days from the beginning of the county up to today."""
    today = now.astimezone(ZONE).date()
    return [plan.since + timedelta(days=n) for n in range((today - plan.since).days + 1)]


def ports(files: Files) -> dict[str, int]:
    """Return bus code → port of simulators that are ready."""
    told = json.loads(files.ready.read_text(encoding="utf-8"))
    return {str(code): int(port) for code, port in told["ports"].items()}


def fingerprint(path: Path) -> str:
    """Return a digest of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
