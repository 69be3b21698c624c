"""What papers call a station or a garage."""

from __future__ import annotations

import unicodedata


def named(merchant: str) -> str:
    """Return what papers mean by a name: widths, case, blanks and punctuation do not matter."""
    text = unicodedata.normalize("NFKC", merchant).casefold()
    return "".join(one for one in text if one.isalnum())
