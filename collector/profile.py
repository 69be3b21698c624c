"""Device profiles: reading them, and saying what is wrong with them.

A profile is a YAML file in ``collector/profiles``; its shape is
:class:`~collector.profile_model.Profile`. Adding a device is adding a file: a test loads them all.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from collector import marked_yaml
from collector.profile_model import ADDRESSES, Order, Point, Profile, Type
from registry.catalogue import PointInfo, ProfileInfo
from registry.yaml_nodes import YamlError

UNKNOWN_KEY: Final = "unknown key: remove it or correct its name"


class ProfileError(Exception):
    """A profile cannot be used.

    Attributes:
        errors: every fault found, each ``file:line: where: what, and what to do``.
    """

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = tuple(errors)


def parse_profile(text: str, where: str) -> Profile:
    """Read a profile from its YAML text; ``where`` is the file named in errors.

    Raises:
        ProfileError: with every fault found.
    """
    try:
        document = marked_yaml.parse(text)
    except YamlError as error:
        raise ProfileError([f"{where}:{error.line}: {error.what}"]) from error
    data = document.data
    found: list[tuple[marked_yaml.Path, str]] = []
    if isinstance(data, dict):
        if "text" in data:  # ours to set
            found.append((("text",), UNKNOWN_KEY))
        data = {**data, "text": text}
    try:
        profile = Profile.model_validate(data)
    except ValidationError as error:
        found += [_pydantic_fault(fault) for fault in error.errors(include_url=False)]
    else:
        found += _faults(profile)
        if not found:
            return profile
    raise ProfileError([_located(where, document, path, what) for path, what in found])


def load_profile(path: Path) -> Profile:
    """Read one profile file.

    Raises:
        ProfileError: the file cannot be used; says where and why.
        OSError: the file cannot be read.
    """
    return parse_profile(path.read_text(encoding="utf-8"), str(path))


def load_profiles(directory: Path) -> dict[str, Profile]:
    """Read every ``*.yaml`` of a directory: code → profile.

    Raises:
        ProfileError: with the faults of all files together; also when there is no file, when two
            share a code, or when a file is not named after its code.
    """
    profiles: dict[str, Profile] = {}
    errors: list[str] = []
    for path in sorted(directory.glob("*.yaml")):
        try:
            profile = load_profile(path)
        except ProfileError as error:
            errors.extend(error.errors)
            continue
        if profile.code != path.stem:
            errors.append(f"{path}:1: code is {profile.code!r}: name the file {profile.code}.yaml")
        profiles[profile.code] = profile
    if not profiles and not errors:
        errors.append(f"{directory}: no profile found (*.yaml)")
    if errors:
        raise ProfileError(errors)
    return profiles


def catalogue(directory: Path) -> dict[str, ProfileInfo]:
    """Return what the registry must know of a directory of profiles, by code.

    Raises:
        ProfileError: as :func:`load_profiles`.
    """
    return {code: to_info(profile) for code, profile in load_profiles(directory).items()}


def to_info(profile: Profile) -> ProfileInfo:
    """Return what the registry keeps of a profile: its text, digest and points."""
    points = tuple(PointInfo(p.name, p.label, p.unit, p.class_) for p in profile.points)
    digest = hashlib.sha256(profile.text.encode()).hexdigest()
    return ProfileInfo(profile.code, profile.version, digest, profile.text, points)


def _pydantic_fault(fault: ErrorDetails) -> tuple[marked_yaml.Path, str]:
    what = fault["msg"]
    if fault["type"] == "extra_forbidden":
        what = UNKNOWN_KEY
    elif fault["type"] == "missing":
        what = "missing: add it"
    elif "input" in fault and not isinstance(fault["input"], dict | list):
        what = f"{what}, not {fault['input']}"
    return tuple(fault["loc"]), what


def _located(where: str, document: marked_yaml.Document, path: marked_yaml.Path, what: str) -> str:
    names = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return f"{where}:{document.line(path)}: {names.lstrip('.') or 'profile'}: {what}"


def _faults(profile: Profile) -> Iterator[tuple[marked_yaml.Path, str]]:
    for i, banned in enumerate(profile.forbidden):
        if banned.last < banned.first:
            yield ("forbidden", i), f"last {banned.last} lies before first {banned.first}"
    for name, count in Counter(point.name for point in profile.points).items():
        if count > 1:
            yield ("points",), f"{count} points are named {name}: give each its own name"
    for i, point in enumerate(profile.points):
        for what in _point_faults(profile, point):
            yield ("points", i), f"{point.name}: {what}"


def _point_faults(profile: Profile, point: Point) -> Iterator[str]:
    if point.end > ADDRESSES:
        yield f"{point.size} registers from {point.address} end behind the last address, 65535"
    yield from _bit_faults(point) if point.table.holds_bits else _register_faults(profile, point)
    if point.type is Type.BIT and (point.scale != 1 or point.sentinels):
        yield "a bit has neither scale nor sentinels"
    if point.class_ != "state" and not point.unit:
        yield 'a counter or gauge needs a unit ("1" for a ratio)'
    if point.states and point.class_ != "state":
        yield "only a point of class state has `states`"
    for banned in profile.forbidden:
        if banned.meets(point.table, point.address, point.end):
            yield f"lies in the forbidden range {banned.first:#06x}..{banned.last:#06x}"


def _bit_faults(point: Point) -> Iterator[str]:
    if point.type is not Type.BIT:
        yield f"table {point.table} holds bits: its type must be bit, not {point.type}"
    if point.bit is not None:
        yield f"table {point.table} holds bits: remove `bit`"


def _register_faults(profile: Profile, point: Point) -> Iterator[str]:
    if (point.type is Type.BIT) != (point.bit is not None):
        yield "a bit inside a register needs type bit and `bit` (0..15); other types take no `bit`"
    if point.size > profile.max_registers:
        yield f"takes {point.size} registers, the device answers only {profile.max_registers}"
    if point.size == 1 and point.order in {Order.CDAB, Order.DCBA}:
        yield f"order {point.order} swaps words, but there is only one: use ABCD or BADC"
    for sentinel in () if point.type.is_float else point.sentinels:
        if sentinel != int(sentinel) or not point.type.lowest <= sentinel < 1 << point.type.bits:
            yield f"sentinel {sentinel} does not fit {point.type}"
