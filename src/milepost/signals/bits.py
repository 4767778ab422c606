"""Features as bits: what one row per account, or per user, can say of all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

WORD_BITS = 62


def words_for(features: int) -> int:
    """How many words of 62 bits hold so many features."""
    return -(-features // WORD_BITS)


def bits_of_names(names: Sequence[Sequence[str]], words: int) -> dict[str, Any]:
    """event_name and word_0, word_1 …: the bits of the features it counts for. `names`: per feature, its events."""
    bits: dict[str, list[int]] = {}
    for place, own in enumerate(names):
        for name in own:
            bits.setdefault(name, [0] * words)[place // WORD_BITS] |= 1 << place % WORD_BITS
    columns = {f"word_{word}": pa.array([own[word] for own in bits.values()], pa.int64()) for word in range(words)}
    return {"event_name": pa.array(list(bits), pa.string()), **columns}
