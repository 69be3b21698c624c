"""The cheap server answers as the strict one does."""

from __future__ import annotations

import asyncio

import pytest

from simulators import plant
from simulators.modbus.codec import Request
from simulators.modbus.profile import load_profile
from simulators.modbus_load import Farm, Load

PROFILE = load_profile(plant.PROFILES / "acrel-dtsd1352.yaml")
NOON = 1_785_556_800_000_000


def read(transaction: int, unit: int, address: int, count: int) -> bytes:
    return b"".join(
        (
            transaction.to_bytes(2, "big"),
            bytes.fromhex("0000 0006"),
            bytes((unit, 3)),
            address.to_bytes(2, "big"),
            count.to_bytes(2, "big"),
        )
    )


async def exchange(port: int, *requests: bytes, replies: int) -> list[bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found = []
    for request in requests:
        writer.write(request)
    async with asyncio.timeout(30):
        for _ in range(replies):
            head = await reader.readexactly(6)
            found.append(head + await reader.readexactly(head[5]))
    writer.close()
    return found


@pytest.mark.parametrize("latency_s", [0.0, 0.02])
async def test_replies_are_those_of_a_strict_unit(latency_s: float) -> None:
    farm = Farm(Load(ports=2, units=3, latency_s=latency_s), PROFILE, lambda: NOON)
    await farm.start()
    requests = [read(7, 2, 0x0164, 28), read(8, 2, 0x0164, 28), read(9, 2, 0x0200, 1)]
    found = []
    for request in requests:
        found += await exchange(farm.ports[1], request, replies=1)
    unit = Farm(farm.load, PROFILE, lambda: NOON).meters[4].unit
    for request, answered in zip(requests, found, strict=True):
        honest = unit.answer(Request(int.from_bytes(request[:2]), 2, request[7:]), NOON, 0.0)
        assert answered == honest.frame
    assert found[2][7:] == bytes.fromhex("83 02")
    assert farm.counts()["load-00004"] == (3, 3)
    farm.stop()


async def test_the_dead_receive_and_keep_silent() -> None:
    farm = Farm(Load(ports=1, units=20, dead=0.1), PROFILE, lambda: NOON)
    await farm.start()
    dead = [d["unit"] for d in farm.devices() if d["dead"]]
    assert dead == [10, 20]
    requests = [read(1, 10, 0, 2), read(2, 11, 0, 2)]
    (only,) = await exchange(farm.ports[0], *requests, replies=1)
    assert only[:2] == b"\0\x02"
    assert farm.counts()["load-00009"] == (1, 0)
    farm.stop()


async def test_registers_are_refreshed() -> None:
    now = NOON
    farm = Farm(Load(ports=1, refresh_s=0.05), PROFILE, lambda: now)
    await farm.start()
    first = await exchange(farm.ports[0], read(1, 1, 0, 2), replies=1)
    now += 3600 * 1_000_000
    for _ in range(1500):
        await asyncio.sleep(0.02)
        if await exchange(farm.ports[0], read(1, 1, 0, 2), replies=1) != first:
            break
    else:
        pytest.fail("an hour later the counter still shows the same")
    farm.stop()


async def test_a_base_port_is_kept() -> None:
    probe = Farm(Load(ports=1), PROFILE, lambda: NOON)
    await probe.start()
    probe.stop()
    await asyncio.sleep(0)
    farm = Farm(Load(ports=1, base_port=probe.ports[0]), PROFILE, lambda: NOON)
    await farm.start()
    assert farm.ports == probe.ports
    farm.stop()
