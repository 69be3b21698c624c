"""Computes what is due: claims, computes, stores; a batch is one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import psycopg
import structlog

from fleet.derive import failures
from fleet.derive.claim import Claim, claim, done
from fleet.derive.compute import recompute
from fleet.derive.settings import TripSettings

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of some vehicles.

    Attributes:
        done: computed and stored.
        failed: could not be computed, and stay due.
        fixes: looked at.
    """

    done: int = 0
    failed: int = 0
    fixes: int = 0

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(self.done + other.done, self.failed + other.failed, self.fixes + other.fixes)


class Worker:
    """Computes what is due on one connection; any number of workers may run side by side."""

    def __init__(
        self,
        conn: psycopg.Connection,
        settings: TripSettings,
        zone: ZoneInfo,
        now: Callable[[], datetime],
    ) -> None:
        """Make a worker.

        Args:
            conn: an autocommit connection of its own.
            settings: what is believed, and how much is done at a time.
            zone: of days.
            now: the clock, aware: for the pauses after failures.
        """
        self._conn = conn
        self._settings = settings
        self._rules = settings.rules()
        self._zone = zone
        self._now = now

    def step(self) -> Outcome:
        """Take the oldest work that is due, and do it.

        Vehicles that cannot be computed are noted in ``fleet_failure`` and stay due; they hold up
        nobody else.

        Raises:
            psycopg.OperationalError: the database is away, or was in the way: nothing is lost,
                call again.
        """
        claimed: list[int] = []
        try:
            return self._transaction(self._settings.batch, claimed)
        except psycopg.OperationalError:
            raise
        except Exception:
            log.exception("fleet_batch_failed", vehicles=len(claimed))
        # One of them spoiled the transaction of all: one at a time shows which.
        return sum((self._alone() for _ in claimed), Outcome())

    def _alone(self) -> Outcome:
        claimed: list[int] = []
        try:
            return self._transaction(1, claimed)
        except psycopg.OperationalError:
            raise
        except Exception as error:
            log.exception("fleet_vehicle_failed", vehicles=claimed)
            for vehicle in claimed:
                why = f"{type(error).__name__}: {error}"
                failures.failed(self._conn, vehicle, why, self._now())
        return Outcome(failed=len(claimed))

    def _transaction(self, most: int, claimed: list[int]) -> Outcome:
        """Do a batch; ``claimed`` is filled with whom it computes."""
        with self._conn.transaction():
            # Years of a vehicle take longer than a collector's statement may.
            self._conn.execute("SET LOCAL statement_timeout = 0")
            fixes, computed = 0, list[Claim]()
            for one in claim(self._conn, most, self._now()):
                claimed.append(one.vehicle_id)
                fixes += recompute(self._conn, one.vehicle_id, one.spans, self._rules, self._zone)
                computed.append(one)
                # The others stay due. Years of all vehicles must not be one transaction.
                if fixes >= self._settings.batch_fixes:
                    break
            done(self._conn, computed)
            failures.cured(self._conn, claimed)
        return Outcome(len(computed), 0, fixes)
