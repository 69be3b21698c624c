"""A position as the message that docs/position.md describes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from storage.records import Position, PositionFlag
from storage.times import at_us

_FIELDS: Final = {
    "speed": "speed_kmh",
    "course": "course_deg",
    "altitude": "altitude_m",
    "odometer": "odometer_km",
    "satellites": "satellites",
    "acc": "acc",
    "seq": "seq",
}


def message(position: Position) -> bytes:
    """Return the message; what is unknown is absent."""
    found: dict[str, Any] = {
        "ts": _rfc3339(at_us(position.fix_time_us)),
        "lat": position.lat,
        "lon": position.lon,
    }
    for name, attribute in _FIELDS.items():
        value = getattr(position, attribute)
        if value is not None:
            found[name] = value
    if position.flags & PositionFlag.NO_FIX:
        found["fix"] = False
    if position.extra is not None:
        found["extra"] = msgspec.Raw(position.extra)
    return msgspec.json.encode(found)


def _rfc3339(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
