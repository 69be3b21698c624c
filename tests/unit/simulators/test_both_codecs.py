"""The simulators' codecs and the collector's were written apart: they must mean the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from collector import profile as collector_profile
from collector.jt808 import card
from collector.modbus import frame
from collector.modbus.decode import Layout
from collector.modbus.plan import plan
from collector.mqtt.decode import PositionDecoder
from simulators import plant
from simulators.jt808 import messages
from simulators.jt808.header import Version
from simulators.jt808.messages import Driver
from simulators.modbus.codec import take
from simulators.modbus.faults import Fault, Kind, Traits
from simulators.modbus.profile import load_profile
from simulators.modbus.unit import Device, Unit
from simulators.models import equipment
from simulators.models.equipment import Model
from simulators.mqtt.payload import TOPIC, Fix, compose
from simulators.truth import STORED_AS
from storage.records import ReadingFlag
from tests.unit.simulators.meters import KWH, FixedModel

KINDS = {
    "acrel-dtsd1352": "office",
    "tuf-2000m": "hospital-water",
    "reference-ac-unit": "air-conditioner",
    "reference-lighting-circuit": "lighting",
}
NOON = 1_785_556_800_000_000


def polled(path: Path, model: Model, at: int, faults: Sequence[Fault] = ()) -> int:
    """Poll a device as the collector would, hold every value against the truth; count them."""
    theirs = collector_profile.load_profile(path)
    unit = Unit(Device("m", load_profile(path), model, Traits()), faults)
    compared = 0
    for number, block in enumerate(plan(theirs, theirs.points)):
        asked = frame.build(9, block.span)
        request = take(bytearray(number.to_bytes(2, "big") + asked.tail))
        assert request is not None
        answer = unit.answer(request, at, 0.0)
        assert answer.frame is not None
        assert frame.check(answer.frame, number, asked) == frame.ANSWER
        layout = Layout(block)
        values, flags = layout.decode([answer.frame])
        rows = zip(layout.points, values[0].tolist(), flags[0].tolist(), strict=True)
        for point, value, flag in rows:
            true = answer.record.values[point.name]
            assert flag == (ReadingFlag.SENTINEL if true is None else 0)
            assert true is None or value == float(true), point.name
            compared += 1
        assert len(answer.record.values) == len(block.points)
    return compared


@pytest.mark.parametrize(("code", "kind"), KINDS.items())
@given(hours=st.integers(0, 24 * 200), seed=st.integers(0, 50))
@settings(max_examples=8, deadline=None)
def test_every_value_of_every_profile(code: str, kind: str, hours: int, seed: int) -> None:
    path = plant.PROFILES / f"{code}.yaml"
    model = equipment.build(kind, 1.0, 5, seed, 20_600)
    at = NOON + hours * 3600 * 1_000_000
    points = len(load_profile(path).points)
    assert polled(path, model, at) == points
    assert polled(path, model, at, [Fault("m", Kind.SENTINEL)]) == points


@pytest.mark.parametrize("order", ["ABCD", "CDAB", "BADC", "DCBA"])
@pytest.mark.parametrize("type_", ["u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64"])
@given(value=st.floats(-3e4, 3e4), scale=st.sampled_from(["1", "0.01", "0.1", "10", "0.125"]))
@settings(max_examples=5, deadline=None)
def test_every_type_and_order(
    tmp_path_factory: pytest.TempPathFactory, order: str, type_: str, value: float, scale: str
) -> None:
    path = tmp_path_factory.mktemp("profile") / "p.yaml"
    path.write_text(_profile(type_, order, scale), encoding="utf-8")
    model = FixedModel({"x": value}, {"y": int(abs(value) * KWH)})
    assert polled(path, model, NOON) == 2


def _profile(type_: str, order: str, scale: str) -> str:
    common = {"label": "x", "table": "holding", "type": type_, "scale": float(scale)}
    if type_ not in ("u16", "s16"):
        common["order"] = order
    body = yaml.safe_load((plant.PROFILES / "acrel-dtsd1352.yaml").read_text(encoding="utf-8"))
    body["points"] = [
        {"name": "x", "unit": "V", "class": "gauge", "address": 0, **common},
        {"name": "y", "unit": "kWh", "class": "counter", "address": 8, **common},
    ]
    return yaml.safe_dump(body, allow_unicode=True)


@pytest.mark.parametrize("kind", STORED_AS)
def test_every_message_lands_where_the_truth_says(kind: str) -> None:
    fix = Fix(NOON, 30.6, 104.1, 43.2, 73.0, 496.0, 40_000.12, 9, acc=True)
    message = compose("t-1", 4, fix, kind)
    decoder = PositionDecoder(TOPIC.format("+"), {"t-1": 1}, 65_536)
    topic = TOPIC.format(message.terminal)
    (batch,) = decoder.decode([(topic, message.payload)], NOON + 50_000).batches
    assert (batch.kind, batch.rows) == (STORED_AS[kind], 1)


def test_the_example_of_the_contract_is_complete() -> None:
    fix = Fix(NOON, 30.6, 104.1, 43.2, 73.0, 496.0, 40_000.12, 9, acc=True)
    said = json.loads(compose("t-1", 4, fix, "ok").payload, parse_float=Decimal)
    assert said["odometer"] == Decimal("40000.12")
    assert said["ts"] == "2026-08-01T04:00:00.000Z"


@pytest.mark.parametrize("version", Version)
@pytest.mark.parametrize("leaves", [False, True])
def test_a_drivers_card_means_the_same(version: Version, *, leaves: bool) -> None:
    driver = Driver(
        "欧阳 明", "51010019800101123X", "510100098765432101", "市交通运输局", "20301231"
    )
    told = card.parse(messages.driver(version, driver, NOON // 1_000_000, leaves=leaves))
    on_it = (driver.name, driver.qualification, driver.issuer)
    if version is Version.V2011:  # it knows no taking out
        assert told == card.Card(card.Event.READ, None, None, *on_it)
    elif leaves:
        assert told == card.Card(card.Event.OUT, NOON)
    else:
        assert told == card.Card(card.Event.IN, NOON, 0, *on_it, date(2030, 12, 31))
