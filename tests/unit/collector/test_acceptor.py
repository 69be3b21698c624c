from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from collector.acceptor import Acceptor
from collector.intake import Refused
from collector.settings import SpoolSettings
from collector.spool import Spool
from storage.records import Batch, Kind

MANY = 10**9


def make(path: Path, max_bytes: int = 10**6) -> Spool:
    return Spool(path / "spool.db", SpoolSettings(max_bytes=max_bytes))


async def test_concurrent_calls_share_commits_and_all_are_on_disk(tmp_path: Path) -> None:
    spool = make(tmp_path)
    with Acceptor(spool) as acceptor:
        await asyncio.gather(
            *(acceptor.accept([Batch(Kind.READING, 1, b"%d" % n)]) for n in range(200))
        )
        commits = spool.stats().commits
    assert commits < 200
    assert len(spool.take(MANY, MANY)) == 200
    spool.close()


async def test_a_refusal_reaches_only_the_call_that_was_refused(tmp_path: Path) -> None:
    spool = make(tmp_path, max_bytes=64 * 1024)
    with Acceptor(spool) as acceptor:
        small, large = await asyncio.gather(
            acceptor.accept([Batch(Kind.READING, 1, b"small")]),
            acceptor.accept([Batch(Kind.READING, 4, bytes(70_000))]),
            return_exceptions=True,
        )
    assert small is None
    assert isinstance(large, Refused)
    assert large.rows == 4
    spool.close()


async def test_what_a_cancelled_caller_handed_over_is_kept(tmp_path: Path) -> None:
    spool = make(tmp_path)
    with Acceptor(spool) as acceptor:
        task = asyncio.create_task(acceptor.accept([Batch(Kind.READING, 1, b"a")]))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert [stored.batch.body for stored in spool.take(MANY, MANY)] == [b"a"]
    spool.close()


async def test_a_closed_spool_is_an_error_for_the_caller_not_a_hang(tmp_path: Path) -> None:
    spool = make(tmp_path)
    spool.close()
    with Acceptor(spool) as acceptor, pytest.raises(RuntimeError, match="closed"):
        await acceptor.accept([Batch(Kind.READING, 1, b"a")])
