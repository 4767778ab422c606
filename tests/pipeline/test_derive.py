"""The framework file: written once, its version counted up only when a definition changes, an edited one kept."""

import math
from dataclasses import replace

import pandas as pd
import pytest

from milepost.framework import from_toml
from milepost.importance.ranking import Ranking
from milepost.maturity.categories import Category, Contrast, Maturity
from milepost.pipeline import derive as module
from milepost.pipeline.derive import Derived, derive, maturity_json, maturity_text
from milepost.pipeline.framework_file import read_framework

CATEGORY = Category("automation", ("macros",), 1, 1, 0.9, 0.4, 0.95, 0.6, 0.97, 0.9, 7.0, 3.0, 11.0, "because")
OPEN = replace(CATEGORY, name="reporting", features=("export",), cut=None, candidate=1, agreement=0.3)
CONTRAST = Contrast(2.0, 1.0, 3.0, 0.01, "They differ.")
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
    assert derived.note == (
        "framework.toml was edited by hand (cut set by hand: reporting) and is kept; move it away to derive it anew"
    )
    assert derived.note in maturity_text(derived)


THIRD = replace(CATEGORY, name="access", features=("login",), cut=1)


@pytest.fixture
def by_hand(make_job, product, found):
    """Three categories, one without a clear cut until somebody sets it to 1 in the file."""
    with (product / "features.csv").open("a", encoding="utf-8") as stream:
        stream.write("login,login,access\n")
    found["maturity"] = replace(
        maturity(CATEGORY, OPEN, THIRD), reason="only 2 categories have a clear cut", contrast=CONTRAST
    )
    before = derive(make_job(), RANKING)
    assert before.maturity.share_three_or_more is None
    path = product / "framework.toml"
    path.write_text(path.read_text().replace('cut = "none"', "cut = 1"), encoding="utf-8")
    return derive(make_job(), RANKING)


def test_the_headline_follows_a_cut_set_by_hand(by_hand):
    answer = maturity_json(by_hand.maturity)
    assert answer["cuts"] == {"automation": 1, "reporting": 1, "access": 1}
    assert answer["cuts_by_hand"] == ["reporting"]
    # of twelve accounts four use each event and no other; a00, who left, used macros
    assert answer["share_three_or_more"] == 0
    shares = {"automation": 3 / 11, "reporting": 4 / 11, "access": 4 / 11}
    assert answer["categories"] == pytest.approx(shares)
    assert "0.0% of the accounts running are mature" in maturity_text(by_hand)


def test_what_the_page_says_of_a_cut_set_by_hand(by_hand):
    automation, reporting, _ = by_hand.maturity.categories
    assert automation.because == "because"
    assert reporting.because == "Cut set by hand. because"
    # one is what the data came nearest to: its figures hold
    assert reporting.retained_mature == OPEN.retained_mature
    contrast = by_hand.maturity.contrast
    assert math.isnan(contrast.effect)
    assert contrast.because.startswith("Not tested for the definitions in use: framework.toml was edited by hand")
    assert contrast.because.endswith("For the derived ones: They differ.")


def test_figures_of_another_cut_are_not_shown_beside_one_set_by_hand(make_job, product, found):
    with (product / "features.csv").open("a", encoding="utf-8") as stream:
        stream.write("login,login,access\n")
    both = replace(CATEGORY, features=("macros", "export"))
    found["maturity"] = maturity(both)
    derive(make_job(), RANKING)
    path = product / "framework.toml"
    path.write_text(path.read_text().replace("\ncut = 1", "\ncut = 2"), encoding="utf-8")
    derived = derive(make_job(), RANKING)
    (category,) = derived.maturity.categories
    assert (category.cut, category.because) == (2, "Cut set by hand. because")
    assert math.isnan(category.retained_mature)
    assert math.isnan(category.effect)
    assert "nan" not in maturity_text(derived)
    # what scores and the file say stays as it was written
    assert derived.framework.categories[0].retained_mature == both.retained_mature


def test_a_cut_taken_away_by_hand_is_said(make_job, product, found):
    found["maturity"] = maturity(CATEGORY)
    derive(make_job(), RANKING)
    path = product / "framework.toml"
    path.write_text(path.read_text().replace("\ncut = 1", '\ncut = "none"'), encoding="utf-8")
    derived = derive(make_job(), RANKING)
    assert maturity_json(derived.maturity)["cuts"] == {"automation": None}
    assert maturity_json(derived.maturity)["cuts_by_hand"] == ["automation"]


def test_an_edit_that_changes_no_definition_keeps_the_contrast(make_job, product, found):
    found["maturity"] = replace(maturity(CATEGORY), contrast=CONTRAST)
    derive(make_job(), RANKING)
    path = product / "framework.toml"
    path.write_text(path.read_text().replace('"because"', '"agreed with sales"'), encoding="utf-8")
    derived = derive(make_job(), RANKING)
    assert derived.maturity.contrast == CONTRAST
    assert derived.maturity.categories[0].because == "agreed with sales"
    assert "edited by hand and is kept" in derived.note


def test_the_text_says_what_is_missing(make_job, found):
    text = maturity_text(derive(make_job(), RANKING))
    assert "no share of accounts mature in three or more categories: 2 of 3 categories" in text
    assert "no clear cut (1?)" in text
    assert " 1 feature " in text
    assert "+7.0 [+3.0, +11.0]" in text
    nothing = maturity_text(Derived(maturity(), read_framework(make_job()), ""))
    assert "no category holds a kept feature" in nothing


def test_the_answer_for_machines(found):
    assert maturity_json(maturity(CATEGORY, OPEN)) == {
        "share_three_or_more": None, "share_entitled": None, "reason": "2 of 3 categories", "categories": {},
        "cuts": {"automation": 1, "reporting": None}, "cuts_by_hand": [], "contrast": None,
    }  # fmt: skip


def test_no_framework_yet_is_none(make_job):
    assert read_framework(make_job()) is None
