"""A file as the receiver: for trying routes out, and for tests."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from notify.model import Note
from notify.secrets import Address
from notify.send.outcome import NotSentError
from notify.send.webhook import content_of
from notify.text import Text


def append(text: Text, notes: Sequence[Note], address: Address) -> str:
    """Append a message as one JSON object in a line; it is on disk when this returns.

    Raises:
        NotSentError: the file cannot be written.
    """
    line = json.dumps(content_of(text, notes), ensure_ascii=False).encode() + b"\n"
    try:
        with Path(address.url).open("ab", buffering=0) as file:
            file.write(line)
            os.fsync(file.fileno())
    except OSError as error:
        raise NotSentError(f"the file cannot be written: {error.strerror}") from error
    return f"{len(line)} bytes"
