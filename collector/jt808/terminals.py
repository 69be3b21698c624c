"""Who may send: the terminals of the inventory, and the codes they authenticate with."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_SECRET_BYTES: Final = 32
_CODE_DIGITS: Final = 16


class Terminals:
    """Finds terminals by the number on the wire.

    Args:
        terminals: code in the inventory → terminal id.
    """

    def __init__(self, terminals: Mapping[str, int]) -> None:
        self.update(terminals)

    def update(self, terminals: Mapping[str, int]) -> None:
        """Take the registry's present terminals."""
        known = {code.strip().lower().lstrip("0") or "0": id_ for code, id_ in terminals.items()}
        codes = Counter(code.strip().lower().lstrip("0") or "0" for code in terminals)
        # Two codes that differ in their zeros only are one number on the wire: whose it is cannot
        # be known, so it is nobody's until the inventory says.
        self._known = {code: id_ for code, id_ in known.items() if codes[code] == 1}

    def find(self, display: str) -> int | None:
        """Return the id of a terminal, or None when it is not in the inventory.

        Args:
            display: its number as :func:`collector.jt808.header.display` writes it.
        """
        return self._known.get(display)


class Codes:
    """Authentication codes, derived: they outlive restarts without being kept anywhere.

    The number of a terminal, signed with a secret of this installation. They keep the dialogue of
    the standard; they are no proof, for whoever knows a number may register under it.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def code(self, display: str) -> bytes:
        """Return the code of a terminal: 16 hexadecimal digits."""
        digest = hmac.new(self._secret, display.encode(), hashlib.sha256).hexdigest()
        return digest[:_CODE_DIGITS].encode()

    def fits(self, display: str, given: frozenset[bytes]) -> bool:
        """Tell whether one of the ways to read an authentication gives the terminal's code."""
        right = self.code(display)
        return any(hmac.compare_digest(right, one) for one in given)


def secret_of(directory: Path) -> bytes:
    """Return the secret of an installation; made when there is none yet.

    When it is lost, terminals authenticate with codes that no longer fit and register again.

    Args:
        directory: the collector's part of the state directory.

    Raises:
        OSError: it can neither be read nor written.
    """
    path = directory / "jt808.secret"
    with contextlib.suppress(FileNotFoundError):
        kept = path.read_bytes()
        if len(kept) == _SECRET_BYTES:
            return kept
    fresh = os.urandom(_SECRET_BYTES)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(fresh)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return fresh
