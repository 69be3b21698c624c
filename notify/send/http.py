"""Posting JSON: the answer's status and body are looked at, redirects are not followed."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from notify.send.outcome import NotSentError

_READ: Final = 65_536
_SHOWN: Final = 200


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST becomes a GET without its body: better told than lost."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


_OPENER: Final = urllib.request.build_opener(_NoRedirect())
"""With the certificates of the system and the proxies of the environment, as in any intranet."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver said.

    Attributes:
        status: of HTTP, 2xx.
        body: its beginning.
    """

    status: int
    body: bytes

    def fields(self) -> Mapping[str, Any]:
        """Return the object that the body holds.

        Raises:
            NotSentError: it holds none.
        """
        try:
            found = json.loads(self.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise NotSentError(f"HTTP {self.status}, but no answer in JSON: {_shown(self.body)}")
        return found


def post(url: str, content: object, headers: Mapping[str, str], timeout_s: float) -> Answer:
    """Post JSON.

    Args:
        url: http or https.
        content: of the body.
        headers: besides those of JSON.
        timeout_s: for each wait, and for the whole body of the answer.

    Raises:
        NotSentError: it answered with another status than 2xx, or not at all.
    """
    body = json.dumps(content, ensure_ascii=False).encode()
    told = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "jieyong", **headers}
    until = time.monotonic() + timeout_s
    try:
        request = urllib.request.Request(url, body, told, method="POST")  # noqa: S310 - http(s) only
        with _OPENER.open(request, timeout=timeout_s) as answer:
            return Answer(answer.status, _read(answer, until))
    except urllib.error.HTTPError as error:
        with error:
            raise NotSentError(f"HTTP {error.code}: {_shown(_read(error, until))}") from error
    except TimeoutError as error:
        raise NotSentError(f"no answer within {timeout_s:g} s") from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise NotSentError(f"no answer within {timeout_s:g} s") from error
        raise NotSentError(f"not reached: {error.reason}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotSentError(f"not reached: {type(error).__name__}: {error}") from error


def _read(answer: Any, until: float) -> bytes:  # noqa: ANN401 - an answer, or an error that is one
    found = b""
    while len(found) < _READ and (piece := answer.read1(_READ)):
        found += piece
        if time.monotonic() > until:
            raise TimeoutError
    return found


def _shown(body: bytes) -> str:
    return " ".join(body.decode(errors="replace").split())[:_SHOWN] or "empty"
