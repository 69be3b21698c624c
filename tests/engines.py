"""The database engines the suite runs on, and databases cloned from a migrated template.

``JIEYONG_TEST_ENGINES`` names them, separated by commas: ``wheel`` (the default), ``pg15``
(binaries in ``JIEYONG_PG15_BIN``), ``timescale`` (a root directory with PostgreSQL 17 and
TimescaleDB in ``JIEYONG_TIMESCALE_ROOT``, entered with chroot). An engine that is named and not
there is an error, not a skip.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from jieyong.embedded.postgres import EmbeddedPostgres
from jieyong.embedded.processes import processes_in, signal_all, wait_until
from storage.prepare import prepare
from storage.settings import DatabaseSettings

ENGINES = ("wheel", "pg15", "timescale")
TEMPLATE = "jieyong_template"


def named_engines() -> tuple[str, ...]:
    """What ``JIEYONG_TEST_ENGINES`` asks for."""
    names = os.environ.get("JIEYONG_TEST_ENGINES", "wheel").split(",")
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))


class Server(Protocol):
    """What a cluster needs of a server, whatever its engine."""

    def start(self) -> None: ...
    def destroy(self) -> None: ...
    def url_of(self, database: str) -> str: ...


def make_server(name: str, state_dir: Path) -> Server:
    """The server of an engine, not started.

    Raises:
        LookupError: no such engine, or it is not on this machine.
    """
    if name == "wheel":
        return EmbeddedPostgres(state_dir, durable=False)
    if name == "pg15":
        bin_dir = Path(os.environ.get("JIEYONG_PG15_BIN", "/usr/lib/postgresql/15/bin"))
        if not (bin_dir / "postgres").exists():
            raise LookupError(f"engine pg15: no PostgreSQL in {bin_dir}; set JIEYONG_PG15_BIN")
        return EmbeddedPostgres(state_dir, bin_dir, durable=False)
    if name == "timescale":
        root = os.environ.get("JIEYONG_TIMESCALE_ROOT")
        if not root:
            raise LookupError("engine timescale: set JIEYONG_TIMESCALE_ROOT to its root directory")
        return TimescaleInRoot(Path(root))
    raise LookupError(f"JIEYONG_TEST_ENGINES: no engine {name!r}, there are {', '.join(ENGINES)}")


class TimescaleInRoot:
    """PostgreSQL 17 with TimescaleDB below another root directory, run as its postgres user."""

    def __init__(self, root: Path) -> None:
        self._bin = Path("/usr/lib/postgresql/17/bin")
        if not (root / self._bin.relative_to("/") / "postgres").exists():
            raise LookupError(f"engine timescale: no {self._bin}/postgres below {root}")
        if os.geteuid() != 0:
            raise LookupError("engine timescale: chroot needs root")
        self._root = root
        self._port = 0
        self._home: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def url_of(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/{database}"

    def start(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="jieyong-test-", dir=self._root / "var/tmp"))
        self._inside("chown", "postgres", str(self._inner(self._home)))
        data = str(self._inner(self._home) / "data")
        initdb = ("-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        self._inside(*self._as_postgres(), f"{self._bin}/initdb", *initdb)
        self._port = _free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": "",
            "timezone": "UTC",
            "fsync": "off",
            "full_page_writes": "off",
            "shared_preload_libraries": "timescaledb",
            "timescaledb.telemetry_level": "off",
        }
        pairs = itertools.chain.from_iterable(("-c", f"{k}={v}") for k, v in settings.items())
        with (self._home / "server.log").open("wb") as log:
            command = [*self._as_postgres(), f"{self._bin}/postgres", "-D", data, *pairs]
            self._process = subprocess.Popen(
                ["chroot", str(self._root), *command], stdout=log, stderr=log
            )
        if not wait_until(self._answers, within_s=60):
            said = (self._home / "server.log").read_text(errors="replace")[-2000:]
            self.destroy()
            raise RuntimeError(f"engine timescale did not start: {said}")

    def destroy(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                signal_all(self._pids(), signal.SIGKILL)
                self._process.wait()
            self._process = None
        if self._home is not None:
            shutil.rmtree(self._home)
            self._home = None

    def _pids(self) -> list[int]:
        return [] if self._home is None else processes_in(self._home / "data")

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            return False
        try:
            psycopg.connect(self.url_of("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _inner(self, path: Path) -> Path:
        return Path("/") / path.relative_to(self._root)

    def _as_postgres(self) -> tuple[str, ...]:
        return ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")

    def _inside(self, *command: str) -> None:
        said = subprocess.run(
            ["chroot", str(self._root), *command], check=False, capture_output=True
        )
        if said.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {said.stderr.decode(errors='replace')}")


@dataclass(frozen=True)
class Cluster:
    """A running server with a migrated template to clone databases from."""

    engine: str
    server: Server
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def prepare_template(self) -> None:
        """Migrate the template and let nobody else into it: a clone needs it without sessions."""
        with self._admin() as conn:
            conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
        prepare(self.server.url_of(TEMPLATE), DatabaseSettings())
        with self._admin() as conn:
            # TimescaleDB's own workers come back otherwise.
            conn.execute(
                sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(
                    sql.Identifier(TEMPLATE)
                )
            )
            conn.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s",
                [TEMPLATE],
            )

    def create(self, template: str = TEMPLATE) -> str:
        """A fresh database; returns its conninfo."""
        name = f"t{next(self._numbers)}"
        created = sql.Identifier(name)
        with self._admin() as conn:
            conn.execute(
                # Copied as files, not through the log block by block: half the time.
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                    created, sql.Identifier(template)
                )
            )
            if template == TEMPLATE:
                # Migration 0022 has said so of the template: a copy takes over no settings.
                conn.execute(sql.SQL("ALTER DATABASE {} SET jit = off").format(created))
        return self.server.url_of(name)

    def drop(self, conninfo: str) -> None:
        """Drop a database that :meth:`create` made, whoever is still connected."""
        name = psycopg.conninfo.conninfo_to_dict(conninfo)["dbname"]
        with self._admin() as conn:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(str(name))))

    def _admin(self) -> psycopg.Connection:
        return psycopg.connect(self.server.url_of("postgres"), autocommit=True)


class StoppableServer:
    """A private, migrated server that a test may stop, kill, freeze and start again."""

    def __init__(self, state_dir: Path) -> None:
        self._server = EmbeddedPostgres(state_dir, durable=False)
        self._server.start()
        prepare(self._server.url, DatabaseSettings())
        self.url = make_conninfo(self._server.url, connect_timeout=5)

    def start(self) -> None:
        """Start it again on the same port, with all that was committed."""
        self._server.start()

    def stop(self) -> None:
        """Shut down as an operator does: clients are told."""
        self._server.stop()

    def kill(self) -> None:
        """Kill -9 every process; the data directory stays as it is."""
        signal_all(self._server.pids, signal.SIGKILL)
        wait_until(lambda: not self._server.pids, within_s=30)

    def freeze(self) -> None:
        """Every process stands still: connections stay open and nothing answers."""
        signal_all(self._server.pids, signal.SIGSTOP)

    def thaw(self) -> None:
        """Undo :meth:`freeze`."""
        signal_all(self._server.pids, signal.SIGCONT)

    def destroy(self) -> None:
        """Stop and delete it."""
        self.thaw()
        self._server.destroy()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
