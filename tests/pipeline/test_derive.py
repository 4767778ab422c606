"""The framework file: written once, its version counted up only when a definition changes, what was edited kept."""

import math
import tomllib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from milepost.errors import FrameworkError
from milepost.framework import from_toml
from milepost.framework.read import content_hash
from milepost.importance.ranking import Ranking
from milepost.maturity.categories import Category, Contrast, Maturity
from milepost.milestones.definitions import Activation, Evidence, Milestones
from milepost.pipeline import derive as module
from milepost.pipeline.derive import Derived, derive, maturity_json, maturity_text
from milepost.pipeline.framework_file import read_framework

CATEGORY = Category("automation", ("macros",), 1, 1, 0.9, 0.4, 0.95, 0.6, 0.97, 0.9, 7.0, 3.0, 11.0, "because")
OPEN = replace(CATEGORY, name="reporting", features=("export",), cut=None, candidate=1, agreement=0.3)
CONTRAST = Contrast(2.0, 1.0, 3.0, 0.01, "They differ.")
NO_MILESTONES = Milestones(None, None, None, (), None, {})
RANKING = Ranking((), 0, 0, 0, float("nan"))


def maturity(*categories):
    return Maturity(categories, None, None, "2 of 3 categories", {}, pd.DataFrame(), pd.DataFrame(), None)


@pytest.fixture
def found(monkeypatch):
    """What the data are made to say."""
    said = {"maturity": maturity(CATEGORY, OPEN), "milestones": NO_MILESTONES, "evidence": Evidence()}
    monkeypatch.setattr(module, "derive_maturity", lambda *_: said["maturity"])
    monkeypatch.setattr(module, "find_milestones", lambda *_: said["milestones"])
    monkeypatch.setattr(module, "find_journey_of", lambda *_: None)
    monkeypatch.setattr(module, "publish_milestones", lambda *_: None)
    monkeypatch.setattr(module, "evidence_in_use", lambda *_: said["evidence"])
    return said


def test_the_same_input_gives_the_same_file(make_job, product, found):
    assert derive(make_job(), RANKING).framework.version == 1
    text = (product / "framework.toml").read_text()
    derive(make_job(), RANKING)
    assert (product / "framework.toml").read_text() == text
    assert from_toml(text, make_job().features).categories == (CATEGORY, OPEN)


def test_new_evidence_keeps_the_version_and_a_new_definition_counts_up(make_job, found):
    derive(make_job(), RANKING)
    found["maturity"] = maturity(replace(CATEGORY, effect=8.0), OPEN)
    again = derive(make_job(), RANKING).framework
    assert (again.version, again.categories[0].effect) == (1, 8.0)
    assert read_framework(make_job()) == again
    found["maturity"] = maturity(replace(CATEGORY, effect=8.0), replace(OPEN, cut=1))
    assert derive(make_job(), RANKING).framework.version == 2


def edit(product, old, new):
    path = product / "framework.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_an_edit_stands_while_the_rest_follows_the_data(make_job, product, found):
    derive(make_job(), RANKING)
    edit(product, 'cut = "none"', "cut = 1")
    found["maturity"] = maturity(replace(CATEGORY, effect=8.0), replace(OPEN, candidate=None))
    derived = derive(make_job(), RANKING)
    framework = read_framework(make_job())
    assert framework == derived.framework
    assert [category.cut for category in framework.categories] == [1, 1]
    assert framework.categories[0].effect == 8.0
    assert framework.derived == {"category reporting": {"features": ("export",), "cut": None}}
    assert framework.version == 1
    text = (product / "framework.toml").read_text()
    derive(make_job(), RANKING)
    assert (product / "framework.toml").read_text() == text


def test_the_reason_is_kept_and_the_edit_is_named(make_job, product, found):
    derive(make_job(), RANKING)
    edit(product, 'cut = "none"', "cut = 1")
    path = product / "framework.toml"
    head, mark, rest = path.read_text().partition('name = "reporting"')
    path.write_text(head + mark + rest.replace('reason = ""', 'reason = "agreed with sales"'), encoding="utf-8")
    derived = derive(make_job(), RANKING)
    assert derived.framework.reasons == {"category reporting": "agreed with sales"}
    note = "framework.toml keeps what was set by hand: category reporting cut none -> 1; weak evidence for category"
    assert derived.note.startswith(note)
    lines = maturity_text(derived).splitlines()
    assert derived.note in " ".join(line.strip() for line in lines)
    assert max(map(len, lines)) <= 100


def test_a_comment_is_not_lost_where_nothing_changes(make_job, product, found):
    derive(make_job(), RANKING)
    path = product / "framework.toml"
    path.write_text(path.read_text() + "# a remark\n", encoding="utf-8")
    assert derive(make_job(), RANKING).note == ""
    assert path.read_text().endswith("# a remark\n")


def test_a_feature_set_by_hand_that_is_gone_is_one_line_and_nothing_is_written(make_job, product, found):
    derive(make_job(), RANKING)
    edit(product, 'cut = "none"', "cut = 1")
    before = (product / "framework.toml").read_bytes()
    catalogue = product / "features.csv"
    catalogue.write_text(catalogue.read_text().replace("export,export", "exports,export"), encoding="utf-8")
    found["maturity"] = maturity(CATEGORY)
    with pytest.raises(FrameworkError, match=r"\(category 2\): no feature 'export' in the catalogue; did"):
        derive(make_job(), RANKING)
    assert (product / "framework.toml").read_bytes() == before


def test_a_feature_that_only_followed_the_data_may_go(make_job, product, found):
    derive(make_job(), RANKING)
    catalogue = product / "features.csv"
    catalogue.write_text(catalogue.read_text().replace("export,export", "exports,export"), encoding="utf-8")
    found["maturity"] = maturity(CATEGORY)
    assert [category.name for category in derive(make_job(), RANKING).framework.categories] == ["automation"]
    assert read_framework(make_job()).version == 2


def test_a_cut_that_no_longer_fits_is_named(make_job, product, found):
    both = replace(CATEGORY, features=("macros", "export"))
    found["maturity"] = maturity(both)
    derive(make_job(), RANKING)
    edit(product, "\ncut = 1", "\ncut = 2")
    found["maturity"] = maturity(replace(CATEGORY, cut=None))
    derived = derive(make_job(), RANKING)
    assert (derived.framework.categories[0].cut, derived.framework.version) == (1, 2)
    assert "category automation cut 2 set by hand no longer fits: now 1" in derived.note


MILESTONES = Milestones(
    None,
    Activation("export", 3, 28, (3, 28), (3,), (28,), *([np.zeros((1, 1))] * 3), Evidence(5.0, 2.0, 8.0),
               Evidence(), Evidence(), None, None, None, 0.1, {}, "Three in 28."),
    None, (), None, {},
)  # fmt: skip


def test_milestones_are_written_and_an_edit_of_them_is_measured(make_job, product, found, monkeypatch):
    found["milestones"] = MILESTONES
    derive(make_job(), RANKING)
    rule = read_framework(make_job()).activation
    assert (rule.event, rule.count, rule.days, rule.because) == ("export", 3, 28, "Three in 28.")
    assert (rule.evidence.effect, rule.evidence.low, rule.evidence.high) == (5.0, 2.0, 8.0)
    edit(product, "\ncount = 3", "\ncount = 5")
    asked = []
    measured = Evidence(4.0, 1.0, 7.0)
    monkeypatch.setattr(module, "evidence_in_use", lambda job, framework, rule: asked.append(rule) or measured)
    derived = derive(make_job(), RANKING)
    assert [(rule.count, rule.days) for rule in asked] == [(5, 28)]
    rule = read_framework(make_job()).activation
    assert (rule.count, rule.evidence.low) == (5, 1.0)
    assert rule.because == (
        "Count set by hand: those who reach it differ by +4.0 points (+1.0 to +7.0). By the data: Three in 28."
    )
    assert derived.note == "framework.toml keeps what was set by hand: activation count 3 -> 5"
    # maturity is not touched by it
    assert derived.maturity is found["maturity"]


def test_weak_evidence_of_an_edit_is_said(make_job, product, found):
    found["milestones"] = MILESTONES
    derive(make_job(), RANKING)
    edit(product, "\ncount = 3", "\ncount = 5")
    found["evidence"] = Evidence(1.0, -1.0, 3.0)
    derived = derive(make_job(), RANKING)
    words = "those who reach it differ by +1.0 points (-1.0 to +3.0)"
    assert derived.note.endswith(f"; weak evidence for activation: {words}")
    assert f"Count set by hand: {words}, weak evidence. By the data" in derived.framework.activation.because
    found |= {"milestones": NO_MILESTONES, "evidence": Evidence()}
    gone = derive(make_job(), RANKING)
    assert "how those who reach it differ is not known" in gone.note
    assert gone.framework.activation.because.endswith("By the data: nothing is found now.")


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
    edit(product, 'cut = "none"', "cut = 1")
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
    assert reporting.because.startswith("Cut set by hand: ")
    assert reporting.because.endswith("By the data: because")
    contrast = by_hand.maturity.contrast
    assert math.isnan(contrast.effect)
    assert contrast.because.startswith("Not tested for the definitions in use: framework.toml was edited by hand")
    assert contrast.because.endswith("For the derived ones: They differ.")


def learnt(job):
    """Rows that are learnt from, and those that stayed."""
    rows = job.learnable
    outcomes = job.outcomes.take(rows)
    return job.observations.take(rows), outcomes.churned == 0


def test_the_evidence_is_that_of_the_cut_in_use(make_job, product, found):
    both = replace(CATEGORY, features=("macros", "export"))
    found["maturity"] = maturity(both)
    derive(make_job(), RANKING)
    edit(product, "\ncut = 1", "\ncut = 2")
    derived = derive(make_job(), RANKING)
    (category,) = derived.maturity.categories
    observations, stayed = learnt(make_job())
    mature = observations.adopted.sum(axis=1) >= 2
    # each account uses one of three events every third day, and on the last day all
    assert mature.sum() == 0
    assert (category.cut, category.mature_share, category.sensitivity) == (2, 0.0, 0.0)
    assert category.retained_basic == pytest.approx(stayed.mean())
    assert math.isnan(category.retained_mature)
    assert (category.candidate, category.agreement) == (1, 0.9)
    assert "how those who reach it differ is not known, weak evidence" in category.because
    assert "nan" not in maturity_text(derived)
    assert derived.framework.categories == derived.maturity.categories


def test_the_evidence_is_that_of_the_features_in_use(make_job, product, found):
    derive(make_job(), RANKING)
    edit(product, '[\n  "macros",\n]', '[\n  "macros",\n  "export",\n]')
    edit(product, 'name = "reporting"\nfeatures = [\n  "export",\n]', 'name = "reporting"\nfeatures = [\n  "login",\n]')
    with (product / "features.csv").open("a", encoding="utf-8") as stream:
        stream.write("login,login,access\n")
    derived = derive(make_job(), RANKING)
    automation, reporting = derived.framework.categories
    assert (automation.features, reporting.features) == (("macros", "export"), ("login",))
    observations, stayed = learnt(make_job())
    either = observations.adopted[:, :2].any(axis=1)
    assert automation.mature_share == pytest.approx(either.mean())
    assert automation.retained_mature == pytest.approx(stayed[either].mean())
    # with so few accounts no cut has enough on both sides
    assert automation.candidate is None
    assert automation.because.startswith("Features set by hand: ")
    assert maturity_json(derived.maturity)["cuts_by_hand"] == []


def test_cut_and_features_set_by_hand_are_both_said(make_job, product, found):
    found["maturity"] = maturity(CATEGORY)
    derive(make_job(), RANKING)
    edit(product, '[\n  "macros",\n]\ncut = 1', '[\n  "macros",\n  "export",\n]\ncut = 2')
    derived = derive(make_job(), RANKING)
    assert derived.maturity.categories[0].because.startswith("Cut set by hand, features too: how those who reach it")
    assert maturity_json(derived.maturity)["cuts_by_hand"] == ["automation"]
    assert "category automation features + export, category automation cut 1 -> 2" in derived.note


def test_a_cut_taken_away_by_hand_is_said(make_job, product, found):
    found["maturity"] = maturity(CATEGORY)
    derive(make_job(), RANKING)
    edit(product, "\ncut = 1", '\ncut = "none"')
    derived = derive(make_job(), RANKING)
    assert maturity_json(derived.maturity)["cuts"] == {"automation": None}
    assert maturity_json(derived.maturity)["cuts_by_hand"] == ["automation"]
    assert derived.maturity.categories[0].because == "Cut set by hand: nothing is judged by it. By the data: because"
    assert "weak" not in derived.note


def test_an_edit_of_words_changes_nothing(make_job, product, found):
    found["maturity"] = replace(maturity(CATEGORY), contrast=CONTRAST)
    derive(make_job(), RANKING)
    text = (product / "framework.toml").read_text()
    edit(product, '"because"', '"agreed with sales"')
    derived = derive(make_job(), RANKING)
    assert derived.maturity.contrast == CONTRAST
    assert derived.note == ""
    assert (product / "framework.toml").read_text() == text


OLD = """version = 4
created = 2024-04-01
fingerprint = "abc"
content_hash = "{}"

[[category]]
name = "automation"
features = ["macros"]
cut = 1
because = "so"
"""


@pytest.mark.parametrize(("cut", "by_hand"), [("1", []), ('"none"', ["automation"])])
def test_an_older_file_is_taken_over(make_job, product, found, cut, by_hand):
    text = OLD.format(content_hash(tomllib.loads(OLD))).replace("cut = 1", f"cut = {cut}")
    (product / "framework.toml").write_text(text, encoding="utf-8")
    found["maturity"] = maturity(CATEGORY)
    derived = derive(make_job(), RANKING)
    assert maturity_json(derived.maturity)["cuts_by_hand"] == by_hand
    assert derived.framework.version == 4
    written = (product / "framework.toml").read_text()
    assert "content_hash" not in written
    assert 'derived = { features = ["macros"], cut = 1 }' in written


def test_the_text_says_what_is_missing(make_job, found):
    text = maturity_text(derive(make_job(), RANKING))
    assert "no share of accounts mature in three or more categories: 2 of 3 categories" in text
    assert "no clear cut (1?)" in text
    assert " 1 feature " in text
    assert "+7.0 [+3.0, +11.0]" in text
    nothing = maturity_text(Derived(maturity(), NO_MILESTONES, read_framework(make_job()), ""))
    assert "no category holds a kept feature" in nothing


def test_the_answer_for_machines(found):
    assert maturity_json(maturity(CATEGORY, OPEN)) == {
        "share_three_or_more": None, "share_entitled": None, "reason": "2 of 3 categories", "categories": {},
        "cuts": {"automation": 1, "reporting": None}, "cuts_by_hand": [], "contrast": None,
        "expansion": None,
    }  # fmt: skip


def test_no_framework_yet_is_none(make_job):
    assert read_framework(make_job()) is None
