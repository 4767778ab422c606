"""The ranking on simulated worlds whose truth is known."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from milepost.errors import NotEnoughData
from milepost.importance.design import ranked_rows
from milepost.importance.evidence import ModelImportance
from milepost.importance.ranking import Ranking, rank_features
from milepost.outcomes import Outcomes
from milepost.terms import Verdict


@pytest.fixture(scope="module")
def world(worlds: ModuleType) -> Any:
    """1,500 accounts, 30 features, four strong drivers; feature_20-24 are niche, feature_25-29 ubiquitous.

    No bundles: features are adopted alike only by plan, size and depth, so that nothing stands in for a driver.
    """
    return worlds.simulate(
        worlds.World(accounts=1500, snapshots=8, features=30, drivers=4, strength=1.4, monthly_churn=0.04, bundle=0.0)
    )


@pytest.fixture(scope="module")
def ranking(world: Any) -> Ranking:
    return rank_features(world.observations, world.outcomes, world.settings)


def verdicts(ranking: Ranking) -> dict[str, Verdict]:
    return {row.feature: row.verdict for row in ranking.evidence}


def test_planted_drivers_are_kept_and_nothing_else(world: Any, ranking: Ranking) -> None:
    assert {row.feature for row in ranking.kept} == world.drivers


def test_the_band_sets_ubiquitous_and_niche_apart(ranking: Ranking) -> None:
    found = verdicts(ranking)
    assert all(found[f"feature_{place}"] is Verdict.UBIQUITOUS for place in range(25, 30))
    assert all(found[f"feature_{place}"] is Verdict.NICHE for place in range(20, 25))


def test_order_and_ranks(ranking: Ranking) -> None:
    assert [row.rank for row in ranking.evidence] == list(range(1, 31))
    lows = [row.low for row in ranking.kept]
    assert lows == sorted(lows, reverse=True)
    assert [row.verdict for row in ranking.evidence[:4]] == [Verdict.KEEP] * 4


def test_without_models_there_is_no_naive_rank(ranking: Ranking) -> None:
    assert {row.naive_rank for row in ranking.evidence} == {0}
    assert ranking.evidence[0].importance == {}


def test_naive_rank_follows_forest_impurity(world: Any) -> None:
    impurity = {f"feature_{place:02d}": place / 100 for place in range(30)}
    found = rank_features(
        world.observations, world.outcomes, world.settings, ModelImportance({"forest_impurity": impurity}, {}, 0.5, 10)
    )
    row = next(row for row in found.evidence if row.feature == "feature_29")
    assert (row.naive_rank, row.importance) == (1, {"forest_impurity": 0.29})


def test_same_input_same_ranking(world: Any, ranking: Ranking) -> None:
    again = rank_features(world.observations, world.outcomes, world.settings)
    assert [row.effect for row in again.evidence] == [row.effect for row in ranking.evidence]
    assert [row.stability for row in again.evidence] == [row.stability for row in ranking.evidence]


def test_outcomes_shuffled_over_accounts_keep_nothing(world: Any) -> None:
    observations, outcomes = world.observations, world.outcomes
    codes = np.unique(observations.context["account_id"], return_inverse=True)[1]
    days = np.unique(observations.context["snapshot_date"], return_inverse=True)[1]
    table = np.zeros((codes.max() + 1, days.max() + 1), dtype=np.float32)
    table[codes, days] = np.nan_to_num(outcomes.churned)
    shuffled = table[np.random.default_rng(5).permutation(len(table))][codes, days]
    nothing = Outcomes(shuffled, shuffled, shuffled, np.full(len(shuffled), ""))
    found = rank_features(observations, nothing, world.settings)
    assert found.kept == ()


def test_a_duplicated_feature_is_no_better_for_it(world: Any, ranking: Ranking) -> None:
    # feature_04 becomes a copy of the driver feature_00: both go with staying, neither is told apart from the other
    counts = world.observations.counts.copy()
    counts[:, 4] = counts[:, 0]
    copied = dataclasses.replace(world.observations, counts=counts)
    rows = {row.feature: row for row in rank_features(copied, world.outcomes, world.settings).evidence}
    one, two = rows["feature_00"], rows["feature_04"]
    assert one.effect == pytest.approx(two.effect)
    assert one.verdict is two.verdict is Verdict.KEEP
    assert (one.bundle, two.bundle) == (("feature_04",), ("feature_00",))
    assert "one bundle with 'feature_04': which of them it is cannot be told" in one.because
    before = next(row for row in ranking.evidence if row.feature == "feature_00")
    assert one.effect == pytest.approx(before.effect, rel=0.15)


def test_too_little_is_said_with_counts(world: Any) -> None:
    few = np.arange(len(world.observations.counts)) < 150
    with pytest.raises(NotEnoughData, match=r"\d+ rows of \d+ accounts, \d+ of them churned; smallest effect") as error:
        rank_features(world.observations.take(few), world.outcomes.take(few), world.settings)
    assert "at least 200 rows, 50 churned accounts and some that are not" in error.value.line


def test_all_churned_is_refused(world: Any) -> None:
    gone = np.ones(len(world.observations.counts), dtype=np.float32)
    with pytest.raises(NotEnoughData, match="some that are not"):
        rank_features(
            world.observations, Outcomes(gone, gone, gone, np.full(len(gone), "")), world.settings
        )  # fmt: skip


def test_smallest_effect_follows_the_size_of_the_data(worlds: ModuleType, ranking: Ranking) -> None:
    fewer = worlds.simulate(
        worlds.World(accounts=750, snapshots=8, features=12, drivers=4, strength=1.4, monthly_churn=0.04)
    )
    half = rank_features(fewer.observations, fewer.outcomes, fewer.settings)
    # half of the accounts: sqrt(2) times as much
    assert half.smallest_effect_points / ranking.smallest_effect_points == pytest.approx(1.41, abs=0.25)


def test_unknown_access_is_noted(ranking: Ranking) -> None:
    assert any("every account counts as eligible" in note for note in ranking.notes)


@pytest.mark.long
def test_worlds_without_effects_keep_nothing_much(worlds: ModuleType) -> None:
    keeping = 0
    for seed in range(20):
        null = worlds.simulate(worlds.World(accounts=2000, seed=seed))
        keeping += bool(rank_features(null.observations, null.outcomes, null.settings).kept)
    # with a true share of 4 %, more than 4 of 20 has a chance of 0.1 %
    assert keeping <= 4


def test_a_null_follower_of_a_driver_is_not_kept(product: Callable[..., Any]) -> None:
    """mediated: proxies start after drivers and do nothing; parents do nothing but lead to drivers."""
    seen = product(kind="mediated", accounts=6000, seed=5)
    rows = {row.feature: row for row in rank_features(seen.observations, seen.outcomes, seen.settings).evidence}
    kept = {name for name, row in rows.items() if row.verdict is Verdict.KEEP}
    assert len(kept & seen.relevant) >= 0.8 * len(seen.relevant)
    assert sum(seen.effect[name] <= 0 for name in kept) <= 2  # q .05 of some 15 is .75
    leaders = [rows[name] for name in seen.relevant if rows[name].leads_to]
    assert leaders
    # what leads to others is worth more than what it does by itself
    assert np.mean([row.effect - row.direct_effect for row in leaders]) > 0.3


def test_intervals_cover_the_truth(product: Callable[..., Any]) -> None:
    seen = product(kind="plain", accounts=4000, seed=6)
    rows = [row for row in rank_features(seen.observations, seen.outcomes, seen.settings).evidence if row.q < 2]
    inside = [row.low <= seen.effect[row.feature] <= row.high for row in rows]
    # of some 50 intervals at 95 % fewer than 41 hold the truth once in 2,000 times
    assert np.mean(inside) > 0.82


def test_hidden_health_lowers_the_grade(product: Callable[..., Any]) -> None:
    seen = product(kind="hidden health", accounts=3000, seed=7)
    found = rank_features(seen.observations, seen.outcomes, seen.settings)
    assert found.control_failed
    assert found.shift > 0
    assert {row.grade for row in found.kept} == {"association"}
    assert any("The negative control fails" in note for note in found.notes)


def test_the_order_puts_what_is_open_together(world: Any, ranking: Ranking) -> None:
    unsettled = {Verdict.INCONCLUSIVE, Verdict.PROXY, Verdict.CONFOUNDED, Verdict.NOT_SEPARABLE, Verdict.NO_EFFECT}
    lows = [row.low for row in ranking.evidence if row.verdict in unsettled and np.isfinite(row.low)]
    assert lows == sorted(lows, reverse=True)


def test_counts_of_each_side_by_hand(world: Any, ranking: Ranking) -> None:
    used, known = ranked_rows(world.observations, world.outcomes, world.settings)
    row = ranking.evidence[0]
    column = [feature.name for feature in used.features].index(row.feature)
    gone = known.churned == 1
    sides = [used.context["account_id"][gone & (used.adopted[:, column] == side)].nunique() for side in (True, False)]
    assert [row.adopted_churned, row.others_churned] == sides
    assert row.smallest_effect == pytest.approx(2.8 * (row.high - row.low) / 3.92, rel=0.02)
