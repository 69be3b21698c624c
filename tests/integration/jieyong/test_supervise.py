from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from jieyong import ready, tether
from jieyong.supervise import Backoff, Child, ChildFailedError, Ready, State, Supervisor
from tests.processes import alive, until, wait_until

# A child that says who it is, then lives until it is told to end.
OBEDIENT = """
import os, signal, sys, time
name, diary = sys.argv[1], open(sys.argv[2], "a", buffering=1)
def end(*_):
    diary.write(f"{name} ends\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
diary.write(f"{name} begins\\n")
print(f"{name} prints", flush=True)
print(f"{name} complains", file=sys.stderr, flush=True)
while True:
    time.sleep(0.05)
"""
STUBBORN = """
import signal, sys, time
from pathlib import Path
signal.signal(signal.SIGTERM, signal.SIG_IGN)
Path(sys.argv[1]).write_text("deaf")
time.sleep(600)
"""
# Starts a grandchild that would outlive it.
PARENT_OF = """
import subprocess, sys, time
from pathlib import Path
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
Path(sys.argv[1]).write_text(str(grandchild.pid))
time.sleep(600)
"""
QUICK = Backoff(first_s=0.05, most_s=0.1)


def python(code: str, *arguments: str | Path) -> tuple[str, ...]:
    return (sys.executable, "-c", code, *map(str, arguments))


def obedient(name: str, diary: Path) -> Child:
    async def begun() -> bool:
        return f"{name} begins" in _lines(diary)

    return Child(name, python(OBEDIENT, name, diary), ready=begun)


def written(path: Path) -> Ready:
    """Ready when the child has written its file."""

    async def ready() -> bool:
        return bool(_lines(path))

    return ready


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


async def test_children_start_in_order_and_stop_in_reverse(tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    children = [obedient(name, diary) for name in ("database", "broker", "collector")]

    async with Supervisor(children, tmp_path / "logs") as supervisor:
        states = [(s.name, s.state) for s in supervisor.status()]
        pids = [s.pid for s in supervisor.status()]

    assert states == [(name, State.RUNNING) for name in ("database", "broker", "collector")]
    assert _lines(diary) == [
        "database begins",
        "broker begins",
        "collector begins",
        "collector ends",
        "broker ends",
        "database ends",
    ]
    assert all(pid is not None and not alive(pid) for pid in pids)
    assert [s.state for s in supervisor.status()] == [State.STOPPED] * 3
    assert [s.last_exit for s in supervisor.status()] == [0] * 3


async def test_output_goes_to_a_log_of_its_own(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    async with Supervisor([obedient("broker", tmp_path / "diary")], logs):
        await until(lambda: len(_lines(logs / "broker.log")) == 2, "both lines written")

    assert sorted(_lines(logs / "broker.log")) == ["broker complains", "broker prints"]


async def test_a_large_log_is_set_aside_at_the_next_start(tmp_path: Path) -> None:
    log_file = tmp_path / "broker.log"
    log_file.write_text("x" * 1001)
    async with Supervisor([obedient("broker", tmp_path / "d")], tmp_path, log_bytes=1000):
        await until(lambda: len(_lines(log_file)) == 2, "a fresh log")

    assert (tmp_path / "broker.log.1").read_text() == "x" * 1001


async def test_a_killed_child_is_started_again(tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    with capture_logs() as lines:
        async with Supervisor([obedient("collector", diary)], tmp_path, QUICK) as supervisor:
            (before,) = supervisor.status()
            assert before.pid is not None
            os.kill(before.pid, signal.SIGKILL)
            await until(lambda: len(_lines(diary)) == 2, "begun a second time")
            await until(lambda: supervisor.status()[0].state is State.RUNNING, "running again")
            (after,) = supervisor.status()

    assert after.pid not in (None, before.pid)
    assert (after.restarts, after.last_exit) == (1, -signal.SIGKILL)
    assert _lines(diary) == ["collector begins", "collector begins", "collector ends"]
    (ended,) = [line for line in lines if line["event"] == "child_ended"]
    assert ended["exit"] == "signal SIGKILL"
    assert ended["again_in_s"] == QUICK.first_s


async def test_a_child_that_keeps_crashing_is_started_with_growing_pauses(tmp_path: Path) -> None:
    child = Child("loser", python("import sys; sys.exit(3)"))
    with capture_logs() as lines:
        async with Supervisor([child], tmp_path, Backoff(first_s=0.01, most_s=0.04)) as supervisor:
            await until(lambda: supervisor.status()[0].restarts >= 4, "four restarts")

    pauses = [line["again_in_s"] for line in lines if line["event"] == "child_ended"]
    assert pauses[:4] == [0.01, 0.02, 0.04, 0.04]
    assert {line["exit"] for line in lines if line["event"] == "child_ended"} == {"exit code 3"}


async def test_a_child_whose_start_fails_is_tried_again(tmp_path: Path) -> None:
    diary, logs, away = tmp_path / "diary", tmp_path / "logs", tmp_path / "away"
    with capture_logs() as lines:
        async with Supervisor([obedient("collector", diary)], logs, QUICK) as supervisor:
            (before,) = supervisor.status()
            assert before.pid is not None
            logs.rename(away)  # as when a disk is gone: no log can be opened
            os.kill(before.pid, signal.SIGKILL)
            await until(lambda: supervisor.status()[0].restarts >= 2, "tried twice")
            away.rename(logs)
            await until(lambda: len(_lines(diary)) == 2, "begun a second time")

    assert "child_not_started" in [line["event"] for line in lines]
    assert supervisor.status()[0].state is State.STOPPED
    assert _lines(diary)[-1] == "collector ends"


async def test_one_crash_does_not_disturb_the_others(tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    children = [obedient("database", diary), obedient("collector", diary)]
    async with Supervisor(children, tmp_path / "logs", QUICK) as supervisor:
        database, collector = supervisor.status()
        assert collector.pid is not None
        os.kill(collector.pid, signal.SIGKILL)
        await until(lambda: supervisor.status()[1].restarts == 1, "the collector is back")
        assert supervisor.status()[0] == database


async def test_a_deaf_child_is_killed_after_its_time(tmp_path: Path) -> None:
    deaf = tmp_path / "deaf"
    child = Child("deaf", python(STUBBORN, deaf), ready=written(deaf), stop_within_s=0.2)
    with capture_logs() as lines:
        async with Supervisor([child], tmp_path) as supervisor:
            pid = supervisor.status()[0].pid
    assert pid is not None
    assert not alive(pid)
    assert supervisor.status()[0].last_exit == -signal.SIGKILL
    assert "child_killed" in [line["event"] for line in lines]


async def test_grandchildren_are_stopped_too(tmp_path: Path) -> None:
    note = tmp_path / "grandchild"
    child = Child("parent", python(PARENT_OF, note), ready=written(note))
    async with Supervisor([child], tmp_path):
        grandchild = int(note.read_text())
        assert alive(grandchild)
    await until(lambda: not alive(grandchild), "grandchild gone")


async def test_a_child_that_ends_too_early_fails_the_start_and_stops_the_rest(
    tmp_path: Path,
) -> None:
    async def never() -> bool:
        return False

    diary = tmp_path / "diary"
    broken = Child("broken", python("import sys; sys.exit('no such port')"), ready=never)
    supervisor = Supervisor([obedient("database", diary), broken], tmp_path / "logs")

    with pytest.raises(
        ChildFailedError, match=r"broken: ended with exit code 1[\s\S]*no such port"
    ):
        await supervisor.start()

    assert _lines(diary) == ["database begins", "database ends"]
    assert [s.state for s in supervisor.status()] == [State.STOPPED, State.STOPPED]


async def test_a_child_that_is_never_ready_is_named(tmp_path: Path) -> None:
    child = Child(
        "slow",
        python("import time; print('thinking', flush=True); time.sleep(600)"),
        ready=ready.http("127.0.0.1", _free_port()),
        ready_within_s=1.0,
    )
    supervisor = Supervisor([child], tmp_path)
    with pytest.raises(ChildFailedError, match=r"slow: not ready after 1 s"):
        await supervisor.start()
    (status,) = supervisor.status()
    assert status.pid is None


async def test_a_missing_program_is_named(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    child = Child("ghost", ("no-such-program-anywhere",), ready=never)
    with pytest.raises(ChildFailedError, match=r"cannot start no-such-program-anywhere: No such"):
        await Supervisor([child], tmp_path).start()


def test_two_children_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="names of their own"):
        Supervisor([Child("a", ("true",)), Child("a", ("true",))], tmp_path)


async def test_stopping_while_a_restart_is_pending_leaves_nothing(tmp_path: Path) -> None:
    child = Child("loser", python("pass"))
    async with Supervisor([child], tmp_path, Backoff(first_s=600, most_s=600)) as supervisor:
        await until(lambda: supervisor.status()[0].state is State.CRASHED, "crashed")
    assert supervisor.status()[0].state is State.STOPPED


NAPPER = """
import os, sys, time
from pathlib import Path
Path(sys.argv[1]).write_text(str(os.getpid()))
time.sleep(600)
"""
SUPERVISOR = """
import asyncio, sys
from pathlib import Path
from jieyong.supervise import Child, Supervisor
def written(path):
    async def ready():
        return path.exists() and path.read_text() != ""
    return ready
async def main():
    here = Path(sys.argv[1])
    nap = (sys.executable, "-c", sys.argv[2])
    children = [
        Child(name, (*nap, str(here / name)), ready=written(here / name))
        for name in ("one", "two")
    ]
    async with Supervisor(children, here / "logs"):
        (here / "up").write_text("up")
        await asyncio.sleep(600)
asyncio.run(main())
"""


def test_children_die_with_a_supervisor_killed_by_9(tmp_path: Path) -> None:
    supervisor = subprocess.Popen(python(SUPERVISOR, tmp_path, NAPPER))
    try:
        wait_until((tmp_path / "up").exists, "supervisor up")
        pids = [int((tmp_path / name).read_text()) for name in ("one", "two")]
        assert all(map(alive, pids))
    finally:
        supervisor.kill()
        supervisor.wait()
    wait_until(lambda: not any(map(alive, pids)), "children gone")


TETHERER = """
import signal, subprocess, sys, time
from jieyong import tether
line = tether.command_line(
    [sys.executable, "-c", sys.argv[2], sys.argv[1]],
    on_orphan=signal.SIGKILL,
    watch=bool(sys.argv[3]),
)
subprocess.Popen(line, start_new_session=True)
time.sleep(600)
"""


@pytest.mark.parametrize("watch", [False, True], ids=["kernel", "portable"])
def test_a_tethered_command_dies_with_its_parent(tmp_path: Path, *, watch: bool) -> None:
    note = tmp_path / "pid"
    parent = subprocess.Popen(python(TETHERER, note, NAPPER, "watch" if watch else ""))
    try:
        wait_until(lambda: note.exists() and note.read_text() != "", "inner up")
        inner = int(note.read_text())
        assert alive(inner)
    finally:
        parent.kill()
        parent.wait()
    wait_until(lambda: not alive(inner), "inner gone")


@pytest.mark.parametrize("watch", [False, True], ids=["kernel", "portable"])
def test_a_tether_passes_signals_and_exit_codes_on(*, watch: bool) -> None:
    def run(code: str) -> subprocess.Popen[bytes]:
        line = tether.command_line(python(code), on_orphan=signal.SIGKILL, watch=watch)
        return subprocess.Popen(line, stdout=subprocess.PIPE)

    with run("import sys; sys.exit(7)") as seven:
        assert seven.wait() == 7
    with run("import time; print('up', flush=True); time.sleep(600)") as sleeper:
        assert sleeper.stdout is not None
        assert sleeper.stdout.readline() == b"up\n"
        sleeper.terminate()
        assert sleeper.wait() in (-signal.SIGTERM, 128 + signal.SIGTERM)


def test_a_tether_whose_parent_is_already_gone_starts_nothing(tmp_path: Path) -> None:
    line = tether.command_line(
        python("from pathlib import Path; import sys; Path(sys.argv[1]).touch()", tmp_path / "x"),
        on_orphan=signal.SIGKILL,
    )
    line[line.index(str(os.getpid()))] = "1"  # not who started it
    assert subprocess.run(line, check=False).returncode == 128 + signal.SIGKILL
    assert not (tmp_path / "x").exists()


async def test_what_does_not_answer_is_not_ready() -> None:
    port = _free_port()
    assert not await ready.http("127.0.0.1", port)()
    assert not await ready.mqtt("127.0.0.1", port)()


@pytest.mark.parametrize(("status", "expected"), [(200, True), (503, False)])
async def test_http_ready_wants_200(*, status: int, expected: bool) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.0 {status} Whatever\r\n\r\n".encode())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await ready.http("127.0.0.1", port)() is expected


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
