from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from collector.mqtt.decode import PositionDecoder
from collector.mqtt.message import schema
from storage.records import Kind

DOCS = Path(__file__).parents[4] / "docs"
EXAMPLES = re.findall(
    r"```json\n(.*?)```", (DOCS / "position.md").read_text(encoding="utf-8"), re.DOTALL
)


def test_the_published_schema_is_the_one_we_decode_by() -> None:
    published = json.loads((DOCS / "position.schema.json").read_text(encoding="utf-8"))
    assert published == schema(), (
        "run: python -m collector.mqtt.message > docs/position.schema.json"
    )


def test_the_page_names_every_field() -> None:
    page = (DOCS / "position.md").read_text(encoding="utf-8")
    for name in schema()["properties"]:
        assert f"| `{name}` |" in page


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 3


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_the_page_is_taken(example: str) -> None:
    decoder = PositionDecoder("jieyong/v1/+/position", {"T": 1}, 65_536)
    now_us = 1_795_320_000_000_000  # 2026-11-22T04:00Z
    (batch,) = decoder.decode([("jieyong/v1/T/position", example.encode())], now_us).batches
    assert batch.kind is Kind.POSITION, batch.body
