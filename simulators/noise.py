"""Seeded pseudo-randomness without state: the same keys give the same number, in any order.

A generator that is drawn from in sequence would make a value depend on how often somebody looked.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_MIX_A = 0xBF58476D1CE4E5B9
_MIX_B = 0x94D049BB133111EB


def derive(seed: int, *keys: int | str) -> int:
    """Return a 64-bit seed of its own for ``keys`` under ``seed``."""
    text = repr((seed, *keys)).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest())


def chance(seed: int, *keys: int | str) -> float:
    """Return a number in [0, 1) for ``keys`` under ``seed``."""
    return derive(seed, *keys) / 2.0**64


def uniform(seed: int, index: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return numbers in [0, 1), one for each index (splitmix64)."""
    z = index.astype(np.uint64) * np.uint64(_GOLDEN) + np.uint64(seed & _MASK)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(_MIX_A)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(_MIX_B)
    z ^= z >> np.uint64(31)
    fraction: NDArray[np.float64] = (z >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return fraction


def flutter(seed: int, index: int) -> float:
    """Return a number in [-1, 1) for one index: what :func:`uniform` gives, stretched."""
    z = (index * _GOLDEN + seed) & _MASK
    z = ((z ^ (z >> 30)) * _MIX_A) & _MASK
    z = ((z ^ (z >> 27)) * _MIX_B) & _MASK
    z ^= z >> 31
    return (z >> 11) * 2.0**-52 - 1.0
