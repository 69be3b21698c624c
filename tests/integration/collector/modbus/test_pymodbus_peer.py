"""Against pymodbus's own server: a peer that shares neither our codec nor our scripts.

Run on asyncio and on uvloop, whose transports are no subclasses of asyncio's.
"""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path
from typing import cast

import pytest
import uvloop
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from collector.modbus.source import ModbusSource
from collector.profile import load_profiles
from collector.profile_model import Profile
from registry.snapshot import DeviceEntry
from tests.integration.collector.modbus.peer import FAST, Sink, bus, until

PROFILES = load_profiles(Path(__file__).parents[4] / "collector" / "profiles")


def words(form: str, *values: float) -> list[int]:
    data = struct.pack(f">{form}", *values)
    return list(struct.unpack(f">{len(data) // 2}H", data))


def low_first(form: str, value: float) -> list[int]:
    return words(form, value)[::-1]


def registers(address: int, values: list[int]) -> SimData:
    return SimData(address, values=list(values), datatype=DataType.REGISTERS)


def bits(value: bool) -> SimData:
    return SimData(0, values=[value] + [False] * 15, datatype=DataType.BITS)


NONE = registers(0xFF00, [0])

METER = SimDevice(
    1,
    (
        [bits(False)],
        [bits(False)],
        [
            registers(0x0000, words("I", 123_456_789) + [0] * 8),
            registers(0x000A, words("I", 123_000_000) + [0] * 8),
            registers(0x0014, words("I", 456_789)),
            registers(0x0061, [2301, 2298, 2310, 1234, 1250, 1199] + [0] * 16 + [4998]),
            registers(0x0164, words("iiii", 12_345, -678, 9_000, 20_667) + [0] * 6),
            registers(0x0172, words("i", -1_500) + [0] * 6),
            registers(0x017A, words("i", 21_000) + words("hhhh", 987, -12, 1000, 984)),
        ],
        [NONE],
    ),
)
METER_VALUES = {
    "energy_total": 1_234_567.89, "energy_import": 1_230_000.0, "energy_export": 4_567.89,
    "voltage_a": 230.1, "voltage_b": 229.8, "voltage_c": 231.0,
    "current_a": 12.34, "current_b": 12.5, "current_c": 11.99, "frequency": 49.98,
    "power_a": 12.345, "power_b": -0.678, "power_c": 9.0, "power_total": 20.667,
    "reactive_total": -1.5, "apparent_total": 21.0,
    "pf_a": 0.987, "pf_b": -0.012, "pf_c": 1.0, "pf_total": 0.984,
}  # fmt: skip

WATER = SimDevice(
    2,
    (
        [bits(False)],
        [bits(False)],
        [
            registers(0x0000, [*low_first("f", 1.5), 0, 0, *low_first("f", 0.25), 0, 0]),
            registers(0x0008, [*low_first("i", 1_234_567), 0, 0, *low_first("i", -3)]),
            registers(0x000E, [0] * 18 + low_first("f", 18.5) + low_first("f", 17.25)),
        ],
        [NONE],
    ),
)
WATER_VALUES = {
    "flow": 1.5, "velocity": 0.25, "volume_total": 1_234_567.0, "volume_reverse": -3.0,
    "temperature_supply": 18.5, "temperature_return": 17.25,
}  # fmt: skip

COOLER = SimDevice(
    3,
    (
        [bits(True)],
        [bits(False)],
        [registers(0x0000, [1, 260, 3])],
        [registers(0x0000, [0x7FFF, 0, 1450, 0, *words("I", 98_765)])],
    ),
)
COOLER_VALUES = {
    "run": 1.0, "mode": 1.0, "set_point": 26.0, "fan": 3.0,
    "room_temperature": None, "fault": 0.0, "power": 1450.0, "energy": 987.65,
}  # fmt: skip

LIGHT = SimDevice(
    4,
    (
        [bits(False)],
        [bits(True)],
        [NONE],
        [registers(0x0000, [*words("I", 70_000), 320, 0, *words("I", 4_321)])],
    ),
)
LIGHT_VALUES = {"relay": 0.0, "occupancy": 1.0, "lux": 70_000.0, "power": 320.0, "energy": 43.21}

EXPECTED: dict[str, dict[str, float | None]] = {
    "acrel-dtsd1352": dict(METER_VALUES),
    "tuf-2000m": dict(WATER_VALUES),
    "reference-ac-unit": dict(COOLER_VALUES),
    "reference-lighting-circuit": dict(LIGHT_VALUES),
}


def entry(unit: int, profile: Profile) -> DeviceEntry:
    ids = {p.name: unit * 100 + i for i, p in enumerate(profile.points)}
    return DeviceEntry(unit, profile.code, unit, 1, 1000, profile.code, 7, ids)


async def poll_everything() -> tuple[ModbusSource, Sink]:
    server = ModbusTcpServer([METER, WATER, COOLER, LIGHT], address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    port = cast("asyncio.Server", server.transport).sockets[0].getsockname()[1]
    devices = [entry(unit, PROFILES[code]) for unit, code in enumerate(EXPECTED, start=1)]
    sink, stop = Sink(), asyncio.Event()
    source = ModbusSource([bus(port, *devices)], PROFILES, sink, FAST)
    running = asyncio.create_task(source.run(stop))
    try:
        await until(lambda: all(stats.polls_ok >= 1 for stats in source.devices.values()))
    finally:
        stop.set()
        await running
        await server.shutdown()  # type: ignore[no-untyped-call]
    return source, sink


def check(source: ModbusSource, sink: Sink) -> None:
    assert not any(stats.errors for stats in source.devices.values())
    for unit, (code, values) in enumerate(EXPECTED.items(), start=1):
        ids = {unit * 100 + i: p.name for i, p in enumerate(PROFILES[code].points)}
        found = {ids[row.point]: row.value for row in sink.rows if row.point in ids}
        assert found == values


async def test_all_profiles_are_read_from_pymodbus() -> None:
    check(*await poll_everything())


def test_all_profiles_are_read_from_pymodbus_on_uvloop() -> None:
    check(*uvloop.run(poll_everything()))


POLLED = [code for code in sorted(PROFILES) if not code.startswith("hand-read-")]


@pytest.mark.parametrize("code", POLLED)
def test_every_profile_that_is_polled_is_tried_here(code: str) -> None:
    assert set(EXPECTED[code]) == {point.name for point in PROFILES[code].points}
