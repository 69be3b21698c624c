"""Fences from GeoJSON files, and as GeoJSON for map programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from fleet.fence.fences import Fence
from fleet.fence.rows import Feature, fence_line, fields, unsheeted
from fleet.ledger.lines import Line
from registry.refusal import refuse
from registry.sheet import Refusals

MOST_BYTES: Final = 10_000_000
_BLANKS: Final = " \t\r\n"
_DECODER: Final = json.JSONDecoder()


def read_lines(path: Path, refusals: Refusals, usual: Mapping[str, str]) -> list[Line]:
    """Read the fences of a file; every mistake is noted with its line.

    Args:
        path: a FeatureCollection or a Feature, UTF-8.
        refusals: where mistakes are noted.
        usual: by field, what is said of features that do not say it: a datum, a day.

    Raises:
        RefusedError: it is no such file.
    """
    content = path.read_bytes()
    if len(content) > MOST_BYTES:
        refuse(path.name, f"大于 {MOST_BYTES // 1_000_000} MB；请分成几个文件导入")
    try:
        text = content.decode("utf-8-sig")
        whole = json.loads(text)
    except UnicodeDecodeError:
        refuse(path.name, "文字编码不是 UTF-8，请另存为 UTF-8 后再导入")
    except json.JSONDecodeError as error:
        refuse(f"{path.name}:{error.lineno}", f"不是 JSON（{error.msg}），请改正")
    except RecursionError:
        refuse(path.name, "层次过深，不是 GeoJSON 文件")
    kind = whole.get("type") if isinstance(whole, dict) else None
    if kind == "Feature":
        features = [(1, whole)]
    elif kind == "FeatureCollection" and isinstance(whole.get("features"), list):
        features = list(_features(text))
    else:
        refuse(path.name, "不是 GeoJSON 的 FeatureCollection 或 Feature，请核对文件")
    found = (_line(path.name, line, one, refusals, usual) for line, one in features)
    return [one for one in found if one is not None]


def _line(
    name: str, line: int, given: object, refusals: Refusals, usual: Mapping[str, str]
) -> Line | None:
    where = f"{name}:{line}"
    if not isinstance(given, dict):
        refusals.add(where, "不是 Feature，请核对")
        return None
    properties = given.get("properties")
    said = fields(properties if isinstance(properties, dict) else {})
    said |= {field: value for field, value in usual.items() if value and not said.get(field)}
    row = Feature(unsheeted(name), line, said, refusals, where)
    return fence_line(row, given.get("geometry") or {})


def write(path: Path, fences: Iterable[Fence], *, original: bool) -> None:
    """Write fences as a FeatureCollection.

    Args:
        path: the file.
        fences: what it holds.
        original: as entered, in the datum of each; otherwise in WGS-84, as GeoJSON is.
    """
    features = [_feature(one, original=original) for one in fences]
    collection = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(collection, ensure_ascii=False, indent=1), encoding="utf-8")


def _feature(one: Fence, *, original: bool) -> dict[str, object]:
    last = one.last
    properties = {
        "code": one.code,
        "name": one.name,
        "purpose": one.purpose,
        "institution": one.institution,
        "datum": one.datum if original else "wgs84",
        "radius_m": one.radius_m,
        "margin_m": one.margin_m,
        "dwell_min": one.dwell_s // 60,
        "since": one.since.isoformat(),
        "last": None if last is None else last.isoformat(),
        "note": one.note,
    }
    return {
        "type": "Feature",
        "properties": {
            name: value for name, value in properties.items() if value not in {None, ""}
        },
        "geometry": json.loads(one.original if original else one.wgs84),
    }


def _features(text: str) -> Iterator[tuple[int, object]]:
    """Yield the line and content of each feature; the text is a JSON object that has some.

    The standard decoder keeps no lines; it says where each value ends, which is enough.
    """
    at = _skip(text, text.index("{") + 1)
    while text[at] == '"':
        name, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        if name == "features":
            yield from _items(text, at)
            return
        _, at = _DECODER.raw_decode(text, at)
        at = _skip(text, at)
        at = _skip(text, at + 1) if text[at] == "," else at


def _items(text: str, at: int) -> Iterator[tuple[int, object]]:
    at, line, counted = _skip(text, at + 1), 1, 0
    while text[at] != "]":
        line, counted = line + text.count("\n", counted, at), at
        value, at = _DECODER.raw_decode(text, at)
        yield line, value
        at = _skip(text, at)
        at = _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    while text[at] in _BLANKS:
        at += 1
    return at
