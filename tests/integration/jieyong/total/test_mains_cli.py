from __future__ import annotations

import json
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from registry.refusal import RefusedError
from tests.integration.jieyong.total.ask import JUNE, KWH, Run, line
from tests.integration.metering.tree.town import Town, midnight, month_of


def as_json(run: Run, *words: object) -> list[dict[str, Any]]:
    found = json.loads(run("mains", "--month", "2026-06", "--json", *words).stdout)
    assert found["month"] == "2026-06"
    mains: list[dict[str, Any]] = found["mains"]
    return mains


@pytest.fixture
def sharing(town: Town) -> Town:
    """V1 and V2 below M share A, which hangs nowhere; A measured 120 kWh."""
    town.meter("A", "r-A")
    town.meter("B", "r-A")
    town.meter("C", "r-A")
    town.virtual("V1", "{A} + {B}")
    town.virtual("V2", "0.5 * {A} + {C}")
    for code, kwh in (("A", 120), ("V1", 200), ("V2", 160)):
        town.days(code, month_of(kwh * KWH, JUNE))
    for code in ("V1", "V2"):
        town.hang(code, "M")
    return town


def test_mains_name_remainders_and_what_may_be_wrong(run: Run, town: Town) -> None:
    done = run("mains", "--month", "2026-06")
    assert line(done.stdout, "2026-06", "M", "kWh")[2:7] == ["1,000", "0", "300", "700", "kWh"]
    assert "没有差额为负、超出允许误差的总表。" in done.stdout
    town.meter("T", "r-A")
    town.hang("T", "M")
    done = run("mains", "--month", "2026-06")
    assert line(done.stdout, "M", "T")[4:] == ["未知", "未知", "kWh", "T"]
    assert "总表；其中 1 行有表未知，差额无法判断，请补录读数。" in done.stdout
    town.days("T", month_of(800 * KWH, JUNE))
    done = run("mains", "--month", "2026-06")
    assert "2026-06 总表 M：分表之和比供入多 100 kWh，可能的原因：" in done.stdout
    assert "去掉分表 T 就对得上：请核对它是否挂在总表 M 之下" in done.stdout


def test_the_tolerance_of_remainders_is_a_setting(run: Run, town: Town, tmp_path: Path) -> None:
    town.meter("T", "r-A")
    town.hang("T", "M")
    town.days("T", month_of(730 * KWH, JUNE))
    assert "分表之和比供入多 30 kWh" in run("mains", "--month", "2026-06").stdout
    (tmp_path / "own.toml").write_text("[mains]\ntolerance_percent = 3.5\n", encoding="utf-8")
    done = run("mains", "--month", "2026-06", "--config", tmp_path / "own.toml")
    assert "没有差额为负" in done.stdout


def test_mains_by_day(run: Run, town: Town) -> None:
    begin = midnight(JUNE).astimezone(UTC)
    town.known("M", begin, dict.fromkeys(range(96), 2 * KWH))
    town.known("S", begin, dict.fromkeys(range(96), KWH))
    done = run("mains", "--month", "2026-06", "--grain", "day")
    assert line(done.stdout, "2026-06-01")[2:6] == ["192", "0", "96", "96"]


def test_what_virtual_sub_meters_share_is_named_and_taken_off(run: Run, sharing: Town) -> None:
    done = run("mains", "--month", "2026-06")
    # S, V1 and V2 measured 300 + 200 + 160; half of A's 120 is in there a second time.
    assert line(done.stdout, "2026-06", "M", "kWh")[2:7] == ["1,000", "0", "600", "400", "kWh"]
    text = (
        "总表 M：A 同时含在虚拟分表 V1、V2（0.5 倍），重复计入的 0.5 倍（60 kWh）已从分表之和中扣除"
    )
    assert done.stdout.count(text) == 1
    (main,) = as_json(run)
    assert main["shared"] == [
        {
            "meter": "A",
            "quantity": "60.000000",
            "complete": True,
            "factor": "0.5",
            "within": {"V1": "1", "V2": "0.5"},
            "text": text,
        }
    ]
    assert (main["subs"], main["remainder"]) == ("600.000000", "400.000000")


def test_what_is_shared_is_summed_over_the_periods(run: Run, sharing: Town) -> None:
    done = run("mains", "--month", "2026-06", "--grain", "day")
    assert done.stdout.count("重复计入的 0.5 倍（60 kWh）已从分表之和中扣除") == 1
    sharing.conn.execute("DELETE FROM consumption_day WHERE day = '2026-06-07'")
    done = run("mains", "--month", "2026-06", "--grain", "day")
    assert "重复计入的 0.5 倍（用量未知）已从分表之和中扣除" in done.stdout


def test_a_virtual_sub_meter_that_is_left_out_is_named(run: Run, town: Town) -> None:
    town.virtual("V", "{S}")
    town.hang("V", "M")
    done = run("mains", "--month", "2026-06")
    assert line(done.stdout, "2026-06", "M", "kWh")[4:6] == ["300", "700"]
    assert "总表 M：虚拟分表 V 含有另挂在 M 之下的表，为免重复，其间整表不计入" in done.stdout
    assert as_json(run)[0]["aside"] == ["V"]


def test_json_holds_everything_and_unknown_is_null(run: Run, town: Town) -> None:
    town.meter("PV", "r-A", direction="generated")
    town.hang("PV", "M")
    (main,) = as_json(run)
    assert (main["when"], main["main"], main["unit"]) == ("2026-06", "M", "kWh")
    assert (main["measured"], main["subs"]) == ("1000.000000", "300.000000")
    assert (main["generated"], main["remainder"], main["unknown"]) == (None, None, ["PV"])
    assert main["generated_meters"] == [{"meter": "PV", "quantity": None, "complete": False}]
    assert main["sub_meters"] == [{"meter": "S", "quantity": "300.000000", "complete": True}]
    assert (main["shared"], main["excess"], main["candidates"]) == ([], None, [])
    town.days("PV", month_of(0, JUNE))
    town.meter("T", "r-A")
    town.hang("T", "M")
    town.days("T", month_of(800 * KWH, JUNE))
    (main,) = as_json(run)
    assert main["excess"] == "100.000000"
    assert "去掉分表 T 就对得上" in main["candidates"][1]


def test_one_main_meter_alone(run: Run, town: Town) -> None:
    town.hang("W", "S")  # water below power is no balance
    town.meter("N", "r-A")
    town.hang("N", "S")
    assert [main["main"] for main in as_json(run)] == ["M", "S"]
    assert [main["main"] for main in as_json(run, "--meter", "S")] == ["S"]
    with pytest.raises(RefusedError, match="N 在这个月不是总表"):
        run("mains", "--month", "2026-06", "--meter", "N")


def test_water_is_shown_in_its_unit(run: Run, town: Town) -> None:
    town.meter("X", "r-A", energy="water", unit="m3")
    town.hang("X", "W")
    assert line(run("mains", "--month", "2026-06", "--meter", "W").stdout, "W", "X")[6] == "m³"


def test_a_month_without_main_meters(run: Run, town: Town) -> None:
    town.conn.execute("DELETE FROM meter_main")
    assert run("mains", "--month", "2026-06").stdout == "2026-06 没有挂着分表的总表。\n"
    assert as_json(run) == []
