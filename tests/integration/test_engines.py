"""Says by name which engines this run covers, and that each is what its name says."""

from __future__ import annotations

import psycopg
import pytest

from storage.engine import EngineKind, probe
from tests.engines import ENGINES, Cluster, named_engines

EXPECTED = {
    "wheel": ("18.", {EngineKind.PLAIN}),
    "pg15": ("15.", {EngineKind.PLAIN}),
    # Debian has the Apache edition; a root with a community build may be put in its place.
    "timescale": ("17.", {EngineKind.TIMESCALE_APACHE, EngineKind.TIMESCALE_COMMUNITY}),
}


@pytest.mark.parametrize("name", ENGINES)
def test_engine_is_named(name: str) -> None:
    if name not in named_engines():
        pytest.skip(f"engine {name} not named in JIEYONG_TEST_ENGINES: {','.join(named_engines())}")


def test_engine_is_what_its_name_says(cluster: Cluster, database: str) -> None:
    version, kinds = EXPECTED[cluster.engine]
    with psycopg.connect(database) as conn:
        engine = probe(conn)
    assert engine.kind in kinds
    assert engine.server_version.startswith(version)
