"""Photos are told by their bytes."""

from __future__ import annotations

import pytest

from registry.refusal import RefusedError
from rules.cases.photo import LARGEST, Photo


@pytest.mark.parametrize(
    ("head", "type_"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"RIFF\x00\x00\x00\x00WEBP", "image/webp"),
        (b"\x00\x00\x00\x18ftypheic", "image/heic"),
    ],
)
def test_a_photo_is_what_its_bytes_say_whatever_its_name(head: bytes, type_: str) -> None:
    assert Photo("x.txt", head + b"...").type() == type_


@pytest.mark.parametrize("content", [b"%PDF-1.7", b"MZ\x90", b"RIFF\x00\x00\x00\x00WAVE", b"\xff"])
def test_what_is_no_photo_is_refused(content: bytes) -> None:
    with pytest.raises(RefusedError, match=r"现场\.jpg 不是照片"):
        Photo("现场.jpg", content).type()


@pytest.mark.parametrize("size", [0, LARGEST + 1])
def test_what_is_empty_or_too_large_is_refused(size: int) -> None:
    with pytest.raises(RefusedError, match="空文件或超过 20 MB"):
        Photo("p.jpg", b"\xff\xd8\xff".ljust(size, b"x")[:size]).type()
