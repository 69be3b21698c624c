"""Speaking to receivers that answer, refuse, are silent or away; and what is said of that."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import structlog

from jieyong import logs
from notify.model import Channel, ChannelKind, Place
from notify.send.deliver import deliver
from notify.send.outcome import NotSentError
from tests.integration.notify.receivers import MailReceiver, WebReceiver, mail
from tests.unit.notify.samples import NOON, note

TOKEN = "S3cr3tT0ken"


@pytest.fixture
def mailbox() -> Iterator[MailReceiver]:
    with mail() as mailbox:
        yield mailbox


def send(
    tmp_path: Path,
    kind: ChannelKind,
    address: str,
    *keys: str,
    timeout_s: float = 10,
    longest: int = 20_000,
) -> str:
    (tmp_path / "address").write_text(address, encoding="utf-8")
    channel = Channel("group", kind, Place(file="address"), 20, longest)
    notes = [note(key) for key in keys or ("case-1",)]
    return deliver(channel, notes, tmp_path, NOON, timeout_s)


def test_a_webhook_gets_the_key_in_header_and_body(tmp_path: Path, receiver: WebReceiver) -> None:
    assert send(tmp_path, ChannelKind.WEBHOOK, receiver.url(), "a", "b") == "HTTP 200"
    (request,) = receiver.requests
    key = request.headers["Idempotency-Key"]
    assert request.content["key"] == key
    assert request.content["text"].endswith(f"编号：{key}")
    assert [one["key"] for one in request.content["notes"]] == ["a", "b"]
    assert request.content["notes"][0] == {
        "key": "a",
        "route": "energy",
        "severity": "warning",
        "subject": "room-301",
        "title": "疑点：a",
        "body": "三楼会议室空调设定 22 °C，已持续 40 分钟。",
        "happened_at": "2026-11-30T04:00:00+00:00",
    }


@pytest.mark.parametrize("status", [302, 307, 400, 404, 429, 500, 503])
def test_any_other_status_is_told_and_no_redirect_is_followed(
    tmp_path: Path, receiver: WebReceiver, status: int
) -> None:
    receiver.answer = lambda _: (status, f"token={TOKEN} is unknown".encode())
    with pytest.raises(NotSentError) as caught:
        send(tmp_path, ChannelKind.WEBHOOK, receiver.url())
    assert str(caught.value) == f"HTTP {status}: *** is unknown"
    assert len(receiver.requests) == 1


def test_what_a_receiver_says_can_be_stored_and_shown(
    tmp_path: Path, receiver: WebReceiver
) -> None:
    receiver.answer = lambda _: (500, b"a\x00b\x1b[31m \xff" + b"x" * 9000)
    with pytest.raises(NotSentError) as caught:
        send(tmp_path, ChannelKind.WEBHOOK, receiver.url())
    assert str(caught.value).startswith("HTTP 500: ab[31m \ufffdxxx")
    assert len(str(caught.value)) < 300


def test_a_receiver_that_is_silent_or_away_is_told(tmp_path: Path, receiver: WebReceiver) -> None:
    let_go = threading.Event()
    receiver.answer = lambda _: ((let_go.wait(60) and 200) or 500, b"")
    with pytest.raises(NotSentError, match=r"no answer within 0\.2 s"):
        send(tmp_path, ChannelKind.WEBHOOK, receiver.url(), timeout_s=0.2)
    let_go.set()
    with pytest.raises(NotSentError, match=r"not reached: .*refused"):
        send(tmp_path, ChannelKind.WEBHOOK, "http://127.0.0.1:1/hook")


ROBOTS = [ChannelKind.WECOM, ChannelKind.DINGTALK, ChannelKind.FEISHU]


def taken(kind: ChannelKind) -> bytes:
    return b'{"code":0,"msg":"success"}' if kind is ChannelKind.FEISHU else b'{"errcode":0}'


@pytest.mark.parametrize("kind", ROBOTS)
def test_a_robot_gets_plain_text_with_the_key(
    tmp_path: Path, receiver: WebReceiver, kind: ChannelKind
) -> None:
    receiver.answer = lambda _: (200, taken(kind))
    send(tmp_path, kind, receiver.url("/robot/send?access_token=abc"), "case-9")
    (request,) = receiver.requests
    assert request.path == "/robot/send?access_token=abc"
    content = request.content
    text = content["content"] if kind is ChannelKind.FEISHU else content["text"]
    (said,) = text.values()
    assert said.startswith("疑点：case-9\n")
    assert said.endswith("\n编号：case-9")
    assert content["msg_type" if kind is ChannelKind.FEISHU else "msgtype"] == "text"


@pytest.mark.parametrize("kind", ROBOTS)
@pytest.mark.parametrize(
    "answer",
    [
        b'{"errcode":310000,"errmsg":"sign not match"}',
        b'{"code":9499,"msg":"Bad Request"}',
        b'{"errcode":45009,"errmsg":"api freq out of limit"}',
        b"<html>log in</html>",
        b"[]",
        b"{}",
    ],
)
def test_a_robot_that_refuses_with_200_has_not_taken_the_message(
    tmp_path: Path, receiver: WebReceiver, kind: ChannelKind, answer: bytes
) -> None:
    receiver.answer = lambda _: (200, answer)
    with pytest.raises(NotSentError, match=r"refused: |no answer in JSON"):
        send(tmp_path, kind, receiver.url())


def test_dingtalk_is_signed_and_the_signature_is_quoted_once(
    tmp_path: Path, receiver: WebReceiver
) -> None:
    receiver.answer = lambda _: (200, b'{"errcode":0}')
    send(tmp_path, ChannelKind.DINGTALK, f"{receiver.url()} SEC1")
    query = parse_qs(urlsplit(receiver.requests[0].path).query, strict_parsing=True)
    millis = str(int(NOON.timestamp() * 1000))
    expected = hmac.new(b"SEC1", f"{millis}\nSEC1".encode(), hashlib.sha256).digest()
    assert query["timestamp"] == [millis]
    assert base64.b64decode(query["sign"][0], validate=True) == expected


def test_feishu_is_signed_in_its_body(tmp_path: Path, receiver: WebReceiver) -> None:
    receiver.answer = lambda _: (200, b'{"code":0}')
    send(tmp_path, ChannelKind.FEISHU, f"{receiver.url()} SEC1")
    content = receiver.requests[0].content
    seconds = str(int(NOON.timestamp()))
    expected = hmac.new(f"{seconds}\nSEC1".encode(), b"", hashlib.sha256).digest()
    assert content["timestamp"] == seconds
    assert base64.b64decode(content["sign"]) == expected


def test_a_file_gets_a_line_for_each_message(tmp_path: Path) -> None:
    channel = Channel("file", ChannelKind.FILE, Place(direct="notes.jsonl"), 20, 2000)
    for key in ("a", "b"):
        deliver(channel, [note(key)], tmp_path, NOON, 10)
    lines = (tmp_path / "notes.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["key"] for line in lines] == ["a", "b"]
    nowhere = Channel("file", ChannelKind.FILE, Place(direct="no/such/folder"), 20, 2000)
    with pytest.raises(NotSentError, match="the file cannot be written: No such file"):
        deliver(nowhere, [note()], tmp_path, NOON, 10)


def test_mail_leaves_with_the_key_in_header_and_text(tmp_path: Path, mailbox: MailReceiver) -> None:
    url = f"mailto://127.0.0.1:{mailbox.port}?from=jieyong@example.org&to=office@example.org"
    send(tmp_path, ChannelKind.APPRISE, url, "case-5")
    (found,) = mailbox.mails
    assert found["Subject"] == "疑点：case-5"
    assert found["X-Jieyong-Key"] == "case-5"
    assert "office@example.org" in found["To"]
    body = found.get_body(("plain",))
    assert body is not None
    assert "已持续 40 分钟" in body.get_content()
    assert "编号：case-5" in body.get_content()


def test_mail_that_is_refused_is_told(tmp_path: Path, mailbox: MailReceiver) -> None:
    mailbox.refuse = b"550 5.1.1 no such user"
    url = f"mailto://127.0.0.1:{mailbox.port}?from=jieyong@example.org&to=office@example.org"
    with pytest.raises(NotSentError, match="no such user"):
        send(tmp_path, ChannelKind.APPRISE, url)
    assert mailbox.mails == []


@pytest.mark.parametrize(
    "address",
    [
        f"mailto://user:{TOKEN}@127.0.0.1:1?from=a@example.org&to=b@example.org",
        f"nosuch://{TOKEN}@host",
        f"dingtalk://{TOKEN}-/",
        f"json://127.0.0.1:1/{TOKEN}",
        f"://{TOKEN}",
    ],
)
def test_nothing_of_an_address_gets_into_errors_or_logs(
    tmp_path: Path, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("debug")
    try:
        with pytest.raises(NotSentError) as caught:
            send(tmp_path, ChannelKind.APPRISE, address)
    finally:
        logging.getLogger().handlers.clear()
        structlog.reset_defaults()
    seen = capsys.readouterr()
    for text in (str(caught.value), seen.out, seen.err):
        assert TOKEN not in text
    assert str(caught.value)
    assert caught.value.__context__ is None


def test_an_exception_of_a_library_that_carries_the_token_is_scrubbed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(url: str, *_: object) -> None:
        raise RuntimeError(f"HTTPSConnectionPool: Max retries exceeded with url: {url}")

    monkeypatch.setattr("notify.send.robots.post", explode)
    with pytest.raises(NotSentError) as caught:
        send(tmp_path, ChannelKind.WECOM, f"https://qyapi.example.org/send?key={TOKEN}")
    assert str(caught.value).startswith("RuntimeError: HTTPSConnectionPool: Max retries")
    assert TOKEN not in str(caught.value)
