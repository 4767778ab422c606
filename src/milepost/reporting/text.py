"""Text from the data as a page may show it."""

from __future__ import annotations

LONGEST_TEXT = 200


def cut(text: object, limit: int = LONGEST_TEXT) -> str:
    """Text for a cell: control characters become �, what is longer than `limit` is cut and says so.

    Direction marks are left out, so that a name cannot turn the words around it.
    """
    shown = "".join(_harmless(char) for char in str(text))
    return shown if len(shown) <= limit else f"{shown[:limit]}… ({len(shown):,} characters)"


def printable(text: str) -> str:
    """Text for a terminal: what could steer it becomes �; lines stay lines."""
    return "".join(char if char.isprintable() or char == "\n" else "�" for char in text)


def _harmless(char: str) -> str:
    if char in "\u200e\u200f\u061c" or "\u202a" <= char <= "\u202e" or "\u2066" <= char <= "\u2069":
        return ""
    return char if char.isprintable() or char in " \n\t" else "�"
