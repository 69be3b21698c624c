"""Keeps the made-up county out of a database that holds something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import psycopg

from jieyong.doctor.database import place_of
from simulators.scenario import Scenario

_CODES: Final = "SELECT code FROM device UNION SELECT code FROM terminal ORDER BY code"
_NAMED: Final = 3


class ForeignDatabaseError(RuntimeError):
    """The database that was named holds what this demo did not bring."""


def refuse_foreign(conninfo: str, plan: Scenario | None) -> None:
    """Look into a database before a demo uses it; changes nothing.

    An import closes what its file does not name: the demo's would end everything that is there.

    Args:
        conninfo: the database; its schema may be missing.
        plan: the county this state directory plays already; None when it begins anew.

    Raises:
        ForeignDatabaseError: there are devices or terminals that are not of that county.
        psycopg.OperationalError: the database is away.
    """
    county = _codes_of(plan) if plan else frozenset()
    foreign = [code for code in _codes_in(conninfo) if code not in county]
    if foreign:
        named = ", ".join(foreign[:_NAMED])
        raise ForeignDatabaseError(
            f"{place_of(conninfo)}, which DATABASE_URL names, holds {len(foreign)} devices and "
            f"terminals that are not of this demo ({named}{', …' if foreign[_NAMED:] else ''}). "
            "Nothing was changed, and --fresh empties the embedded database only. Unset "
            "DATABASE_URL to use that one, or make an empty database for the demo"
        )


def _codes_in(conninfo: str) -> Sequence[str]:
    with psycopg.connect(conninfo) as conn:
        row = conn.execute("SELECT to_regclass('device') IS NOT NULL").fetchone()
        if row is None or not row[0]:
            return []
        return [code for (code,) in conn.execute(_CODES)]


def _codes_of(plan: Scenario) -> frozenset[str]:
    return frozenset([d.code for d in plan.devices] + [v.terminal for v in plan.vehicles])
