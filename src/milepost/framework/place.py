"""Where something stands in the text of a framework file, for errors that name the row."""

from __future__ import annotations

import re
from dataclasses import dataclass

from milepost.framework.text import quoted

MANY = ("area", "category", "proven")


@dataclass(frozen=True)
class Place:
    """One table of the file: the text, the file's name, "category" or another kind, and which of that kind, from 1."""

    text: str
    file: str
    kind: str
    number: int = 1

    def row(self, token: str = "") -> str:
        """Where a key or a quoted name stands in this table, else where the table begins."""
        which = f"{self.kind} {self.number}" if self.kind in MANY else self.kind
        row = self._number_of(token)
        return f"{self.file} row {row} ({which})" if row else f"{self.file} ({which})"

    def _number_of(self, token: str) -> int:
        """The row, from 1; 0 where the table is not written under a header of its own."""
        header = re.compile(rf"\s*\[\[?\s*{self.kind}\s*\]")
        inside = re.compile(rf"\s*\[\s*{self.kind}\s*\.")
        wanted = re.compile(rf"\s*{re.escape(token)}\s*=")
        lines = self.text.splitlines()
        starts = [number for number, line in enumerate(lines) if header.match(line)]
        if len(starts) < self.number:
            return 0
        start = starts[self.number - 1]
        for number, line in enumerate(lines[start + 1 :], start=start + 2):
            if re.match(r"\s*\[", line) and not inside.match(line):
                break
            if token and (wanted.match(line) or quoted(token) in line):
                return number
        return start + 1
