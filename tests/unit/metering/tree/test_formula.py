from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from metering.tree.formula import DEEPEST, LONGEST, FormulaError, parse


@pytest.mark.parametrize(
    ("text", "factors"),
    [
        ("{A}", {"A": "1"}),
        ("{A} + {B}", {"A": "1", "B": "1"}),
        ("{A}-{B}", {"A": "1", "B": "-1"}),
        ("{A} − {B} × 2", {"A": "1", "B": "-2"}),
        ("{A} - ({B} - {C})", {"A": "1", "B": "-1", "C": "1"}),
        ("0.5 * ({A} + 3 * {B}) * 2", {"A": "1", "B": "3"}),
        ("-{A} + {B}", {"A": "-1", "B": "1"}),
        ("2 * -{A}", {"A": "-2"}),
        ("(1 - 0.25) * {A}", {"A": "0.75"}),
        ("{A} + {A}", {"A": "2"}),
        ("0.000001 * 0.000001 * {A}", {"A": "0.000000000001"}),
        ("{P-1F*(2)} + { 一层照明 }", {"P-1F*(2)": "1", "一层照明": "1"}),
    ],
)
def test_a_formula_comes_to_one_factor_for_each_meter(text: str, factors: dict[str, str]) -> None:
    assert parse(text) == {code: Decimal(factor) for code, factor in factors.items()}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "第 1 个字符：这里应是计量表编码、数字或左括号，却是公式的结尾"),
        ("A + B", "第 1 个字符“A”无法识别：计量表编码要写在花括号里"),
        ("{A} +", "第 6 个字符：这里应是计量表编码"),
        ("{A} {B}", "第 5 个字符：多余“B”"),
        ("({A} + {B}", "这里应是右括号，却是公式的结尾"),
        ("{A})", "多余“\\)”"),
        ("{A} * {B}", "第 5 个字符：计量表之间不能相乘"),
        ("{A} + 5", "第 5 个字符：计量表不能加减常数"),
        ("5", "公式里没有计量表"),
        ("{A} - {A} + {B}", "{A} 在公式里相互抵消"),
        ("0 * {A}", "{A} 在公式里相互抵消"),
        ("{A} / 2", "第 5 个字符“/”无法识别"),
        ("{ } + {A}", "花括号是空的"),
        ("{A", "第 1 个字符“{”无法识别"),
        ("1.1234567 * {A}", "常数 1.1234567 超出范围"),
        ("1000001 * {A}", "常数 1000001 超出范围"),
        ("1000000 * 2 * {A}", "{A} 的系数 2000000 超出范围"),
        ("0.000001 * 0.000001 * 0.1 * {A}", "最多 12 位小数"),
        ("(" * (DEEPEST + 1) + "{A}" + ")" * (DEEPEST + 1), f"超过 {DEEPEST} 层"),
        ("-" * (DEEPEST + 1) + "{A}", f"超过 {DEEPEST} 层"),
        ("{A}" + " " * LONGEST, "请拆成几个虚拟表"),
    ],
)
def test_what_is_no_formula_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        parse(text)


CODES = "ABC"
LEAVES = st.sampled_from([f"{{{code}}}" for code in CODES])
CONSTANTS = st.integers(-9_999, 9_999).map(lambda n: f"{n / 100:.2f}")


def _grown(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(children, st.sampled_from("+-"), children)
    return pairs.map(lambda p: f"({p[0]} {p[1]} {p[2]})") | st.tuples(CONSTANTS, children).map(
        lambda p: f"{p[0]}*{p[1]}"
    )


@given(st.recursive(LEAVES, _grown, max_leaves=6), st.tuples(*[st.integers(-99, 99)] * 3))
def test_the_factors_are_the_formula(text: str, values: tuple[int, int, int]) -> None:
    by_code = dict(zip(CODES, values, strict=True))
    expected = eval("".join(_python(text, by_code)), {"Fraction": Fraction})
    try:
        factors = parse(text)
    except FormulaError:
        # What cancels out, and what has too many digits, is refused; nothing else here is.
        assume(False)
    got = sum(Fraction(factor) * by_code[code] for code, factor in factors.items())
    assert got == expected


def _python(text: str, values: dict[str, int]) -> list[str]:
    """The same text as exact Python: an oracle of another make."""
    out, at = [], 0
    while at < len(text):
        if text[at] == "{":
            end = text.index("}", at)
            out.append(f"Fraction({values[text[at + 1 : end]]})")
            at = end + 1
        elif text[at].isdigit():
            end = at
            while end < len(text) and text[end] in "0123456789.":
                end += 1
            out.append(f"Fraction('{text[at:end]}')")
            at = end
        else:
            out.append(text[at])
            at += 1
    return out
