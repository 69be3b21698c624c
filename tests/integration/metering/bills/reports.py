"""What is reported of January, and what changes it."""

from __future__ import annotations

from datetime import date
from typing import Any

from metering.bills.reported import Reported
from metering.bills.reporting import reported
from metering.tree.relations import Kind, Relation, enter_relation
from tests.integration.metering.bills.world import ACT, ZONE, Conn

JANUARY, FEBRUARY, MARCH = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
MID = date(2026, 1, 11)
MILLION = 1_000_000
POWER = "electricity"


def relate(conn: Conn, whose: str, kind: Kind, *to: str, **more: Any) -> int:  # noqa: ANN401 - fields
    shares = more.pop("shares", dict.fromkeys(to, 1))
    subject = more.pop("subject", "institution")
    return enter_relation(conn, ACT, Relation(subject, whose, kind, shares, **more))


def january(
    conn: Conn, energy: str = POWER, whose: list[str] | None = None
) -> dict[str | None, Reported]:
    found = reported(conn, (JANUARY, FEBRUARY), ZONE, whose)
    return {one.institution: one for one in found if one.energy == energy}


def micros(found: dict[str | None, Reported]) -> dict[str | None, int | None]:
    return {code: one.micro for code, one in found.items()}


def records(conn: Conn, energy: str, unit: str, quantity: str) -> None:
    conn.execute(
        "INSERT INTO earlier_import (sha256, name, entered_by, entered_at)"
        " VALUES ('x', 'x', 'x', now())"
    )
    conn.execute(
        "INSERT INTO earlier_month (import_id, institution_id, month, energy, unit, quantity)"
        " SELECT e.id, i.id, '2026-01-01', %s, %s, %s"
        " FROM earlier_import e, institution i WHERE i.code = 'czj'",
        [energy, unit, quantity],
    )


def count_month(conn: Conn, meter: str, micro: int) -> None:
    conn.execute(
        "INSERT INTO consumption_month (meter_id, month, micro, estimated, covered_s, flags)"
        " SELECT id, '2026-01-01', %s, 0, 31 * 86400, 0 FROM meter WHERE code = %s",
        [micro, meter],
    )
