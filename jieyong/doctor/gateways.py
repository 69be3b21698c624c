"""Checks of the way to every device: a connection to each bus, one read of each device."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from collector.modbus.frame import build
from collector.modbus.line import ConnectError, Endpoint, Line
from collector.modbus.link import BadReplyError, ExceptionReplyError, NoReplyError, RequestError
from collector.modbus.plan import Block, plan
from collector.modbus.stats import BusStats
from collector.profile_model import Profile
from collector.settings import ModbusSettings
from jieyong.doctor.finding import Finding, ok, problem, warning
from registry.snapshot import BusEntry, DeviceEntry

_AT_ONCE: Final = 50

_MEANING: Final = {
    1: "it does not know this function: its profile names the wrong table",
    2: "it does not have these registers: the profile does not fit, or the unit id is another's",
    3: "it does not answer so many registers at once: lower max_registers in the profile",
    4: "it reports a fault of its own",
    10: "the gateway has no path to it: check the gateway's own settings",
    11: "the gateway got no answer from it: check power, wiring and unit id",
}


def check_gateways(
    buses: Sequence[BusEntry], profiles: Mapping[str, Profile], settings: ModbusSettings
) -> list[Finding]:
    """Ask every device for the first block of its plan; reads only.

    A device that serves one connection may refuse while a collector holds it.

    Args:
        buses: what to ask.
        profiles: the register maps, by code.
        settings: how long to wait for a connection.
    """
    if not buses:
        what = "no Modbus device is in the inventory"
        return [warning(what, "inventory", "run `jieyong inventory apply FILE`")]
    return asyncio.run(_all(buses, profiles, settings))


async def _all(
    buses: Sequence[BusEntry], profiles: Mapping[str, Profile], settings: ModbusSettings
) -> list[Finding]:
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(bus: BusEntry) -> list[Finding]:
        async with slots:
            return await _bus(bus, profiles, settings)

    found = await asyncio.gather(*map(one, buses))
    return [finding for findings in found for finding in findings]


async def _bus(
    bus: BusEntry, profiles: Mapping[str, Profile], settings: ModbusSettings
) -> list[Finding]:
    where = f"bus {bus.code} at {bus.host}:{bus.port}"
    endpoint = Endpoint(
        bus.host,
        bus.port,
        gap_s=bus.gap_ms / 1000,
        connect_timeout_s=settings.connect_timeout_ms / 1000,
        backoff_s=0.0,
        backoff_max_s=0.0,
    )
    line = Line(endpoint, BusStats(bus.code), lambda _unit: None)
    try:
        await line.open()
        found = [await _device(line, where, device, profiles) for device in bus.devices]
    except ConnectError as error:
        what = f"cannot be connected: {_why(error, endpoint)}; {len(bus.devices)} devices behind it"
        advice = "check power and network of the gateway, and host and port in the inventory; one "
        advice += "that serves a single connection is busy while a collector runs"
        return [problem(what, where, advice)]
    finally:
        await line.close()
    faults = [finding for finding in found if finding is not None]
    answered = len(bus.devices) - len(faults)
    if not answered:
        return faults
    return [ok(f"{answered} of {len(bus.devices)} devices answer", where), *faults]


def _why(error: ConnectError, endpoint: Endpoint) -> str:
    match error.__cause__:
        case ConnectionRefusedError():
            return "the connection is refused"
        case TimeoutError():
            return f"no answer within {endpoint.connect_timeout_s:g} s"
        case OSError(strerror=str(reason)):
            return reason
    return error.cause


async def _device(
    line: Line, bus: str, device: DeviceEntry, profiles: Mapping[str, Profile]
) -> Finding | None:
    """Ask one device; return what is wrong with it."""
    where = f"device {device.code}, unit {device.unit}, {bus}"
    block = _first_block(device, profiles)
    if block is None:
        advice = "apply the inventory again, or add the profile's file"
        return problem(f"nothing to ask it: profile {device.profile!r}", where, advice)
    try:
        await line.ask(build(device.unit, block.span), device.timeout_ms / 1000)
    except ExceptionReplyError as error:
        meaning = _MEANING.get(error.code, "see its manual")
        return problem(f"answers {block.span} with exception {error.code}", where, meaning)
    except NoReplyError:
        advice = "check its power, wiring and unit id; a slow one wants a longer timeout"
        return problem(f"no answer within {device.timeout_ms} ms", where, advice)
    except BadReplyError as error:
        advice = "another program may share its line, or the gateway is not set to Modbus TCP"
        return problem(f"answers what was not asked ({error.cause})", where, advice)
    except ConnectError:
        raise
    except RequestError as error:
        advice = "the gateway closed the connection: it may serve one client only, and a collector "
        advice += "may be connected"
        return problem(f"no answer ({error.cause})", where, advice)
    return None


def _first_block(device: DeviceEntry, profiles: Mapping[str, Profile]) -> Block | None:
    profile = profiles.get(device.profile)
    if profile is None:
        return None
    blocks = plan(profile, [point for point in profile.points if point.name in device.points])
    return blocks[0] if blocks else None
