"""The formula of a virtual meter: meters added, subtracted, and multiplied by constants.

``{P-01} + {P-02} - 0.5 * ({A} - {B})``. Codes stand in braces, because a code may hold any sign.
Whatever the formula, it comes to one exact factor for each meter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Final

LONGEST: Final = 4_000
"""Characters of a formula."""
DEEPEST: Final = 50
"""Parentheses within parentheses."""
_WHOLE: Final = Decimal(1_000_000)
_DIGITS: Final = 12
"""Of a factor behind the point: two constants of six digits multiplied."""

_TOKEN = re.compile(
    r"\s*(?:\{(?P<code>[^{}]*)\}|(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<sign>[-+*×()−])|(?P<other>\S))"
)
_PLAIN: Final = {"×": "*", "−": "-"}


class FormulaError(ValueError):
    """The formula cannot be read; the message says at which character, and what to do."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # code, number, sign, end
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class _Value:
    """A part of the formula: a constant, or factors of meters; never both."""

    constant: Decimal | None
    factors: Mapping[str, Decimal]


def parse(text: str) -> dict[str, Decimal]:
    """Read a formula.

    Returns:
        The factor of each meter, by its code, in the order of their first appearance; none is 0.

    Raises:
        FormulaError: it is not a formula, adds a constant, multiplies meters with each other, or
            does not depend on a meter that it names.
    """
    if len(text) > LONGEST:
        raise FormulaError(f"公式超过 {LONGEST} 个字符：请拆成几个虚拟表")
    with localcontext(prec=200):
        value = _Reader(_tokens(text)).formula()
    if value.constant is not None:
        raise FormulaError("公式里没有计量表：请写出计量表编码，例如 {P-01} + {P-02}")
    for code, factor in value.factors.items():
        _check(code, factor)
    return dict(value.factors)


def _check(code: str, factor: Decimal) -> None:
    if not factor:
        raise FormulaError(f"{{{code}}} 在公式里相互抵消：请去掉它")
    exponent = factor.normalize().as_tuple().exponent
    if abs(factor) > _WHOLE or not isinstance(exponent, int) or -exponent > _DIGITS:
        raise FormulaError(
            f"{{{code}}} 的系数 {factor.normalize():f} 超出范围：绝对值最大 {_WHOLE}，"
            f"最多 {_DIGITS} 位小数"
        )


def _tokens(text: str) -> list[_Token]:
    found = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "other"
        written = match[kind]
        at = match.start(kind) + (kind != "code")  # a code begins with its brace
        if kind == "other":
            raise FormulaError(
                f"第 {at} 个字符“{written}”无法识别：计量表编码要写在花括号里，例如 {{P-01}}；"
                "运算只有 + - * 和括号"
            )
        if kind == "code" and not written.strip():
            raise FormulaError(f"第 {at} 个字符处的花括号是空的：请写计量表编码")
        found.append(_Token(kind, _PLAIN.get(written, written.strip()), at))
    return [*found, _Token("end", "", len(text) + 1)]


class _Reader:
    """Reads sums of products of signed atoms, left to right."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0

    def formula(self) -> _Value:
        value = self._sum()
        if self._peek().kind != "end":
            raise self._error("多余")
        return value

    def _sum(self) -> _Value:
        value = self._product()
        while self._peek().text in ("+", "-") and self._peek().kind == "sign":
            sign = self._take()
            value = _added(value, _scaled(self._product(), _one(sign)), sign)
        return value

    def _product(self) -> _Value:
        value = self._atom()
        while self._peek().kind == "sign" and self._peek().text == "*":
            value = _multiplied(value, self._take(), self._atom())
        return value

    def _atom(self) -> _Value:
        token = self._peek()
        if token.kind == "number":
            return _Value(_constant(self._take()), {})
        if token.kind == "code":
            return _Value(None, {self._take().text: Decimal(1)})
        if token.kind == "sign" and token.text in ("+", "-", "("):
            return self._nested()
        raise self._error("这里应是计量表编码、数字或左括号，却是")

    def _nested(self) -> _Value:
        sign = self._take()
        self._depth += 1
        if self._depth > DEEPEST:
            raise FormulaError(f"第 {sign.at} 个字符：括号或正负号超过 {DEEPEST} 层")
        if sign.text == "(":
            value = self._sum()
            if self._peek().text != ")":
                raise self._error("这里应是右括号，却是")
            self._take()
        else:
            value = _scaled(self._atom(), _one(sign))
        self._depth -= 1
        return value

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        self._next += 1
        return self._tokens[self._next - 1]

    def _error(self, what: str) -> FormulaError:
        token = self._peek()
        shown = "公式的结尾" if token.kind == "end" else f"“{token.text}”"
        return FormulaError(f"第 {token.at} 个字符：{what}{shown}，请修改公式")


def _constant(token: _Token) -> Decimal:
    _, _, digits = token.text.partition(".")
    value = Decimal(token.text)
    if len(digits) > 6 or value > _WHOLE:
        raise FormulaError(
            f"第 {token.at} 个字符：常数 {token.text} 超出范围：最大 {_WHOLE}，最多 6 位小数"
        )
    return value


def _one(sign: _Token) -> Decimal:
    return Decimal(-1 if sign.text == "-" else 1)


def _scaled(value: _Value, by: Decimal) -> _Value:
    if value.constant is not None:
        return _Value(value.constant * by, {})
    return _Value(None, {code: factor * by for code, factor in value.factors.items()})


def _added(one: _Value, other: _Value, sign: _Token) -> _Value:
    if one.constant is not None and other.constant is not None:
        return _Value(one.constant + other.constant, {})
    if one.constant is not None or other.constant is not None:
        raise FormulaError(
            f"第 {sign.at} 个字符：计量表不能加减常数（常数没有时间长短），常数只能作系数"
        )
    factors = dict(one.factors)
    for code, factor in other.factors.items():
        factors[code] = factors.get(code, Decimal(0)) + factor
    return _Value(None, factors)


def _multiplied(one: _Value, sign: _Token, other: _Value) -> _Value:
    if one.constant is not None:
        return _scaled(other, one.constant)
    if other.constant is not None:
        return _scaled(one, other.constant)
    raise FormulaError(f"第 {sign.at} 个字符：计量表之间不能相乘，只能乘常数")
