"""Builds what a scenario describes: models, gateways, terminals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from simulators import noise, scenario
from simulators.modbus.profile import Profile
from simulators.modbus.server import Port
from simulators.modbus.unit import Device, Unit
from simulators.models import equipment
from simulators.models.equipment import Model
from simulators.models.route import City
from simulators.models.vehicle import OFFICIAL, PATROL, Vehicle
from simulators.mqtt.payload import UNKNOWN, Mishaps
from simulators.mqtt.terminal import Schedule, Terminal
from simulators.scenario import Scenario

PROFILES: Final = Path(__file__).resolve().parents[1] / "collector" / "profiles"
"""Where the profile files of this checkout lie."""

Profiles = Mapping[str, Profile]


def model_of(plan: Scenario, device: scenario.Device) -> Model:
    """Return what a device measures."""
    city = noise.derive(plan.seed, "weather")
    seed = noise.derive(plan.seed, "device", device.code)
    return equipment.build(device.model, device.size, city, seed, plan.since_day)


def ports(plan: Scenario, profiles: Profiles) -> list[Port]:
    """Return the gateways with their devices.

    Raises:
        ScenarioError: a profile is not known, or a model does not fit it.
    """
    return [_port(plan, bus, profiles) for bus in plan.buses]


def schedule_of(plan: Scenario, vehicle: scenario.Vehicle) -> Schedule:
    """Return when a vehicle's terminal reports, and from where."""
    seed = noise.derive(plan.seed, "vehicle", vehicle.code)
    habit = PATROL if vehicle.patrol else OFFICIAL
    city = City(plan.city.lat, plan.city.lon)
    model = Vehicle(habit, city, seed, plan.since_day)
    return Schedule(model, vehicle.interval_s, vehicle.parked_every, seed)


def terminals(plan: Scenario, last: Mapping[str, int], since_us: int) -> list[Terminal]:
    """Return the terminals on MQTT, each going on after the last number it used."""
    return [_terminal(plan, v, last, since_us) for v in plan.vehicles if v.jt808 is None]


def _port(plan: Scenario, bus: scenario.Bus, profiles: Profiles) -> Port:
    devices = [d for d in plan.devices if d.bus == bus.code]
    return Port(
        code=bus.code,
        units={d.unit: _unit(plan, d, profiles) for d in devices},
        port=bus.port,
        host=bus.host,
        latency_s=bus.latency_ms / 1000.0,
        min_gap_s=bus.min_gap_ms / 1000.0,
        one_connection=bus.one_connection,
        faults=[f for f in plan.faults if f.target == bus.code],
    )


def _unit(plan: Scenario, device: scenario.Device, profiles: Profiles) -> Unit:
    profile = profiles.get(device.profile)
    if profile is None:
        known = ", ".join(sorted(profiles))
        raise scenario.ScenarioError(
            f"device {device.code}: no profile {device.profile}: take one of {known}"
        )
    faults = [f for f in plan.faults if f.target in (device.code, device.bus)]
    try:
        model = model_of(plan, device)
        return Unit(Device(device.code, profile, model, device.traits), faults, plan.seed)
    except ValueError as error:
        raise scenario.ScenarioError(f"device {device.code}: {error}") from error


def _terminal(
    plan: Scenario, vehicle: scenario.Vehicle, last: Mapping[str, int], since_us: int
) -> Terminal:
    code = vehicle.terminal
    # A message under the unknown name carries the terminal's own number.
    number = max(last.get(code, 0), last.get(UNKNOWN + code, 0))
    mishaps = Mishaps(plan.messages, plan.seed, code)
    return Terminal(code, schedule_of(plan, vehicle), mishaps, number, since_us)
