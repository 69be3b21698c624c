"""Rows for the quarantine: what was refused, with its reason and its bytes."""

from __future__ import annotations

import hashlib

from storage.records import pack_quarantine


def quarantine_row(
    source: str, origin: str, reason: str, payload: bytes, received_us: int
) -> bytes:
    """Pack one refused message for the ``quarantine`` table.

    The key is a digest of source, origin and payload, so that a replay finds the row already there.

    Args:
        source: which source refused it, for example ``mqtt``.
        origin: topic, device or peer it came from.
        reason: why, in words an integrator can act on.
        payload: the bytes as they arrived.
        received_us: when it arrived, Unix microseconds.
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in (source.encode(), _text(origin).encode(), payload):
        # With its length in front no two messages can run together into the same bytes.
        digest.update(len(part).to_bytes(8, "big") + part)
    return pack_quarantine(
        source, _text(origin), digest.digest(), _text(reason), payload, received_us
    )


def _text(value: str) -> str:
    """Make a string that PostgreSQL takes as text: no NUL, no lone surrogate."""
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
