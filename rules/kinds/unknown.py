"""Kinds that only a newer program knows: their rules fail, and hold up no other rule."""

from __future__ import annotations

from rules.kinds.model import Kind, Values
from rules.timeline.overlay import Pieces
from rules.timeline.truth import Truth


def unknown(code: str) -> Kind:
    """Return a kind that fails wherever it is asked, and says why."""

    def fail(_pieces: Pieces, _values: Values) -> Truth:
        raise LookupError(
            f"this program knows no kind {code}; a newer one loaded the rule: run that one, "
            "or load a rule set without it"
        )

    return Kind(code, code, (), (), {}, False, fail, "")
