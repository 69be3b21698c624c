"""PostgreSQL's own programs for dumping and restoring."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from psycopg.conninfo import conninfo_to_dict

DEBIAN: Final = Path("/usr/lib/postgresql")
_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")
_VARIABLES: Final[Mapping[str, str]] = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "passfile": "PGPASSFILE",
    "options": "PGOPTIONS",
}


class BackupError(RuntimeError):
    """A backup cannot be made, or cannot be brought back; it says why, and what to do."""


def find(program: str, server: int, places: Iterable[Path]) -> Path:
    """Return the oldest program that is not older than the server.

    Args:
        program: ``pg_dump`` or ``pg_restore``.
        server: PostgreSQL's major version there.
        places: directories that may hold it.

    Raises:
        BackupError: there is none.
    """
    found = [
        (version, path)
        for place in places
        if (path := place / program).is_file() and (version := _version(path)) >= server
    ]
    if not found:
        raise BackupError(
            f"no {program} of PostgreSQL {server} or newer: install postgresql-client-{server} "
            "(Debian), or put its directory on the PATH"
        )
    return min(found)[1]


def usual_places() -> list[Path]:
    """Return where these programs lie on a server: the PATH, and Debian's directories."""
    path = [Path(part) for part in os.environ.get("PATH", "").split(os.pathsep) if part]
    return [*path, *sorted(DEBIAN.glob("*/bin"))]


def run(program: Path, arguments: Sequence[str], conninfo: str) -> None:
    """Run a program against a database; its password is in no argument list.

    Raises:
        BackupError: it failed; with what it said.
    """
    told = conninfo_to_dict(conninfo)
    own = {_VARIABLES[key]: str(value) for key, value in told.items() if key in _VARIABLES}
    environment = {**os.environ, **own, "LC_MESSAGES": "C"}
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own programs
        [str(program), *arguments], env=environment, capture_output=True, check=False, text=True
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
