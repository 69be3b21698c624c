"""A webhook of the institution's own: JSON with the keys, and the HTTP status as the answer."""

from __future__ import annotations

from collections.abc import Sequence

from notify.model import Note
from notify.secrets import Address
from notify.send.http import post
from notify.text import Text


def content_of(text: Text, notes: Sequence[Note]) -> dict[str, object]:
    """Return a message as a webhook or a file takes it: docs/notify.md describes each field."""
    return {
        "key": text.key,
        "title": text.title,
        "text": text.body,
        "notes": [
            {
                "key": note.key,
                "route": note.route,
                "severity": str(note.severity),
                "subject": note.subject,
                "title": note.title,
                "body": note.body,
                "happened_at": note.happened_at.isoformat(),
            }
            for note in notes
        ],
    }


def webhook(text: Text, notes: Sequence[Note], address: Address, timeout_s: float) -> str:
    """Post a message; return what was answered.

    Raises:
        NotSentError: another status than 2xx came, or none.
    """
    headers = {"Idempotency-Key": text.key}
    return f"HTTP {post(address.url, content_of(text, notes), headers, timeout_s).status}"
