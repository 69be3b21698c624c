from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from metering.counter.model import Flag
from metering.quality.words import amount, bar, energy_names, flag_signs, moment, percent, plain


@pytest.mark.parametrize(
    ("micro", "unit", "text"),
    [
        (None, "kWh", "未知"),
        (0, "kWh", "0 kWh"),
        (744_000_000, "kWh", "744 kWh"),
        (1_234_567_890_123, "m3", "1,234,567.890123 m³"),
        (-250_000, "", "-0.25"),
        (100_000_000, "", "100"),
    ],
)
def test_quantities_show_all_their_digits_and_unknown_is_not_zero(
    micro: int | None, unit: str, text: str
) -> None:
    assert amount(micro, unit) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        ("1", "100.0%"),
        ("0", "0.0%"),
        ("0.99999", "99.9%"),
        ("0.00001", "0.1%"),
        ("0.12345", "12.3%"),
        ("1.5", "150.0%"),
    ],
)
def test_nearly_all_is_not_all_and_nearly_nothing_is_not_nothing(share: str, text: str) -> None:
    assert percent(Decimal(share)) == text


def test_a_bar_is_full_only_when_nothing_is_missing() -> None:
    assert bar(Decimal(1)) == "██████████"
    assert bar(Decimal("0.999")) == "█████████·"
    assert bar(Decimal(0)) == "··········"


def test_numbers_times_and_flags() -> None:
    assert plain(1000.10) == "1,000.1"
    assert plain(Decimal("1360.120000")) == "1,360.12"
    at = datetime(2026, 9, 30, 16, tzinfo=UTC)
    assert moment(at, ZoneInfo("Asia/Shanghai")) == "2026-10-01 00:00"
    assert moment(None, ZoneInfo("Asia/Shanghai"), unbounded="今") == "今"
    assert flag_signs(Flag.ESTIMATED | Flag.REPLACED) == "估换"
    assert flag_signs(Flag.NONE) == ""
    assert all(flag_signs(flag) for flag in Flag if flag)


def test_every_kind_of_energy_has_a_chinese_name() -> None:
    assert energy_names()["electricity"] == "电"
    assert len(energy_names()) >= 10
