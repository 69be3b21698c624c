"""Checks of notes: routes and addresses, whether workers keep up, what does not leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final, LiteralString

import psycopg

from jieyong.doctor.finding import Finding, ok, problem, warning
from jieyong.doctor.queues import Workers, waiting
from notify import listing
from notify.reading import read_routes
from notify.secrets import AddressError, address_of
from notify.settings import NotifySettings
from registry.document import InventoryError
from storage import migrate
from storage.connection import connect
from storage.settings import DatabaseSettings

_WHERE: Final = "notes"
_WHO: Final = Workers(_WHERE, "notify", "jieyong notify work", "notify.workers", "note_message")
_ANY: Final[LiteralString] = "SELECT FROM note LIMIT 1"


def check_routes(settings: NotifySettings) -> Iterator[Finding]:
    """Look at the file of routes, and at every address it names; sends nothing.

    Says nothing where there is no such file: notes are not used then, or :func:`check_notes` tells.
    """
    if not settings.routes.exists():
        return
    try:
        routes = read_routes(settings.routes)
    except InventoryError as error:
        advice = "correct it (docs/notify.md); until then nobody is told of anything new"
        yield problem(str(error), f"routes {settings.routes}", advice)
        return
    yield ok(f"{len(routes.routes)} routes, {len(routes.channels)} channels", _WHERE)
    for channel in routes.channels.values():
        try:
            address_of(channel, settings.routes.parent)
        except AddressError as error:
            advice = f"put it there; `jieyong notify test` tries {channel.code}"
            yield problem(f"no address: {error}", f"channel {channel.code}", advice)


def check_notes(
    settings: NotifySettings, url: str, database: DatabaseSettings, now: Callable[[], datetime]
) -> Iterator[Finding]:
    """Look at what waits in the outbox and does not leave; changes nothing.

    Says nothing where no note was ever put in, and where the database does not answer or lacks
    migrations: that is found elsewhere.

    Args:
        settings: of notes.
        url: libpq URL or conninfo.
        database: timeouts.
        now: the clock, aware.
    """
    try:
        conn = connect(url, database, "doctor")
    except psycopg.OperationalError:
        return
    with conn:
        if not migrate.up_to_date(conn) or conn.execute(_ANY).fetchone() is None:
            return
        at = now()
        yield from waiting(conn, listing.backlog(conn, at), at, _WHO)
        yield from _strays(conn, settings)
        for one in listing.failing(conn):
            yield _failing(one)


def _failing(one: listing.Failing) -> Finding:
    where = f"channel {one.channel}"
    advice = "correct what the message names; `jieyong notify test` tries it"
    if not one.aside:
        return warning(f"{one.failing} messages are tried again: {one.error}", where, advice)
    what = f"{one.aside} messages were tried in vain and are set aside: {one.error}"
    return problem(what, where, f"{advice}, then `jieyong notify retry`")


def _strays(conn: psycopg.Connection, settings: NotifySettings) -> Iterator[Finding]:
    if not settings.routes.exists():
        advice = "write it (docs/notify.md); nobody is told anything until then"
        yield problem("notes are put in, and this file is missing", str(settings.routes), advice)
        return
    try:
        routes = read_routes(settings.routes)
    except InventoryError:  # told by check_routes
        return
    for kind, code, count in listing.strays(conn, list(routes.routes), list(routes.channels)):
        advice = f"add it to {settings.routes}: they leave then"
        yield problem(f"{count} notes wait for it, and it does not exist", f"{kind} {code}", advice)
