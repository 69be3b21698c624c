"""The vehicle position message: its type and its JSON schema (docs/position.md)."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Raw

# Wide enough for every true value, narrow enough for float4 in the table.
_Real = Annotated[float, Meta(ge=-1e9, le=1e9)]


NO_EXTRA: Final = Raw()
"""What ``extra`` is when the message has none; compared by identity."""


class Fix(msgspec.Struct, frozen=True, gc=False):
    """What makes a message a position: without one of these it is none."""

    ts: Annotated[
        datetime,
        Meta(tz=True, description="Time of the fix, RFC 3339 with an offset (`Z` or `+08:00`)."),
    ]
    lat: Annotated[float, Meta(description="Latitude in degrees, WGS-84 or CGCS2000, north > 0.")]
    lon: Annotated[float, Meta(description="Longitude in degrees, the same datum, east > 0.")]


class PositionMessage(Fix, frozen=True, gc=False):
    """One position as a terminal sends it; unknown fields are passed over here."""

    speed: Annotated[_Real | None, Meta(description="Speed over ground, km/h.")] = None
    course: Annotated[_Real | None, Meta(description="Course over ground, degrees from north.")] = (
        None
    )
    altitude: Annotated[_Real | None, Meta(description="Height above sea level, metres.")] = None
    odometer: Annotated[
        float | None, Meta(description="The vehicle's or terminal's own odometer, km.")
    ] = None
    satellites: Annotated[
        Annotated[int, Meta(ge=0, le=32_767)] | None, Meta(description="Satellites in the fix.")
    ] = None
    acc: Annotated[bool | None, Meta(description="Ignition on.")] = None
    fix: Annotated[
        bool | None, Meta(description="False when the terminal itself has no valid fix.")
    ] = None
    seq: Annotated[
        Annotated[int, Meta(ge=0, le=2**63 - 1)] | None,
        Meta(description="The terminal's own message number."),
    ] = None
    extra: Annotated[
        Raw, Meta(description="An object with whatever else the terminal knows; kept as it is.")
    ] = msgspec.field(default_factory=lambda: NO_EXTRA)


class StrictMessage(PositionMessage, frozen=True, gc=False, forbid_unknown_fields=True):
    """The same, for the fast path: an unknown field is an error."""


def schema() -> dict[str, Any]:
    """Return the JSON schema that docs/position.schema.json holds (draft 2020-12)."""
    _, components = msgspec.json.schema_components([PositionMessage])
    body = components["PositionMessage"]
    properties = body["properties"]
    # `Raw` says nothing of its type, and a default of ours is none of the sender's business.
    properties["extra"] = {"type": "object", "description": properties["extra"]["description"]}
    for field in properties.values():
        field.pop("default", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Vehicle position",
        "description": "Payload of jieyong/v1/<terminal>/position; see position.md.",
        "type": "object",
        "properties": properties,
        "required": body["required"],
    }


def main() -> None:
    """Print the schema: `python -m collector.mqtt.message > docs/position.schema.json`."""
    json.dump(schema(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
