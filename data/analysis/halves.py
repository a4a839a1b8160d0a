"""Which sentences an evaluation on `valid` reports on: the half that no checkpoint was chosen on.

The same keyed shuffle as src/select/permutation.cpp (a Feistel network over Philox4x32-10 that walks on while it falls
outside), for all positions at once."""

import numpy as np

SPLIT = 6  # rest::Purpose::split
ROUNDS = 6


def _mix64(x):
    mask = (1 << 64) - 1
    x = (x + 0x9E3779B97F4A7C15) & mask
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
    return x ^ (x >> 31)


def _key(purpose):
    """Of seed 0 and no further numbers."""
    return _mix64(_mix64(_mix64(_mix64(purpose))))


def _philox(key, c0, c1):
    """First word of Philox4x32-10 for counters (c0, c1, 0, 0); c0 is an array."""
    low = np.uint64(0xFFFFFFFF)
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    c0, c1 = c0 & low, np.full_like(c0, c1)
    c2 = c3 = np.zeros_like(c0)
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c2 = (p1 >> np.uint64(32)) ^ c1 ^ np.uint64(k0), (p0 >> np.uint64(32)) ^ c3 ^ np.uint64(k1)
        c1, c3 = p1 & low, p0 & low
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0


def _network(key, i, half):
    mask = np.uint64((1 << half) - 1)
    left, right = i >> np.uint64(half), i & mask
    for step in range(ROUNDS):
        left, right = right, left ^ (_philox(key, right, step) & mask)
    return (left << np.uint64(half)) | right


def report_half(size):
    """Rows of validation that are reported on, rising."""
    bits = max(size - 1, 0).bit_length()
    half = 1 if bits < 2 else (bits + 1) // 2
    key = _key(SPLIT)
    at = _network(key, np.arange((size + 1) // 2, size, dtype=np.uint64), half)
    outside = at >= size
    while outside.any():
        at[outside] = _network(key, at[outside], half)
        outside = at >= size
    return np.sort(at).astype(np.int64)
