"""The framework file: written once, its version counted up only when a definition changes, an edited one kept."""

from dataclasses import replace

import pandas as pd
import pytest

from milepost.framework import from_toml
from milepost.importance.ranking import Ranking
from milepost.maturity.categories import Category, Maturity
from milepost.pipeline import derive as module
from milepost.pipeline.derive import Derived, derive, maturity_json, maturity_text, read_framework

CATEGORY = Category("automation", ("macros",), 1, 1, 0.9, 0.4, 0.95, 0.6, 0.97, 0.9, 7.0, 3.0, 11.0, "because")
OPEN = replace(CATEGORY, name="reporting", features=("export",), cut=None, candidate=1, agreement=0.3)
RANKING = Ranking((), 0, 0, 0, float("nan"))


def maturity(*categories):
    return Maturity(categories, None, None, "2 of 3 categories", {}, pd.DataFrame(), pd.DataFrame(), None)


@pytest.fixture
def found(monkeypatch):
    """What the data are made to say."""
    said = {"maturity": maturity(CATEGORY, OPEN)}
    monkeypatch.setattr(module, "derive_maturity", lambda *_: said["maturity"])
    return said


def test_the_same_input_gives_the_same_file(make_job, product, found):
    assert derive(make_job(), RANKING).framework.version == 1
    text = (product / "framework.toml").read_text()
    derive(make_job(), RANKING)
    assert (product / "framework.toml").read_text() == text
    assert from_toml(text, ["macros", "export"]).categories == (CATEGORY, OPEN)


def test_new_evidence_keeps_the_version_and_a_new_definition_counts_up(make_job, found):
    derive(make_job(), RANKING)
    found["maturity"] = maturity(replace(CATEGORY, effect=8.0), OPEN)
    again = derive(make_job(), RANKING).framework
    assert (again.version, again.categories[0].effect) == (1, 8.0)
    assert read_framework(make_job()) == again
    found["maturity"] = maturity(replace(CATEGORY, effect=8.0), replace(OPEN, cut=1))
    assert derive(make_job(), RANKING).framework.version == 2


def test_a_file_edited_by_hand_is_kept_and_it_is_said(make_job, product, found):
    derive(make_job(), RANKING)
    path = product / "framework.toml"
    edited = path.read_text().replace('cut = "none"', "cut = 1")
    path.write_text(edited, encoding="utf-8")
    found["maturity"] = maturity(CATEGORY)
    derived = derive(make_job(), RANKING)
    assert path.read_text() == edited
    assert [category.cut for category in derived.framework.categories] == [1, 1]
    assert derived.note == "framework.toml was edited by hand and is kept; move it away to derive it anew"
    assert derived.note in maturity_text(derived)


def test_the_text_says_what_is_missing(make_job, found):
    text = maturity_text(derive(make_job(), RANKING))
    assert "no share of accounts mature in three or more categories: 2 of 3 categories" in text
    assert "no clear cut (1?)" in text
    assert "+7.0 [+3.0, +11.0]" in text
    nothing = maturity_text(Derived(maturity(), read_framework(make_job()), ""))
    assert "no category holds a kept feature" in nothing


def test_the_answer_for_machines(found):
    assert maturity_json(maturity(CATEGORY, OPEN)) == {
        "share_three_or_more": None, "share_entitled": None, "reason": "2 of 3 categories", "categories": {},
        "cuts": {"automation": 1, "reporting": None}, "contrast": None,
    }  # fmt: skip


def test_no_framework_yet_is_none(make_job):
    assert read_framework(make_job()) is None
