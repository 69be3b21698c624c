"""From a caller's transaction to a receiver, whatever the receiver does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from notify import listing, outbox
from notify.model import Severity
from notify.outbox import put
from notify.settings import NotifySettings
from notify.worker import pause_after
from storage.due_worker import Outcome
from tests.integration.notify.receivers import WebReceiver
from tests.integration.notify.world import ROUTES, World, write_routes
from tests.unit.notify.samples import NOON, at, minutes, note


@pytest.fixture
def world(conn: psycopg.Connection, tmp_path: Path, receiver: WebReceiver) -> World:
    return World(conn, write_routes(tmp_path, receiver))


def told(receiver: WebReceiver) -> list[list[str]]:
    return [[one["key"] for one in request.content["notes"]] for request in receiver.requests]


def test_a_note_leaves_with_the_callers_transaction_or_not_at_all(
    world: World, receiver: WebReceiver
) -> None:
    with world.conn.transaction(force_rollback=True):
        assert put(world.conn, note("a"), NOON)
    assert put(world.conn, note("b"), NOON)
    assert world.work() == Outcome(done=1)
    assert told(receiver) == [["b"]]


def test_the_same_key_again_changes_nothing(world: World, receiver: WebReceiver) -> None:
    assert put(world.conn, note("a", body="first"), NOON)
    assert not put(world.conn, note("a", body="other"), NOON)
    world.work()
    assert not put(world.conn, note("a", body="later"), NOON)
    world.work()
    assert [one.content["notes"][0]["body"] for one in receiver.requests] == ["first"]


def test_notes_of_one_group_leave_as_one_and_urgent_ones_before(
    world: World, receiver: WebReceiver
) -> None:
    world.put("a", "b", route="night")
    put(world.conn, note("u", Severity.URGENT, "night"), world.clock())
    assert world.work() == Outcome(done=1)
    world.clock.pass_(minutes=10)
    assert world.work() == Outcome(done=1)
    assert told(receiver) == [["u"], ["a", "b"]]


def test_the_night_is_held_even_when_no_worker_ran_in_the_evening(
    world: World, receiver: WebReceiver
) -> None:
    world.clock.at = at(21, 40)
    world.put("a", route="night")
    world.clock.at = at(23)
    assert world.work() == Outcome()
    assert listing.backlog(world.conn, at(23)).oldest_at is None, "held on purpose is not late"
    world.clock.at = at(7, 30) + timedelta(days=1)
    assert world.work() == Outcome(done=1)
    assert told(receiver) == [["a"]]


def test_what_fails_is_tried_again_as_it_was_and_then_set_aside(
    world: World, receiver: WebReceiver
) -> None:
    receiver.answer = lambda _: (500, b"down")
    world.put("a", "b")
    for pause in (30, 60, 120):
        assert world.work() == Outcome(failed=1)
        world.clock.pass_(seconds=pause - 1)
        assert world.work() == Outcome()
        world.clock.pass_(seconds=1)
        world.put(f"later-{pause}", route="night")
    assert world.work() == Outcome(failed=1)
    (key, state, tries) = world.states()[0]
    assert (state, tries) == ("aside", 4)
    assert told(receiver) == [["a", "b"]] * 4
    assert {one.headers["Idempotency-Key"] for one in receiver.requests} == {key}
    found = listing.backlog(world.conn, world.clock())
    assert (found.set_aside, found.failing) == (1, 1)
    (failing,) = listing.failing(world.conn)
    assert (failing.channel, failing.aside, failing.error) == ("hook", 1, "HTTP 500: down")
    receiver.answer = lambda _: (200, b"")
    assert outbox.try_again(world.conn, None, world.clock()) == 1
    world.work()
    assert (key, "sent", 1) in world.states()
    assert told(receiver)[4] == ["a", "b"]
    assert outbox.try_again(world.conn, None, world.clock()) == 0


def test_the_bound_of_a_channel_holds_and_failures_count(
    world: World, receiver: WebReceiver, tmp_path: Path
) -> None:
    write_routes(tmp_path, receiver, ROUTES.replace("600", "3"))
    receiver.answer = lambda _: (500, b"")
    for key in ("a", "b", "c", "d"):
        world.put(key)
        world.work()
    assert told(receiver) == [["a"], ["b"], ["c"]]
    world.clock.pass_(seconds=60)
    receiver.answer = lambda _: (200, b"")
    world.work()
    assert told(receiver)[3:] == [["d"], ["a"], ["b"]]
    world.clock.pass_(seconds=60)
    world.work()
    assert told(receiver)[6:] == [["c"]]


def test_what_matters_too_little_is_not_sent_and_not_kept_waiting(
    world: World, receiver: WebReceiver, tmp_path: Path
) -> None:
    text = ROUTES.replace("channels: [hook]}", "channels: [hook], least: urgent}", 1)
    write_routes(tmp_path, receiver, text)
    world.put("a")
    assert world.work() == Outcome()
    assert sum(listing.backlog(world.conn, NOON).rows.values()) == 0


def test_a_route_that_is_not_there_keeps_its_notes_until_it_is(
    world: World, receiver: WebReceiver, tmp_path: Path
) -> None:
    world.put("a", route="water")
    world.put("b")
    assert world.work() == Outcome(done=1)
    assert list(listing.strays(world.conn, ["energy"], ["hook"])) == [("route", "water", 1)]
    write_routes(tmp_path, receiver, ROUTES.replace("code: night", "code: water"))
    world.clock.pass_(minutes=10)
    world.work()
    assert told(receiver) == [["b"], ["a"]]


def test_an_institution_may_have_a_route_of_its_own(
    world: World, receiver: WebReceiver, tmp_path: Path
) -> None:
    own = ROUTES.replace("code: night", "code: energy@school-3")
    write_routes(tmp_path, receiver, own)
    world.put("a", "b", route="energy@school-1")
    world.put("c", route="energy")
    world.put("d", route="energy@school-3")
    world.put("e", route="water@school-3")
    assert world.work() == Outcome(done=1)
    assert told(receiver) == [["a", "b", "c"]]
    world.clock.pass_(minutes=10)
    world.work()
    assert told(receiver)[1:] == [["d"]]
    codes = ["energy", "energy@school-3"]
    strays = list(listing.strays(world.conn, codes, ["hook"]))
    assert strays == [("route", "water@school-3", 1)]


def test_one_channel_that_fails_holds_up_no_other(
    world: World, receiver: WebReceiver, tmp_path: Path
) -> None:
    two = ROUTES.replace("[hook]", "[hook, file]").replace(
        "routes:", "  - {code: file, kind: file, path: no/such/folder}\nroutes:"
    )
    write_routes(tmp_path, receiver, two)
    world.put("a")
    assert world.work() == Outcome(done=1, failed=1)
    assert told(receiver) == [["a"]]


def test_workers_share_channels_and_send_nothing_twice(
    world: World, receiver: WebReceiver, database: str
) -> None:
    world.put("a")
    with psycopg.connect(database, autocommit=True) as other:
        with outbox.alone(other, "hook") as mine:
            assert mine
            assert world.worker().step() == Outcome(), "another one sends by it"
        assert world.worker(other).step() == Outcome(done=1)
    assert world.work() == Outcome()
    assert told(receiver) == [["a"]]


def test_a_message_that_no_attempt_came_to_an_end_of_is_set_aside(
    world: World, receiver: WebReceiver
) -> None:
    world.put("a")
    receiver.answer = lambda _: (500, b"")
    world.work()
    world.conn.execute("UPDATE note_message SET tries = 4")
    world.clock.pass_(minutes=1)
    assert world.work() == Outcome(failed=1)
    assert world.states() == [("a", "aside", 4)]
    assert len(receiver.requests) == 1


def test_attempts_that_no_bound_looks_at_are_forgotten(world: World) -> None:
    world.put("a")
    world.work()
    world.clock.pass_(hours=2)
    world.work()
    assert world.conn.execute("SELECT count(*) FROM note_attempt").fetchone() == (0,)


def test_pauses_grow_to_their_bound() -> None:
    settings = NotifySettings(pause_s=30, pause_most_s=300)
    found = [pause_after(tries, settings) for tries in (1, 2, 3, 4, 5, 100)]
    assert found == [minutes(0.5), minutes(1), minutes(2), minutes(4), minutes(5), minutes(5)]


def test_the_list_shows_what_is_set_aside_first(world: World, receiver: WebReceiver) -> None:
    world.put("a")
    world.work()
    world.put("b", route="night")
    world.put("c", route="nowhere")
    receiver.answer = lambda _: (500, b"")
    world.put("d", "e")
    world.work()
    world.conn.execute(
        "UPDATE note_message SET state = 'aside', settled_at = now(), tries = 4 WHERE state = 'due'"
    )
    found = listing.listed(world.conn, 10, sent=True)
    assert [(row.state, row.title, row.notes) for row in found] == [
        ("aside", "疑点：d", 2),
        ("unrouted", "疑点：c", 1),
        ("waiting", "疑点：b", 1),
        ("sent", "疑点：a", 1),
    ]
    assert [row.state for row in listing.listed(world.conn, 1)] == ["aside"]


def test_no_column_holds_an_address(world: World, receiver: WebReceiver) -> None:
    receiver.answer = lambda request: (500, f"{request.path} is wrong".encode())
    world.put("a")
    world.work()
    tables = ("note", "note_message", "note_delivery", "note_attempt")
    texts = [world.conn.execute(f"TABLE {t}".encode()).fetchall() for t in tables]
    assert "HTTP 500" in str(texts)
    assert "S3cr3tT0ken" not in str(texts)
