"""What devices refused, remembered across restarts; every entry expires and is tried again."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import structlog

from collector.modbus.plan import Learned, Span
from collector.profile_model import Profile, Table

log = structlog.get_logger(__name__)

FORMAT: Final = "jieyong learned 1"
FIRST_RETRY_US: Final = 3_600 * 1_000_000
"""A refused point is tried again after an hour, then after four, sixteen …: one bad hour of a
device must not blind a counter for a week."""

Kind = Literal["hole", "refused", "registers", "bits"]


@dataclass(slots=True)
class _Entry:
    until_us: int
    strikes: int


@dataclass(frozen=True, slots=True)
class _Key:
    """``span`` is a hole or a point; for a size, addresses 0 to the most the device answers."""

    kind: Kind
    span: Span


class Memory:
    """What is known of every device, keyed by its code and the version of its profile.

    Args:
        path: JSON file, read now when it exists; None begins with nothing.
        longest_us: how long an entry holds at most, in microseconds.

    Attributes:
        dirty: whether anything changed since :meth:`text` was last asked.
    """

    def __init__(self, path: Path | None, longest_us: int) -> None:
        self._longest_us = longest_us
        self._devices: dict[tuple[str, str], dict[_Key, _Entry]] = {}
        self.dirty = False
        if path is not None and path.exists():
            self._load(path)

    def recall(self, device: str, profile: Profile, now_us: int) -> tuple[Learned, int | None]:
        """Return what holds now for a device, and when the first of it expires (µs, or None)."""
        entries = self._devices.get((device, _version(profile)), {})
        valid = {key: entry for key, entry in entries.items() if self._holds(entry, now_us)}
        learned = Learned()
        for key in valid:
            learned |= _lesson(key)
        return learned, min((entry.until_us for entry in valid.values()), default=None)

    def learn(self, device: str, profile: Profile, lesson: Learned, now_us: int) -> None:
        """Remember a lesson; what was known before and has run out holds longer this time."""
        entries = self._devices.setdefault((device, _version(profile)), {})
        for key in _keys(lesson):
            old = entries.get(key)
            if old is not None and self._holds(old, now_us):
                continue
            strikes = 1 if old is None else old.strikes + 1
            entries[key] = _Entry(now_us + self._holds_us(key.kind, strikes), strikes)
            self.dirty = True

    def _holds(self, entry: _Entry, now_us: int) -> bool:
        # What holds longer than anything may was learned while the clock was ahead.
        return now_us < entry.until_us <= now_us + self._longest_us

    def _holds_us(self, kind: Kind, strikes: int) -> int:
        if kind != "refused":
            return self._longest_us  # a wrong guess costs a request, no data
        return int(min(FIRST_RETRY_US * 4 ** min(strikes - 1, 10), self._longest_us))

    def text(self) -> str:
        """Return what the file shall hold, and count it as written."""
        self.dirty = False
        return json.dumps({FORMAT: self._rows()}, indent=1, ensure_ascii=False)

    def _rows(self) -> list[dict[str, object]]:
        return [
            {
                "device": device,
                "profile": profile,
                "kind": key.kind,
                "table": key.span.table.value,
                "first": key.span.first,
                "end": key.span.end,
                "until_us": entry.until_us,
                "strikes": entry.strikes,
            }
            for (device, profile), entries in self._devices.items()
            for key, entry in entries.items()
        ]

    def _load(self, path: Path) -> None:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            for row in content[FORMAT]:
                self._load_row(row)
        except (ValueError, KeyError, TypeError) as error:
            # Only costs a few refused requests: not worth keeping the collector from starting.
            self._devices.clear()
            log.warning(
                "learned_file_ignored",
                path=str(path),
                error=str(error),
                advice="nothing to do: what devices refuse is learnt again and the file rewritten",
            )

    def _load_row(self, row: dict[str, Any]) -> None:
        span = Span(Table(row["table"]), int(row["first"]), int(row["end"]))
        entries = self._devices.setdefault((row["device"], row["profile"]), {})
        entries[_Key(row["kind"], span)] = _Entry(int(row["until_us"]), int(row["strikes"]))


def write(path: Path, text: str) -> None:
    """Replace a file atomically; readers see the old text or the new one.

    Raises:
        OSError: the file cannot be written; the old one stands.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _version(profile: Profile) -> str:
    return f"{profile.code}@{profile.version}"


def _keys(lesson: Learned) -> list[_Key]:
    nothing = Learned()
    keys = [_Key("hole", span) for span in lesson.holes]
    keys += [_Key("refused", span) for span in lesson.refused]
    if lesson.max_registers < nothing.max_registers:
        keys.append(_Key("registers", Span(Table.HOLDING, 0, lesson.max_registers)))
    if lesson.max_bits < nothing.max_bits:
        keys.append(_Key("bits", Span(Table.COIL, 0, lesson.max_bits)))
    return keys


def _lesson(key: _Key) -> Learned:
    match key.kind:
        case "hole":
            return Learned(holes=frozenset({key.span}))
        case "refused":
            return Learned(refused=frozenset({key.span}))
        case "registers":
            return Learned(max_registers=key.span.end)
        case "bits":
            return Learned(max_bits=key.span.end)
