"""What every verb returns: the same answer as JSON and as text, and whether a quality gate says no."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from milepost.errors import GateFailed


@dataclass(frozen=True)
class Result:
    """One verb's answer. `gate` is why a quality gate says no, or empty; the work is done either way."""

    json: dict[str, Any]
    text: str
    gate: str = field(default="")

    def as_json(self) -> dict[str, Any]:
        """The answer for machines, NaN as null."""
        cleaned: dict[str, Any] = plain(self.json)
        return cleaned

    def as_text(self) -> str:
        """The answer for people."""
        return self.text

    def raise_for_gate(self) -> None:
        """Raise GateFailed when a quality gate says no."""
        if self.gate:
            raise GateFailed(self.gate)


def plain(value: Any) -> Any:
    """JSON-ready: dicts, lists, text, whole and finite numbers, None for NaN and infinity."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, int | float | bool | type(None)) else str(value)


def shown(path: Path) -> str:
    """A path as a person would type it: relative where it lies below the working folder."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A plain-text table; columns of numbers are aligned to the right.

    >>> print(table(["table", "rows"], [["events", "1,200"], ["accounts", "30"]]))
    table      rows
    events    1,200
    accounts     30
    """
    cells = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[place]) for row in cells) for place in range(len(header))]
    right = [all(_numeric(row[place]) for row in cells[1:]) for place in range(len(header))]
    lines = (
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        )
        for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)


def _numeric(text: str) -> bool:
    return text.replace(",", "").replace(".", "").replace("-", "").replace("+", "").replace("%", "").strip().isdigit()
