"""What every bench stands on: a directory, a PostgreSQL, a broker, all gone afterwards."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psycopg

from jieyong.embedded.postgres import EmbeddedPostgres
from storage.engine import probe
from storage.prepare import prepare
from storage.settings import DatabaseSettings
from tests.bench.processes import ROOT, BenchError, Process, cpu_seconds, tree_cpu_seconds
from tests.bench.report import say

SAMPLE_CONF: Final = ROOT / "collector" / "mqtt" / "mosquitto.conf"


PRODUCTION: Final = {
    "shared_buffers": "2GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
}
"""Memory and checkpoints as a server of this size is set up (docker-compose.yml): PostgreSQL's own
defaults are those of a small machine. Durability is untouched."""


@dataclass(frozen=True, slots=True)
class Database:
    """A migrated database of this run alone.

    Attributes:
        url: how to connect.
        server: the embedded server; None when DATABASE_URL names one of yours.
    """

    url: str
    server: EmbeddedPostgres | None

    def version(self) -> str:
        """Engine and version, as the result shows them."""
        with psycopg.connect(self.url) as conn:
            engine = probe(conn)
        return f"{engine.kind} on PostgreSQL {engine.server_version}"

    def pin(self, cores: Collection[int]) -> None:
        """Bind the embedded server, and the backends it will start, to some cores."""
        for pid in self.server.pids if self.server is not None else []:
            with contextlib.suppress(ProcessLookupError):  # a backend that ends meanwhile
                os.sched_setaffinity(pid, cores)

    def cpu_seconds(self) -> float | None:
        """CPU time of the server with all its backends; None for a server of yours."""
        if self.server is None:
            return None
        postmaster = (self.server.data_dir / "postmaster.pid").read_text().split("\n", 1)[0]
        return tree_cpu_seconds(int(postmaster))


@dataclass(frozen=True, slots=True)
class Broker:
    """Mosquitto with the limits we ship."""

    port: int
    process: Process

    def cpu_seconds(self) -> float:
        """CPU time of the broker."""
        return cpu_seconds(self.process.pid)


class Workshop:
    """Holds the services of one run and takes them down in reverse order, whatever happens."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.dir = Path(tempfile.mkdtemp(prefix="jieyong-bench-"))
        self._stack.callback(shutil.rmtree, self.dir, ignore_errors=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def database(self, *, commit_times: bool = False) -> Database:
        """Start PostgreSQL (or make a database on DATABASE_URL's server) and migrate it.

        Args:
            commit_times: the server shall remember when each transaction committed.
        """
        given = os.environ.get("DATABASE_URL")
        database = self._borrowed(given) if given else self._embedded(commit_times=commit_times)
        prepare(database.url, DatabaseSettings())
        if commit_times:
            _require_commit_times(database.url)
        say(f"database ready: {database.version()}")
        return database

    def broker(self) -> Broker:
        """Start mosquitto with our sample configuration on a free port."""
        program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if program is None:
            raise BenchError(
                "mosquitto is not on the PATH: install it (Debian: apt install mosquitto)"
            )
        port, home = free_port(), self.dir / "broker"
        home.mkdir()
        conf = home / "mosquitto.conf"
        conf.write_text(_conf(port, home))
        argv = [program, "-c", str(conf)]
        broker = self._stack.enter_context(Process("mosquitto", argv, self.dir))
        broker.wait_for(lambda: _answers(port), f"listener on port {port}")
        return Broker(port, broker)

    def _embedded(self, *, commit_times: bool) -> Database:
        times = {"track_commit_timestamp": "on"} if commit_times else {}
        server = EmbeddedPostgres(self.dir, options=PRODUCTION | times)
        self._stack.callback(server.destroy)
        server.start()
        return Database(server.url, server)

    def _borrowed(self, url: str) -> Database:
        name = f"jieyong_bench_{secrets.token_hex(4)}"
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute(f"CREATE DATABASE {name}")
        self._stack.callback(_drop, url, name)
        return Database(psycopg.conninfo.make_conninfo(url, dbname=name), None)


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe_socket:
        probe_socket.bind(("127.0.0.1", 0))
        port: int = probe_socket.getsockname()[1]
    return port


def _require_commit_times(url: str) -> None:
    with psycopg.connect(url) as conn:
        (kept,) = conn.execute("SHOW track_commit_timestamp").fetchone() or ("off",)
    if kept != "on":
        raise BenchError(
            "the server of DATABASE_URL does not keep commit times: "
            "set track_commit_timestamp = on in its configuration and restart it"
        )


def _drop(url: str, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _answers(port: int) -> bool:
    with socket.socket() as knock:
        return knock.connect_ex(("127.0.0.1", port)) == 0


def _conf(port: int, home: Path) -> str:
    """Our sample with this run's port and directory."""
    own = ("listener ", "persistence_location ", "user ", "pid_file ", "log_dest ")
    kept = [line for line in SAMPLE_CONF.read_text().splitlines() if not line.startswith(own)]
    head = [f"listener {port} 127.0.0.1", f"persistence_location {home}/", "log_dest stderr"]
    if os.geteuid() == 0:
        head.append("user root")  # another user could not write to our directory
    return "\n".join([*head, *kept, ""])
