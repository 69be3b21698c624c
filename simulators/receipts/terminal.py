"""What a terminal sends of a life: noise, drift, outliers, silence, tunnels, basements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simulators import noise
from simulators.receipts.life import Life
from simulators.receipts.region import CITY, Floats

Int64s = NDArray[np.int64]
_HOUR: Final = 3_600


@dataclass(frozen=True, slots=True)
class Sent:
    """Fixes, ascending; one entry each.

    Attributes:
        t_us: µs UTC.
        lat, lon: degrees, WGS-84.
        speed: km/h.
        odometer_km: NaN: the terminal has none.
        acc: 1 on, 0 off, -1 not known.
    """

    t_us: Int64s
    lat: Floats
    lon: Floats
    speed: Floats
    odometer_km: Floats
    acc: NDArray[np.int8]


def sent(life: Life, seed: int) -> Sent:
    """Return what the terminal of a vehicle sends."""
    rng = np.random.default_rng(noise.derive(seed, "terminal", life.car.code))
    parked_s = int(rng.choice([300, 600, 600, 1_800]))
    t, x, y, speed, on = _fixes(life, parked_s, rng)
    keep = _heard(life, t, rng)
    t, x, y, speed, on = t[keep], x[keep], y[keep], speed[keep], on[keep]
    x, y = _measured(t, x, y, speed, rng)
    odometer = np.full(len(t), np.nan)
    if rng.random() < 0.6:
        read = np.interp(t, life.t, life.metres) * (1.0 + rng.normal(0.0, 0.008))
        odometer = np.round(read / 1000.0 + rng.integers(1_000, 90_000), 1)
    acc = on.astype(np.int8)
    if rng.random() < 0.25:
        acc = np.full(len(t), -1, np.int8)
    lat, lon = CITY.locate(x, y)
    return Sent(
        (t * 1e6).astype(np.int64), np.round(lat, 6), np.round(lon, 6), np.round(speed, 1),
        odometer, acc,
    )  # fmt: skip


def _fixes(
    life: Life, parked_s: int, rng: Generator
) -> tuple[Floats, Floats, Floats, Floats, NDArray[np.bool_]]:
    t, x, y = [life.t], [life.x], [life.y]
    speed, on = [life.speed], [np.ones(len(life.t), np.bool_)]
    for begin, end, where, running in life.stays:
        every = 20 if running else parked_s
        times = np.arange(begin + 5.0, end, every)
        if not running:  # the ignition going off and coming on are sent at once
            times = np.unique(np.concatenate((times, [begin + 5.0, begin + 25.0, end - 3.0])))
            times = times[(times > begin) & (times < end)]
        t.append(times)
        x.append(np.full(len(times), where[0]))
        y.append(np.full(len(times), where[1]))
        speed.append(np.where(rng.random(len(times)) < 0.02, 2.0, 0.0))
        on.append(np.full(len(times), running))
    whole = [np.concatenate(one) for one in (t, x, y, speed)]
    running_all = np.concatenate(on)
    order = np.argsort(whole[0], kind="stable")
    first = np.append(True, np.diff(np.floor(whole[0][order])) > 0)
    order = order[first]
    return whole[0][order], whole[1][order], whole[2][order], whole[3][order], running_all[order]


def _heard(life: Life, t: Floats, rng: Generator) -> NDArray[np.bool_]:
    """Return which fixes are ever sent: silence of hours, tunnels, yards in a basement."""
    keep = rng.random(len(t)) > 0.01
    days = int((t[-1] - t[0]) // 86_400)
    for begin in rng.uniform(t[0], t[-1], rng.poisson(days / 30)):
        keep[(t >= begin) & (t < begin + rng.uniform(2, 40) * _HOUR)] = False
    starts = life.t[np.append(True, np.diff(life.t) > 60)]
    for begin in starts[rng.random(len(starts)) < 0.06]:
        into = begin + rng.uniform(60, 500)
        keep[(t >= into) & (t < into + rng.uniform(90, 330))] = False
    if rng.random() < 0.1:
        for begin, end, where, _ in life.stays:
            if where == life.car.yard.at:
                keep[(t > begin + 60) & (t < end - 30)] = False
    return keep


def _measured(
    t: Floats, x: Floats, y: Floats, speed: Floats, rng: Generator
) -> tuple[Floats, Floats]:
    """Return places with their errors: white noise, drift that lasts while standing, outliers."""
    sigma = rng.uniform(3.0, 9.0)
    parts = []
    for true in (x, y):
        slow = rng.normal(0, 1.0, len(t) // 12 + 2) * np.where(
            rng.random(len(t) // 12 + 2) < 0.04, 45, 9
        )
        drift = np.interp(np.arange(len(t)) / 12.0, np.arange(len(slow)), slow)
        drift = np.where(speed < 3.0, drift, drift * 0.3)
        parts.append(true + rng.normal(0, sigma, len(t)) + drift)
    wild = rng.random(len(t)) < 0.0004
    parts[0] = np.where(wild, parts[0] + rng.uniform(-30_000, 30_000, len(t)), parts[0])
    parts[1] = np.where(wild, parts[1] + rng.uniform(-30_000, 30_000, len(t)), parts[1])
    return parts[0], parts[1]
