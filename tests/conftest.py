"""Fixtures for the whole suite: databases."""

from __future__ import annotations

import functools
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from typer.main import get_command

from tests.engines import Cluster, StoppableServer, make_server, named_engines

# Whoever is started in the background of a script ignores Ctrl-C, and so would all that he starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Machines are slow at times: what a test asserts must not depend on the clock.
settings.register_profile(
    "house", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("house")

# Typer's runner builds the tree of all commands anew for each that a test runs, half of its time.
pytest.MonkeyPatch().setattr("typer.testing._get_command", functools.cache(get_command))


@pytest.fixture(scope="session", params=named_engines())
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """One running server for each engine named in JIEYONG_TEST_ENGINES."""
    server = make_server(request.param, tmp_path_factory.mktemp(request.param))
    server.start()
    try:
        cluster = Cluster(request.param, server)
        cluster.prepare_template()
        yield cluster
    finally:
        server.destroy()


@pytest.fixture
def database(cluster: Cluster) -> Iterator[str]:
    """Conninfo of a fresh, migrated database of its own, once for each named engine."""
    conninfo = cluster.create()
    yield conninfo
    cluster.drop(conninfo)


@pytest.fixture
def blank_database(cluster: Cluster) -> Iterator[str]:
    """Conninfo of a fresh database without our schema."""
    conninfo = cluster.create("template0")
    yield conninfo
    cluster.drop(conninfo)


@pytest.fixture
def postgres_server(tmp_path: Path) -> Iterator[StoppableServer]:
    """A private server of the wheel that the test may stop, kill, freeze and start again."""
    server = StoppableServer(tmp_path)
    yield server
    server.destroy()
