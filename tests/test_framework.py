"""The framework file: reads back as written, knows an edit, refuses nonsense with the nearest right name."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.errors import FrameworkError
from milepost.framework import Framework, from_toml, is_edited, quoted, to_toml
from milepost.maturity.categories import Category

# every character but lone surrogates, which no UTF-8 file can hold
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
FIGURE = st.floats(allow_nan=False)


def category(name: str = "chat", features: tuple[str, ...] = ("inbox", "bots"), cut: int | None = 2) -> Category:
    return Category(name, features, cut, 2, 0.81, 0.5, 0.98, 0.52, 0.98, 0.94, 2.4, 1.8, 3.0, "Because of this.")


def framework(*categories: Category) -> Framework:
    return Framework(3, date(2024, 4, 1), "abc", categories or (category(),))


@given(
    st.lists(TEXT, min_size=1, max_size=3, unique=True),
    st.lists(TEXT, min_size=3, max_size=3, unique=True),
    TEXT,
    st.lists(FIGURE, min_size=9, max_size=9),
)
def test_reads_back_as_written(names: list[str], features: list[str], because: str, figures: list[float]) -> None:
    made = framework(*(
        Category(name, (features[place],), None if place else 1, 1, *figures, because)
        for place, name in enumerate(names)
    ))  # fmt: skip
    text = to_toml(made)
    assert from_toml(text, features) == made
    assert not is_edited(text)


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "\x7f", "\x00", "'", "]]", "# no comment", "é🙂", " ", "=1+1"])
def test_odd_names_survive(name: str) -> None:
    assert from_toml(to_toml(framework(category(features=(name, "x")))), [name, "x"]).categories[0].features[0] == name


def test_unknown_figures_survive() -> None:
    made = Category("c", ("f",), None, None, *([float("nan")] * 9), "")
    assert "agreement = nan" in to_toml(framework(made))
    assert from_toml(to_toml(framework(made))).categories[0].candidate is None


def test_an_edit_is_noticed_and_a_comment_is_none() -> None:
    text = to_toml(framework())
    assert not is_edited(text + "\n# a remark\n")
    assert is_edited(text.replace("\ncut = 2", "\ncut = 1"))
    assert from_toml(text.replace("\ncut = 2", "\ncut = 1")).categories[0].cut == 1
    assert is_edited("\n".join(line for line in text.splitlines() if not line.startswith("content_hash")))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"bots"', '"botz"', "no feature 'botz' in the catalogue; did you mean 'bots'"),
        ("\ncut = 2", "\ncut = 3", 'cut 3; expected a whole number from 1 to 2, or "none"'),
        ("\ncut = 2", "\ncut = true", "cut True"),
        ("\ncut = 2", "", "cut None"),
        ("\ncut = 2", "\ncutt = 2", "unknown key 'cutt'; did you mean 'cut'"),
        ("version = 3", "version = '3'", "version, created or fingerprint is missing or wrong"),
        ("version = 3", "version 3", "not valid TOML"),
        ('name = "chat"', "name = 7", "'name' is missing or no text"),
        ("effect = 2.4", 'effect = "big"', "expected a number"),
        ('  "inbox",\n  "bots",\n', "", "expected a list of one or more feature names"),
    ],
)
def test_nonsense_is_refused(old: str, new: str, message: str) -> None:
    text = to_toml(framework())
    assert old in text
    with pytest.raises(FrameworkError) as error:
        from_toml(text.replace(old, new, 1), ["inbox", "bots"])
    assert message in error.value.line
    assert "framework.toml" in error.value.line


def test_nothing_may_stand_twice() -> None:
    with pytest.raises(FrameworkError, match="category 'chat' stands twice"):
        from_toml(to_toml(framework(category(), category(features=("x", "y")))))
    with pytest.raises(FrameworkError, match="feature 'inbox' stands in 'chat' and 'mail'"):
        from_toml(to_toml(framework(category(), category("mail", ("inbox", "y")))))


def test_quoted() -> None:
    assert quoted('say "hi"\n') == '"say \\"hi\\"\\n"'
