"""All kinds by their codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rules.kinds import (
    aircon,
    answers,
    circuit,
    custom,
    data,
    inspection,
    lighting,
    metered,
    missing,
    reported,
    vehicle_papers,
    vehicles,
)
from rules.kinds.model import Kind

_MODULES: Final = (
    *(aircon, circuit, lighting, data, inspection),
    *(metered, reported, missing, answers, vehicle_papers, vehicles),
)
KINDS: Final[Mapping[str, Kind]] = {kind.code: kind for room in _MODULES for kind in room.KINDS}
CODES: Final = (*KINDS, custom.CODE)
"""What a rule set may name."""


def kind_of(code: str, expression: str | None) -> Kind:
    """Return a kind.

    Args:
        code: one of :data:`CODES`.
        expression: the condition of a kind that people write.

    Raises:
        LookupError: this program knows no such kind.
        rules.kinds.custom.ExpressionError: the expression is wrong.
    """
    if code == custom.CODE and expression is not None:
        return custom.kind_of(expression)
    return KINDS[code]
