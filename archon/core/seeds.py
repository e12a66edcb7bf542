"""All randomness derives from one seed by name, whatever the order of execution."""

from __future__ import annotations

import hashlib


def derive_seed(*parts: str | int) -> int:
    """A seed in [0, 2**63) that depends on every part and on nothing else.

    Args:
        parts: The job's seed and the names that lead to the place of use,
            e.g. ``derive_seed(7, "sampler", 12)``. The order counts.
    """
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
