"""All kinds by their codes."""

from __future__ import annotations

from typing import Final

from rules.kinds import aircon, circuit, custom, data, inspection, lighting, metered, reported
from rules.kinds.model import Kind

_TOLD: Final = (aircon, circuit, lighting, data, inspection, metered, reported)
KINDS: Final = {kind.code: kind for part in _TOLD for kind in part.KINDS}
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
