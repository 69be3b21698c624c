from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from metering.facts.file_apply import apply_meters
from metering.facts.file_reading import parse_meters
from metering.facts.ratio import RatioFact, enter_ratio
from metering.facts.span import Span
from registry.audit import Act
from registry.refusal import RefusedError
from tests.integration.metering.facts.world import ACT, Conn, at, audit, due, effective

DAY = " ".join(["1"] * 24)
PROFILES = f"""
load_profiles:
  - {{code: office, version: 1, source: s, hours: {{workdays: {DAY}, weekend: {DAY}}}}}
"""
TABLES = ("meter", "meter_main", "load_profile", "meter_load_profile")


def apply(conn: Conn, text: str, day: float = 200) -> list[str]:
    return apply_meters(conn, Act("王芳", at(day)), parse_meters(text.encode(), "m.yaml"))


def dump(conn: Conn) -> list[Any]:
    tables = [conn.execute(f"SELECT * FROM {t} ORDER BY 1, 2".encode()).fetchall() for t in TABLES]
    return [*tables, *effective(conn)]


def refused(conn: Conn, text: str) -> list[tuple[str, str]]:
    before, lines = dump(conn), audit(conn)
    with pytest.raises(RefusedError) as caught:
        apply(conn, text)
    assert dump(conn) == before
    assert audit(conn) == lines
    return [(fault.where, fault.what) for fault in caught.value.faults]


def mains(conn: Conn) -> list[tuple[str, str, object, object]]:
    rows = conn.execute(
        "SELECT m.code, o.code, lower(b.valid), upper(b.valid) FROM meter_main b"
        " JOIN meter m ON m.id = b.meter_id JOIN meter o ON o.id = b.main_id"
        " WHERE NOT isempty(b.valid) ORDER BY 1, 3 NULLS FIRST"
    )
    return [(sub, main, since, until) for sub, main, since, until in rows.fetchall()]


def test_the_same_file_again_changes_nothing(conn: Conn) -> None:
    text = f"""
meters:
  - {{code: p-1, item: 01A00, ratio: {{ct: 400/5, since: 2026-01-01}}, load_profile: office@1}}
  - {{code: p-2, main: p-1}}
  - {{code: p-1-out, place: p-1, register: export, direction: out}}
  - {{code: rest, energy: electricity, formula: "{{p-1}} - {{p-2}}"}}
registers:
  - {{device: m-1, register: energy, resolution: 0.01, capacity: 1000000}}
{PROFILES}"""
    assert len(apply(conn, text)) == 8
    before, lines = dump(conn), audit(conn)
    due(conn)
    assert apply(conn, text, 201) == []
    assert (dump(conn), audit(conn), due(conn)) == (before, lines, [])


def test_a_further_register_is_a_meter_of_its_own(conn: Conn) -> None:
    apply(conn, "meters: [{code: out, place: p-1, register: export, direction: out}]")
    row = conn.execute(
        "SELECT name, energy, unit, direction, register FROM meter WHERE code = 'out'"
    ).fetchone()
    assert row == ("总进线", "electricity", "kWh", "out", "export")
    assert [code for code, _, until in due(conn) if until is None] == ["out"]


def test_what_vanished_is_closed_and_what_returns_is_opened(conn: Conn) -> None:
    text = "meters: [{code: out, place: p-1, register: export}]"
    apply(conn, text)
    assert apply(conn, "meters: []", 210) == ["停用计量表 out"]
    row = conn.execute("SELECT upper(valid) FROM meter WHERE code = 'out'").fetchone()
    assert row == (at(210),)
    assert apply(conn, "meters: []", 211) == []
    assert apply(conn, text, 220) == ["修改计量表 out：重新启用"]
    row = conn.execute("SELECT upper_inf(valid) FROM meter WHERE code = 'out'").fetchone()
    assert row == (True,)


def test_ratios_the_file_does_not_speak_of_are_left_alone(conn: Conn) -> None:
    enter_ratio(conn, ACT, RatioFact("p-1", Decimal(80), Decimal(1), Span(at(0))))
    before = effective(conn)
    apply(conn, "meters: [{code: p-1, item: 01A00}]")
    assert effective(conn) == before
    assert apply(conn, "meters: [{code: p-1, item: 01A00, ratios: []}]") == ["撤销变比 #1：p-1"]


def test_ratio_and_resolution_that_fit_only_each_other_change_together(conn: Conn) -> None:
    text = """
meters:
  - {{code: p-1, ratio: {{ct: {ct}, since: 2026-01-01}}}}
registers:
  - {{device: m-1, register: energy, resolution: {resolution}, since: 2026-01-01}}
"""
    apply(conn, text.format(ct="0.0005", resolution="0.002"))
    apply(conn, text.format(ct="80", resolution="0.000001"))
    apply(conn, text.format(ct="0.0005", resolution="0.002"))


def test_main_meters_change_with_their_dates(conn: Conn) -> None:
    apply(conn, "meters: [{code: p-2, main: p-1}]")
    assert mains(conn) == [("p-2", "p-1", None, None)]
    extra = "{code: out, place: p-1, register: export}"
    apply(conn, f"meters: [{{code: p-2, main: out}}, {extra}]", 210)
    assert mains(conn) == [("p-2", "p-1", None, at(210)), ("p-2", "out", at(210), None)]
    dated = "mains: [{main: p-1, since: 2026-01-01}, {main: out, since: 2026-03-01}]"
    assert "时间重叠" in refused(conn, f"meters: [{{code: p-2, {dated}}}, {extra}]")[0][1]
    apply(conn, f"meters: [{{code: p-2, mains: []}}, {extra}]", 220)
    assert mains(conn)[-1] == ("p-2", "out", at(210), at(220))


def test_a_load_profile_makes_what_it_spreads_due(conn: Conn) -> None:
    text = "meters: [{{code: p-1, load_profiles: [{{load_profile: office@1, since: {}}}]}}]"
    apply(conn, text.format(at(10).isoformat()) + PROFILES)
    assert due(conn) == [("p-1", at(10), None)]
    apply(conn, text.format(at(20).isoformat()) + PROFILES)
    assert due(conn) == [("p-1", at(10), at(20))]


@pytest.mark.parametrize(
    ("meter", "words"),
    [
        ("{code: p-9}", "没有编码为 p-9 的计量点"),
        ("{code: x, place: p-9, register: export}", "没有编码为 p-9 的计量点"),
        ("{code: x, place: p-1, register: import}", "没有累计量 import"),
        ("{code: x, place: p-1, register: export, energy: water}", "不能计 water"),
        ("{code: p-1, energy: water}", "energy 已确定，不能改"),
        ("{code: p-1, energy: electricity, formula: '{p-2}'}", "formula 已确定，不能改"),
        ("{code: p-1, main: p-9}", "没有编码为 p-9 的计量表"),
        ("{code: p-1, main: p-1}", "不能是自己的总表"),
        ("{code: p-1, load_profile: shop@1}", "没有负荷曲线 shop@1"),
        ("{code: x, energy: electricity, formula: '{p-9} + {p-1}'}", "p-9"),
        ("{code: x, energy: electricity, formula: '{x} + {p-1}'}", "x"),
        ("{code: x, energy: water, formula: '{p-1}'}", "p-1"),
        ("{code: p-1, ratios: [{ct: 8, since: 2026-01-01}, {ct: 9, since: 2026-02-01}]}", "重叠"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(conn: Conn, meter: str, words: str) -> None:
    text = f"meters:\n  - {{code: p-2, item: 01B00}}\n  - {meter}\n"
    ((where, what),) = refused(conn, text)
    assert where == "m.yaml:3"
    assert words in what


def test_mains_in_a_ring_are_refused_whenever_it_closes(conn: Conn) -> None:
    one = "{code: p-1, mains: [{main: p-2, since: 2026-03-01}]}"
    other = "{code: p-2, mains: [{main: p-1, since: 2026-01-01}]}"
    apply(conn, f"meters: [{one}]")
    assert "成了环" in refused(conn, f"meters: [{other}]")[0][1]
    until = "{code: p-2, mains: [{main: p-1, since: 2026-01-01, until: 2026-03-01}]}"
    apply(conn, f"meters: [{until}]")


def test_a_version_of_a_load_profile_is_frozen(conn: Conn) -> None:
    apply(conn, f"meters: []\n{PROFILES}")
    changed = PROFILES.replace("workdays: 1", "workdays: 2")
    ((where, what),) = refused(conn, f"meters: []\n{changed}")
    assert where == "m.yaml:4"
    assert "请写成新的版本号" in what


def test_everything_wrong_is_told_at_once(conn: Conn) -> None:
    text = """
meters:
  - {code: p-1, main: p-9, ratios: [{ct: 8}, {ct: 9}]}
registers:
  - {device: m-7, register: energy, resolution: 1}
  - {device: m-1, register: power, resolution: 1}
"""
    assert {where for where, _ in refused(conn, text)} == {"m.yaml:3", "m.yaml:5", "m.yaml:6"}
