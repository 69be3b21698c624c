"""Robots of chat groups: WeCom, DingTalk, Feishu.

Not through apprise: its plugins for WeCom and DingTalk take any HTTP 200 for success, although they
refuse with HTTP 200 and an ``errcode`` (too many messages, a missing keyword, a wrong
signature), and would lose notes silently (docs/decisions/0003-who-speaks-to-receivers.md).

Sources: https://developer.work.weixin.qq.com/document/path/91770,
https://open.dingtalk.com/document/robots/custom-robot-access,
https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

from notify.secrets import Address
from notify.send.http import post
from notify.send.outcome import NotSentError
from notify.text import Text


def wecom(text: Text, address: Address, timeout_s: float) -> str:
    """Send by a robot of a WeCom group; return what it answered.

    Raises:
        NotSentError: it did not take the message.
    """
    content = {"msgtype": "text", "text": {"content": text.whole}}
    return _judged(post(address.url, content, {}, timeout_s).fields(), "errcode", "errmsg")


def dingtalk(text: Text, address: Address, now: datetime, timeout_s: float) -> str:
    """Send by a robot of a DingTalk group; likewise."""
    content = {"msgtype": "text", "text": {"content": text.whole}}
    url = address.url
    if address.signing:
        millis = str(round(now.timestamp() * 1000))
        sign = _sign(address.signing.encode(), f"{millis}\n{address.signing}".encode())
        url += f"{'&' if '?' in url else '?'}timestamp={millis}&sign={quote_plus(sign)}"
    return _judged(post(url, content, {}, timeout_s).fields(), "errcode", "errmsg")


def feishu(text: Text, address: Address, now: datetime, timeout_s: float) -> str:
    """Send by a robot of a Feishu group; likewise."""
    content: dict[str, Any] = {"msg_type": "text", "content": {"text": text.whole}}
    if address.signing:
        seconds = str(round(now.timestamp()))
        sign = _sign(f"{seconds}\n{address.signing}".encode(), b"")
        content |= {"timestamp": seconds, "sign": sign}
    return _judged(post(address.url, content, {}, timeout_s).fields(), "code", "msg")


def _sign(key: bytes, told: bytes) -> str:
    return base64.b64encode(hmac.new(key, told, hashlib.sha256).digest()).decode()


def _judged(answer: Mapping[str, Any], code: str, words: str) -> str:
    if answer.get(code) == 0:
        return f"{code} 0"
    # Without a code it is the answer of somebody else: a gateway, a page of a log-in.
    raise NotSentError(f"refused: {code} {answer.get(code, 'missing')}: {answer.get(words, '')}")
