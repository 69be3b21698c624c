from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from metering.counter.model import GRAIN_US
from metering.factors.assignments import Assignment, OfInstitution, OfMeter, assign
from metering.factors.base_prices import BasePrice, enter
from metering.factors.clock import midnight_us
from metering.factors.library import load_library
from metering.factors.meter_cost import MeterCost, Pricing, meter_cost
from metering.factors.tariff import Tariff, in_force
from metering.factors.tariff_file import load_tariff
from registry.refusal import RefusedError
from tests.integration.metering.factors.world import ACT, Conn, tariffs
from tests.unit.metering.factors.samples import SHANGHAI, us
from tests.unit.metering.factors.test_tariff_files import TOU

D = Decimal
KWH = 1_000_000
LATER = datetime(2026, 12, 1, tzinfo=UTC)
PLACED = """
    INSERT INTO building (code, name, institution_id)
        SELECT 'b-' || code, '楼', id FROM institution;
    INSERT INTO room (code, name, building_id) SELECT 'r-' || code, '室', id FROM building;
    INSERT INTO place (code, name, measures) VALUES ('p-1', '总进线', 'electricity');
    INSERT INTO place_room (place_id, room_id, valid)
        SELECT p.id, r.id, '(,2026-07-15 10:00+08)' FROM place p, room r WHERE r.code = 'r-b-i-1';
    INSERT INTO place_room (place_id, room_id, valid)
        SELECT p.id, r.id, '[2026-07-15 10:00+08,)' FROM place p, room r WHERE r.code = 'r-b-i-2';
    INSERT INTO meter (code, name, energy, unit, place_id)
        SELECT 'e-1', '总表', 'electricity', 'kWh', id FROM place;
"""
QUARTER = """
    INSERT INTO consumption (meter_id, slot, micro, estimated, covered_s, flags)
    SELECT m.id, to_timestamp(%s::int8 / 1000000), %s, 0, 900, 0 FROM meter m WHERE m.code = 'e-1'
"""
DAY = """
    INSERT INTO consumption_day (meter_id, day, micro, estimated, covered_s, flags)
    SELECT id, %s, %s, 0, 0, 0 FROM meter WHERE code = 'e-1'
"""


@pytest.fixture
def world(conn: Conn) -> Conn:
    """A meter whose place moves from one institution to the other on 15 July."""
    conn.execute(PLACED)
    return conn


def use(conn: Conn, begin: str, end: str, micro: int = KWH) -> None:
    with conn.cursor() as cursor:
        slots = range(us(begin), us(end), GRAIN_US)
        cursor.executemany(QUARTER, [(slot, micro) for slot in slots])


def priced(conn: Conn, begin: str, end: str) -> MeterCost:
    pricing = Pricing(tariffs(), lambda _: "workday", SHANGHAI, LATER)
    return meter_cost(conn, "e-1", date.fromisoformat(begin), date.fromisoformat(end), pricing)


def bases(conn: Conn) -> None:
    for code in ("sh-single", "sh-two-part"):
        tariff = in_force(tariffs(), code, date(2026, 7, 1))
        enter(conn, ACT, tariff, BasePrice(date(2026, 7, 1), D("0.6"), "7月公告"))


def test_a_meters_own_tariff_stands_before_its_institutions(world: Conn) -> None:
    bases(world)
    since = date(2026, 1, 1)
    bureau = OfInstitution("i-1", "electricity")
    assign(world, ACT, bureau, Assignment("sh-single", since, None), tariffs())
    own = Assignment("sh-two-part", date(2026, 7, 2), date(2026, 7, 3))
    assign(world, ACT, OfMeter("e-1"), own, tariffs())
    for day in (1, 2, 3):
        use(world, f"2026-07-0{day} 12:00", f"2026-07-0{day} 13:00")
    found = priced(world, "2026-07-01", "2026-07-04")
    assert [cost.tariff for cost in found.costs] == [
        "sh-single@2023-01-01.1",
        "sh-two-part@2023-01-01.1",
        "sh-single@2023-01-01.1",
    ]
    assert found.yuan == 8 * D("0.72") + 4 * D("1.35")
    assert found.missing_quarters == 3 * 96 - 12
    assert found.why == ""


def test_a_place_that_moves_is_priced_as_where_it_is(world: Conn) -> None:
    bases(world)
    since = date(2026, 1, 1)
    one, other = (OfInstitution(code, "electricity") for code in ("i-1", "i-2"))
    assign(world, ACT, one, Assignment("sh-single", since, None), tariffs())
    assign(world, ACT, other, Assignment("sh-two-part", since, None), tariffs())
    use(world, "2026-07-14 12:00", "2026-07-14 12:15")
    use(world, "2026-07-15 00:00", "2026-07-15 00:15")
    found = priced(world, "2026-07-14", "2026-07-16")
    assert [cost.tariff.partition("@")[0] for cost in found.costs] == ["sh-single", "sh-two-part"]
    assert [cost.yuan for cost in found.costs] == [D("0.72"), D("0.24")]


def test_days_without_a_tariff_and_months_without_a_base_price_are_named(world: Conn) -> None:
    use(world, "2026-06-30 12:00", "2026-07-01 12:15")
    nothing = priced(world, "2026-06-30", "2026-07-02")
    assert (nothing.yuan, nothing.costs) == (None, ())
    assert nothing.why == "2026-06-30 至 2026-07-01 没有电价"
    assign(world, ACT, OfMeter("e-1"), Assignment("sh-single", date(2026, 6, 30), None), tariffs())
    bases(world)
    half = priced(world, "2026-06-29", "2026-07-02")
    assert half.yuan is None
    assert half.why == "2026-06-29 至 2026-06-29 没有电价；2026-06 没有平段基准电价"
    assert priced(world, "2026-07-01", "2026-07-02").yuan is not None


def test_nothing_counted_costs_not_zero_but_nothing_known(world: Conn) -> None:
    assign(world, ACT, OfMeter("e-1"), Assignment("sh-single", date(2026, 1, 1), None), tariffs())
    found = priced(world, "2026-07-01", "2026-07-02")
    assert (found.yuan, found.why, found.missing_quarters) == (None, "没有用量数据", 96)


def test_tiers_go_on_from_what_was_used_in_the_year(world: Conn) -> None:
    tiers = Assignment("sh-household-tiers", date(2026, 1, 1), None)
    assign(world, ACT, OfMeter("e-1"), tiers, tariffs())
    world.execute(DAY, [date(2025, 12, 31), 9_000 * KWH])
    world.execute(DAY, [date(2026, 1, 5), 3_000 * KWH])
    world.execute(DAY, [date(2026, 6, 30), 119 * KWH])
    use(world, "2026-07-01 12:00", "2026-07-01 12:30")
    assert priced(world, "2026-07-01", "2026-08-01").yuan == D("0.617") + D("0.667")


def test_a_new_version_of_a_tariff_cuts_the_time(world: Conn, tmp_path: Path) -> None:
    use(world, "2026-06-30 12:00", "2026-06-30 12:15")
    use(world, "2026-07-01 12:00", "2026-07-01 12:15")
    found = []
    for since, price in (("2026-01-01", "0.5"), ("2026-07-01", "0.7")):
        path = tmp_path / f"{since}.yaml"
        text = (
            f"code: flat\nversion: 1\nname: 单一价\nenergy: electricity\njurisdiction: CN\n"
            f"from: {since}\nsource: a test\nconfidence: high\nkind: flat\nprice: {price}\n"
        )
        path.write_text(text, encoding="utf-8")
        found.append(load_tariff(path, load_library()))
    assign(world, ACT, OfMeter("e-1"), Assignment("flat", date(2026, 1, 1), None), found)
    pricing = Pricing(found, lambda _: "workday", SHANGHAI, LATER)
    both = meter_cost(world, "e-1", date(2026, 6, 1), date(2026, 8, 1), pricing)
    assert [cost.yuan for cost in both.costs] == [D("0.5"), D("0.7")]
    assert both.yuan == D("1.2")


def written(directory: Path, text: str) -> Tariff:
    path = directory / "one.yaml"
    path.write_text(text, encoding="utf-8")
    return load_tariff(path, load_library())


def test_an_assigned_tariff_whose_file_is_gone_is_refused_in_words(world: Conn) -> None:
    since = Assignment("sh-single", date(2026, 1, 1), None)
    assign(world, ACT, OfMeter("e-1"), since, tariffs())
    others = [one for one in tariffs() if one.code != "sh-single"]
    pricing = Pricing(others, lambda _: "workday", SHANGHAI, LATER)
    with pytest.raises(RefusedError, match="电价方案 sh-single 在 2026-07-01 没有电价文件"):
        meter_cost(world, "e-1", date(2026, 7, 1), date(2026, 7, 2), pricing)


def test_what_is_unknown_before_is_named_where_tiers_rest_on_it(world: Conn) -> None:
    assign(
        world,
        ACT,
        OfMeter("e-1"),
        Assignment("sh-household-tiers", date(2026, 1, 1), None),
        tariffs(),
    )
    use(world, "2026-01-01 00:00", "2026-01-02 00:00")
    use(world, "2026-01-03 00:00", "2026-01-04 00:00")
    assert priced(world, "2026-01-01", "2026-01-04").notes == ()
    assert priced(world, "2026-01-02", "2026-01-04").notes == ()
    assert priced(world, "2026-01-03", "2026-01-04").notes == (
        "2026-01-01 至 2026-01-02 有 96 个刻钟用量未知，分档可能偏低",
    )


def test_a_split_month_costs_what_the_month_costs(world: Conn) -> None:
    tiers = Assignment("sh-household-tiers", date(2026, 1, 1), None)
    assign(world, ACT, OfMeter("e-1"), tiers, tariffs())
    use(world, "2026-01-01 00:00", "2026-02-01 00:00", 2 * KWH)
    for day in range(1, 32):
        world.execute(DAY, [date(2026, 1, day), 2 * 96 * KWH])
    whole = priced(world, "2026-01-01", "2026-02-01").yuan
    parts = [
        priced(world, begin, end).yuan
        for begin, end in (
            ("2026-01-01", "2026-01-10"),
            ("2026-01-10", "2026-01-25"),
            ("2026-01-25", "2026-02-01"),
        )
    ]
    assert whole == 3120 * D("0.617") + 1680 * D("0.667") + 1152 * D("0.917")
    assert sum(part for part in parts if part is not None) == whole


def test_what_is_fed_in_is_taken_off_and_named(world: Conn) -> None:
    assign(world, ACT, OfMeter("e-1"), Assignment("sh-single", date(2026, 1, 1), None), tariffs())
    bases(world)
    use(world, "2026-07-01 12:00", "2026-07-01 12:30", 3 * KWH)
    use(world, "2026-07-01 12:30", "2026-07-01 13:00", -KWH)
    found = priced(world, "2026-07-01", "2026-07-02")
    assert found.yuan == 4 * D("0.72")
    (note,) = found.notes
    assert note.startswith("2 个刻钟净用量为负，共 -2，已按同价冲减")


def test_what_is_estimated_is_named(world: Conn) -> None:
    """What was counted over a gap is allotted to quarter hours: its periods are not certain."""
    assign(world, ACT, OfMeter("e-1"), Assignment("sh-single", date(2026, 1, 1), None), tariffs())
    bases(world)
    use(world, "2026-07-01 12:00", "2026-07-01 13:00", KWH)
    world.execute("UPDATE consumption SET estimated = 625000 WHERE slot < '2026-07-01 12:30+08'")
    assert priced(world, "2026-07-01", "2026-07-02").notes == (
        "其中 1.25 为缺口分摊的估算用量，所属时段不确定",
    )


def test_a_month_that_goes_on_with_an_earlier_base_price_is_named(world: Conn) -> None:
    assign(world, ACT, OfMeter("e-1"), Assignment("sh-single", date(2026, 1, 1), None), tariffs())
    bases(world)
    use(world, "2026-07-01 12:00", "2026-07-01 12:15")
    use(world, "2026-08-01 12:00", "2026-08-01 12:15")
    assert priced(world, "2026-07-01", "2026-08-01").notes == ()
    august = priced(world, "2026-08-01", "2026-09-01")
    assert august.yuan == D("0.72")
    assert august.notes == (
        "上海市一般工商业及其他单一制分时电价 2026-08 没有录入基准电价，沿用 2026-07 的",
    )


def test_day_types_of_a_year_that_is_not_published_are_named(world: Conn, tmp_path: Path) -> None:
    one = written(tmp_path, TOU)
    assign(world, ACT, OfMeter("e-1"), Assignment("test", date(2026, 1, 1), None), [one])
    pricing = Pricing(
        [one], lambda _: "workday", SHANGHAI, LATER, published=lambda year: year < 2027
    )
    for begin, end, notes in (
        (date(2026, 12, 1), date(2027, 1, 1), ()),
        (date(2027, 1, 1), date(2027, 2, 1), ("2027 年节假日安排未公布：日类型按星期几划分",)),
        (date(2027, 6, 1), date(2027, 7, 1), ()),
    ):
        assert meter_cost(world, "e-1", begin, end, pricing).notes == notes


@pytest.mark.parametrize(
    ("zone", "day", "quarters_"),
    [
        ("Europe/Berlin", "2026-03-29", 92),
        ("Europe/Berlin", "2026-10-25", 100),
        ("America/Santiago", "2026-09-06", 92),
        ("Australia/Lord_Howe", "2026-04-05", 98),
    ],
)
def test_a_day_of_another_length_is_whole_when_each_of_its_quarters_is_known(
    world: Conn, zone: str, day: str, quarters_: int
) -> None:
    """In Santiago the clock jumps at midnight: the day begins at one."""
    there, first = ZoneInfo(zone), date.fromisoformat(day)
    last = first + timedelta(days=1)
    tiers = Assignment("sh-household-tiers", date(2026, 1, 1), None)
    assign(world, ACT, OfMeter("e-1"), tiers, tariffs())
    begin, end = midnight_us(first, there), midnight_us(last, there)
    with world.cursor() as cursor:
        cursor.executemany(
            QUARTER, [(slot, KWH) for slot in range(begin - GRAIN_US, end + GRAIN_US, GRAIN_US)]
        )
    pricing = Pricing(tariffs(), lambda _: "workday", there, LATER)
    found = meter_cost(world, "e-1", first, last, pricing)
    assert found.missing_quarters == 0
    assert found.yuan == quarters_ * D("0.617")


def test_an_unknown_meter_and_an_empty_time_are_refused(world: Conn) -> None:
    pricing = Pricing(tariffs(), lambda _: "workday", SHANGHAI, LATER)
    with pytest.raises(RefusedError, match="没有编码为 e-9 的计量表"):
        meter_cost(world, "e-9", date(2026, 6, 1), date(2026, 8, 1), pricing)
    with pytest.raises(ValueError, match="has no day"):
        priced(world, "2026-06-01", "2026-06-01")


def test_a_meter_that_counts_in_another_unit_than_prices_are_for_is_refused(world: Conn) -> None:
    assign(world, ACT, OfMeter("e-1"), Assignment("sh-single", date(2026, 1, 1), None), tariffs())
    world.execute("UPDATE meter SET unit = 'GJ' WHERE code = 'e-1'")
    with pytest.raises(RefusedError, match=r"计量表 e-1 以 GJ 计量，.*按 kWh 定价：不能计价"):
        priced(world, "2026-07-01", "2026-08-01")
