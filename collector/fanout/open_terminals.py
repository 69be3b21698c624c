"""Of which terminals positions may be published: not of sensitive vehicles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, LiteralString

import psycopg

from storage.errors import StorageUnavailable

_ASKED_AGAIN_S: Final = 60.0
# Ever, not now: what comes late is of a time when a terminal may have sat in another vehicle.
_OPEN: Final[LiteralString] = """
SELECT terminal.id, terminal.code FROM terminal
WHERE NOT EXISTS (
    SELECT FROM terminal_vehicle AS bound
    JOIN vehicle_sensitivity AS said ON said.vehicle_id = bound.vehicle_id
    WHERE bound.terminal_id = terminal.id
)
"""


class OpenTerminals:
    """Asks the database, at most once a minute; without an answer nothing may be published.

    Args:
        connect: opens a connection.
        now_s: any steady clock, seconds.
    """

    def __init__(
        self, connect: Callable[[], psycopg.Connection], now_s: Callable[[], float]
    ) -> None:
        self._connect = connect
        self._now_s = now_s
        self._asked_s: float | None = None
        self._codes: dict[int, str] = {}

    def codes(self) -> dict[int, str]:
        """Return id → code.

        Raises:
            StorageUnavailable: the database does not tell.
        """
        now_s = self._now_s()
        if self._asked_s is None or now_s - self._asked_s >= _ASKED_AGAIN_S:
            try:
                with self._connect() as conn:
                    self._codes = dict(conn.execute(_OPEN).fetchall())
            except psycopg.Error as error:
                why = f"whose positions may be published is not known: {error}"
                raise StorageUnavailable(why) from error
            self._asked_s = now_s
        return self._codes
