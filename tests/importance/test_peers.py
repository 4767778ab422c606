"""The peers' measures, worked by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from milepost.adoption import Adoption, Standing
from milepost.importance import boruta
from milepost.importance.evidence import ModelImportance
from milepost.importance.peers import (
    Floats,
    Peers,
    Split,
    banded,
    lift,
    lift_ceiling,
    log_odds_ratio,
    peer_measures,
    phi,
    phi_ceiling,
    places,
)
from milepost.outcomes import Outcomes
from milepost.settings import Settings
from milepost.signals.catalogue import Feature
from milepost.signals.matrix import Matrix, Observations
from milepost.windows import Windows

NAN, INF = float("nan"), float("inf")
SETTINGS = Settings.model_validate({"tables": {"accounts": {"path": "a.csv"}, "events": {"path": "e.csv"}}})


def split(*cells: float) -> Split:
    return Split(*(np.array([cell], dtype=float) for cell in cells))


def value(found: Floats) -> float:
    return float(np.asarray(found).reshape(-1)[0])


# 40 users, 30 of them stay; 60 others, 30 of them stay
TABLE = split(30, 10, 30, 30)


def test_phi_of_a_table() -> None:
    # (30 * 30 - 10 * 30) / sqrt(40 * 60 * 60 * 40) = 600 / 2400
    assert value(phi(TABLE)) == pytest.approx(0.25)
    assert value(phi(split(30, 30, 30, 10))) == pytest.approx(-0.25)


def test_phi_needs_both_sides_of_both() -> None:
    for cells in ((40, 60, 0, 0), (0, 0, 40, 60), (40, 0, 60, 0), (0, 0, 0, 0)):
        assert np.isnan(value(phi(split(*cells))))


def test_the_ceiling_of_phi() -> None:
    # sqrt(.5 * .03 / (.5 * .97)): a perfect feature at 97 % retention looks weak
    half, most = 0.5, 0.97
    assert value(phi_ceiling(half, most)) == pytest.approx(0.1759, abs=5e-5)
    assert value(phi_ceiling(most, half)) == pytest.approx(0.1759, abs=5e-5)
    assert value(phi_ceiling(half, half)) == pytest.approx(1.0)


@pytest.mark.parametrize("cells", [(40, 0, 20, 40), (60, 20, 0, 20)])
def test_a_perfect_split_reaches_the_ceilings(cells: tuple[int, ...]) -> None:
    # 100 rows, 60 retained: all 40 users among them, or all of them among 80 users
    table = split(*cells)
    assert value(phi(table)) == pytest.approx(value(phi_ceiling(table.adoption, table.retention)))
    assert value(lift(table)) == pytest.approx(value(lift_ceiling(table.adoption, table.retention)))


def test_odds_ratio_with_one_added_to_every_cell() -> None:
    assert value(log_odds_ratio(TABLE)) == pytest.approx(np.log((31 / 11) / (31 / 31)))
    assert value(log_odds_ratio(split(5, 0, 5, 5))) == pytest.approx(np.log(6))  # finite: no user churned
    assert np.isnan(value(log_odds_ratio(split(0, 0, 5, 5))))


def test_lift_and_its_ceiling() -> None:
    assert value(lift(TABLE)) == pytest.approx(0.75 / 0.5)
    # (1 - .4) / (.6 - .4): 40 of 40 users against 20 of 60 others
    assert value(lift_ceiling(TABLE.adoption, TABLE.retention)) == pytest.approx(3.0)
    assert value(lift_ceiling(0.5, 0.97)) == pytest.approx(0.5 / 0.47)
    assert value(lift(split(5, 1, 0, 4))) == INF  # none of the others stays
    assert value(lift_ceiling(0.7, 0.6)) == INF
    assert np.isnan(value(lift(split(5, 5, 0, 0))))
    assert np.isnan(value(lift(split(0, 0, 5, 5))))


def observed(counts: Sequence[Sequence[float]], churned: Sequence[float]) -> tuple[Observations, Outcomes]:
    """A row per account, features a, b, …; the last row's outcome is not known, nobody has access to the last column
    in the first row."""
    use = np.array(counts, dtype=np.float32)
    rows, features = use.shape
    context = pd.DataFrame({
        "account_id": [f"x{place}" for place in range(rows)], "snapshot_date": pd.Timestamp("2024-06-01"),
        "tenure_days": 400.0,
    })  # fmt: skip
    catalogue = tuple(Feature(name, (name,), "c") for name in "abcd"[:features])
    eligible = np.ones(use.shape, dtype=bool)
    eligible[0, -1] = False
    matrix = Matrix(np.zeros((rows, 0), dtype=np.float32), context[["account_id", "snapshot_date"]].copy(), (), "hand")
    flags = np.array([*churned[:-1], np.nan], dtype=np.float32)
    left_out = np.array([""] * (rows - 1) + ["censored"])
    observations = Observations(matrix, catalogue, use, eligible, True, context, Windows())
    return observations, Outcomes(flags, np.zeros_like(flags), np.zeros_like(flags), left_out)


@pytest.fixture(scope="module")
def peers() -> Peers:
    """Eight known rows, four retained. a: from 5 uses on they stay; b: nobody; c: everybody, the more the worse;
    d: as a, but the first row has no access."""
    used = [[0, 0, 9, 9], [0, 0, 9, 0], [1, 0, 9, 1], [4, 0, 9, 4], [5, 0, 1, 5], [5, 0, 1, 5], [8, 0, 1, 8],
            [8, 0, 1, 8], [0, 9, 0, 99]]  # fmt: skip
    churned = [1, 1, 1, 1, 0, 0, 0, 0, 1]
    return peer_measures(*observed(used, churned), SETTINGS, None)


def test_the_best_threshold_of_phi_is_found(peers: Peers) -> None:
    assert peers.measures["phi"]["a"] == pytest.approx(1.0)
    assert peers.phi_threshold["a"] == 5
    assert peers.phi_ceiling["a"] == pytest.approx(1.0)


def test_what_nobody_uses_has_no_value(peers: Peers) -> None:
    assert all(np.isnan(values["b"]) for values in peers.measures.values())
    assert peers.phi_threshold["b"] == 0
    assert np.isnan(peers.phi_ceiling["b"])
    assert np.isnan(peers.lift_ceiling["b"])


def test_phi_keeps_its_sign(peers: Peers) -> None:
    # at least 1 splits nothing; at least 2, 3, 5 or 8 finds exactly those that leave
    assert peers.measures["phi"]["c"] == pytest.approx(-1.0)
    assert peers.phi_threshold["c"] == 2


def test_only_rows_with_access_and_a_known_outcome_count(peers: Peers) -> None:
    # d over seven rows: users 4 retained, 2 churned; others 0 and 1
    assert peers.measures["odds_ratio"]["d"] == pytest.approx(np.log((5 / 3) / (1 / 2)))
    assert peers.measures["lift"]["d"] == INF
    # a over eight: users 4 and 2, others 0 and 2
    assert peers.measures["odds_ratio"]["a"] == pytest.approx(np.log((5 / 3) / (1 / 3)))


def test_models_lists_are_passed_on_and_shap_loses_its_sign() -> None:
    given = ModelImportance({"forest_impurity": {"a": 0.5}, "boosting_shap": {"a": -0.25, "b": 0.1}}, {}, NAN, 0)
    found = peer_measures(*observed([[0, 1], [1, 0], [1, 1]], [0, 1, 0]), SETTINGS, given).measures
    assert found["boosting_shap"] == {"a": 0.25, "b": 0.1}
    assert found["forest_impurity"]["a"] == 0.5
    assert np.isnan(found["forest_impurity"]["b"])


def test_boruta_runs_when_asked(worlds: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(boruta._FOREST, "n_estimators", 25)
    world = worlds.simulate(
        worlds.World(accounts=300, snapshots=4, features=6, drivers=1, strength=3.0, monthly_churn=0.1)
    )
    given = (world.observations, world.outcomes, world.settings, None)
    found = peer_measures(*given, with_boruta=True)
    assert found.boruta_status["feature_00"] == "confirmed"
    assert max(found.measures["boruta"], key=lambda name: found.measures["boruta"][name]) == "feature_00"
    assert "boruta" not in peer_measures(*given).measures


def adoption(feature: str, standing: Standing, rate: float) -> Adoption:
    return Adoption(feature, 100, 50, 50, rate, {}, {}, 0.0, 4 * rate * (1 - rate), standing)


def test_the_band_puts_features_outside_it_last() -> None:
    table = [adoption("a", Standing.UBIQUITOUS, 0.95), adoption("b", Standing.INSIDE, 0.5),
             adoption("c", Standing.INSIDE, 0.25), adoption("d", Standing.NICHE, 0.05)]  # fmt: skip
    values = {"a": 4.0, "b": 1.0, "c": 2.0, "d": 3.0}
    assert banded(values, table) == {"a": -INF, "b": 1.0, "c": 2.0, "d": -INF}
    assert places(banded(values, table)) == {"a": 3, "b": 2, "c": 1, "d": 3}
    discounted = banded(values, table, discount=True)  # 4p(1-p): .19, 1, .75, .19
    assert discounted == pytest.approx({"a": 0.76, "b": 1.0, "c": 1.5, "d": 0.57})


def test_places_share_the_better_one_and_none_is_0() -> None:
    assert places({"a": 1.0, "b": 3.0, "c": 3.0, "d": NAN, "e": -INF}) == {"a": 3, "b": 1, "c": 1, "d": 0, "e": 4}
    assert places({}) == {}


def test_a_feature_launched_inside_the_window_has_no_value() -> None:
    observations, outcomes = observed([[0, 1], [1, 0], [1, 1]], [0, 1, 0])
    late = Feature("a", ("a",), "c", launched_at=date(2024, 5, 30))
    observations = replace(observations, features=(late, observations.features[1]))
    assert np.isnan(peer_measures(observations, outcomes, SETTINGS, None).measures["odds_ratio"]["a"])
