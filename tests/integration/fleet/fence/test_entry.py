"""Fences, yards, sealed times and duty as they come in: whole, by line and cell, and back again."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fleet.fence import fences, geojson
from fleet.fence.datum import gcj02_of_wgs84
from fleet.ledger import imports, store
from fleet.yards import entry
from fleet.yards.template import write_template
from registry.audit import lines
from registry.refusal import RefusedError
from registry.workbook import sheets
from tests.integration.fleet.fence.world import ACT, SEALED, YARD, ZONE, Conn, enter, text
from tests.integration.fleet.world import add_vehicle, one
from tests.integration.metering.bills.world import workbook
from tests.unit.fleet.drives import LAT, LON

FENCES = ("围栏编码", "名称", "坐标系", "经度", "纬度", "半径（米）", "起始日期")


def feature(**said: Any) -> dict[str, Any]:  # noqa: ANN401
    ring = [(104.0, 30.6), (104.01, 30.6), (104.01, 30.61), (104.0, 30.6)]
    geometry = said.pop("geometry", {"type": "Polygon", "coordinates": [ring]})
    usual = {"code": "P1", "name": "大院", "datum": "wgs84", "since": "2026-01-01"}
    return {"type": "Feature", "properties": {**usual, **said}, "geometry": geometry}


def collection(path: Path, *features: object) -> Path:
    """Write a collection, a feature a line: the first stands in line 3."""
    lines_ = ",\n".join(json.dumps(one, ensure_ascii=False) for one in features)
    return text(
        path, f'{{"type": "FeatureCollection", "bbox": [1, 2],\n"features": [\n{lines_}\n]}}'
    )


def bring(conn: Conn, path: Path, **usual: str) -> imports.Applied:
    return imports.bring(conn, ACT, lambda: entry.draw(conn, path, ZONE, usual))


def count(conn: Conn) -> int:
    found: int = one(conn, "SELECT count(*) FROM fleet_fence WHERE withdrawn_at IS NULL")
    return found


def test_a_fence_is_converted_once_and_what_was_entered_stays(conn: psycopg.Connection) -> None:
    add_vehicle(conn, "v")
    shifted = gcj02_of_wgs84((LON, LAT))
    said = {**YARD, "datum": "高德", "lon": repr(shifted[0]), "lat": repr(shifted[1])}
    number = enter(conn, "fences", **said)
    (found,) = fences.standing(conn)
    assert found.id == number
    assert found.datum == "gcj02"
    assert json.loads(found.original)["coordinates"] == pytest.approx(shifted, abs=1e-12)
    assert json.loads(found.wgs84)["coordinates"] == pytest.approx((LON, LAT), abs=2e-8)
    assert enter(conn, "fences", **said) is None
    (line,) = lines(conn, str(number))
    assert (line.principal, line.action) == ("王会计", "vehicle.fleet_fence.enter")
    with pytest.raises(RefusedError, match=r"已录入.*jieyong vehicle withdraw fleet_fence"):
        enter(conn, "fences", **{**said, "radius": "400"})


def test_a_fence_holds_until_the_next_of_its_code_or_its_last_day(conn: psycopg.Connection) -> None:
    enter(conn, "fences", **YARD)
    enter(conn, "fences", **{**YARD, "since": "2026-03-01", "radius": "500", "last": "2026-04-30"})
    known = fences.standing(conn)

    def radius(day: date) -> int | None:
        found = fences.of_day(known, "Y1", day)
        return None if found is None else found.radius_m

    assert radius(date(2025, 12, 31)) is None
    assert radius(date(2026, 2, 28)) == 300
    assert radius(date(2026, 4, 30)) == 500
    assert radius(date(2026, 5, 1)) is None


def test_geojson_comes_in_whole_once_and_goes_out_again(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    spot = {"type": "Point", "coordinates": [104.05, 30.65]}
    path = collection(
        tmp_path / "a.geojson",
        feature(),
        feature(code="S1", 名称="加油站", purpose="定点加油站", geometry=spot, radius_m=80),
    )
    assert entry.draw(conn, path, ZONE).counts() == {"fleet_fence": 2}
    assert count(conn) == 0
    done = bring(conn, path)
    assert count(conn) == 2
    assert bring(conn, path).import_id is None
    geojson.write(tmp_path / "b.geojson", fences.standing(conn), original=False)
    assert bring(conn, tmp_path / "b.geojson").draft.unchanged == 2
    assert done.import_id is not None
    assert imports.undo(conn, ACT, done.import_id) == 2
    assert count(conn) == 0
    assert bring(conn, tmp_path / "b.geojson").import_id is not None


def test_a_shifted_fence_goes_out_in_either_datum(conn: psycopg.Connection, tmp_path: Path) -> None:
    plain = collection(tmp_path / "a.geojson", feature(datum=None, since=None), feature(code="P2"))
    bring(conn, plain, datum="高德", since="2026-02-01")
    *known, stated = fences.standing(conn)
    assert known[0].since == date(2026, 2, 1)
    assert (stated.datum, stated.since) == ("wgs84", date(2026, 1, 1))
    assert [one.datum for one in known] == ["gcj02"]
    for original, name, east in ((True, "gcj02", 104.0), (False, "wgs84", 103.9975)):
        geojson.write(tmp_path / "b.geojson", known, original=original)
        (found,) = json.loads((tmp_path / "b.geojson").read_text("utf-8"))["features"]
        assert found["properties"]["datum"] == name
        assert found["geometry"]["coordinates"][0][0][0] == pytest.approx(east, abs=1e-3)


@pytest.mark.parametrize(
    ("given", "where", "words"),
    [
        (feature(datum=None), "a.geojson:4 datum", "没有填写"),
        (feature(datum="北京54"), "a.geojson:4 datum", "不认识"),
        (feature(since="去年"), "a.geojson:4 since", "不是日期"),
        (feature(institution="x"), "a.geojson:4 institution", "不存在"),
        (feature(geometry=None), "a.geojson:4 geometry", "没有几何图形"),
        (feature(geometry={"type": "MultiPolygon"}), "a.geojson:4 geometry", "不支持"),
        (feature(radius_m=50), "a.geojson:4 geometry", "多边形不写半径"),
        (feature(code="P0", since="2026-01-01", name="别的"), "a.geojson:4 code", "内容不同"),
        (
            feature(geometry={"type": "Polygon", "coordinates": [[[1, 2], ["a", 3], [1, 4]]]}),
            "a.geojson:4 geometry",
            "第 2 个点不是坐标",
        ),
        (
            feature(geometry={"type": "Polygon", "coordinates": [[[1, 2], [1, 3], [2, 3]], []]}),
            "a.geojson:4 geometry",
            "空洞",
        ),
        (
            feature(datum="高德", geometry={"type": "Point", "coordinates": [2, 48]}, radius_m=9),
            "a.geojson:4 geometry",
            "不在国内",
        ),
        ("no feature", "a.geojson:4", "不是 Feature"),
    ],
)
def test_one_mistake_in_geojson_refuses_all_of_it_by_its_line(
    conn: psycopg.Connection, tmp_path: Path, given: object, where: str, words: str
) -> None:
    path = collection(tmp_path / "a.geojson", feature(code="P0"), given)
    with pytest.raises(RefusedError, match=f"^{where}：.*{words}"):
        bring(conn, path)
    assert count(conn) == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"type": "FeatureCollection",\n"features": [}', "^a.geojson:2：不是 JSON"),
        ("[1]", "不是 GeoJSON"),
        ('{"type": "FeatureCollection", "features": 1}', "不是 GeoJSON"),
        ("[" * 100_000, "^a.geojson"),
    ],
)
def test_what_is_no_geojson_is_refused(
    conn: psycopg.Connection, tmp_path: Path, content: str, words: str
) -> None:
    with pytest.raises(RefusedError, match=words):
        bring(conn, text(tmp_path / "a.geojson", content))


def test_a_workbook_brings_circles_yards_sealed_times_and_duty(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    add_vehicle(conn, "v")
    path = workbook(
        tmp_path / "a.xlsx",
        围栏=[FENCES, ["Y1", "大院", "高德", 104.0, 30.6, 300, date(2026, 1, 1)]],
        定点停放=[
            ("围栏编码", "车辆", "哪些天", "应在起时", "起始日期", "多余"),
            ["Y1", "川A·v", "工作日", "21:30", date(2026, 1, 1), "x"],
        ],
        封存停驶=[
            ("机构编码", "车辆类别", "哪些天", "起始日期", "依据"),
            ["i", "轿车", "节假日", date(2026, 1, 1), "通知"],
        ],
        值班=[
            ("车辆", "值班起", "值班止", "原因"),
            ["v", "2026-10-01 08:00", "2026-10-02 08:00", "国庆值班"],
        ],
    )
    done = bring(conn, path)
    assert set(done.draft.counts().values()) == {1}
    assert done.draft.ignored == ("定点停放：多余",)
    assert str(one(conn, "SELECT from_time FROM fleet_yard")) == "21:30:00"
    assert one(conn, "SELECT class FROM fleet_sealed") == "sedan"
    assert one(conn, "SELECT cell FROM fleet_duty") == "值班!2"
    assert bring(conn, path).import_id is None
    assert done.import_id is not None
    assert imports.undo(conn, ACT, done.import_id) == 4


def test_a_csv_of_circles_is_known_by_its_headings(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    rows = "编码,坐标系,经度,纬度,半径,起始日期\nY1,WGS84,104.0,30.6,300,2026-01-01\n"
    assert bring(conn, text(tmp_path / "a.csv", rows)).draft.counts() == {"fleet_fence": 1}


def test_mistakes_in_a_workbook_are_named_by_cell_and_nothing_comes_in(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    add_vehicle(conn, "v")
    path = workbook(
        tmp_path / "a.xlsx",
        围栏=[
            FENCES,
            ["Y1", "大院", None, 104.0, 30.6, 300, date(2026, 1, 1)],
            ["Y2", "大院", "WGS84", 104.0, 95, 300, date(2026, 1, 1)],
            ["Y3", "大院", "WGS84", 104.0, 30.6, None, date(2026, 1, 1)],
        ],
        定点停放=[
            ("围栏编码", "车辆", "机构编码", "哪些天", "起始日期"),
            ["Y9", "nobody", None, "有时", date(2026, 1, 1)],
            ["Y1", "v", "i", None, date(2026, 1, 1)],
        ],
        封存停驶=[("哪些天", "起始日期", "依据"), ["每天", date(2026, 1, 1), "通知"]],
        值班=[
            ("车辆", "值班起", "值班止", "原因"),
            ["v", "2026-10-02 08:00", "2026-10-01 08:00", "国庆"],
        ],
    )
    with pytest.raises(RefusedError) as refused:
        bring(conn, path)
    said = str(refused.value)
    for cell, words in (
        ("围栏!C2", "没有填写"),
        ("围栏!D3", "不在地球上"),
        ("围栏!F4", "没有填写"),
        ("定点停放!B2", "不在设备清单"),
        ("定点停放!D2", "不认识"),
        ("定点停放!C3", "只写一个"),
        ("封存停驶!2", "截止日期"),
        ("值班!C2", "不晚于"),
    ):
        assert any(line.startswith(f"{cell}：") and words in line for line in said.splitlines()), (
            f"{cell} {words} is not in\n{said}"
        )
    assert count(conn) == 0


def test_a_yard_without_its_fence_is_refused(conn: psycopg.Connection) -> None:
    with pytest.raises(RefusedError, match="--fence：没有编码为 Y1 的围栏"):
        enter(conn, "yards", fence="Y1", since="2026-01-01")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"tail": "A"}, "--tail：.*不是尾号"),
        ({"from_time": "07:00"}, "--to-time：.*两项都填"),
        ({"from_time": "7", "to_time": "20:00"}, "--from-time：.*不是时刻"),
        ({"days": "每天"}, "--until：每天封存要写截止日期"),
        ({"class": "飞机"}, "--class：.*不认识"),
        ({"reason": ""}, "--reason：没有填写"),
    ],
)
def test_a_wrong_seal_is_refused_by_its_option(
    conn: psycopg.Connection, said: dict[str, str], words: str
) -> None:
    with pytest.raises(RefusedError, match=words):
        enter(conn, "sealed", **{**SEALED, **said})


def test_what_is_withdrawn_makes_room_and_stays_readable(conn: psycopg.Connection) -> None:
    first = enter(conn, "sealed", **SEALED)
    assert first is not None
    store.withdraw(conn, ACT, "fleet_sealed", first, "录错")
    assert enter(conn, "sealed", **SEALED) not in {None, first}
    assert one(conn, "SELECT withdrawn_by FROM fleet_sealed WHERE id = %s", [first]) == "王会计"


def test_the_template_can_be_filled_in_and_read_back(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    write_template(tmp_path / "t.xlsx")
    there = sheets((tmp_path / "t.xlsx").read_bytes(), "t.xlsx")
    assert list(there) == ["围栏", "定点停放", "封存停驶", "值班", "说明"]
    assert entry.draw(conn, tmp_path / "t.xlsx", ZONE).counts() == {}
