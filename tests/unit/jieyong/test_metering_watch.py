from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jieyong.workers.tally import Done, Tally, new_tally, summed
from jieyong.workers.watch import Look, database_answers, progress, workers_connected
from metering.derive.due import DueKind
from storage.backlog import Backlog
from storage.times import us_of

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
NONE = Done(2, 2, 0, 0, 0, None)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def look(waits_s: float | None, at: datetime = NOW) -> Look:
    oldest = None if waits_s is None else at - timedelta(seconds=waits_s)
    return Look(at, Backlog(dict.fromkeys(DueKind, 0), 0, oldest))


@pytest.mark.parametrize(
    ("last", "ok", "words"),
    [
        (None, False, "not reached yet"),
        (Look(NOW, None, "refused"), False, "away (refused); what is due stays due"),
        (look(None, ago(90)), True, "answered 90 s ago"),
        (look(None, ago(91)), False, "no answer for 91 s"),
    ],
)
def test_the_database_is_judged_by_the_newest_look(last: Look | None, ok: bool, words: str) -> None:
    verdict = database_answers(lambda: last, lambda: NOW)()
    assert (verdict.ok, words in verdict.reason) == (ok, True), verdict.reason


@pytest.mark.parametrize(("connected", "ok"), [(0, False), (1, False), (2, True)])
def test_every_worker_must_be_connected(connected: int, ok: bool) -> None:
    verdict = workers_connected(lambda: Done(2, connected, 0, 0, 0, None))()
    assert verdict.ok is ok
    assert verdict.reason == f"{connected} of 2 are connected to the database"


@pytest.mark.parametrize(
    ("waits_s", "started_s", "stored_s", "ok", "words"),
    [
        (None, 9000, None, True, "waits 0 s"),
        (600, 9000, None, True, "waits 600 s"),
        (601, 600, None, True, "it is worked at"),
        (601, 601, None, False, "nothing was computed for 601 s"),
        (9000, 9000, 600, True, "it is worked at"),
        (9000, 9000, 601, False, "nothing was computed for 601 s"),
    ],
)
def test_a_backlog_is_in_order_while_it_is_worked_at(
    waits_s: float | None, started_s: float, stored_s: float | None, ok: bool, words: str
) -> None:
    stored = None if stored_s is None else us_of(ago(stored_s))
    done = Done(1, 1, 1, 0, 0, stored)
    verdict = progress(lambda: look(waits_s), lambda: done, ago(started_s))()
    assert (verdict.ok, words in verdict.reason) == (ok, True), verdict.reason


def test_what_is_not_known_is_no_lack_of_progress() -> None:
    assert progress(lambda: None, lambda: NONE, ago(9000))().ok
    assert progress(lambda: Look(NOW, None, "away"), lambda: NONE, ago(9000))().ok


def test_what_is_set_aside_is_told_and_no_lack_of_progress() -> None:
    aside = Look(NOW, Backlog({"message": 0}, 2, None, 2))
    verdict = progress(lambda: aside, lambda: NONE, ago(9000))()
    assert verdict.ok
    assert verdict.reason.endswith("; 2 are set aside, `jieyong doctor` says why")


def test_workers_are_summed_and_the_latest_success_counts() -> None:
    one, other = new_tally(), new_tally()
    assert summed([one, other]) == Done(2, 0, 0, 0, 0, None)
    fill(one, 1, 10, 1, 96, 5_000_000_000_000)
    fill(other, 0, 20, 2, 4, 4_000_000_000_000)
    assert summed([one, other]) == Done(2, 1, 30, 3, 100, 5_000_000_000_000)


def test_without_workers_nothing_was_done() -> None:
    assert summed([]) == Done(0, 0, 0, 0, 0, None)


def fill(tally: Tally, *figures: int) -> None:
    names = ("connected", "done", "failed", "amount", "last_success_us")
    for name, figure in zip(names, figures, strict=True):
        setattr(tally, name, figure)
