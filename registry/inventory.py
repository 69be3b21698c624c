"""The inventory: what a file says exists, checked and frozen.

Things refer to each other by code. ``lines`` (key → line, ``""`` the entry itself) lets a later
refusal point at the file; it takes no part in comparisons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

ENERGIES: Final = ("electricity", "water", "gas", "heat", "cooling", "oil", "coal")
"""What a place can measure."""

FUELS: Final = ("petrol", "diesel", "electric", "plug_in_hybrid", "hybrid", "gas", "hydrogen")
"""What a vehicle runs on."""

BY_HAND: Final = "by-hand"
"""The bus of meters that people read: nothing is polled."""

TRANSPORTS: Final = ("modbus-tcp", BY_HAND)
"""Which transports a bus may use."""

Lines = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Binding:
    """Who sits where when: ``since`` ≤ t < ``until``, UTC.

    Attributes:
        target: code of the place, room or vehicle; of a tag the word.
        since: None: not stated; what the database knows stands, or it holds from the import on.
        until: None: until further notice.
        line: where the file says so.
    """

    target: str
    since: datetime | None
    until: datetime | None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Institution:
    """A public institution; ``parent`` is the one it reports to."""

    code: str
    name: str
    credit_code: str | None
    parent: str | None
    tags: tuple[Binding, ...]
    lines: Lines = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Building:
    """A building of an institution; floor area in m²."""

    code: str
    name: str
    institution: str
    floor_area_m2: Decimal | None
    tags: tuple[Binding, ...]
    lines: Lines = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Room:
    """A room of a building."""

    code: str
    name: str
    building: str
    purpose: str | None
    tags: tuple[Binding, ...]
    lines: Lines = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is measured; ``measures`` is one of :data:`ENERGIES`."""

    code: str
    name: str
    measures: str
    bindings: tuple[Binding, ...]
    tags: tuple[Binding, ...]
    lines: Lines = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Bus:
    """One host and port; ``gap_ms`` is the least pause between two requests.

    Without host and with port 0 where ``transport`` is :data:`BY_HAND`.
    """

    code: str
    transport: str
    host: str
    port: int
    gap_ms: int
    lines: Lines = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Device:
    """A physical meter; ``bindings`` are its places."""

    code: str
    name: str
    serial_no: str | None
    profile: str
    bus: str
    unit: int
    interval_s: int
    timeout_ms: int
    bindings: tuple[Binding, ...]
    lines: Lines = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle; a sensitive one has no track. ``energy`` is one of :data:`FUELS`."""

    code: str
    plate: str
    institution: str
    energy: str
    sensitive: bool
    tags: tuple[Binding, ...]
    lines: Lines = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Terminal:
    """What sends positions; ``bindings`` are its vehicles."""

    code: str
    bindings: tuple[Binding, ...]
    lines: Lines = field(compare=False, repr=False)


Thing = Institution | Building | Room | Place | Bus | Device | Vehicle | Terminal
Bound = Place | Device | Terminal
Tagged = Institution | Building | Room | Place | Vehicle


@dataclass(frozen=True, slots=True)
class Inventory:
    """One file, whole and valid.

    Attributes:
        source: the file as it was named.
        sha256: of its bytes.
    """

    source: str
    sha256: str
    institutions: tuple[Institution, ...]
    buildings: tuple[Building, ...]
    rooms: tuple[Room, ...]
    places: tuple[Place, ...]
    buses: tuple[Bus, ...]
    devices: tuple[Device, ...]
    vehicles: tuple[Vehicle, ...]
    terminals: tuple[Terminal, ...]

    def of(self, kind: str) -> Sequence[Thing]:
        """Return the things of one kind, named as its table is."""
        kinds: dict[str, Sequence[Thing]] = {
            "institution": self.institutions,
            "building": self.buildings,
            "room": self.rooms,
            "place": self.places,
            "bus": self.buses,
            "device": self.devices,
            "vehicle": self.vehicles,
            "terminal": self.terminals,
        }
        return kinds[kind]

    def tagged(self, kind: str) -> Sequence[Tagged]:
        """Return the things of one kind that may have tags; none of the others."""
        return [thing for thing in self.of(kind) if isinstance(thing, Tagged)]
