from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np

from simulators import almanac, plant
from simulators.county import Size, county
from simulators.history import read_history, write_history
from simulators.modbus.image import take_image
from simulators.modbus.profile import load_profiles
from simulators.modbus.words import decimal_of
from simulators.mqtt.payload import fix_at

MADE = county(7, date(2026, 8, 1), Size(institutions=2, meters=10, ac=2, lights=2, vehicles=2))
PROFILES = load_profiles(plant.PROFILES)
SPAN = range(MADE.since_day + 5, MADE.since_day + 9)


def test_history_says_what_the_devices_would_have_served(tmp_path: Path) -> None:
    readings, _ = write_history(MADE, PROFILES, SPAN, tmp_path / "h.npz")
    held = read_history(tmp_path / "h.npz")
    devices = {d.code: d for d in MADE.devices}
    assert readings == len(held["ts"]) == len(held["series_device"]) * len(SPAN) * 96
    for n in range(0, readings, 97):
        series = held["series"][n]
        device = devices[held["series_device"][series]]
        profile = PROFILES[device.profile]
        (point,) = (p for p in profile.points if p.name == held["series_point"][series])
        raw = take_image(profile, plant.model_of(MADE, device), int(held["ts"][n])).raw[point.name]
        assert raw is not None
        assert held["value"][n] == float(decimal_of(point, raw))
        assert held["ticks"][n] == raw


CHANGING = {"run", "mode", "set_point", "relay", "occupancy", "lux"}


def test_every_counter_is_there_and_never_falls(tmp_path: Path) -> None:
    write_history(MADE, PROFILES, SPAN, tmp_path / "h.npz")
    held = read_history(tmp_path / "h.npz")
    wanted = {
        (d.code, p.name)
        for d in MADE.devices
        for p in PROFILES[d.profile].points
        if p.class_ == "counter" or p.name in CHANGING
    }
    names = list(zip(held["series_device"].tolist(), held["series_point"].tolist(), strict=True))
    assert set(names) == wanted
    table = held["value"].reshape(len(wanted), -1)
    counters = [n for n, (_, name) in enumerate(names) if name not in CHANGING]
    assert (np.diff(table[counters], axis=1) >= 0.0).all()
    assert held["ts"][0] == almanac.start_of(SPAN.start)
    assert held["ts"][-1] == almanac.start_of(SPAN.stop) - almanac.QUARTER_US


def test_positions_are_those_a_terminal_would_have_sent(tmp_path: Path) -> None:
    _, positions = write_history(MADE, PROFILES, SPAN, tmp_path / "h.npz")
    held = read_history(tmp_path / "h.npz")
    assert positions == len(held["lat"])
    for n, vehicle in enumerate(MADE.vehicles):
        mine = held["position_terminal"] == n
        assert held["terminal"][n] == vehicle.terminal
        schedule = plant.schedule_of(MADE, vehicle)
        begin = int(held["position_ts"][mine][50])
        live = schedule.between(begin - 1, begin + 3600 * 1_000_000)
        assert live[0] == fix_at(schedule.table(begin - 1, begin), 0)
        times = held["position_ts"][mine][50 : 50 + len(live)]
        assert times.tolist() == [fix.t_us for fix in live]
        assert held["odometer"][mine][50 : 50 + len(live)].tolist() == [f.odometer for f in live]


def test_a_scenario_without_vehicles_has_no_positions(tmp_path: Path) -> None:
    made = county(7, date(2026, 8, 1), Size(institutions=1, meters=1, ac=0, lights=0, vehicles=0))
    assert write_history(made, PROFILES, SPAN, tmp_path / "h.npz") == (3 * 4 * 96, 0)
