"""What a device profile says of a counter: how fine it counts."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

import psycopg
import yaml

DEFAULT_RESOLUTION: Final = Decimal("0.001")
"""Of counters that come as floating-point numbers, and of profiles that do not say."""

_BODIES: Final = "SELECT id, body FROM profile WHERE id = ANY(%s)"


class Resolutions:
    """Resolution of the counters of each profile; a profile's version never changes, so it is kept.

    Attributes:
        read: profiles parsed so far.
    """

    def __init__(self) -> None:
        self.read = 0
        self._known: dict[int, dict[str, Decimal]] = {}

    def learn(self, conn: psycopg.Connection, profiles: Iterable[int]) -> None:
        """Read the profiles that are not known yet.

        Args:
            conn: any connection.
            profiles: their ids.
        """
        unknown = set(profiles) - self._known.keys()
        if not unknown:
            return
        for profile, body in conn.execute(_BODIES, [list(unknown)]).fetchall():
            self._known[profile] = resolutions(body)
            self.read += 1

    def of(self, profile: int, point: str) -> Decimal:
        """Return units of the point a tick."""
        return self._known.get(profile, {}).get(point, DEFAULT_RESOLUTION)


def resolutions(body: str) -> dict[str, Decimal]:
    """Return point → resolution of the points that hold whole numbers.

    Args:
        body: the profile as YAML; it was checked when it was brought in.
    """
    document: Any = yaml.safe_load(body)
    points = document.get("points") if isinstance(document, dict) else None
    return {
        str(point["name"]): Decimal(str(point.get("scale", 1)))
        for point in points or ()
        if not str(point.get("type", "f32")).startswith("f")
    }
