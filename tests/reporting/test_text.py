from __future__ import annotations

import pytest

from milepost.reporting.text import cut, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain", "plain"), ("a\nb", "a\nb"), ("\x1b]0;title\x07", "�]0;title�"), ("a\rb", "a�b"), ("é 😀", "é 😀")],
)
def test_nothing_steers_the_terminal(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize("mark", ["\u200e", "\u200f", "\u061c", "\u202a", "\u202e", "\u2066", "\u2069"])
def test_direction_marks_are_left_out(mark: str) -> None:
    assert cut(f"a{mark}b") == "ab"
