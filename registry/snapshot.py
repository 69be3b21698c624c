"""What a collector must know of the registry: a frozen picture, kept on disk for database outages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeviceEntry:
    """A device as the poller needs it.

    Attributes:
        device_id: immutable id.
        code: stable code, as people write it.
        unit: Modbus unit id, 0..255.
        interval_s: polling interval in seconds.
        timeout_ms: how long to wait for a reply.
        profile: code of its profile.
        profile_id: id of the profile's version.
        points: name of the profile's point → point id.
    """

    device_id: int
    code: str
    unit: int
    interval_s: int
    timeout_ms: int
    profile: str
    profile_id: int
    points: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class BusEntry:
    """One host and port with the devices behind it; one queue serves it.

    Attributes:
        gap_ms: the least pause between two requests.
    """

    code: str
    transport: str
    host: str
    port: int
    gap_ms: int
    devices: tuple[DeviceEntry, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is valid now.

    Attributes:
        buses: each with its devices.
        terminals: wire identity → terminal id.
    """

    buses: tuple[BusEntry, ...]
    terminals: Mapping[str, int]
