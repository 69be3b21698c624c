from __future__ import annotations

import tomllib
from pathlib import Path

from collector.settings import ModbusSettings

SAMPLE = Path(__file__).parents[4] / "collector" / "modbus" / "sample.toml"


def test_the_sample_names_every_key_with_its_default() -> None:
    sample = tomllib.loads(SAMPLE.read_text(encoding="utf-8"))
    assert sample == {"modbus": ModbusSettings().model_dump()}
    assert list(sample["modbus"]) == list(ModbusSettings.model_fields)
