from __future__ import annotations

from decimal import Decimal

import pytest

from metering.derive.profiles import DEFAULT_RESOLUTION, Resolutions, resolutions
from metering.derive.units import factor, most_per_hour


@pytest.mark.parametrize(
    ("point", "meter", "expected"),
    [
        ("kWh", "kWh", "1"),
        ("Wh", "kWh", "0.001"),
        ("MWh", "kWh", "1000"),
        ("m³", "m3", "1"),
        ("L", "m3", "0.001"),
        ("kWh", "GJ", "0.0036"),
        ("MJ", "GJ", "0.001"),
        ("MWh", "GJ", "3.6"),
        ("m3", "L", "1000"),
        ("kg", "t", "0.001"),
        ("度", "kWh", "1"),
    ],
)
def test_units_become_one_another(point: str, meter: str, expected: str) -> None:
    assert factor(point, meter) == Decimal(expected)


@pytest.mark.parametrize(("point", "meter"), [("kWh", "m3"), ("", "kWh"), ("W", "kWh")])
def test_what_cannot_be_converted_is_refused(point: str, meter: str) -> None:
    with pytest.raises(ValueError, match="no factor is known; correct"):
        factor(point, meter)


def test_a_counter_of_an_unknown_energy_has_a_limit_too() -> None:
    assert most_per_hour("electricity") == 1000
    assert most_per_hour("peat") > 0


def test_the_resolution_of_a_counter_is_the_scale_of_its_profile() -> None:
    body = """
    points:
      - {name: energy, type: u32, scale: 0.01}
      - {name: pulses, type: u16}
      - {name: float, type: f32, scale: 0.1}
    """
    assert resolutions(body) == {"energy": Decimal("0.01"), "pulses": Decimal(1)}


@pytest.mark.parametrize("body", ["", "nothing of use", "points:"])
def test_a_profile_that_says_nothing_leaves_the_default(body: str) -> None:
    assert resolutions(body) == {}
    assert Resolutions().of(7, "energy") == DEFAULT_RESOLUTION
