"""`jieyong terminal …`: who waits is let in while collectors run; what he sent comes in once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from collector.jt808.header import split as split_header
from collector.jt808.rows import Fault, refused_row
from collector.mqtt.decode import PositionDecoder
from collector.quarantine import quarantine_row
from fleet.privacy.withholding import withhold_due
from jieyong import cli
from jieyong.commands import terminal as command
from registry.audit import lines
from registry.refusal import RefusedError
from storage.records import Batch, Kind
from storage.waiting import REPLAY_LOCK, mark_replayed
from storage.writer import BulkWriter
from tests.integration.collector.jt808.client import PHONE, Terminal, an_hour_ago, location
from tests.integration.collector.jt808.test_killed import collecting, free_port
from tests.integration.fleet.world import NOW, ZONE, add_vehicle, one
from tests.processes import PATIENCE_S, until
from tests.unit.collector.jt808 import golden
from tests.unit.collector.jt808.golden import NOW_US, unescaped
from tests.unit.collector.jt808.golden import PHONE as GOLDEN

NUMBER = str(PHONE)
Run = Callable[..., str]
SINCE = ("--vehicle", "v", "--since", "2026-01-01", "--by", "李主任")
TOLD = (
    bytes(4) + b"70111" + b"A6".ljust(20, b"\0") + b"0000001" + b"\x02" + "川A12345".encode("gbk")
)


@pytest.fixture
def run(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)

    def words(*given: object) -> str:
        result = CliRunner().invoke(cli.app, ["terminal", *map(str, given)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return words


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as conn:
        add_vehicle(conn, "v")
        yield conn


def frames(count: int) -> list[bytes]:
    """Return contents of frames as a terminal sends them, headers included."""
    sender, base = Terminal(0), an_hour_ago()
    whole = [unescaped(sender.message(0x0200, location(n, base))[1:-1]) for n in range(count)]
    return [content[:-1] for content in whole if content is not None]


def waited(database: str, contents: list[bytes]) -> None:
    """Bring in what the gateway keeps of a terminal that it does not know."""
    now = datetime.now(UTC)
    rows = [
        refused_row(
            NUMBER,
            Fault.UNKNOWN_TERMINAL,
            f"terminal {NUMBER!r} is not in the inventory; it registers as plate 'x'",
            TOLD,
            int(now.timestamp() * 1e6),
        )
    ]
    for n, content in enumerate(contents):
        assert split_header(content)[0].message_id == 0x0200
        at = int((now - timedelta(minutes=30) + timedelta(seconds=n)).timestamp() * 1e6)
        detail = f"terminal {NUMBER!r} is not in the inventory; add it"
        rows.append(refused_row(NUMBER, Fault.UNKNOWN_TERMINAL, detail, content, at))
    with closing(BulkWriter(database)) as writer:
        writer.write([Batch(Kind.QUARANTINE, len(rows), b"".join(rows))])


def test_who_waits_is_listed_with_what_he_says_of_himself(
    run: Run, conn: psycopg.Connection, database: str
) -> None:
    assert "没有等待接入的终端" in run("list")
    waited(database, frames(3))
    listed = run("list")
    for word in (NUMBER, "jt808", "4", "川A12345", "70111", "A6", "等待"):
        assert word in listed
    run("refuse", f"00{NUMBER}", "--reason", "不属于本单位")
    assert "没有等待接入的终端" in run("list")
    assert "已拒绝" in run("list", "--all")
    assert [line.action for line in lines(conn, NUMBER)] == ["terminal.refuse"]


def test_what_a_terminal_sent_while_it_waited_comes_in_once(
    run: Run, conn: psycopg.Connection, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited(database, frames(25))
    monkeypatch.setattr(command, "_MOST", 4)
    calls = 0

    def killed(*given: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise RuntimeError("killed")  # the rows are in, and not marked yet
        mark_replayed(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(command, "mark_replayed", killed)
        with pytest.raises(RuntimeError, match="killed"):
            run("approve", NUMBER, *SINCE, "--source", "装车验收单 7 号")
    assert one(conn, "SELECT count(*) FROM position") > 0
    assert "补录" in run("replay", NUMBER)
    assert "没有需要补录的" in run("replay", f"0{NUMBER}")
    assert one(conn, "SELECT count(*) FROM position") == 25
    assert one(conn, "SELECT count(DISTINCT fix_time) FROM position") == 25
    assert one(conn, "SELECT count(*) FROM quarantine WHERE replayed_at IS NULL") == 0
    assert one(conn, "SELECT count(*) FROM quarantine") == 26, "nothing is deleted"
    (line,) = lines(conn, NUMBER)
    assert (line.principal, line.action) == ("李主任", "terminal.approve")
    assert line.detail["vehicle"] == "v"
    assert "已批准（李主任）装车验收单 7 号" in run("list", "--all")


def test_what_cannot_be_read_stays_in_quarantine_and_holds_up_nothing(
    run: Run, conn: psycopg.Connection, database: str
) -> None:
    good = frames(2)
    sender = Terminal(0)
    cut = unescaped(sender.message(0x0200, location(9, an_hour_ago())[:20])[1:-1])
    assert cut is not None
    waited(database, [good[0], cut[:-1], good[1]])
    run("approve", NUMBER, *SINCE)
    assert one(conn, "SELECT count(*) FROM position") == 2
    assert one(conn, "SELECT count(*) FROM quarantine") == 4


def test_of_a_sensitive_vehicle_mileage_comes_in_and_no_place(
    run: Run, conn: psycopg.Connection, database: str
) -> None:
    conn.execute("UPDATE vehicle SET sensitive = true")
    waited(database, frames(3))
    with psycopg.connect(database, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [REPLAY_LOCK])
        conn.execute("INSERT INTO withhold_due (vehicle_id, why) SELECT id, 'test' FROM vehicle")
        assert withhold_due(conn, ZONE, NOW) == 0, "while somebody lets a terminal in"
    run("approve", NUMBER, *SINCE)
    assert one(conn, "SELECT count(odometer_km) FROM position") == 3
    assert one(conn, "SELECT count(lat) FROM position") == 0
    assert withhold_due(conn, ZONE, NOW) == 1
    assert one(conn, "SELECT sum(length(payload)) FROM quarantine") == 0


def test_a_terminal_of_mqtt_is_let_in_likewise(
    run: Run, conn: psycopg.Connection, database: str
) -> None:
    now = datetime.now(UTC)
    payload = b'{"ts": "%s", "lat": 30.6, "lon": 104.0}' % now.isoformat().encode()
    decoder = PositionDecoder("jieyong/v1/+/position", {}, 1000)
    topic = "jieyong/v1/gps-7/position"
    kept = decoder.decode([(topic, payload), (topic, b"{")], int(now.timestamp() * 1e6))
    with closing(BulkWriter(database)) as writer:
        writer.write(kept.batches)
    assert "gps-7" in run("list")
    assert "补录 2 条" in run("approve", "gps-7", *SINCE)
    assert one(conn, "SELECT lat FROM position") == 30.6


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("approve", "4711", *SINCE), "没有这样的终端在等待"),
        (("approve", NUMBER, "--vehicle", "x", "--since", "2026-01-01"), "没有编码或车牌"),
        (("approve", NUMBER, "--vehicle", "v", "--since", "neulich"), "不是时间"),
        (("refuse", NUMBER, "--reason", " "), "请写明拒绝的原因"),
        (("refuse", "known", "--reason", "x"), "由设备清单登记"),
        (("replay", "4711"), "清单中没有这个终端"),
    ],
)
def test_what_is_asked_wrongly_is_refused(
    run: Run, conn: psycopg.Connection, database: str, given: tuple[str, ...], words: str
) -> None:
    conn.execute("INSERT INTO terminal (code) VALUES ('known')")
    waited(database, frames(1))
    with pytest.raises(RefusedError, match=words):
        run(*given)
    assert one(conn, "SELECT count(*) FROM audit_log") == 0


def test_an_approved_terminal_can_be_turned_away_and_let_in_again(
    run: Run, conn: psycopg.Connection, database: str
) -> None:
    waited(database, frames(2))
    run("approve", NUMBER, *SINCE)
    with pytest.raises(RefusedError, match="设备清单中已有终端"):
        run("approve", NUMBER, *SINCE)
    run("refuse", NUMBER, "--reason", "已拆除")
    assert one(conn, "SELECT upper_inf(valid) FROM terminal") is False
    with pytest.raises(RefusedError, match="已有绑定"):
        run("approve", NUMBER, *SINCE)
    tomorrow = f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}"
    run("approve", NUMBER, "--vehicle", "v", "--since", tomorrow)
    assert one(conn, "SELECT upper_inf(valid) FROM terminal") is True
    assert one(conn, "SELECT count(*) FROM terminal_vehicle") == 2


async def test_a_running_gateway_lets_in_who_was_approved(
    run: Run, conn: psycopg.Connection, database: str, tmp_path: Path
) -> None:
    port, base = free_port(), an_hour_ago()
    with collecting(tmp_path, database, port) as process:
        await until(lambda: _listens(port), "the gateway listens")
        async with Terminal(port) as terminal:
            terminal.send(0x0100, TOLD)
            assert (await terminal.receive())[1][2] == 4, "unknown"
            for n in range(3):
                assert await terminal.result(terminal.send(0x0200, location(n, base))) == 1
        await until(
            lambda: one(conn, "SELECT count(*) FROM quarantine") == 4, "what it sent is kept"
        )
        assert "补录 4 条" in await asyncio.to_thread(run, "approve", NUMBER, *SINCE)
        assert one(conn, "SELECT count(*) FROM position") == 3

        async def registers(answer: int) -> None:
            while True:
                async with Terminal(port) as terminal:
                    terminal.send(0x0100, TOLD)
                    if (await terminal.receive())[1][2] == answer:
                        return
                assert process.poll() is None
                await asyncio.sleep(0.2)

        async with asyncio.timeout(PATIENCE_S):
            await registers(0)
        async with Terminal(port) as terminal:
            await terminal.log_in()
            # What was not acknowledged comes again: it is there already.
            for n in range(4):
                assert await terminal.result(terminal.send(0x0200, location(n, base))) == 0
        await until(lambda: one(conn, "SELECT count(*) FROM position") == 4, "it is stored")
        await asyncio.to_thread(run, "refuse", NUMBER, "--reason", "已拆除")
        async with asyncio.timeout(PATIENCE_S):
            await registers(4)


def _listens(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


def test_cards_that_nothing_could_read_when_they_came_are_brought_in_once(
    run: Run, conn: psycopg.Connection, database: str
) -> None:
    """As earlier versions kept them: of a known terminal, refused, and answered with result 0."""
    conn.execute("INSERT INTO terminal (code) VALUES (%s)", [GOLDEN])
    kept = [
        ("unsupported: driver card put in at 2026-11-29T03:00:00+00:00, read: kept for later",
         golden.content("driver_card_2013")),
        ("unsupported: driver card taken out at 2026-11-29T03:30:00+00:00: kept for later",
         golden.content("driver_card_out_2013")),
        ("malformed: driver card: no driver card of 2013 or 2019: it begins with 1 or 2 and a time",
         golden.content("driver_card_2011")),
        ("unsupported: driver card put in at 2026-11-29T03:00:00+00:00, read: kept for later",
         golden.body("driver_card_2019")),  # it came in packets
        ("malformed: driver card: a card was put in, and nothing says whether it could be read",
         golden.body("driver_card_2013")[:7]),
    ]  # fmt: skip
    rows = [
        quarantine_row("jt808", GOLDEN, reason, payload, NOW_US + n)
        for n, (reason, payload) in enumerate(kept)
    ]
    with closing(BulkWriter(database)) as writer:
        writer.write([Batch(Kind.QUARANTINE, len(rows), b"".join(rows))])
    assert "没有等待接入的终端" in run("list")
    assert "补录 5 条" in run("replay", GOLDEN)
    assert "没有需要补录" in run("replay", GOLDEN)
    found = conn.execute(
        "SELECT event, name, timed FROM driver_card ORDER BY event, name"
    ).fetchall()
    assert found == [
        ("in", "张三", True),
        ("in", "李四", True),
        ("out", None, True),
        ("read", "李四", False),
    ]
    assert one(conn, "SELECT count(*) FROM quarantine") == 5, "what cannot be read stays as it is"
