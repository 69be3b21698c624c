"""What a message says, within what its channel takes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from notify.model import Note

SHORTEST: Final = 240
"""Bytes that every channel must take: the key's line, and something to read."""

MOST: Final = 100
"""Notes in one message: nobody reads more."""

_FRAME: Final = 120
"""Bytes that a message of many has besides its notes: heading, and a line with its key."""

_CUT: Final = "…（内容过长，已截短）"


@dataclass(frozen=True, slots=True)
class Text:
    """A message as people read it.

    Attributes:
        key: by which repeats are told.
        title: one line.
        body: plain text, with the key in its last line.
    """

    key: str
    title: str
    body: str

    @property
    def whole(self) -> str:
        """All in one, for channels without titles."""
        return f"{self.title}\n{self.body}"


def key_of(notes: Sequence[Note]) -> str:
    """Return the key of a message: of the same notes always the same."""
    if len(notes) == 1:
        return notes[0].key
    joined = "\n".join(sorted(note.key for note in notes))
    return f"group-{hashlib.sha256(joined.encode()).hexdigest()[:24]}"


def written(notes: Sequence[Note], longest: int) -> Text:
    """Write a message.

    Args:
        notes: at least one, in the order of telling.
        longest: bytes of title and body together; what is longer is cut, but never the key.
    """
    key = key_of(notes)
    footer = f"编号：{key}"
    room = longest - _size(footer) - 2
    if len(notes) == 1:
        heading, body = notes[0].title, notes[0].body
    else:
        heading, body = f"节用：{len(notes)} 条通知", "\n".join(_entries(notes))
    title = _cut(heading, room)
    body = _cut(body, room - _size(title))
    return Text(key, title, f"{body}\n{footer}" if body else footer)


def packed(notes: Sequence[Note], longest: int) -> Iterator[tuple[Note, ...]]:
    """Yield the notes in as few messages as hold them, in their order; each in exactly one."""
    held: list[Note] = []
    size = _FRAME
    for note in notes:
        more = _size(_entry(MOST, note)) + 1
        if held and (size + more > longest or len(held) == MOST):
            yield tuple(held)
            held, size = [], _FRAME
        held.append(note)
        size += more
    if held:
        yield tuple(held)


def _entries(notes: Sequence[Note]) -> Iterator[str]:
    return (_entry(number, note) for number, note in enumerate(notes, start=1))


def _entry(number: int, note: Note) -> str:
    return f"{number}. {note.title}" + (f"\n{note.body}" if note.body else "")


def _size(text: str) -> int:
    return len(text.encode())


def _cut(text: str, longest: int) -> str:
    if _size(text) <= longest:
        return text
    room = longest - _size(_CUT)
    if room <= 0:
        return text.encode()[: max(0, longest)].decode(errors="ignore")
    return text.encode()[:room].decode(errors="ignore") + _CUT
