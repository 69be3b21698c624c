"""A device's registers at one moment."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from simulators.modbus import codec, words
from simulators.modbus.codec import Read
from simulators.modbus.profile import Point, Profile
from simulators.models.counter import BASE_PER_UNIT
from simulators.models.equipment import Model

_BITS: Final = ("coil", "discrete")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which registers a device has.

    Registers between two points that lie no further apart than the profile's ``max_hole`` exist
    and read 0, as the profile promises by naming that number; nothing else does.
    """

    profile: Profile
    mapped: Mapping[str, frozenset[int]]

    def covers(self, read: Read) -> bool:
        """Tell whether every register asked for exists."""
        mapped = self.mapped.get(codec.TABLES[read.function], frozenset())
        return all(a in mapped for a in range(read.address, read.address + read.count))

    def inside(self, read: Read) -> list[Point]:
        """Return the points that lie wholly in what was asked for."""
        table, end = codec.TABLES[read.function], read.address + read.count
        return [
            p
            for p in self.profile.points
            if p.table == table and read.address <= p.address and p.address + p.words <= end
        ]


@dataclass(frozen=True, slots=True)
class Image:
    """Raw values and registers of one moment.

    Attributes:
        raw: point → number in its register, before scale; None where it holds a sentinel.
        registers: table → address → register (two bytes), or bit (one byte).
    """

    raw: Mapping[str, float | None]
    registers: Mapping[str, Mapping[int, bytes]]

    def data(self, read: Read) -> bytes:
        """Return the bytes of a reply; registers that hold no point read 0."""
        table = codec.TABLES[read.function]
        held = self.registers.get(table, {})
        span = range(read.address, read.address + read.count)
        if table in _BITS:
            return codec.pack_bits([held.get(a) == b"\x01" for a in span])
        return b"".join([held.get(a, b"\0\0") for a in span])


def lay_out(profile: Profile) -> Layout:
    """Work out which registers a device with this profile has."""
    mapped: dict[str, set[int]] = {}
    for table in {p.table for p in profile.points}:
        taken = mapped[table] = set()
        ordered = sorted((p for p in profile.points if p.table == table), key=lambda p: p.address)
        end = ordered[0].address
        for point in ordered:
            if 0 < point.address - end <= profile.max_hole:
                taken.update(range(end, point.address))
            taken.update(range(point.address, point.address + point.words))
            end = max(end, point.address + point.words)
    for table, first, last in profile.forbidden:
        mapped.get(table, set()).difference_update(range(first, last + 1))
    return Layout(profile, {table: frozenset(taken) for table, taken in mapped.items()})


def take_image(profile: Profile, model: Model, t_us: int, absent: Collection[str] = ()) -> Image:
    """Read a model into registers.

    Args:
        profile: the map.
        model: the device.
        t_us: when, µs since the Unix epoch.
        absent: points that show their sentinel; those without one are not affected.

    Raises:
        KeyError: the model does not know a point of the profile.
    """
    values = model.values(t_us)
    raw: dict[str, float | None] = {}
    registers: dict[str, dict[int, bytes]] = {}
    for point in profile.points:
        held = registers.setdefault(point.table, {})
        if point.name in absent and point.sentinels:
            raw[point.name] = None
            _store(held, point, point.sentinels[0])
            continue
        number = raw[point.name] = _raw(point, model, values, t_us)
        _store(held, point, number)
    return Image(raw, registers)


def _raw(point: Point, model: Model, values: Mapping[str, float], t_us: int) -> float:
    counter = model.counters.get(point.name)
    if counter is not None:
        return words.raw_of_counter(point, counter.at(t_us), BASE_PER_UNIT[point.unit])
    value = values[point.name]
    return float(value != 0.0) if point.type == "bit" else words.raw_of(point, value)


def _store(held: dict[int, bytes], point: Point, raw: float) -> None:
    if point.table in _BITS:
        held[point.address] = b"\x01" if raw else b"\0"
        return
    if point.bit is not None:
        others = int.from_bytes(held.get(point.address, b"\0\0"), "big")
        held[point.address] = (others | int(raw) << point.bit).to_bytes(2, "big")
        return
    body = words.encode(point, raw)
    for n in range(point.words):
        held[point.address + n] = body[2 * n : 2 * n + 2]
