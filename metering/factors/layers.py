"""Several dated answers to one question, the nearest first. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Piece(Generic[T]):
    """What holds from ``begin`` to the day before ``end``."""

    begin: date
    end: date
    value: T


def first_of(layers: Sequence[Iterable[Piece[T]]], begin: date, end: date) -> list[Piece[T | None]]:
    """Lay answers over a time: on each day the first layer that has one counts.

    Args:
        layers: nearest first; the pieces of one layer do not overlap.
        begin: first day.
        end: day after the last.

    Returns:
        Pieces that fill the time in order, None where no layer has an answer; neighbours differ.
    """
    pieces = [[p for p in layer if p.begin < end and begin < p.end] for layer in layers]
    inner = {day for layer in pieces for p in layer for day in (p.begin, p.end)}
    cuts = [begin, *sorted(day for day in inner if begin < day < end), end]
    found: list[Piece[T | None]] = []
    for first, last in itertools.pairwise(cuts):
        value = next((p.value for layer in pieces for p in layer if p.begin <= first < p.end), None)
        if found and found[-1].value == value:
            found[-1] = Piece(found[-1].begin, last, value)
        elif first < last:
            found.append(Piece(first, last, value))
    return found
