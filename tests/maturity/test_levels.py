"""Levels, shares and the reasons for which there are none."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from milepost.errors import FrameworkError
from milepost.framework import Framework
from milepost.importance.design import make_design, ranked_rows
from milepost.importance.ranking import rank_features
from milepost.maturity.categories import Category, Maturity
from milepost.maturity.levels import derive_maturity, describe, evidence_for, levels_for, recut
from milepost.signals.matrix import Observations


@pytest.fixture(scope="module")
def world(worlds: ModuleType) -> Any:
    """Nine strong drivers, so that all five categories hold a kept feature."""
    return worlds.simulate(
        worlds.World(accounts=2500, snapshots=6, features=20, drivers=9, strength=1.2, monthly_churn=0.05)
    )


@pytest.fixture(scope="module")
def current(world: Any) -> Observations:
    days = world.observations.context["snapshot_date"]
    return world.observations.take((days == days.max()).to_numpy())


@pytest.fixture(scope="module")
def maturity(world: Any, current: Observations) -> Maturity:
    ranking = rank_features(world.observations, world.outcomes, world.settings)
    return derive_maturity(world.observations, world.outcomes, ranking, world.settings, current)


def category(name: str, features: tuple[str, ...], cut: int | None) -> Category:
    return Category(name, features, cut, cut or 1, *([0.5] * 9), "")


def test_every_category_with_drivers_is_there(maturity: Maturity, world: Any) -> None:
    assert [category.name for category in maturity.categories] == ["alpha", "beta", "gamma", "delta", "epsilon"]
    kept = {feature for category in maturity.categories for feature in category.features}
    assert world.drivers <= kept
    assert all(
        category.effect > 0 and category.retained_mature > category.retained_basic for category in maturity.categories
    )


def test_ppv_and_sensitivity_are_shares_of_rows(maturity: Maturity, world: Any) -> None:
    found = maturity.categories[0]
    names = [feature.name for feature in world.observations.features]
    old = world.observations.context["tenure_days"].to_numpy() >= 28
    rows = old & world.outcomes.known
    score = world.observations.adopted[:, [names.index(name) for name in found.features]].sum(axis=1)
    mature, stayed = (score >= found.candidate)[rows], (world.outcomes.churned == 0)[rows]
    assert found.ppv == pytest.approx(stayed[mature].mean())
    assert found.sensitivity == pytest.approx(mature[stayed].mean())
    assert found.mature_share == pytest.approx(mature.mean())


def test_the_contrast_is_judged_on_other_accounts(maturity: Maturity) -> None:
    assert maturity.contrast is not None
    assert maturity.contrast.low > 0
    assert "chosen on other accounts" in maturity.contrast.because


def test_headline_is_null_with_the_reason_when_too_few_categories(current: Observations, world: Any) -> None:
    two = (category("alpha", ("feature_00",), 1), category("beta", ("feature_01",), 1))
    found = describe(two, None, (world.observations, current), world.settings)
    assert found.share_three_or_more is None
    assert found.reason == "only 2 categories hold a kept feature (alpha, beta), 3 are needed"
    assert found.over_time["share"].isna().all()
    none = describe((), None, (world.observations, current), world.settings)
    assert none.reason == "no category holds a kept feature, 3 are needed"


def test_a_category_without_a_cut_counts_towards_nothing(current: Observations, world: Any) -> None:
    three = tuple(category(name, (f"feature_0{n}",), None if n == 2 else 1) for n, name in enumerate(("a", "b", "c")))
    found = describe(three, None, (world.observations, current), world.settings)
    assert found.share_three_or_more is None
    assert found.reason.startswith("only 2 categories have a clear cut, 3 are needed; without one: c (candidate 1")
    assert set(found.share_by_category) == {"a", "b"}


def test_shares_by_hand(current: Observations, world: Any) -> None:
    counts = np.zeros_like(current.counts)[:4]
    counts[0, :4] = 1  # mature in all three
    counts[1, [0, 1, 2]] = 1  # the last category asks for two features
    now = replace(current.take(np.arange(4)), counts=counts, eligible=np.ones(counts.shape, bool))
    now.eligible[3, 2] = False  # could not reach the third category
    three = (
        category("a", ("feature_00",), 1), category("b", ("feature_01",), 1),
        category("c", ("feature_02", "feature_03"), 2),
    )  # fmt: skip
    found = describe(three, None, (world.observations, now), world.settings)
    assert found.share_three_or_more == 0.25
    assert found.share_entitled == pytest.approx(1 / 3)
    assert found.share_by_category == {"a": 0.5, "b": 0.5, "c": 0.25}
    assert found.over_time["accounts"].iloc[-1] == 4
    assert found.by_group[found.by_group["group"] == "plan"]["accounts"].sum() == 4


def test_levels_for_rows(current: Observations) -> None:
    counts = np.zeros_like(current.counts)[:3]
    counts[0, [0, 1]] = 1
    counts[1, 0] = 1
    framework = Framework(
        1, date(2024, 1, 1), "", (
            category("a", ("feature_00",), 1), category("b", ("feature_00", "feature_01"), 2),
            category("c", ("feature_02",), None),
        ),
    )  # fmt: skip
    levels = levels_for(replace(current.take(np.arange(3)), counts=counts), framework)
    assert levels["level_a"].tolist() == ["mature", "mature", "basic"]
    assert levels["level_b"].tolist() == ["mature", "basic", "basic"]
    assert levels["level_c"].isna().all()
    assert levels["mature_categories"].tolist() == [2, 1, 0]


def test_an_unknown_feature_is_named(current: Observations) -> None:
    framework = Framework(1, date(2024, 1, 1), "", (category("a", ("feature_000",), 1),))
    with pytest.raises(FrameworkError, match="no feature 'feature_000' in the catalogue; did you mean 'feature_0"):
        levels_for(current, framework)


def test_evidence_of_a_derived_cut_is_what_was_derived(maturity: Maturity, world: Any) -> None:
    used, known = ranked_rows(world.observations, world.outcomes, world.settings)
    design = make_design(used, known)
    for found in maturity.categories:
        again = recut(used, design, evidence_for(used, design, found), world.settings)
        assert again == found


def test_evidence_of_a_cut_that_somebody_set(maturity: Maturity, world: Any) -> None:
    used, known = ranked_rows(world.observations, world.outcomes, world.settings)
    found = replace(maturity.categories[0], features=("feature_00", "feature_07"), cut=2)
    seen = evidence_for(used, make_design(used, known), found)
    names = [feature.name for feature in used.features]
    mature = used.adopted[:, [names.index("feature_00"), names.index("feature_07")]].all(axis=1)
    stayed = known.churned == 0
    assert (seen.features, seen.cut, seen.candidate) == (found.features, 2, found.candidate)
    assert seen.mature_share == pytest.approx(mature.mean())
    assert seen.retained_mature == seen.ppv == pytest.approx(stayed[mature].mean())
    assert seen.retained_basic == pytest.approx(stayed[~mature].mean())
    assert seen.sensitivity == pytest.approx(mature[stayed].mean())
    assert seen.low < seen.effect < seen.high
    unknown = replace(found, features=("feature_000",))
    with pytest.raises(FrameworkError, match="no feature 'feature_000' in the catalogue"):
        evidence_for(used, make_design(used, known), unknown)
