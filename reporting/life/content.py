"""What is signed, in one form of words, and its hash. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal

from reporting.draft.store import Draft

Explained = Mapping[tuple[str, tuple[str, ...]], str]
"""By code of the rule and lines: what somebody said of a finding."""


def content(draft: Draft, explained: Explained) -> bytes:
    """Return what a signature stands for: every figure and last year's, and what was explained.

    The same figures give the same bytes on any machine and with any version of the program: UTF-8,
    keys in order, numbers as texts.
    """
    said = {
        "institution": draft.institution,
        "period": draft.period.code,
        "edition": draft.edition,
        "revision": draft.number,
        "cells": {code: _text(cell.value) for code, cell in draft.cells.items()},
        "before": {code: _text(cell.before) for code, cell in draft.cells.items()},
        "explained": [
            {"rule": rule, "lines": list(lines), "words": words}
            for (rule, lines), words in sorted(explained.items())
        ],
    }
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def sha256(draft: Draft, explained: Explained) -> bytes:
    """Return the hash of :func:`content`."""
    return hashlib.sha256(content(draft, explained)).digest()
