"""Who looks for doubts: `jieyong rules work`."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg

from jieyong.believed import believed
from jieyong.metrics.rules import file_metrics, learning_metrics, rule_metrics
from jieyong.metrics.workers import RULES
from jieyong.settings import Settings
from jieyong.workers.crew import Crew, Orders, Step
from jieyong.workers.tally import Tally
from jieyong.workers.watch import Beside
from rules.subjects import catalogue
from rules.work.backlog import backlog
from rules.work.files import RuleFiles, followed
from rules.work.health import standing
from rules.work.learning import not_learned
from rules.work.worker import Worker
from storage.due_hand import Hand
from storage.due_worker import Outcome


def _orders(settings: Settings) -> Orders:
    return Orders(settings.rules.workers, settings.rules.look_s, settings.http.rules_port)


def watched(settings: Settings) -> tuple[Path, ...]:
    """Return the files and directories that the workers follow."""
    return () if settings.rules.watch is None else (settings.rules.watch,)


def _begin(conn: psycopg.Connection, hand: Hand, settings: Settings) -> Step:
    zone = ZoneInfo(settings.time_zone)
    worker = Worker(
        *(conn, settings.rules, settings.gauges, zone, lambda: datetime.now(UTC), hand),
        believed=believed(settings),
    )
    files = RuleFiles(watched(settings), f"jieyong rules work ({getpass.getuser()})", zone)

    def step(tally: Tally) -> Outcome:
        files.step(conn, datetime.now(UTC))
        catalogue.follow(conn)
        opened = worker.doubts
        outcome = worker.step()
        tally.amount += worker.doubts - opened
        return outcome

    return step


def _beside(conn: psycopg.Connection, now: datetime) -> Beside:
    found = standing(conn, now)
    files, unlearned = followed(conn), not_learned(conn)
    wrong = [
        *(
            f"rule {one.code} could not look at {one.owed} subjects"
            for one in found
            if one.in_force and one.owed
        ),
        *(f"rule file {one.path} is refused" for one in files if one.error is not None),
        *(f"what is usual of {one.sort} subjects cannot be learned again" for one in unlearned),
    ]
    metrics = *rule_metrics(found), *file_metrics(files), *learning_metrics(unlearned)
    return Beside(metrics, tuple(wrong))


CREW = Crew(RULES, _orders, backlog, _begin, _beside)
