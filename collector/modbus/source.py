"""The Modbus source: every bus of the registry, polled side by side."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import structlog

from collector.intake import Accept
from collector.modbus import learned, schedule
from collector.modbus.bus import Bus, Means
from collector.modbus.device import Device, Plans
from collector.modbus.handover import Handover
from collector.modbus.learned import Memory
from collector.modbus.line import Endpoint, Line
from collector.modbus.poll import Patience
from collector.modbus.schedule import Backoff, Queue, Timer
from collector.modbus.stats import BusStats, DeviceStats
from collector.profile_model import Profile
from collector.settings import ModbusSettings
from registry.snapshot import BusEntry, DeviceEntry

log = structlog.get_logger(__name__)

TRANSPORT = "modbus-tcp"
SAVE_EVERY_S = 5.0


class SourceError(Exception):
    """The inventory cannot be polled.

    Attributes:
        errors: every fault found, with what to do.
    """

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = tuple(errors)


def now_us() -> int:
    """Return the time, µs UTC."""
    return time.time_ns() // 1000


class ModbusSource:
    """Polls all devices of all buses and hands their readings to the spool.

    Args:
        buses: what to poll.
        profiles: the register maps, by code.
        accept: the spool's door.
        settings: how to poll.
        state: file in which what devices refused is remembered; None forgets it at the end.
        clock: now, µs UTC.

    Attributes:
        devices: counters of each device, by code.
        buses: counters of each bus, by code.

    Raises:
        SourceError: the buses or profiles cannot be used; nothing was contacted.
    """

    def __init__(  # noqa: PLR0913 - composed once, each by its name
        self,
        buses: Sequence[BusEntry],
        profiles: Mapping[str, Profile],
        accept: Accept,
        settings: ModbusSettings,
        *,
        state: Path | None = None,
        clock: Callable[[], int] = now_us,
    ) -> None:
        errors = _faults(buses, profiles)
        if errors:
            raise SourceError(errors)
        self._entries = tuple(buses)
        self._profiles = profiles
        self._accept = accept
        self._settings = settings
        self._state = state
        self._clock = clock
        self._plans = Plans()
        self._memory = Memory(state, int(settings.learned_days * 86_400e6))
        self.buses = {bus.code: BusStats(bus.code) for bus in buses}
        self.devices = {
            device.code: DeviceStats(device.code, bus.code)
            for bus in buses
            for device in bus.devices
        }

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until ``stop`` is set; then finish the polls under way and flush.

        Raises:
            ExceptionGroup: what the spool raised besides :class:`collector.intake.Refused`.
        """
        handover = Handover(
            self._accept,
            self._clock,
            flush_s=self._settings.flush_ms / 1000,
            max_rows=self._settings.max_pending_rows,
        )
        try:
            async with asyncio.TaskGroup() as flushing:
                flushing.create_task(handover.run())
                await self._poll_until(stop, handover)
                handover.finish()
        finally:
            self._save(self._memory.text() if self._memory.dirty else None)

    async def _poll_until(self, stop: asyncio.Event, handover: Handover) -> None:
        buses = [self._bus(entry, handover) for entry in self._entries]
        log.info("modbus_started", buses=len(buses), devices=len(self.devices))
        async with asyncio.TaskGroup() as polling:
            for bus in buses:
                polling.create_task(bus.run())
            saving = polling.create_task(self._save_now_and_then())
            await stop.wait()
            for bus in buses:
                bus.stop()
            saving.cancel()
        log.info("modbus_stopped")

    def _bus(self, entry: BusEntry, handover: Handover) -> Bus:
        settings = self._settings
        stats = self.buses[entry.code]
        backoff = Backoff(
            settings.dead_after, int(settings.backoff_s * 1e6), int(settings.backoff_max_s * 1e6)
        )
        endpoint = Endpoint(
            entry.host,
            entry.port,
            gap_s=entry.gap_ms / 1000,
            connect_timeout_s=settings.connect_timeout_ms / 1000,
            backoff_s=settings.connect_backoff_s,
            backoff_max_s=settings.connect_backoff_max_s,
        )
        now = self._clock()
        timers = [self._timer(i, device, now) for i, device in enumerate(entry.devices)]
        means = Means(
            line=Line(endpoint, stats, self._foreign_counter(entry, stats)),
            queue=Queue(timers, backoff),
            handover=handover,
            patience=Patience(settings.busy_retries, settings.busy_retry_ms / 1000),
            clock=self._clock,
        )
        return Bus([self._device(device) for device in entry.devices], means, stats)

    def _timer(self, index: int, device: DeviceEntry, now: int) -> Timer:
        interval_us = round(device.interval_s * 1e6)
        longest_us = int(self._settings.stagger_max_s * 1e6)
        share = self._settings.stagger_share
        offset_us = schedule.offset_us(device.code, interval_us, share, longest_us)
        return Timer(index, interval_us, offset_us, device.timeout_ms * 1000, now)

    def _device(self, entry: DeviceEntry) -> Device:
        return Device(
            entry,
            self._profiles[entry.profile],
            plans=self._plans,
            memory=self._memory,
            stats=self.devices[entry.code],
        )

    def _foreign_counter(self, entry: BusEntry, stats: BusStats) -> Callable[[int], None]:
        ours = {device.unit: self.devices[device.code] for device in entry.devices}

        def count(unit: int) -> None:
            if unit in ours:
                ours[unit].late_replies += 1
            else:
                stats.foreign_replies += 1

        return count

    async def _save_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(SAVE_EVERY_S)
            if self._memory.dirty:
                await asyncio.to_thread(self._save, self._memory.text())

    def _save(self, text: str | None) -> None:
        if text is None or self._state is None:
            return
        try:
            learned.write(self._state, text)
        except OSError as error:
            log.warning(
                "learned_not_saved",
                path=str(self._state),
                error=str(error),
                advice="check space and rights of the state directory; polling goes on",
            )


def _faults(buses: Sequence[BusEntry], profiles: Mapping[str, Profile]) -> list[str]:
    errors: list[str] = []
    doors: dict[tuple[str, int], str] = {}
    for bus in buses:
        other = doors.setdefault((bus.host, bus.port), bus.code)
        if other != bus.code:
            errors.append(
                f"bus {bus.code}: {bus.host}:{bus.port} is also bus {other}; "
                "put their devices on one bus, so that requests are serialised"
            )
        if bus.transport != TRANSPORT:
            errors.append(f"bus {bus.code}: transport {bus.transport!r}; only {TRANSPORT} is built")
        errors.extend(_device_faults(bus, profiles))
    return errors


def _device_faults(bus: BusEntry, profiles: Mapping[str, Profile]) -> list[str]:
    errors: list[str] = []
    units: dict[int, str] = {}
    for device in bus.devices:
        other = units.setdefault(device.unit, device.code)
        if other != device.code:
            errors.append(f"bus {bus.code}: unit {device.unit} is both {other} and {device.code}")
        profile = profiles.get(device.profile)
        if profile is None:
            errors.append(f"device {device.code}: no profile {device.profile!r}; add its YAML file")
        elif not any(point.name in device.points for point in profile.points):
            errors.append(f"device {device.code}: the registry has none of its profile's points")
    return errors
