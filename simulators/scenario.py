"""A scenario: which institutions, devices and vehicles there are, and what goes wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from simulators.almanac import DAY_US
from simulators.jt808.faults import WireFaults
from simulators.jt808.header import Version
from simulators.modbus.faults import Fault, Traits
from simulators.mqtt.payload import MessageFaults

_EPOCH = date(1970, 1, 1)
_PHONE = re.compile("[1-9a-f][0-9a-f]{0,11}")


class City(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Centre of the streets, WGS-84 degrees."""

    lat: float = 30.572
    lon: float = 104.066


class Institution(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A public institution."""

    code: str
    name: str
    parent: str | None = None
    tags: tuple[str, ...] = ()


class Building(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A building of an institution."""

    code: str
    name: str
    institution: str
    floor_area_m2: int
    tags: tuple[str, ...] = ()


class Room(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A room of a building."""

    code: str
    name: str
    building: str
    purpose: str
    tags: tuple[str, ...] = ()


class Place(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where something is measured."""

    code: str
    name: str
    measures: str
    room: str
    tags: tuple[str, ...] = ()


class Bus(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A gateway; port 0 takes a free one. See ``modbus.server.Port`` for the rest."""

    code: str
    host: str = "127.0.0.1"
    port: int = 0
    latency_ms: float = 20.0
    min_gap_ms: float = 0.0
    one_connection: bool = False


class Device(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A device; ``model`` and ``size`` as ``models.equipment.build`` takes them."""

    code: str
    name: str
    profile: str
    bus: str
    unit: int
    model: str
    place: str
    serial_no: str
    size: float = 1.0
    interval_s: int = 10
    traits: Traits = Traits()


class Vehicle(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A vehicle with its terminal; ``patrol`` ones are on the road day and night.

    A terminal reports every ``interval_s`` while the ignition is on, and every
    ``interval_s · parked_every`` when it is off. ``jt808`` is the edition of JT/T 808 it speaks,
    its code then is its phone without zeros before it; None: MQTT. ``late_s``: what such a
    terminal could not send in its time is not sent before it is so old.
    """

    code: str
    plate: str
    institution: str
    energy: str
    terminal: str
    patrol: bool = False
    interval_s: int = 10
    parked_every: int = 6
    jt808: Version | None = None
    late_s: int = 0
    tags: tuple[str, ...] = ()


class Scenario(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One simulated city or county.

    Attributes:
        code: names it in logs and files.
        seed: decides everything that varies.
        since: local date on which counters and odometers begin.
        faults: on Modbus.
        messages: what goes wrong with positions, and tunnels.
        wire: what goes wrong underneath JT/T 808.
    """

    code: str
    seed: int
    since: date
    institutions: tuple[Institution, ...]
    buildings: tuple[Building, ...]
    rooms: tuple[Room, ...]
    places: tuple[Place, ...]
    buses: tuple[Bus, ...]
    devices: tuple[Device, ...]
    vehicles: tuple[Vehicle, ...]
    city: City = City()
    faults: tuple[Fault, ...] = ()
    messages: MessageFaults = MessageFaults()
    wire: WireFaults = WireFaults()

    @property
    def since_day(self) -> int:
        """The local day of ``since``, counted as :mod:`simulators.almanac` does."""
        return (self.since - _EPOCH).days

    @property
    def since_us(self) -> int:
        """Local midnight of ``since``, µs since the Unix epoch."""
        return local_midnight_us(self.since)


class ScenarioError(ValueError):
    """The scenario cannot be played; says what and where."""


def local_midnight_us(day: date) -> int:
    """Return the instant of a local date's midnight (UTC+8), µs since the Unix epoch."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    return int(midnight) * 1_000_000 - DAY_US // 3


def load(path: Path) -> Scenario:
    """Read a scenario file.

    Raises:
        ScenarioError: a key is missing, unknown or odd, or a code is used twice or not defined.
    """
    try:
        scenario = msgspec.yaml.decode(path.read_bytes(), type=Scenario)
    except msgspec.MsgspecError as error:
        raise ScenarioError(f"{path}: {error}") from error
    problems = list(_contradictions(scenario))
    if problems:
        raise ScenarioError("\n".join(f"{path}: {problem}" for problem in problems))
    return scenario


def save(scenario: Scenario, path: Path) -> None:
    """Write a scenario file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.yaml.encode(scenario))


def with_ports(scenario: Scenario, ports: Mapping[str, int]) -> Scenario:
    """Return the scenario with the ports its buses really listen on."""
    buses = tuple(
        msgspec.structs.replace(b, port=ports.get(b.code, b.port)) for b in scenario.buses
    )
    return msgspec.structs.replace(scenario, buses=buses)


def _contradictions(scenario: Scenario) -> list[str]:
    buses = {b.code for b in scenario.buses}
    targets = buses | {d.code for d in scenario.devices}
    found = [
        f"device {d.code}: there is no bus {d.bus}: add it under buses"
        for d in scenario.devices
        if d.bus not in buses
    ]
    found += [
        f"fault {f.kind}: there is no device or bus {f.target}: name one that exists"
        for f in scenario.faults
        if f.target not in targets
    ]
    found += [
        f"terminal {v.terminal}: it speaks JT/T 808, so its code is its phone: hexadecimal digits "
        "without zeros before them"
        for v in scenario.vehicles
        if v.jt808 is not None and not _PHONE.fullmatch(v.terminal)
    ]
    found += _twice("device", [d.code for d in scenario.devices])
    found += _twice("unit", [f"{d.bus}/{d.unit}" for d in scenario.devices])
    found += _twice("bus", [b.code for b in scenario.buses])
    found += _twice("terminal", [v.terminal for v in scenario.vehicles])
    return found


def _twice(kind: str, codes: list[str]) -> list[str]:
    return [
        f"{kind} {code} stands there twice: give each its own"
        for code in sorted({c for c in codes if codes.count(c) > 1})
    ]
