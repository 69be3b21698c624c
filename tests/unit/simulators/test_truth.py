from __future__ import annotations

from pathlib import Path

import pytest

from simulators.truth import (
    Counters,
    Jt808Acked,
    Jt808Sent,
    ModbusReply,
    MqttAcked,
    MqttSent,
    Record,
    TruthError,
    TruthLog,
    acknowledged,
    acknowledged_jt808,
    last_numbers,
    read_truth,
)

REPLY = ModbusReply("m-1", 1, 5, 3, "holding", 0, 2, "00ff7fff", "ok", {"a": "1.5", "b": None})
RECORDS: list[Record] = [
    REPLY,
    MqttSent("t-1", 1, 5, "ok", 6),
    MqttSent("t-1", 2, 7, "duplicate", 8),
    MqttSent("t-1", 2, 7, "duplicate", 8, copy=1),
    MqttAcked("t-1", 2, 9, copy=1),
    Counters(9, {"received:m-1": 1}),
]
FIRST = Jt808Sent("139", 1, 5_000_000, "ok", 6, 0x0200, 3, "bad_checksum")
JT808: list[Record] = [
    FIRST,
    Jt808Sent("139", 1, 5_000_000, "ok", 7, 0x0200, 3, copy=1),
    Jt808Sent("139", 2, 6_000_000, "ok", 8, 0x0200, 4),
    Jt808Acked("139", 2, 9, result=1),
    Jt808Acked("139", 1, 9),
    Jt808Sent("139", 2, 6_000_000, "ok", 10, 0x0704, 5, copy=1),
]


def written(path: Path, records: list[Record]) -> Path:
    log = TruthLog(path)
    for record in records:
        log.write(record)
    log.close()
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "deep" / "truth.jsonl", RECORDS)
    assert list(read_truth(path)) == RECORDS


def test_a_second_start_continues_the_file(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    written(path, RECORDS[:2])
    written(path, RECORDS[2:])
    assert list(read_truth(path)) == RECORDS


@pytest.mark.parametrize("cut", [1, 2, 40])
def test_a_line_cut_short_is_not_read_and_not_kept(tmp_path: Path, cut: int) -> None:
    path = written(tmp_path / "truth.jsonl", RECORDS[:2])
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert list(read_truth(path)) == RECORDS[:1]
    written(path, RECORDS[1:2])
    assert path.read_bytes() == whole


def test_a_file_of_one_torn_line_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    path.write_bytes(b'["sent",{"term')
    assert list(read_truth(written(path, RECORDS[:1]))) == RECORDS[:1]


def test_counters_level_leaves_the_rest_out(tmp_path: Path) -> None:
    log = TruthLog(tmp_path / "truth.jsonl", "counters")
    for record in RECORDS:
        log.write(record)
    log.close()
    assert list(read_truth(tmp_path / "truth.jsonl")) == RECORDS[-1:]


def test_flushed_lines_are_there_without_a_close(tmp_path: Path) -> None:
    log = TruthLog(tmp_path / "truth.jsonl")
    log.write(REPLY)
    log.flush()
    assert list(read_truth(tmp_path / "truth.jsonl")) == [REPLY]
    log.close()


def test_numbers_go_on_after_the_highest(tmp_path: Path) -> None:
    assert last_numbers(RECORDS) == {"t-1": 2}


def test_acknowledged_by_any_copy() -> None:
    assert acknowledged(RECORDS) == {("t-1", 2): MqttSent("t-1", 2, 7, "duplicate", 8)}


def test_terminals_are_numbered_and_acknowledged_too(tmp_path: Path) -> None:
    path = written(tmp_path / "truth.jsonl", JT808)
    assert list(read_truth(path)) == JT808
    assert last_numbers(JT808) == {"139": 2}
    assert acknowledged_jt808(JT808) == {("139", 1): FIRST}, "a failure is no acknowledgement"
    assert acknowledged(JT808) == {}


def test_damage_is_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    path.write_bytes(b'["nothing",{}]\n')
    with pytest.raises(TruthError, match=r"truth\.jsonl:1"):
        list(read_truth(path))
