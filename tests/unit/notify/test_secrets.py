from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from notify.model import Channel, ChannelKind, Place
from notify.secrets import Address, AddressError, address_of

TOKEN = "To+kEn/se=cr3t"


def of(place: Place, kind: ChannelKind = ChannelKind.DINGTALK) -> Channel:
    return Channel("robot", kind, place, 20, 2000)


@pytest.mark.parametrize(
    "url",
    [
        f"https://oapi.dingtalk.com/robot/send?access_token={quote(TOKEN, safe='')}",
        f"https://open.feishu.cn/open-apis/bot/v2/hook/{quote(TOKEN, safe='')}",
        f"mailto://user:{quote(TOKEN, safe='')}@mail.example.org?to=a@example.org",
        f"wecombot://{quote(TOKEN, safe='')}/",
        f"nosuch://{quote(TOKEN, safe='')}@host",
        f"http://[{quote(TOKEN, safe='')}/",
    ],
)
def test_no_piece_of_an_address_stays_in_an_error(url: str) -> None:
    address = Address(url, "SEC0123")
    path = url.partition("://")[2]
    said = f"Max retries with url: /{path} of {url} ({url.lower()}): {TOKEN} {quote(TOKEN)} SEC0123"
    clean = address.scrub(said).lower()
    for secret in (TOKEN, quote(TOKEN, safe=""), quote(TOKEN), "SEC0123"):
        assert secret.lower() not in clean
    assert clean.startswith("max retries with url")
    assert TOKEN not in repr(address)


def test_the_host_of_a_web_address_stays_for_it_is_what_helps() -> None:
    url = "https://oapi.dingtalk.com/robot/send?access_token=abcdef"
    said = f"{urlsplit(url).hostname}: name or service not known"
    assert Address(url).scrub(said) == said


def test_tokens_of_others_are_masked_by_their_names() -> None:
    said = Address("https://a.example.org/").scrub("redirected to /x?key=OTHER&a=1")
    assert said == "redirected to /x?key=***&a=1"


def test_an_address_is_read_where_the_routes_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "robot").write_text("https://a.example.org/x\nSECRET\n", encoding="utf-8")
    found = address_of(of(Place(file="robot")), tmp_path)
    assert (found.url, found.signing) == ("https://a.example.org/x", "SECRET")
    monkeypatch.setenv("ROBOT_URL", " https://b.example.org/ ")
    assert address_of(of(Place(variable="ROBOT_URL")), tmp_path).url == "https://b.example.org/"
    found = address_of(of(Place(direct="a b.jsonl"), ChannelKind.FILE), tmp_path)
    assert found.url == str(tmp_path / "a b.jsonl")


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("", ChannelKind.WEBHOOK, "its address is empty"),
        ("https://a.example.org SECRET", ChannelKind.WECOM, "write one address, and nothing"),
        ("https://a.example.org a b", ChannelKind.FEISHU, "the secret for signing"),
        (f"dingtalk://{TOKEN}", ChannelKind.DINGTALK, "must begin with https:// or http://"),
        ("file:///etc/passwd", ChannelKind.WEBHOOK, "must begin with https:// or http://"),
    ],
)
def test_a_wrong_address_is_told_without_showing_it(
    tmp_path: Path, text: str, kind: ChannelKind, words: str
) -> None:
    (tmp_path / "robot").write_text(text, encoding="utf-8")
    with pytest.raises(AddressError, match=words) as caught:
        address_of(of(Place(file="robot"), kind), tmp_path)
    assert TOKEN not in str(caught.value)


def test_an_address_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(AddressError, match="cannot be read: No such file"):
        address_of(of(Place(file="none")), tmp_path)
    with pytest.raises(AddressError, match="the variable NO_SUCH is not set"):
        address_of(of(Place(variable="NO_SUCH")), tmp_path)
