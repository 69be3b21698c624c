"""PostgreSQL's own programs for dumping and restoring."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from psycopg.conninfo import conninfo_to_dict, make_conninfo

DEBIAN: Final = Path("/usr/lib/postgresql")
_SETS_MORE: Final = 17
_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")


class BackupError(RuntimeError):
    """A backup cannot be made, or cannot be brought back; it says why, and what to do."""


def find(program: str, server: int, places: Iterable[Path]) -> Path:
    """Return a program of the server's own major version, or else the next newer that fits.

    An older one reads neither the server nor its dumps. What one of PostgreSQL 17 or newer writes
    begins with a setting (``transaction_timeout``) that older servers do not know.

    Args:
        program: ``pg_dump`` or ``pg_restore``.
        server: PostgreSQL's major version there.
        places: directories that may hold it.

    Raises:
        BackupError: there is none.
    """
    found = [
        (version, n, path)
        for n, place in enumerate(places)
        if os.access(path := place / program, os.X_OK)
        and (version := _version(path)) >= server
        and (version == server or server >= _SETS_MORE)
    ]
    if found:
        return min(found)[2]
    raise BackupError(
        f"no {program} of PostgreSQL {server}, the server's version: install "
        f"postgresql-client-{server} (Debian), or put its directory on the PATH"
    )


def usual_places() -> list[Path]:
    """Return where these programs lie on a server: the PATH, and Debian's directories."""
    path = [Path(part) for part in os.environ.get("PATH", "").split(os.pathsep) if part]
    return [*path, *sorted(DEBIAN.glob("*/bin"))]


def run(program: Path, arguments: Sequence[str], conninfo: str) -> None:
    """Run a program against a database; its password is in no argument list.

    Raises:
        BackupError: it failed; with what it said.
    """
    told = {key: str(value) for key, value in conninfo_to_dict(conninfo).items()}
    password = told.pop("password", None)
    own = {} if password is None else {"PGPASSWORD": password}
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own programs
        [str(program), f"--dbname={make_conninfo(**told)}", *arguments],
        env={**os.environ, **own, "LC_MESSAGES": "C"},
        capture_output=True,
        check=False,
        text=True,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()[-5:] or [f"it ended with {done.returncode}"]
        raise BackupError(f"{program.name} failed: {' / '.join(said)}")


def _version(program: Path) -> int:
    told = subprocess.run(  # noqa: S603 - PostgreSQL's own programs
        [str(program), "--version"], capture_output=True, check=False, text=True
    )
    found = _VERSION.search(told.stdout)
    return int(found.group(1)) if found else 0
