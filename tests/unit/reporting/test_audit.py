"""What is held against a draft: each rule finds its own, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from metering.bills.month import Source
from metering.factors.files import DataFileError
from reporting.audit.checks import audited
from reporting.audit.model import Drafted, Finding, Severity
from reporting.audit.reading import DATA, load_rules
from reporting.draft.cells import Cell, Standing, Trace
from reporting.draft.period import period_of
from reporting.forms.reading import load_editions

EDITIONS = load_editions()
EDITION = EDITIONS[-1]
LINES = {line.code for edition in EDITIONS for line in edition.lines()}
RULES = load_rules(LINES)


def cell(code: str, value: str | None) -> Cell:
    if value is None:
        return Cell(code, None, Standing.ABSENT)
    if value.startswith("?"):
        return Cell(code, None, Standing.MISSING, value[1:])
    return Cell(code, Decimal(value), Standing.KNOWN)


def cells(**values: str) -> Mapping[str, Cell]:
    """All lines; those that are not named are absent. Names are codes behind an underscore."""
    told = {code.removeprefix("_"): value for code, value in values.items()}
    return {line.code: cell(line.code, told.get(line.code)) for line in EDITION.lines()}


def found(now: Mapping[str, Cell], before: Mapping[str, Cell] | None = None) -> list[Finding]:
    return [*audited(RULES, Drafted(EDITION, period_of("2026-03"), now, before or {}))]


def brief(now: Mapping[str, Cell], before: Mapping[str, Cell] | None = None) -> list[str]:
    return [f"{one.rule} {' '.join(one.cells)}" for one in found(now, before)]


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert brief(cells()) == []
    assert brief(cells(_110="1000", _111="800", _101="500", _102="20", _1021="25")) == []


def test_a_quantity_that_is_missing_blocks_a_cost_asks() -> None:
    said = found(cells(_110="?2026-03 用量未知", _111="?2026-03 费用未知", _101="?没有建筑面积"))
    assert [(one.rule, one.severity, one.cells) for one in said] == [
        ("quantity-missing", Severity.BLOCK, ("110",)),
        ("cost-missing", Severity.EXPLAIN, ("111",)),
        ("fact-missing", Severity.EXPLAIN, ("101",)),
    ]
    assert said[0].said == "电（110）未知：2026-03 用量未知"
    # What blocks is not to be explained: it must not say so.
    assert [one.mend for one in said] == [
        "补录账单或购入，确未使用的录入 0",
        "补录金额，或说明原因",
        "补录单位情况，或说明原因",
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"_301": "10", "_3011": "4", "_3012": "3", "_3013": "3"}, []),
        ({"_301": "10", "_3011": "4", "_3012": "3", "_3013": "2"}, ["sums 301 3011 3012 3013"]),
        ({"_301": "10", "_3011": "4", "_3012": "3"}, []),
        ({"_301": "10", "_3011": "11"}, ["sums 301 3011 3012 3013"]),
        ({"_103": "3", "_1031": "2"}, []),
        ({"_103": "3", "_1031": "2", "_1033": "2"}, ["parts 103 1031 1032 1033"]),
        ({"_240": "5", "_110": "9", "_111": "5"}, []),
        ({"_240": "9.01", "_110": "9", "_111": "5"}, ["within 240 110"]),
        ({"_240": "9"}, ["within 240 110"]),
        ({"_240": "0"}, []),
    ],
)
def test_parts_fit_into_their_whole(values: dict[str, str], expected: list[str]) -> None:
    assert brief(cells(**values)) == expected


@pytest.mark.parametrize(
    ("quantity", "cost", "expected"),
    [
        ("5", "0", ["quantity-and-cost 120 121", "price-of-water 120 121"]),
        ("0", "5", ["quantity-and-cost 120 121"]),
        ("0", "0", []),
        ("5", "?2026-03 费用未知", ["cost-missing 121"]),
        ("10", "15", []),
        ("10", "14.99", ["price-of-water 120 121"]),
        ("10", "120", []),
        ("10", "120.01", ["price-of-water 120 121"]),
    ],
)
def test_quantity_and_cost(quantity: str, cost: str, expected: list[str]) -> None:
    assert brief(cells(_120=quantity, _121=cost)) == expected


@pytest.mark.parametrize(
    ("line", "before", "now", "is_found"),
    [
        ("101", "100", "110", False),
        ("101", "100", "110.01", True),
        ("102", "100", "89", True),
        ("130", "100", "130", False),
        ("130", "100", "69.99", True),
        ("130", "0", "5", True),
        ("130", "0", "0", False),
        ("103", "1", "9", False),
    ],
)
def test_change_from_the_year_before(line: str, before: str, now: str, *, is_found: bool) -> None:
    then, told = cells(**{f"_{line}": before}), cells(**{f"_{line}": now})
    rules = [one.rule for one in found(told, then) if one.rule.endswith("change")]
    assert bool(rules) is is_found


def test_a_change_says_both_figures() -> None:
    (said,) = found(cells(_130="131"), cells(_130="100"))
    assert said.said == "煤炭（130）为 131，上年同期 100，变化 31.0%"
    (said,) = found(cells(_130="5"), cells(_130="0"))
    assert said.said == "煤炭（130）为 5，上年同期 0，上年同期为 0"


def traced(value: str, estimated: str, difference: str | None) -> Cell:
    one = Trace(
        period_of("2026-03").first,
        Decimal(value),
        {Source.BILLED: Decimal(value)},
        Decimal(estimated),
        Decimal(0),
        None,
        None if difference is None else Decimal(difference),
        *((),) * 5,
    )
    return Cell("130", Decimal(value), Standing.KNOWN, "", (one,))


@pytest.mark.parametrize(
    ("estimated", "difference", "expected"),
    [
        ("10", None, []),
        ("10.01", None, ["estimated 130"]),
        ("0", "5", []),
        ("0", "5.1", ["bill-against-meter 130"]),
        ("0", "-5.1", ["bill-against-meter 130"]),
    ],
)
def test_what_figures_rest_on(estimated: str, difference: str | None, expected: list[str]) -> None:
    assert brief({**cells(), "130": traced("100", estimated, difference)}) == expected


def test_what_is_not_known_for_sure_blocks_nobody(tmp_path: Path) -> None:
    assert [one.code for one in RULES if one.severity is Severity.BLOCK] == ["quantity-missing"]
    path = tmp_path / "rules.yaml"
    text = DATA.read_text("utf-8")
    path.write_text(text.replace("high: 1.5\n    severity: note", "high: 1.5\n    severity: block"))
    with pytest.raises(DataFileError, match=r"rules\.yaml:\d+: .*blocks nobody"):
        load_rules(LINES, path)


@pytest.mark.parametrize(
    ("written", "wrong", "said"),
    [
        ("[240/110, ", "[240/11O, ", "no edition has a line 11O"),
        ('lines: ["103", ', 'lines: ["1O3", ', "no edition has a line 1O3"),
        ("above: 0.05, ", "", "above is missing"),
        ("kind: both", "kind: bth", "did you mean both"),
        ("pairs: [110/111]\n", "pairs: []\n", "pairs is missing"),
        ("code: parts", "code: sums", "stands there twice"),
    ],
)
def test_a_mistake_is_refused_with_its_line(
    tmp_path: Path, written: str, wrong: str, said: str
) -> None:
    text = DATA.read_text("utf-8")
    assert written in text
    path = tmp_path / "rules.yaml"
    path.write_text(text.replace(written, wrong), "utf-8")
    with pytest.raises(DataFileError, match=rf"rules\.yaml:\d+: .*{said}"):
        load_rules(LINES, path)


def test_no_words_accuse_anybody() -> None:
    everything = cells(**{f"_{code}": "?" + "未知" for code in ("110", "111", "101")})
    many = [*found(everything), *found(cells(_240="9", _120="5", _121="0"), cells(_120="1"))]
    assert len(many) >= 6
    for one in many:
        assert not {"违规", "虚报", "造假", "违法"} & {one.said, one.mend}
        assert one.mend
