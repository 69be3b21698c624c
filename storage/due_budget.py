"""How much one transaction computes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from storage.due import Claim
from storage.times import DAY_US

_LONGEST_US: Final = 3_650 * DAY_US
"""Nobody's readings go further back, whatever a due row says."""


def within(claims: Iterable[Claim], budget_us: int) -> list[Claim]:
    """Return as many claims, from the first on, as a transaction should compute; at least one.

    Args:
        claims: what could be computed.
        budget_us: time of all spans together.
    """
    kept: list[Claim] = []
    left = budget_us
    for one in claims:
        left -= sum(min(span.to_us - span.from_us, _LONGEST_US) + DAY_US for span in one.spans)
        if kept and left < 0:
            break
        kept.append(one)
    return kept
