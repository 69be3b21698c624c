"""What a demo makes of its air conditioners and lights: doubts, by the rules that come along."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg

from jieyong.demo.energy import WHO
from jieyong.settings import Settings
from registry.audit import Act
from rules.ruleset.reading import read_rule_set
from rules.ruleset.store import load
from rules.subjects import catalogue
from rules.work.worker import Worker

DEFAULT: Final = Path(__file__).resolve().parents[2] / "rules" / "sets" / "default.yaml"
_ANY: Final = "SELECT EXISTS (SELECT FROM rule)"


def bring_rules(conninfo: str, now: datetime, history_days: int) -> None:
    """Load the rules that come along, once; they speak of the demo's past too."""
    zone = ZoneInfo(Settings().time_zone)
    rule_set = read_rule_set(DEFAULT.read_text("utf-8"), DEFAULT.name, zone)
    since = now - timedelta(days=history_days + 1)
    rules = tuple(replace(rule, since=since) for rule in rule_set.rules)
    with psycopg.connect(conninfo, autocommit=True) as conn:
        row = conn.execute(_ANY).fetchone()
        if row is None or not row[0]:
            load(conn, Act(WHO, now), replace(rule_set, rules=rules))


def compute(conninfo: str) -> None:
    """Look at whatever is due, to the last reading."""
    settings = Settings()
    zone = ZoneInfo(settings.time_zone)
    with psycopg.connect(conninfo, autocommit=True) as conn:
        worker = Worker(conn, settings.rules, settings.gauges, zone, lambda: datetime.now(UTC))
        while catalogue.follow(conn) or worker.step().done:
            pass


def told(conn: psycopg.Connection[Any]) -> int:
    """Return how many doubts there are, earlier runs and the past included."""
    row = conn.execute("SELECT count(*) FROM doubt WHERE state <> 'withdrawn'").fetchone()
    return 0 if row is None else int(row[0])
