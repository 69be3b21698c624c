"""What verdicts on vehicles rest on, as they ask for it; and where it is kept: the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import psycopg

from fleet.fence import fences, window
from fleet.fence.datum import Degrees
from fleet.fence.fences import Fence
from fleet.fence.source import Positions
from fleet.yards import load
from fleet.yards.beside import Beside, beside
from fleet.yards.model import Sealed, Yard
from fleet.yards.movement import Sign


class Source(Protocol):
    """Everything that is looked at; times aware."""

    def yards(self) -> Sequence[Yard]:
        """Return where vehicles must be."""
        ...

    def sealed(self) -> Sequence[Sealed]:
        """Return when vehicles must not move."""
        ...

    def fences(self) -> Sequence[Fence]:
        """Return all fences that stand, by code and day."""
        ...

    def beside(
        self, ids: Sequence[int], span: tuple[datetime, datetime], around_us: int, zone: ZoneInfo
    ) -> Beside:
        """Return what is held beside the tracks of vehicles; see :func:`fleet.yards.beside`."""
        ...

    def positions(self, vehicle_id: int) -> window.Source:
        """Return the fixes of a vehicle."""
        ...

    def signs(self, vehicle_id: int, span: tuple[datetime, datetime]) -> Sequence[Sign]:
        """Return what its terminals said besides, also one before and one behind."""
        ...

    def pending(self, vehicle_id: int, span: tuple[datetime, datetime]) -> bool:
        """Whether trips of a span are still to be computed."""
        ...

    def stood(self, vehicle_id: int, span: tuple[datetime, datetime]) -> Degrees | None:
        """Return where it stood longest in a span."""
        ...


@dataclass(frozen=True, slots=True)
class Stored:
    """All of it as it stands in the database.

    Attributes:
        conn: in any state.
    """

    conn: psycopg.Connection[Any]

    def yards(self) -> Sequence[Yard]:
        """See :class:`Source`."""
        return load.yards(self.conn)

    def sealed(self) -> Sequence[Sealed]:
        """See :class:`Source`."""
        return load.sealed(self.conn)

    def fences(self) -> Sequence[Fence]:
        """See :class:`Source`."""
        return fences.standing(self.conn)

    def beside(
        self, ids: Sequence[int], span: tuple[datetime, datetime], around_us: int, zone: ZoneInfo
    ) -> Beside:
        """See :class:`Source`."""
        return beside(self.conn, ids, span, around_us, zone)

    def positions(self, vehicle_id: int) -> window.Source:
        """See :class:`Source`."""
        return Positions(self.conn, vehicle_id)

    def signs(self, vehicle_id: int, span: tuple[datetime, datetime]) -> Sequence[Sign]:
        """See :class:`Source`."""
        return load.signs(self.conn, vehicle_id, span)

    def pending(self, vehicle_id: int, span: tuple[datetime, datetime]) -> bool:
        """See :class:`Source`."""
        return load.pending(self.conn, vehicle_id, span)

    def stood(self, vehicle_id: int, span: tuple[datetime, datetime]) -> Degrees | None:
        """See :class:`Source`."""
        return load.stood(self.conn, vehicle_id, span)
