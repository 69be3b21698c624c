"""Metrics of rules: what each costs, and which fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client.metrics_core import Metric

from jieyong.metrics.families import counter, gauge
from rules.work.files import Followed
from rules.work.health import Standing
from rules.work.learning import NotLearned


def rule_metrics(found: Sequence[Standing]) -> Iterator[Metric]:
    """Yield how the rules in force fare, by their codes; as the database has it, of all workers."""
    shown = [one for one in found if one.in_force]
    yield counter(
        "jieyong_rules_rule_seconds",
        "Time that a rule's condition took, loading what it looks at not included.",
        ("rule",),
        (((one.code,), one.total_us / 1e6) for one in shown),
    )
    yield counter(
        "jieyong_rules_rule_subjects",
        "Subjects that a rule looked at, each time counted.",
        ("rule",),
        (((one.code,), one.total_subjects) for one in shown),
    )
    yield gauge(
        "jieyong_rules_rule_last_run_timestamp_seconds",
        "When a rule last looked at anything; absent before the first time.",
        ("rule",),
        (((one.code,), one.ran_at.timestamp()) for one in shown if one.ran_at is not None),
    )
    yield gauge(
        "jieyong_rules_rule_owed_subjects",
        "Subjects that a rule could not look at, and has not since.",
        ("rule",),
        (((one.code,), one.owed) for one in shown),
    )


def file_metrics(files: Sequence[Followed]) -> Iterator[Metric]:
    """Yield how the files of rule sets stand that workers follow."""
    refused = sum(one.error is not None for one in files)
    yield gauge(
        "jieyong_rules_files",
        "Files of rule sets that are followed, by whether what they say is in force.",
        ("state",),
        ((("loaded",), len(files) - refused), (("refused",), refused)),
    )


def learning_metrics(found: Sequence[NotLearned]) -> Iterator[Metric]:
    """Yield since when what is usual of many subjects could not be learned again."""
    yield gauge(
        "jieyong_rules_not_learned_since_timestamp_seconds",
        "Since when what is usual of a sort of subjects cannot be learned again; absent: it can.",
        ("kind",),
        (((one.sort,), one.since.timestamp()) for one in found),
    )
