"""How much memory the settings allow."""

from __future__ import annotations

import os
import re

MEMORY_LIMIT = r"^(\d+(?:\.\d+)?) ?(MB|GB|TB|MiB|GiB|TiB)$"
_BYTES = {"MB": 10**6, "GB": 10**9, "TB": 10**12, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def memory_bytes(limit: str) -> int:
    """A limit such as "2GB" in bytes; an empty one is a third of the machine. Raises ValueError for other text."""
    if not limit:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 3
    found = re.match(MEMORY_LIMIT, limit)
    if found is None:
        raise ValueError(f"'{limit}' is no amount of memory such as 2GB")
    return int(float(found[1]) * _BYTES[found[2]])
