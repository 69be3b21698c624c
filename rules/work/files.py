"""Files of rule sets that are followed: loaded when they change, and left alone when they break."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg
import structlog
from psycopg.rows import class_row

from registry.audit import Act
from registry.document import InventoryError
from registry.refusal import RefusedError
from rules.ruleset.model import RuleSet
from rules.ruleset.reading import read_rule_set
from rules.ruleset.store import load
from storage.times import us_of

LOCK: Final = 0x6A69_6579_6F6E_6722
AGAIN: Final = timedelta(minutes=1)
SETTLED_US: Final = 2_000_000
"""So long after it changed last, a file has been written."""
TRIALS: Final = ".test.yaml"
"""What tests of rule sets end in: they stand beside them."""

_IN_FORCE: Final[LiteralString] = """
SELECT text FROM rule_set WHERE code = %s ORDER BY id DESC LIMIT 1
"""
_NOTE: Final[LiteralString] = """
INSERT INTO rule_file AS known (path, read_at, set_code, loaded_at, error)
VALUES (%(path)s, %(now)s, %(code)s, CASE WHEN %(error)s::text IS NULL THEN %(now)s END, %(error)s)
ON CONFLICT (path) DO UPDATE SET
    read_at = excluded.read_at,
    set_code = coalesce(excluded.set_code, known.set_code),
    loaded_at = coalesce(excluded.loaded_at, known.loaded_at),
    error = excluded.error
"""
_FORGET: Final = "DELETE FROM rule_file WHERE path <> ALL(%s)"
_FOLLOWED: Final = "SELECT path, read_at, set_code, loaded_at, error FROM rule_file ORDER BY path"

_log = structlog.get_logger()

Stamps = Mapping[Path, tuple[int, int, int] | None]
"""Of each file when it changed last, its size and its number; None: it is not there."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A file that the workers follow.

    Attributes:
        path: of it.
        read_at: when it was read last, because it had changed.
        set_code: of the rule set that came from it last; None: none ever did.
        loaded_at: when it last was without a mistake; None: never.
        error: what is wrong with it, with its lines; None: what it says is in force.
    """

    path: str
    read_at: datetime
    set_code: str | None
    loaded_at: datetime | None
    error: str | None


class RuleFiles:
    """Follows files, and directories of them: all ``.yaml`` but tests of rule sets.

    A file that breaks, or goes away, changes nothing of what is in force.
    """

    def __init__(self, paths: Sequence[Path], principal: str, zone: ZoneInfo) -> None:
        """Make a follower; nothing is read yet.

        Args:
            paths: of files and directories.
            principal: who loads what changed, for the audit log.
            zone: of dates without an offset.
        """
        self._paths = tuple(path.resolve() for path in paths)
        self._principal = principal
        self._zone = zone
        self._seen: Stamps | None = None
        self._again_at: datetime | None = None

    def step(self, conn: psycopg.Connection[Any], now: datetime) -> None:
        """Load what has changed since the last look.

        What is refused not for itself but for what there is (an institution that is not there, a
        rule that belongs to another file's set) is tried again every minute: that may change.
        As long as any file is being written, none is taken.

        Any number of programs may call it: one does it, the others look again the next time.

        Args:
            conn: an autocommit connection.
            now: the time, aware.
        """
        stamps = _stamps(self._paths)
        again = self._again_at is not None and now >= self._again_at
        if (stamps == self._seen and not again) or _being_written(stamps, now):
            return
        with conn.transaction():
            row = conn.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK]).fetchone()
            if row is None or not row[0]:
                return
            refused = self._take(conn, list(stamps), Act(self._principal, now))
        self._seen = stamps
        self._again_at = now + AGAIN if refused else None

    def _take(self, conn: psycopg.Connection[Any], paths: Sequence[Path], act: Act) -> bool:
        """Load files; tell whether any was refused that may be taken another time."""
        refused = False
        of_set: dict[str, Path] = {}
        for path in paths:
            found = _read(path, self._zone)
            if isinstance(found, RuleSet) and found.code in of_set:
                found = f"{path}: rule set {found.code} stands in {of_set[found.code]} already"
            if isinstance(found, RuleSet):
                of_set[found.code] = path
                found = _loaded(conn, act, found) or found
                refused |= isinstance(found, str)
            _note(conn, path, found, act.at)
        conn.execute(_FORGET, [[str(path) for path in paths]])
        return refused


def followed(conn: psycopg.Connection[Any]) -> list[Followed]:
    """Return the files that workers follow, as they found them last."""
    with conn.cursor(row_factory=class_row(Followed)) as cursor:
        return cursor.execute(_FOLLOWED).fetchall()


def _stamps(paths: Sequence[Path]) -> Stamps:
    return {file: _stamp(file) for path in paths for file in _files(path)}


def _being_written(stamps: Stamps, now: datetime) -> bool:
    """Tell whether a file changed just now: half of one may be a rule set with half its rules."""
    ages = (us_of(now) - stamp[0] // 1000 for stamp in stamps.values() if stamp is not None)
    return any(0 <= age < SETTLED_US for age in ages)


def _files(path: Path) -> list[Path]:
    """Return the files of a directory; a file, and what cannot be listed, stand for themselves."""
    try:
        found = sorted(path.iterdir())
    except OSError:
        return [path]
    return [one for one in found if one.suffix == ".yaml" and not one.name.endswith(TRIALS)]


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path, zone: ZoneInfo) -> RuleSet | str:
    """Read a rule set, or say what is wrong with it."""
    try:
        return read_rule_set(path.read_text("utf-8"), str(path), zone)
    except (InventoryError, OSError, UnicodeDecodeError) as error:
        return str(error) if isinstance(error, InventoryError) else f"{path}: {error}"


def _loaded(conn: psycopg.Connection[Any], act: Act, rule_set: RuleSet) -> str | None:
    """Put a rule set in force unless it is; say why it cannot be."""
    row = conn.execute(_IN_FORCE, [rule_set.code]).fetchone()
    if row is not None and row[0] == rule_set.text:
        return None
    try:
        with conn.transaction():
            done = load(conn, act, rule_set)
    except psycopg.OperationalError:
        raise
    except (RefusedError, psycopg.Error) as error:
        return str(error).strip()
    _log.info(
        "rules_loaded",
        rule_set=rule_set.code,
        added=len(done.added),
        ended=len(done.ended),
        kept=len(done.kept),
    )
    return None


def _note(conn: psycopg.Connection[Any], path: Path, found: RuleSet | str, now: datetime) -> None:
    error = found if isinstance(found, str) else None
    code = found.code if isinstance(found, RuleSet) else None
    row = conn.execute("SELECT error FROM rule_file WHERE path = %s", [str(path)]).fetchone()
    conn.execute(_NOTE, {"path": str(path), "now": now, "code": code, "error": error})
    if error is not None and (row is None or row[0] != error):
        advice = "what was loaded before goes on; correct the file"
        _log.warning("rules_file_refused", file=str(path), why=error, advice=advice)
