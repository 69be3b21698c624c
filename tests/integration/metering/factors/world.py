"""What the tests of this package share."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import psycopg

from metering.factors.institution_facts import Fact
from metering.factors.kinds import FactKind, load_fact_kinds
from metering.factors.library import load_library
from metering.factors.tariff import Tariff
from metering.factors.tariff_file import load_tariffs
from registry.audit import Act

Conn = psycopg.Connection[Any]
ACT = Act("王芳", datetime(2026, 11, 22, 9, tzinfo=UTC))
LATER = Act("李强", datetime(2026, 11, 23, 9, tzinfo=UTC))


@cache
def kinds() -> dict[str, FactKind]:
    """What can be known of an institution."""
    return load_fact_kinds()


@cache
def tariffs() -> tuple[Tariff, ...]:
    """What ships with the program."""
    return load_tariffs(load_library())


def day(text: str | None) -> date | None:
    """A date, or None."""
    return None if text is None else date.fromisoformat(text)


def area(value: str, begin: str, end: str | None = None, code: str = "floor-area") -> Fact:
    """A fact of the first institution."""
    return Fact("i-1", code, Decimal(value), date.fromisoformat(begin), day(end), "不动产权证")


def audit(conn: Conn) -> list[tuple[str, str, str, dict[str, Any]]]:
    """The audit log: who, what, to what, detail."""
    return conn.execute(
        "SELECT principal, action, subject, detail FROM audit_log ORDER BY id"
    ).fetchall()
