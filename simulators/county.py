"""Makes up a county: institutions with believable names, meters, air conditioners, lights, cars."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from simulators import noise
from simulators.jt808.faults import WireFaults
from simulators.jt808.header import Version
from simulators.modbus.faults import Fault, Kind
from simulators.mqtt.payload import MessageFaults
from simulators.scenario import (
    Building,
    Bus,
    Device,
    Institution,
    Place,
    Room,
    Scenario,
    Vehicle,
)

_OFFICES: Final = (
    *("机关事务管理局", "财政局", "教育局", "卫生健康局", "公安局", "人力资源和社会保障局"),
    *("住房和城乡建设局", "交通运输局", "水利局", "农业农村局", "审计局", "市场监督管理局"),
    *("统计局", "生态环境局", "民政局", "司法局", "自然资源局", "应急管理局", "税务局", "档案馆"),
)
_ORDINALS: Final = "一二三四五六七八九十"
_FUELS: Final = ("petrol", "petrol", "petrol", "electric", "plug_in_hybrid", "diesel")
_PLATE_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_UNITS_PER_BUS: Final = 12
_EDITIONS: Final = tuple(Version)


@dataclass(frozen=True, slots=True)
class Size:
    """How large a county is: numbers of things; ``jt808`` of the vehicles do not speak MQTT."""

    institutions: int = 10
    meters: int = 60
    ac: int = 20
    lights: int = 20
    vehicles: int = 20
    jt808: int = 0


@dataclass(slots=True)
class _Draft:
    """What has been made up so far."""

    institutions: list[Institution] = field(default_factory=list)
    buildings: list[Building] = field(default_factory=list)
    rooms: list[Room] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)


def county(seed: int, since: date, size: Size) -> Scenario:
    """Make up a county; the same arguments give the same one.

    Args:
        seed: decides what varies.
        since: local date on which counters and odometers begin.
        size: how many of each; a fifth of the meters measure water.
    """
    draft = _Draft()
    for n in range(size.institutions):
        _found(draft, n)
    for n in range(size.meters):
        _add_meter(draft, seed, n)
    for n in range(size.ac):
        _add_in_office(draft, n, "ac", "空调", ("reference-ac-unit", "air-conditioner"))
    for n in range(size.lights):
        profile = "reference-lighting-circuit", "lighting"
        _add_in_office(draft, n, "light", "照明", profile)
    return Scenario(
        code=f"county-{seed}",
        seed=seed,
        since=since,
        institutions=tuple(draft.institutions),
        buildings=tuple(draft.buildings),
        rooms=tuple(draft.rooms),
        places=tuple(draft.places),
        buses=tuple(Bus(code) for code in dict.fromkeys(d.bus for d in draft.devices)),
        devices=tuple(draft.devices),
        vehicles=tuple(_vehicle(seed, n, size) for n in range(size.vehicles)),
    )


def rough(scenario: Scenario, share: float = 0.002) -> tuple[tuple[Fault, ...], MessageFaults]:
    """Return faults that a county meets on an ordinary day, and two devices that are dead.

    Args:
        scenario: whose buses are hit.
        share: chance of each kind of fault, per request and per message.
    """
    kinds = (Kind.DROP, Kind.TRUNCATE, Kind.WRONG_TRANSACTION, Kind.EXCEPTION, Kind.SENTINEL)
    faults = [
        Fault(bus.code, kind, probability=share, code=6) for bus in scenario.buses for kind in kinds
    ]
    faults += [Fault(b.code, Kind.LATE, probability=share, seconds=1.5) for b in scenario.buses]
    dead = [Fault(d.code, Kind.DROP) for d in scenario.devices[-1 : -len(scenario.devices) : -37]]
    messages = MessageFaults(
        malformed=share,
        zero_island=share,
        out_of_range=share,
        future=share,
        unknown_terminal=share,
        no_fix=share,
        duplicate=share,
        disorder=share,
        tunnel=share * 5,
    )
    return (*dead, *faults), messages


def rough_wire(share: float = 0.002) -> WireFaults:
    """Return what JT/T 808 meets on an ordinary day: the chance of each kind of fault."""
    return WireFaults(
        bad_checksum=share,
        wrong_length=share,
        split=share * 10,
        joined=share * 10,
        garbage=share,
        repeated=share * 5,
        slow=share,
        half_open=share * 20,
        silent=share * 5,
    )


def _found(draft: _Draft, n: int) -> None:
    """Add one institution with its main building and the rooms where meters hang."""
    name, kind = _name(n)
    code = f"i{n + 1:03d}"
    parent = None if n == 0 else draft.institutions[0].code
    draft.institutions.append(Institution(code, name, parent))
    draft.kinds.append(kind)
    area = {"office": 8_600, "school": 21_000, "hospital": 32_000}[kind] + 370 * (n % 7)
    draft.buildings.append(Building(f"{code}-b1", f"{name}主楼", code, area))
    for suffix, room, purpose in (("power", "配电室", "配电"), ("pump", "水泵房", "给水")):
        draft.rooms.append(Room(f"{code}-{suffix}", room, f"{code}-b1", purpose))


def _name(n: int) -> tuple[str, str]:
    if n % 5 == 2:
        ordinal = _ORDINALS[n // 5 % 10] + ("" if n < 50 else f"（{n // 50 + 1}校区）")
        return f"市第{ordinal}中学", "school"
    if n % 10 == 6:
        return f"市第{_ORDINALS[n // 10 % 10]}人民医院" + (
            f"（{n}）" if n >= 100 else ""
        ), "hospital"
    office = n - (n + 2) // 5 - (n + 3) // 10
    name = _OFFICES[office % len(_OFFICES)]
    district = office // len(_OFFICES)
    return (f"市{name}" if district == 0 else f"第{district}区{name}"), "office"


def _add_meter(draft: _Draft, seed: int, n: int) -> None:
    home = n % len(draft.institutions)
    code, kind = draft.institutions[home].code, draft.kinds[home]
    row = n // len(draft.institutions)
    water = n % 5 == 4 if len(draft.institutions) % 5 else row % 5 == 4
    room = f"{code}-pump" if water else f"{code}-power"
    place = f"{code}-w{row}" if water else f"{code}-e{row}"
    label = ("总进水" if water else "总进线") if row < 2 else f"{row}层{'水' if water else '电'}"
    draft.places.append(Place(place, label, "water" if water else "electricity", room))
    draft.devices.append(
        Device(
            code=f"m-{n + 1:04d}",
            name=f"{label}表",
            profile="tuf-2000m" if water else "acrel-dtsd1352",
            bus=_bus(draft, code),
            unit=_unit(draft, code),
            model=f"{kind}-water" if water else kind,
            place=place,
            serial_no=f"2025{n + 1:06d}",
            size=round(
                (1.0 if row == 0 else 0.25) * (0.7 + 0.6 * noise.chance(seed, "size", n)), 2
            ),
        )
    )


def _add_in_office(draft: _Draft, n: int, kind: str, label: str, what: tuple[str, str]) -> None:
    profile, model = what
    code = draft.institutions[n % len(draft.institutions)].code
    number = f"{2 + n // len(draft.institutions)}{n % 20 + 1:02d}"
    room = f"{code}-{number}"
    if all(r.code != room for r in draft.rooms):
        draft.rooms.append(Room(room, f"{number}办公室", f"{code}-b1", "办公"))
    draft.places.append(Place(f"{room}-{kind}", f"{number}{label}", "electricity", room))
    draft.devices.append(
        Device(
            code=f"{kind}-{n + 1:04d}",
            name=f"{number}{label}",
            profile=profile,
            bus=_bus(draft, code),
            unit=_unit(draft, code),
            model=model,
            place=f"{room}-{kind}",
            serial_no=f"{kind.upper()}{n + 1:06d}",
        )
    )


def _bus(draft: _Draft, institution: str) -> str:
    count = sum(d.bus.startswith(f"gw-{institution}-") for d in draft.devices)
    return f"gw-{institution}-{count // _UNITS_PER_BUS + 1}"


def _unit(draft: _Draft, institution: str) -> int:
    count = sum(d.bus.startswith(f"gw-{institution}-") for d in draft.devices)
    return count % _UNITS_PER_BUS + 1


def _vehicle(seed: int, n: int, size: Size) -> Vehicle:
    letter = _PLATE_LETTERS[noise.derive(seed, "plate", n) % len(_PLATE_LETTERS)]
    return Vehicle(
        code=f"v-{n + 1:04d}",
        plate=f"川A·{letter}{n + 1:04d}",
        institution=f"i{n % size.institutions + 1:03d}",
        energy=_FUELS[noise.derive(seed, "fuel", n) % len(_FUELS)],
        terminal=f"139{n + 1:08d}" if n < size.jt808 else f"t-0139{n + 1:08d}",
        patrol=n % 4 == 0,
        jt808=_EDITIONS[n % len(_EDITIONS)] if n < size.jt808 else None,
    )
