"""The files of an embedded PostgreSQL: where they lie, whose they are, how they come about."""

from __future__ import annotations

import hashlib
import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import structlog

SYSTEM_HOME: Final = Path("/var/lib/jieyong")
"""Where data and binaries lie when root starts the server."""
ACCOUNT: Final = "nobody"
"""As whom the server runs then: PostgreSQL refuses root."""
ROLE: Final = "jieyong"

_log = structlog.get_logger()


class EmbeddedPostgresError(RuntimeError):
    """The embedded server could not be prepared or started; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The places of one cluster.

    Attributes:
        state: the part of the state directory that is ours: lock and password.
        home: data and log; the same as ``state`` unless root started it.
        account: as whom the server runs; None: as ourselves.
        durable: False: files need not survive a power cut.
    """

    state: Path
    home: Path
    account: pwd.struct_passwd | None
    durable: bool

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.home / "server.log"

    @property
    def password_file(self) -> Path:
        """The password of the only role, 0600."""
        return self.state / "password"


def locate(state_dir: Path, *, durable: bool) -> Cluster:
    """Say where the cluster of a state directory lies; nothing is touched."""
    state = state_dir.resolve() / "postgres"
    if os.geteuid() != 0:
        return Cluster(state, state, None, durable)
    key = hashlib.sha256(os.fsencode(state)).hexdigest()[:16]
    home = SYSTEM_HOME / f"{state.parent.name}-{key}"
    return Cluster(state, home, pwd.getpwnam(ACCOUNT), durable)


def ensure_initialised(cluster: Cluster, bin_dir: Path) -> None:
    """Create the cluster when there is none; nobody may be working in it.

    Raises:
        EmbeddedPostgresError: initdb failed, or the data is of another major version.
    """
    _set_aside_foreign_data(cluster)
    if not cluster.data.is_dir():
        _initialise(cluster, bin_dir)
    _check_version(cluster, bin_dir)


def remove(cluster: Cluster) -> None:
    """Delete data, log and password of a stopped cluster."""
    shutil.rmtree(cluster.home, ignore_errors=True)
    shutil.rmtree(cluster.state, ignore_errors=True)


def spawn(
    cluster: Cluster,
    command: list[str],
    stdout: int | IO[bytes] | None = None,
    stderr: int | IO[bytes] | None = None,
) -> subprocess.Popen[bytes]:
    """Run a PostgreSQL program as the cluster's account, out of reach of the terminal's Ctrl-C.

    Raises:
        EmbeddedPostgresError: it is not there, or the account may not execute it.
    """
    account = cluster.account
    try:
        return subprocess.Popen(  # noqa: S603 - our own words only, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            cwd=cluster.home,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            start_new_session=True,
            user=None if account is None else account.pw_uid,
            group=None if account is None else account.pw_gid,
            extra_groups=None if account is None else [],
        )
    except (FileNotFoundError, PermissionError) as error:
        who = "this user" if account is None else account.pw_name
        raise EmbeddedPostgresError(
            f"{command[0]} cannot be executed by {who}: {error.strerror}; name a directory of "
            "PostgreSQL binaries that everyone may execute"
        ) from error


def _set_aside_foreign_data(cluster: Cluster) -> None:
    """Root's data lies outside the state directory and outlives it (``make clean``)."""
    if cluster.password_file.exists() or not cluster.data.exists():
        return
    aside = cluster.home / "data.orphaned"
    shutil.rmtree(aside, ignore_errors=True)
    cluster.data.rename(aside)
    _log.warning(
        "the state directory was removed, but not its database: a new one is begun",
        old_data=str(aside),
        kept_until="this happens again",
    )


def _initialise(cluster: Cluster, bin_dir: Path) -> None:
    """Create the data under another name first: a half-made cluster is never taken for one."""
    if cluster.account is not None:
        SYSTEM_HOME.mkdir(mode=0o755, parents=True, exist_ok=True)
        cluster.home.mkdir(mode=0o700, exist_ok=True)
        _give(cluster, cluster.home)
    password = _make_password(cluster)
    fresh = cluster.home / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    copy = cluster.home / "password.new"
    try:
        _write_private(copy, password)
        _give(cluster, copy)
        _run_initdb(cluster, bin_dir, fresh, copy)
    finally:
        copy.unlink(missing_ok=True)
    fresh.rename(cluster.data)


def _run_initdb(cluster: Cluster, bin_dir: Path, target: Path, password: Path) -> None:
    command = [
        *(str(bin_dir / "initdb"), "-D", str(target), "-U", ROLE, "--no-instructions"),
        *("--pwfile", str(password), "--auth-host=scram-sha-256", "--auth-local=reject"),
        *("--encoding=UTF8", "--locale=C"),
        *(() if cluster.durable else ("--no-sync",)),
    ]
    with spawn(cluster, command, subprocess.PIPE, subprocess.STDOUT) as process:
        output, _ = process.communicate()
    if process.returncode != 0:
        said = output.decode(errors="replace").strip()
        raise EmbeddedPostgresError(f"initdb failed at {target}: {said}")


def _check_version(cluster: Cluster, bin_dir: Path) -> None:
    """A cluster can only be read by its own major version."""
    data = (cluster.data / "PG_VERSION").read_text().strip()
    with spawn(cluster, [str(bin_dir / "postgres"), "-V"], subprocess.PIPE) as process:
        said, _ = process.communicate()
    ours = said.decode().split()[2].split(".")[0]
    if data != ours:
        raise EmbeddedPostgresError(
            f"{cluster.data} was made by PostgreSQL {data}, the binaries in {bin_dir} are {ours}: "
            f"use binaries of {data}, or dump and reload the data"
        )


def _make_password(cluster: Cluster) -> str:
    if not cluster.password_file.exists():
        # Renamed into place: after a crash no empty password file may stand there.
        fresh = cluster.state / "password.new"
        _write_private(fresh, secrets.token_urlsafe(24))
        fresh.rename(cluster.password_file)
    return cluster.password_file.read_text("ascii")


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text, "ascii")


def _give(cluster: Cluster, path: Path) -> None:
    if cluster.account is not None:
        os.chown(path, cluster.account.pw_uid, cluster.account.pw_gid)
