from __future__ import annotations

from tests.unit.collector.jt808.mutate import run


def test_twenty_thousand_mutated_frames_raise_nothing_and_pass_no_wrong_checksum() -> None:
    found = run(20_000, seed=808)
    assert found["believed"] > 8_000, "half of them have a right checksum: the decoders are met"
    assert found["not believed"] > 5_000
