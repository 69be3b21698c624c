"""Rows as lines: whole quantities, moments, kinds; every refusal names its cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from fleet.ledger.fact_lines import budget_lines, card_lines, consumer_lines, party_lines
from fleet.ledger.holders import Dated, Holders
from fleet.ledger.lines import Line, Reading
from fleet.ledger.record_lines import check_units, order_lines, spending_lines
from fleet.ledger.words import PATH, Papers, read_mapping, words
from registry.no_value import NoValue
from registry.sheet import Refusals, Row, with_headings
from registry.workbook import Cell

ZONE = ZoneInfo("Asia/Shanghai")
JAN = date(2026, 1, 1)
TODAY = date(2026, 12, 31)
PAPERS = Papers(words())
PROVIDER = Papers(words(), read_mapping(PATH.parent / "providers" / "example.yaml", words()))


def holders() -> Holders:
    return Holders(
        {"A01": "czj", "A02": "czj", "G1": "czj"},
        [
            Dated("A01", "plate", JAN, "沪A10001"),
            Dated("A01", "energy", JAN, "petrol"),
            Dated("A02", "plate", date(2026, 6, 1), "沪A10001"),
            Dated("A01", "plate", date(2026, 6, 1), "沪AD00001"),
            Dated("A02", "energy", JAN, "gas"),
        ],
    )


READING = Reading(PAPERS, ZONE, TODAY, holders())


def row(kind: str, said: dict[str, Cell], name: str = "表", papers: Papers = PAPERS) -> Row:
    cells: Sequence[Sequence[Cell]] = [list(said), list(said.values())]
    sheet = with_headings(kind, name, cells, papers.columns(kind))
    assert sheet is not None
    refusals = Refusals()
    return next(iter(sheet.lines(refusals)), Row(sheet, 2, {}, refusals))


def spend(
    said: dict[str, Cell], name: str = "费用", papers: Papers = PAPERS
) -> tuple[list[Line], list[str]]:
    one = row("spending", said, name, papers)
    lines = list(spending_lines(one, Reading(papers, ZONE, TODAY, holders()), Counter()))
    return lines, one.refusals.found


USUAL: dict[str, Cell] = {
    "车辆": "A01",
    "日期": "2026-01-05",
    "类别": "加油",
    "油品": "92号汽油",
    "数量": 41.235,
    "金额": "300.05",
    "里程表": 12345.6,
}


def test_quantities_are_whole() -> None:
    (line,), refused = spend(USUAL)
    said = line.values
    assert refused == []
    assert (said["quantity"], said["unit"], said["fen"]) == (41_235, "ml", 30_005)
    assert said["odometer_hm"] == 123_456
    assert (said["at"], said["timed"]) == ("2026-01-05T04:00:00+00:00", False)


@pytest.mark.parametrize("plate", ["沪A10001", "沪A·10001", "沪ａ1 0001"])
def test_a_plate_names_its_bearer_of_the_day_however_it_is_written(plate: str) -> None:
    ((january,), _), ((june,), _) = (
        spend({**USUAL, "车辆": plate, "日期": day}) for day in ("2026-01-05", "2026-06-05")
    )
    assert (january.values["consumer"], june.values["consumer"]) == ("A01", "A02")


@pytest.mark.parametrize(
    ("heading", "value", "said"),
    [
        ("金额", 300.055, "费用!F2：“300.055”细于分，请核对小数"),
        ("数量", 41.2355, "费用!E2：“41.2355”细于毫升，请核对小数"),
        ("里程表", 1.25, "费用!G2：“1.25”细于 0.1 公里，请核对小数"),
        ("里程表", -1, "费用!G2：“-1”小于零，请核对"),
        ("数量", -1, "费用!E2：“-1”小于零，请核对"),
        ("类别", "打车", "费用!C2：“打车”不认识，请从这些中选："),
        ("油品", "煤油", "费用!D2：“煤油”不认识，请从这些中选："),
        ("车辆", "沪B1", "费用!A2：沪B1 在 2026-01-05 没有登记"),
        ("日期", "元旦", "费用!B2：“元旦”不是时间，请写成 2026-01-31 08:30"),
        ("日期", "1925-01-01", "费用!B2：1925 年不在 2000 年至 2100 年之间"),
        ("日期", "", "费用!B2：没有填写，请补上日期"),
        ("金额", "三百", "费用!F2：“三百”不是数字"),
        ("金额", 10**11, "费用!F2：“100000000000”过大，请核对"),
        ("金额", NoValue("#REF!", "错误值"), "费用!F2：错误值"),
        ("日期", NoValue("=", "没有结果"), "费用!B2：没有结果"),
        ("车辆", NoValue("=", "没有结果"), "费用!A2：没有结果"),
    ],
)
def test_a_wrong_cell_is_named(heading: str, value: Cell, said: str) -> None:
    lines, refused = spend({**USUAL, heading: value})
    assert lines == []
    assert [text[: len(said)] for text in refused] == [said]


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("", "派车单!D2：只有钟点没有日期，请补上日期"),
        ("元旦", "派车单!C2：“元旦”不是日期，请写成 2026-01-31"),
    ],
)
def test_a_time_of_day_wants_its_day(day: str, said: str) -> None:
    cells: dict[str, Cell] = {"派车单号": "P", "车辆": "A01", "日期": day, "出车时间": time(8)}
    one = row("orders", cells, "派车单")
    assert list(order_lines(one, READING)) == []
    assert said in one.refusals.found


def test_the_plate_of_the_day_decides() -> None:
    (before,), _ = spend({**USUAL, "车辆": "沪A10001"})
    (after,), _ = spend({**USUAL, "车辆": "沪A10001", "日期": "2026-06-02"})
    assert (before.values["consumer"], after.values["consumer"]) == ("A01", "A02")
    assert spend({**USUAL, "车辆": "沪AD00001"})[1][0].startswith(
        "费用!A2：沪AD00001 在 2026-01-05 没有登记"
    )


@pytest.mark.parametrize(
    ("cells", "at", "timed"),
    [
        ({"日期": "2026-01-05", "时间": "08:30:15"}, "2026-01-05T00:30:15+00:00", True),
        ({"日期": "20260105", "时间": time(8, 30)}, "2026-01-05T00:30:00+00:00", True),
        ({"时间": "2026年1月5日 8:30"}, "2026-01-05T00:30:00+00:00", True),
        ({"时间": "2026-01-05T08:30:00"}, "2026-01-05T00:30:00+00:00", True),
        ({"时间": datetime(2026, 1, 5, 8, 30)}, "2026-01-05T00:30:00+00:00", True),  # noqa: DTZ001
        ({"日期": datetime(2026, 1, 5)}, "2026-01-05T04:00:00+00:00", False),  # noqa: DTZ001
        ({"日期": date(2026, 1, 5)}, "2026-01-05T04:00:00+00:00", False),
    ],
)
def test_moments_in_all_their_spellings(cells: dict[str, Cell], at: str, timed: bool) -> None:
    rest = {name: value for name, value in USUAL.items() if name != "日期"}
    (line,), refused = spend({**rest, **cells})
    assert refused == []
    assert (line.values["at"], line.values["timed"]) == (at, timed)


@pytest.mark.parametrize(
    ("word", "product", "amount", "kind", "fen"),
    [
        ("加油", "92号汽油", 300, "filling", 30_000),
        ("加油", "92号汽油", -300, "refund", -30_000),
        ("退款", "92号汽油", 300, "refund", -30_000),
        ("消费", "便利店商品", 30, "goods", 3_000),
        ("退款", "便利店商品", 30, "goods", -3_000),
        ("退款", "便利店商品", -30, "goods", -3_000),
        ("消费", "便利店商品", -30, "goods", -3_000),
        ("消费", "车用尿素", -30, "refund", -3_000),
        ("退款", "车用尿素", 30, "refund", -3_000),
        ("消费", "车用尿素", 30, "adblue", 3_000),
        ("充值", "", 1000, "topup", 100_000),
        ("圈存", "", 500, "transfer", 50_000),
        ("维修", "", 820.5, "maintenance", 82_050),
    ],
)
def test_kinds_are_told_apart_by_words(
    word: str, product: str, amount: float, kind: str, fen: int
) -> None:
    (line,), refused = spend({**USUAL, "类别": word, "油品": product, "金额": amount})
    assert refused == []
    assert (line.values["kind"], line.values["fen"]) == (kind, fen)


def test_gas_is_gas() -> None:
    (line,), _ = spend({**USUAL, "类别": "加气", "油品": "CNG", "数量": 12.5})
    assert (line.values["product"], line.values["quantity"], line.values["unit"]) == (
        "cng",
        12_500,
        "dm3",
    )


def test_a_filling_without_a_product_takes_the_fuel_of_the_vehicle_or_asks() -> None:
    (line,), _ = spend({**USUAL, "油品": ""})
    assert line.values["product"] == "petrol"
    for car in ("A02", "G1"):
        lines, refused = spend({**USUAL, "车辆": car, "油品": ""})
        assert lines == []
        assert refused[0].startswith("费用!D2：没有填写油品")


def test_charging_on_the_premises_is_marked_and_nothing_else_may_be() -> None:
    (line,), refused = spend({**USUAL, "类别": "充电", "油品": "", "数量": 30, "本单位充电": "是"})
    assert refused == []
    assert (line.values["own_premises"], line.values["unit"]) == (True, "wh")
    assert spend({**USUAL, "本单位充电": "是"})[1] == [
        "费用!H2：只有充电才填本单位充电，请改为否或留空"
    ]


def test_a_sheet_may_say_what_its_lines_are() -> None:
    rest = {name: value for name, value in USUAL.items() if name not in {"类别", "油品"}}
    (line,), refused = spend(rest, "维修")
    assert refused == []
    assert (line.values["kind"], line.values["quantity"]) == ("maintenance", None)


def test_neither_amount_nor_quantity_is_refused_and_one_is_enough() -> None:
    assert spend({**USUAL, "数量": "", "金额": ""})[1] == [
        "费用!F2：金额和数量都没有填写，请至少补上一项"
    ]
    (line,), _ = spend({**USUAL, "金额": ""})
    assert (line.values["fen"], line.values["quantity"]) == (None, 41_235)


@pytest.mark.parametrize("number", [9.03001e18, 9030010000000000001, "9.03001E+18"])
def test_a_card_whose_last_digits_a_spreadsheet_lost_is_refused(number: Cell) -> None:
    lines, refused = spend({**USUAL, "卡号": number})
    assert lines == []
    assert refused[0].startswith("费用!H2：号码在表格中按数字保存，末几位已丢失")


def renamed(heading: str, into: str) -> dict[str, Cell]:
    return {(into if name == heading else name): value for name, value in USUAL.items()}


@pytest.mark.parametrize(
    ("heading", "into", "said"),
    [
        ("金额", "金额（万元）", "费用!F1：金额的单位是“万元”，请换算成元后再导入"),
        ("数量", "加油量(加仑)", "费用!E1：数量的单位“加仑”不认识"),
    ],
)
def test_a_heading_in_another_unit_is_refused(heading: str, into: str, said: str) -> None:
    one = row("spending", renamed(heading, into), "费用")
    check_units(one.sheet, one.refusals)
    assert [text[: len(said)] for text in one.refusals.found] == [said]


def test_a_heading_whose_unit_is_not_that_of_the_product_is_refused() -> None:
    lines, refused = spend(renamed("数量", "数量(kWh)"))
    assert lines == []
    assert refused == ["费用!E2：表头的单位是瓦时一类，与油品不符，请核对"]


def test_lines_without_an_id_that_say_the_same_are_two_and_with_one_are_one() -> None:
    reading = Reading(PAPERS, ZONE, TODAY, holders())
    same: Counter[str] = Counter()
    keys = [
        line.key
        for _ in range(2)
        for line in spending_lines(row("spending", USUAL, "费用"), reading, same)
    ]
    assert len(set(keys)) == 2
    with_id = row("spending", {**USUAL, "交易流水号": "T1"}, "费用")
    assert [line.key for _ in range(2) for line in spending_lines(with_id, reading, same)] == [
        "|T1",
        "|T1",
    ]


def test_a_provider_brings_its_own_kinds_only() -> None:
    said: dict[str, Cell] = {
        "交易序号": "T1",
        "持卡卡号": "9001",
        "交易发生时间": "2026-01-05 08:30",
        "操作": "扣款",
        "货品": "汽油92",
        "数量(L)": 30,
        "交易额": 240,
    }
    (line,), refused = spend(said, papers=PROVIDER)
    assert refused == []
    assert (line.key, line.values["provider"]) == ("示例石化|T1", "示例石化")
    lines, refused = spend({**said, "操作": "维修", "货品": ""}, papers=PROVIDER)
    assert lines == []
    assert refused == ["费用!D2：示例石化 不能导入“维修”，请从文件中删去，或核对对照文件"]


ORDER: dict[str, Cell] = {
    "派车单号": "P1",
    "车辆": "A01",
    "出车时间": "2026-01-05 08:30",
    "回车时间": "2026-01-05 11:30",
    "出车里程": 100,
    "回车里程": 142.5,
}


@pytest.mark.parametrize(
    ("heading", "value", "said"),
    [
        ("回车时间", "2026-01-05 08:00", "派车单!D2：回车时间早于出车时间，请核对"),
        ("回车里程", 99, "派车单!F2：回车里程小于出车里程，请核对"),
        ("回车时间", "2026-01-05", "派车单!D2：“2026-01-05”没有钟点，请写成 2026-01-31 08:30"),
        ("派车单号", "", "派车单!A2：没有填写，请补上"),
    ],
)
def test_an_order_that_cannot_be(heading: str, value: Cell, said: str) -> None:
    one = row("orders", {**ORDER, heading: value}, "派车单")
    assert list(order_lines(one, READING)) == []
    assert one.refusals.found == [said]


def test_an_order_may_lack_most_of_what_it_should_say() -> None:
    one = row("orders", {"派车单号": "P1", "车辆": "A01", "日期": "2026-01-05"}, "派车单")
    (line,) = order_lines(one, READING)
    assert line.values["day"] == "2026-01-05"
    assert (line.values["out_at"], line.values["odometer_out_hm"]) == (None, None)


def test_facts_of_a_vehicle_in_whole_units() -> None:
    said: dict[str, Cell] = {
        "车辆编码": "A01",
        "机构编码": "czj",
        "起始日期": "2026-01-01",
        "能源": "汽油",
        "排量": 1.498,
        "油箱容积": 55,
        "购置价格": 118000.5,
        "购置日期": "2017/3/1",
        "状态": "封存",
    }
    consumer, *lines = consumer_lines(row("consumers", said), READING)
    assert (consumer.key, consumer.values["kind"]) == ("A01", "vehicle")
    assert {line.values["name"]: line.values["value"] for line in lines} == {
        "energy": "petrol",
        "displacement": "1498",
        "tank": "55000",
        "price": "11800050",
        "bought_on": "2017-03-01",
        "state": "sealed",
    }
    wrong = row("consumers", {**said, "状态": "丢失", "起始日期": ""})
    assert list(consumer_lines(wrong, READING)) == []
    assert wrong.refusals.found == ["表!C2：没有填写，请补上这些情况自何日起"]
    wrong = row("consumers", {**said, "状态": "丢失"})
    assert len(list(consumer_lines(wrong, READING))) == 6
    assert wrong.refusals.found == ["表!I2：“丢失”不认识，请从这些中选：在用、封存、已处置"]


def test_a_card_is_bound_from_the_begin_of_its_day_and_may_be_nobodys() -> None:
    reading = Reading(PAPERS, ZONE, TODAY, holders())
    said: dict[str, Cell] = {"卡号": "9001", "车辆": "", "起始时间": "2026-01-05"}
    (line,) = card_lines(row("cards", said), reading)
    assert (line.values["consumer"], line.values["since"]) == (None, "2026-01-04T16:00:00+00:00")
    (line,) = card_lines(row("cards", {**said, "车辆": "A01"}), reading)
    assert line.values["consumer"] == "A01"


def test_parties_and_budgets() -> None:
    said: dict[str, Cell] = {
        "类别": "定点加油站",
        "名称": "示例石化一站",
        "起始日期": "2026-01-01",
        "截止日期": "2026-12-31",
        "连锁": "是",
    }
    (line,) = party_lines(row("parties", said), words())
    assert (line.values["kind"], line.values["until"]) == ("station", "2027-01-01")
    wrong = row("parties", {**said, "截止日期": "2025-12-31"})
    list(party_lines(wrong, words()))
    assert wrong.refusals.found == ["表!D2：2025-12-31 早于起始日期 2026-01-01，请核对"]
    reading = Reading(PAPERS, ZONE, TODAY, holders())
    budget: dict[str, Cell] = {"机构编码": "jgj", "车辆": "A01", "年度": 2026, "预算金额": 30000}
    wrong = row("budgets", budget)
    list(budget_lines(wrong, reading))
    assert wrong.refusals.found == ["表!B2：A01 不属于机构 jgj，请核对"]
    (line,) = budget_lines(row("budgets", {**budget, "机构编码": "czj"}), reading)
    assert (line.key, line.values["fen"]) == ("czj|A01|2026", 3_000_000)
