from __future__ import annotations

from collections.abc import Mapping

from jieyong.demo.verify import (
    StoredReading,
    Verdict,
    compare_cards,
    compare_positions,
    compare_readings,
)
from simulators.truth import Jt808Sent, ModbusReply, MqttSent

SECOND = 1_000_000


def reply(at_s: float, values: Mapping[str, str | None], outcome: str = "ok") -> ModbusReply:
    return ModbusReply("M-1", 1, int(at_s * SECOND), 3, "holding", 0, 2, "", outcome, values)


def row(at_s: float, value: float | None) -> StoredReading:
    return StoredReading(int(at_s * SECOND), value)


def test_every_reply_stored_once_is_clean() -> None:
    replies = [reply(10, {"energy": "1.23"}), reply(20, {"energy": "1.23"})]
    stored = {("M-1", "energy"): [row(20.02, 1.23), row(10.01, 1.23)]}
    assert compare_readings(replies, stored) == Verdict(expected=2)


def test_a_missing_row_is_lost_even_when_the_value_did_not_change() -> None:
    replies = [reply(10, {"energy": "1.23"}), reply(20, {"energy": "1.23"})]
    assert compare_readings(replies, {("M-1", "energy"): [row(20.02, 1.23)]}).lost_at == (
        10 * SECOND,
    )


def test_a_point_without_any_row_is_lost() -> None:
    assert compare_readings([reply(10, {"energy": "1.23"})], {}) == Verdict(1, (10 * SECOND,))


def test_two_rows_of_one_reply_are_a_duplicate() -> None:
    stored = {("M-1", "energy"): [row(10.01, 1.23), row(15, 1.23)]}
    assert compare_readings([reply(10, {"energy": "1.23"})], stored) == Verdict(1, (), 1)


def test_a_value_that_was_never_sent_is_invented() -> None:
    stored = {("M-1", "energy"): [row(10.01, 1.24)]}
    assert compare_readings([reply(10, {"energy": "1.23"})], stored) == Verdict(
        1, (10 * SECOND,), 0, 1
    )


def test_a_row_before_any_reply_is_invented() -> None:
    assert compare_readings([], {("M-1", "energy"): [row(1, 0.0)]}).invented == 1


def test_a_faulty_reply_promises_nothing_but_a_row_from_it_is_invented() -> None:
    replies = [reply(10, {"energy": "1.23"}, outcome="truncate")]
    assert compare_readings(replies, {}) == Verdict()
    assert compare_readings(replies, {("M-1", "energy"): [row(10.01, 1.23)]}).invented == 1


def test_a_sentinel_is_a_row_without_value() -> None:
    replies = [reply(10, {"room": None}, outcome="sentinel")]
    assert compare_readings(replies, {("M-1", "room"): [row(10.01, None)]}).lost == 0
    assert compare_readings(replies, {("M-1", "room"): [row(10.01, 3276.7)]}).invented == 1


def sent(seq: int, kind: str = "ok") -> MqttSent:
    return MqttSent("T-1", seq, 0, kind, 0)


def test_positions_are_counted_by_number() -> None:
    messages = {("T-1", seq): sent(seq) for seq in range(1, 6)}
    acknowledged = {("T-1", seq) for seq in (1, 2, 3, 4)}
    stored = {("T-1", 1): 1, ("T-1", 2): 2, ("T-1", 5): 1, ("T-1", 9): 1}
    assert compare_positions(messages, acknowledged, stored) == Verdict(4, (0, 0), 1, 1)


def test_what_belongs_in_quarantine_is_not_missed_among_positions() -> None:
    messages = {("T-1", 1): sent(1, "malformed")}
    assert compare_positions(messages, {("T-1", 1)}, {}) == Verdict()


def card(seq: int, terminal: str = "T-1", ts: int = 0) -> Jt808Sent:
    return Jt808Sent(terminal, seq, ts, "driver_card", seq, 0x0702, seq)


def test_cards_are_known_by_the_time_they_tell() -> None:
    messages = {("T-1", n): card(n, ts=n * SECOND) for n in range(5)} | {("T-1", 9): sent(9)}
    acknowledged = {("T-1", n) for n in (0, 1, 2, 9)}
    stored: dict[tuple[str, int | None], int] = {
        ("T-1", 0): 1,
        ("T-1", SECOND): 2,
        ("T-1", 4 * SECOND): 1,
        ("T-1", 7): 1,
    }
    assert compare_cards(messages, acknowledged, stored) == Verdict(3, (2,), 1, 1)


def test_cards_without_a_time_are_counted() -> None:
    messages = {("T-1", n): card(n, ts=n) for n in range(3)}
    everything = set(messages)
    assert compare_cards(messages, everything, {("T-1", None): 3}) == Verdict(3)
    assert compare_cards(messages, everything, {("T-1", None): 4}) == Verdict(3), "sent again"
    assert compare_cards(messages, everything, {("T-1", None): 1}) == Verdict(3, (1, 2))
    assert compare_cards(messages, everything, {}) == Verdict(3, (0, 1, 2))
    assert compare_cards({}, set(), {("T-1", None): 2}) == Verdict(invented=2)
