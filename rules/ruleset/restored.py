"""A rule as the database keeps it, back as a rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from notify.model import Severity
from registry.day_kind import DayKind
from rules.kinds.catalogue import kind_of
from rules.kinds.custom import ExpressionError
from rules.kinds.model import Kind
from rules.kinds.unknown import unknown
from rules.ruleset.model import Escalation, Hours, Rule
from rules.timeline.persistence import Persistence


def restored(  # noqa: PLR0913, PLR0917 - one argument for each column
    code: str,
    title: str,
    severity: str,
    route: str | None,
    source: str,
    meaning: Mapping[str, Any],
    escalation: Escalation | None = None,
    reading: str | None = None,
) -> Rule:
    """Return the rule of a row; of a kind that this program does not know, one that always fails.

    Args:
        code: of the rule.
        title: Chinese.
        severity: of :class:`Severity`.
        route: who is told.
        source: what it rests on.
        meaning: :attr:`Rule.meaning`, as JSON gives it back.
        escalation: when nobody explains a doubt.
        reading: unit of what an inspector may read.
    """
    hours = meaning["hours"]
    return Rule(
        code=code,
        title=title,
        kind=_kind(meaning["kind"], meaning.get("expression")),
        values=meaning["values"],
        persistence=Persistence(meaning["for_us"], meaning["gap_us"], meaning["silence_us"]),
        hours=None if hours is None else _hours(hours),
        only=frozenset(meaning["only"]),
        without=frozenset(meaning["except"]),
        since=None,
        until=None,
        severity=Severity(severity),
        route=route,
        source=source,
        line=0,
        escalation=escalation,
        reading=reading,
        institutions=frozenset(meaning.get("institutions", ())),
        matter=meaning.get("matter"),
    )


def _kind(code: str, expression: str | None) -> Kind:
    """Return a kind; what only a newer program knows holds nothing true."""
    try:
        return kind_of(code, expression)
    except (LookupError, ExpressionError):
        return unknown(code)


def _hours(written: Mapping[str, Any]) -> Hours:
    spans = {DayKind(kind): tuple(map(tuple, found)) for kind, found in written.items()}
    return Hours(repr(sorted(written.items())), spans)
