"""Sharing whole numbers out so that the shares add up."""

from __future__ import annotations

from collections.abc import Sequence


def largest_remainder(total: int, parts: Sequence[int]) -> list[int]:
    """Share a whole number out in proportion; the shares are whole and add up to it exactly.

    Each gets its share rounded down; what is left goes, one by one, to those who lost most by
    that, the earlier first.

    Args:
        total: may be negative.
        parts: of each, at least 1.

    Raises:
        ValueError: there are no parts, or one is below 1.
    """
    if not parts or min(parts) < 1:
        raise ValueError(f"cannot share out over {list(parts)}: parts are whole numbers from 1")
    whole = sum(parts)
    shares = [total * part // whole for part in parts]
    lost = [total * part % whole for part in parts]
    order = sorted(range(len(parts)), key=lambda at: (-lost[at], at))
    for at in order[: total - sum(shares)]:
        shares[at] += 1
    return shares
