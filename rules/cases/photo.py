"""Photos of inspections. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from registry.refusal import RefusedError

LARGEST: Final = 20 * 1024 * 1024
"""Bytes; as for scans of bills."""
_HEIC: Final = (b"heic", b"heix", b"mif1", b"heif")
_TYPES: Final[dict[str, Callable[[bytes], bool]]] = {
    "image/jpeg": lambda head: head.startswith(b"\xff\xd8\xff"),
    "image/png": lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"),
    "image/webp": lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP",
    "image/heic": lambda head: head[4:8] == b"ftyp" and head[8:12] in _HEIC,
}


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo as it came.

    Attributes:
        name: of its file.
        content: its bytes.
    """

    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        """Of its bytes, hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    def type(self) -> str:
        """Return its media type, told by its first bytes: names say anything.

        Raises:
            RefusedError: it is no photo, or too large.
        """
        if not 0 < len(self.content) <= LARGEST:
            most = LARGEST // 1024 // 1024
            raise RefusedError(f"照片 {self.name} 是空文件或超过 {most} MB，请压缩后再报")
        for name, is_one in _TYPES.items():
            if is_one(self.content[:16]):
                return name
        raise RefusedError(f"{self.name} 不是照片：可用 JPEG、PNG、WebP、HEIC")
