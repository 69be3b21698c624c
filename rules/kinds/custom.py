"""Conditions that people write themselves, as expressions of the package ``rule-engine``.

An expression sees numbers, and the operating mode by its label: ``relay == 1 and power > 200``,
``mode == "制冷"``. What it names is what the rule looks at, of one sort of subjects; where any of
that is unknown, so is the condition. It sees no clock and no chance: what it says of some values,
it always says.
"""

from __future__ import annotations

import decimal
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import numpy as np
import rule_engine
from rule_engine import DataType
from rule_engine.ast import ComparisonExpression, ContainsExpression, StringExpression

from fleet.joining.verdict import Doubt
from rules.kinds.aircon import MODES
from rules.kinds.metered import Metered
from rules.kinds.missing import CADENCES
from rules.kinds.model import (
    WORKING,
    BusLayer,
    DeviceLayer,
    Input,
    Kind,
    RespondentLayer,
    SiteLayer,
    Sort,
    TerminalLayer,
)
from rules.kinds.reported import ENERGIES
from rules.kinds.vehicles import Layer
from rules.timeline.overlay import Pieces
from rules.timeline.truth import FALSE, TRUE, UNKNOWN, Truth

CODE: Final = "custom"
SORTS: Final[Mapping[Sort, tuple[str, ...]]] = {
    Sort.PLACE: tuple(one.value for one in Input),
    Sort.DEVICE: tuple(one.value for one in DeviceLayer),
    Sort.BUS: tuple(one.value for one in BusLayer),
    Sort.SITE: tuple(one.value for one in SiteLayer),
    Sort.METER: tuple(one.value for one in Metered),
    Sort.VEHICLE: (*(one.value for one in Doubt), *(one.value for one in Layer)),
    Sort.TERMINAL: tuple(one.value for one in TerminalLayer),
    Sort.INSTITUTION: (
        *(name for one in ENERGIES for name in one.layers),
        *(one.layer for one in CADENCES),
    ),
    Sort.RESPONDENT: tuple(one.value for one in RespondentLayer),
}
"""What expressions may name, by what they are about; and, of any, working hours."""
NAMES: Final = (*(name for names in SORTS.values() for name in names), WORKING)
_MOST_TEXT: Final = 500
"""Characters: a longer condition is several rules."""
_TYPES: Final = {name: DataType.STRING if name == Input.MODE else DataType.FLOAT for name in NAMES}
_LABELS: Final = {number: label for label, number in MODES.items()}


class ExpressionError(ValueError):
    """An expression cannot be used: what is wrong with it, and what to do."""


def kind_of(expression: str) -> Kind:
    """Return the kind of rule that an expression makes.

    Args:
        expression: a condition on values at one moment.

    Raises:
        ExpressionError: it cannot be read, names what nobody measures, compares a number with a
            text, or says something else than yes or no.
    """
    rule, names = _read(expression)
    told = expression.replace("{", "{{").replace("}", "}}")
    return Kind(
        code=CODE,
        label="自定义条件",
        inputs=tuple(name for name in names if name != WORKING),
        beside=(),
        parameters={},
        hours=WORKING in names,
        holds=lambda pieces, _: _holds(rule, names, pieces),
        sentence=f"满足自定义条件（{told}）。",
        sort=_sort(names),
        expression=expression,
    )


def _read(expression: str) -> tuple[rule_engine.Rule, tuple[str, ...]]:
    if "$" in expression:
        raise ExpressionError("functions ($…) are not known here: compare values with numbers")
    if len(expression) > _MOST_TEXT:
        raise ExpressionError(f"it is longer than {_MOST_TEXT} characters: make several rules")
    context = rule_engine.Context(
        type_resolver=rule_engine.type_resolver_from_dict(_TYPES),
        default_timezone="utc",
        decimal_context=decimal.Context(prec=28),
    )
    try:
        rule = rule_engine.Rule(expression, context=context)
    except rule_engine.SymbolResolutionError as error:
        raise ExpressionError(
            f"it names {error.symbol_name}, which nobody measures: "
            f"it may name, of one sort, {_all()}"
        ) from error
    except rule_engine.EngineError as error:
        raise ExpressionError(f"it cannot be read: {_said(error)}") from error
    _check(rule)
    names = tuple(name for name in NAMES if name in context.symbols)
    if not set(names) - {WORKING}:
        raise ExpressionError(
            f"it names nothing that is measured: it may name, of one sort, {_all()}"
        )
    return rule, names


def _sort(names: Collection[str]) -> Sort:
    about = [sort for sort, known in SORTS.items() if not set(known).isdisjoint(names)]
    if len(about) > 1:
        raise ExpressionError(f"it names what different subjects have: take names of one, {_all()}")
    return about[0]


def _all() -> str:
    return "; ".join(f"{sort.value}: {', '.join(names)}" for sort, names in SORTS.items())


def _check(rule: rule_engine.Rule) -> None:
    """Refuse what the language lets pass and what nobody can have meant."""
    whole = rule.statement.expression
    if whole.result_type != DataType.BOOLEAN:
        raise ExpressionError("it is a value, not a condition: compare it, as in power > 200")
    for part in _parts(whole):
        if isinstance(part, ComparisonExpression) and part.left.result_type != (
            part.right.result_type
        ):
            raise ExpressionError("it compares a number with a text: only mode is a text")
        if isinstance(part, ContainsExpression) and part.member.result_type != DataType.STRING:
            raise ExpressionError('"in" is for modes only: mode in ["制冷", "制热"]')
        if isinstance(part, StringExpression) and part.value not in MODES:
            raise ExpressionError(f"there is no mode {part.value}: use one of {', '.join(MODES)}")


def _parts(node: object) -> Iterator[object]:
    """Yield an expression with all that it is made of."""
    if isinstance(node, (list, tuple)):
        for one in node:
            yield from _parts(one)
    elif isinstance(node, rule_engine.ast.ExpressionBase):
        yield node
        for name in _fields(node):
            yield from _parts(getattr(node, name, None))


def _fields(node: object) -> set[str]:
    slots = (getattr(cls, "__slots__", ()) for cls in type(node).__mro__)
    found = {name for names in slots for name in ((names,) if isinstance(names, str) else names)}
    return (found | getattr(node, "__dict__", {}).keys()) - {"context"}


def _said(error: rule_engine.EngineError) -> str:
    message = getattr(error, "message", "") or type(error).__name__
    return str(message)


def _holds(rule: rule_engine.Rule, names: tuple[str, ...], pieces: Pieces) -> Truth:
    """Ask once for each combination of values: a month of pieces has few."""
    columns = np.column_stack([pieces.column(name) for name in names])
    found = np.full(len(pieces), UNKNOWN)
    told = np.flatnonzero(np.isfinite(columns).all(axis=1))
    if len(told):
        distinct, back = np.unique(columns[told], axis=0, return_inverse=True)
        answers = [_answer(rule, dict(zip(names, row, strict=True))) for row in distinct.tolist()]
        found[told] = np.array(answers, np.int8)[back.reshape(-1)]
    return found


def _answer(rule: rule_engine.Rule, values: Mapping[str, float]) -> np.int8:
    thing: dict[str, Any] = dict(values)
    if Input.MODE in thing:
        thing[Input.MODE] = _LABELS.get(int(values[Input.MODE]), "")
    try:
        return TRUE if rule.matches(thing) else FALSE
    except rule_engine.EvaluationError:
        # Divided by zero: of these values it says nothing.
        return UNKNOWN
