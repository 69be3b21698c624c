"""The embedded server through all that can befall it, as root and as an ordinary user."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from jieyong.embedded import postgres
from jieyong.embedded.binaries import copy_for_others, wheel_package
from jieyong.embedded.cluster import ACCOUNT, SYSTEM_HOME, EmbeddedPostgresError
from jieyong.embedded.postgres import EmbeddedPostgres
from jieyong.embedded.processes import signal_all, wait_until

ROOT = os.geteuid() == 0
Start = Callable[[], EmbeddedPostgres]


@dataclass(frozen=True)
class Place:
    """A state directory; ``server`` makes one more owner of it."""

    state: Path

    def server(self, **options: str) -> EmbeddedPostgres:
        return EmbeddedPostgres(self.state, durable=False, options=options)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path / "state")
    yield place
    place.server().destroy()


def put(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.url, autocommit=True) as conn:
        conn.execute("CREATE TABLE IF NOT EXISTS kept (at timestamptz DEFAULT now())")
        conn.execute("INSERT INTO kept DEFAULT VALUES")


def kept(server: EmbeddedPostgres) -> int:
    with psycopg.connect(server.url) as conn:
        row = conn.execute("SELECT count(*) FROM kept").fetchone()
    assert row is not None
    return int(row[0])


def postmaster(server: EmbeddedPostgres) -> int:
    return int((server.data_dir / "postmaster.pid").read_text().splitlines()[0])


def kill(server: EmbeddedPostgres) -> None:
    signal_all(server.pids, signal.SIGKILL)
    assert wait_until(lambda: not server.pids, within_s=30)


def in_child(work: Callable[[], None]) -> int:
    """Fork a process that does the work and then waits to be killed; return when it is done."""
    done, tell = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of fork beside numpy's threads
        pid = os.fork()
    if pid == 0:
        _child(work, tell)
    os.close(tell)
    with os.fdopen(done) as told:
        said = told.readline()
    if said != "done\n":
        os.waitpid(pid, 0)
        pytest.fail(f"in the child process: {said}")
    return pid


def _child(work: Callable[[], None], tell: int) -> NoReturn:
    try:
        work()
        os.write(tell, b"done\n")
        signal.pause()
    except BaseException:  # noqa: BLE001 - nothing of the test run may go on in the copy
        os.write(tell, repr(traceback.format_exc()).encode())
    finally:
        os._exit(1)


def end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def whole_life(server: EmbeddedPostgres) -> None:
    """What must work whoever starts it."""
    with server:
        put(server)
        port = server.port
    assert not server.pids
    with server:
        assert server.port == port
        assert kept(server) == 1
        kill(server)
        server.start()
        assert kept(server) == 1
    server.destroy()
    assert not server.data_dir.exists()


def test_it_keeps_data_and_port_through_stop_start_and_kill(place: Place) -> None:
    whole_life(place.server())


@pytest.mark.skipif(
    not ROOT, reason="only root can become another user; all other tests ran as one"
)
def test_an_ordinary_user_runs_it_in_the_state_directory(place: Place) -> None:
    whole_life(place.server())  # the ordinary user may not be able to read what is loaded lazily
    bin_dir = copy_for_others(wheel_package(), SYSTEM_HOME)
    account = pwd.getpwnam(ACCOUNT)
    state = Path(tempfile.mkdtemp(dir="/var/tmp"))
    os.chown(state, account.pw_uid, account.pw_gid)

    def work() -> None:
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
        server = EmbeddedPostgres(state, bin_dir, durable=False)
        assert server.data_dir.is_relative_to(state)
        whole_life(server)

    try:
        end(in_child(work))
    finally:
        shutil.rmtree(state)


def test_only_this_machine_and_only_the_password_get_in(place: Place) -> None:
    with place.server() as server:
        with psycopg.connect(server.url) as conn:
            shown = [
                conn.execute(f"SHOW {name}".encode()).fetchone()
                for name in ("listen_addresses", "unix_socket_directories", "password_encryption")
            ]
            methods = conn.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
        assert shown == [("127.0.0.1",), ("",), ("scram-sha-256",)]
        assert sorted(methods) == [("reject",), ("scram-sha-256",)]
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(make_conninfo(server.url, password="guess"))
    secret = place.state / "postgres" / "password"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o700


@pytest.mark.skipif(not ROOT, reason="the account is lent by root only")
def test_root_lends_an_account_and_opens_no_directory_to_it(place: Place) -> None:
    parents = [*place.state.parents, wheel_package(), *wheel_package().parents]
    before = [(path, path.stat().st_mode) for path in parents if path.exists()]
    with place.server() as server:
        owners = {Path(f"/proc/{pid}").stat().st_uid for pid in server.pids}
    assert owners == {pwd.getpwnam(ACCOUNT).pw_uid}
    assert [(path, path.stat().st_mode) for path, _ in before] == before
    home = server.data_dir.parent
    assert (stat.S_IMODE(home.stat().st_mode), home.parent) == (0o700, SYSTEM_HOME)


@pytest.mark.skipif(not ROOT, reason="only root's data lies outside the state directory")
def test_when_the_state_directory_was_removed_a_new_cluster_is_begun(place: Place) -> None:
    for _ in range(3):
        with place.server() as server:
            put(server)
            assert kept(server) == 1
        shutil.rmtree(place.state)
    assert (server.data_dir.parent / "data.orphaned").is_dir()


def test_a_postmaster_killed_alone_is_replaced_when_its_orphans_are_gone(place: Place) -> None:
    with place.server() as server:
        put(server)
        os.kill(postmaster(server), signal.SIGKILL)
        server.start()
        assert kept(server) == 1


def test_a_corpse_or_a_stranger_in_the_pid_file_does_not_stop_it(place: Place) -> None:
    with place.server() as server:
        put(server)
        pid_file = (server.data_dir / "postmaster.pid").read_text()
        first = str(postmaster(server))
        kill(server)
    corpse = subprocess.Popen(["true"])
    os.waitid(os.P_PID, corpse.pid, os.WEXITED | os.WNOWAIT)  # dead, and not reaped
    for pid in (corpse.pid, os.getpid()):
        (server.data_dir / "postmaster.pid").write_text(pid_file.replace(first, str(pid)))
        with place.server() as again:
            assert kept(again) == 1
    corpse.wait()


def test_a_server_that_outlived_its_killed_owner_is_adopted(place: Place) -> None:
    def own() -> None:
        server = place.server()
        server.start()
        put(server)

    end(in_child(own))
    heir = place.server()
    left = postmaster(heir)
    with heir:
        assert postmaster(heir) == left
        assert kept(heir) == 1
    assert not heir.pids


def test_a_server_left_with_other_settings_is_replaced(place: Place) -> None:
    end(in_child(lambda: place.server(work_mem="3MB").start()))
    heir = place.server(work_mem="5MB")
    left = postmaster(heir)
    with heir, psycopg.connect(heir.url) as conn:
        assert postmaster(heir) != left
        assert conn.execute("SHOW work_mem").fetchone() == ("5MB",)


def test_two_owners_at_once_are_refused(place: Place) -> None:
    with place.server() as server:
        with pytest.raises(EmbeddedPostgresError, match="in use by another running program"):
            place.server().start()
        put(server)


def test_starting_twice_is_starting_once(place: Place) -> None:
    with place.server() as server:
        first = postmaster(server)
        server.start()
        assert postmaster(server) == first


def test_a_cluster_left_half_made_is_made_again(place: Place) -> None:
    with place.server() as server:
        pass
    whole = server.data_dir
    (whole / "global" / "pg_control").unlink()
    whole.rename(whole.with_name("data.new"))
    with place.server() as server:
        put(server)
        assert kept(server) == 1


def test_data_of_another_major_version_is_named(place: Place) -> None:
    with place.server() as server:
        pass
    (server.data_dir / "PG_VERSION").write_text("15\n")
    with pytest.raises(
        EmbeddedPostgresError, match=r"made by PostgreSQL 15, the binaries in .* 18"
    ):
        server.start()


def test_a_port_that_is_taken_is_an_error_when_it_was_asked_for(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server = EmbeddedPostgres(place.state, port=port, durable=False)
        with pytest.raises(EmbeddedPostgresError, match=f"did not start on port {port}"):
            server.start()


def test_a_free_port_that_somebody_takes_meanwhile_is_replaced(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        ports = iter([taken, postgres._free_port()])
        monkeypatch.setattr(postgres, "_free_port", lambda: next(ports))
        with place.server() as server:
            assert server.port != taken


def test_binaries_that_are_not_there_are_named(place: Place, tmp_path: Path) -> None:
    server = EmbeddedPostgres(place.state, tmp_path / "no-bin", durable=False)
    with pytest.raises(EmbeddedPostgresError, match="no-bin/initdb cannot be executed"):
        server.start()
    with place.server() as server:
        put(server)
