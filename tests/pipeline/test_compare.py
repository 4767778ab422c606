"""The ranking beside its peers: the table, the columns and what is published."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pandas as pd
import pytest

from milepost.data.publish import current
from milepost.importance import boruta
from milepost.importance.evidence import FeatureEvidence
from milepost.importance.peers import Peers
from milepost.importance.ranking import Ranking
from milepost.pipeline import rank
from milepost.pipeline.compare import compare_peers, importances, peers_frame, peers_text
from milepost.pipeline.job import Job
from milepost.pipeline.rank import publish_ranking, rank_job
from milepost.terms import Verdict

NAN = float("nan")
DOCS = Path(__file__).parents[2] / "docs" / "ranking.md"
FILLERS = {"str": "", "int": 0, "float": 0.5, "dict[str, float]": {}, "tuple[str, ...]": ()}


def evidence(feature: str, rank: int, verdict: Verdict, impurity: float) -> FeatureEvidence:
    """A row of the ranking; what the comparison does not look at is filled."""
    values = {field.name: FILLERS.get(str(field.type)) for field in fields(FeatureEvidence)}
    measures = {"forest_impurity": impurity, "forest_permutation": 0.01, "boosting_permutation": 0.01,
                "boosting_shap": -impurity}  # fmt: skip
    values |= {"feature": feature, "rank": rank, "verdict": verdict, "importance": measures}
    return FeatureEvidence(**values)  # type: ignore[arg-type]


RANKING = Ranking(
    (evidence("macros", 1, Verdict.KEEP, 0.1), evidence("export", 2, Verdict.UBIQUITOUS, 0.4)), 60, 12, 1, 4.0
)
PEERS = Peers(
    {
        "phi": {"macros": 0.105, "export": NAN}, "odds_ratio": {"macros": 1.25, "export": 0.5},
        "lift": {"macros": 1.04, "export": NAN}, "forest_impurity": {"macros": 0.1, "export": 0.4},
        "boosting_shap": {"macros": 0.1, "export": 0.4}, "forest_permutation": {"macros": 0.01, "export": 0.02},
        "boosting_permutation": {"macros": 0.01, "export": 0.02}, "boruta": {"macros": 1.0, "export": 1.0},
    },
    {"macros": 5, "export": 0}, {"macros": 0.176, "export": NAN}, {"macros": 1.06, "export": NAN},
    {"macros": "confirmed", "export": "confirmed"},
)  # fmt: skip


def test_places_by_hand() -> None:
    frame = peers_frame(RANKING, PEERS).set_index("feature")
    columns = ["rank", "rank_phi", "rank_odds", "rank_lift", "rank_forest", "rank_shap", "rank_boruta"]
    assert list(frame.loc["macros", columns]) == [1, 1, 1, 1, 2, 2, 1]
    assert list(frame.loc["export", columns]) == [2, 0, 2, 0, 1, 1, 1]  # no phi, no lift


def test_documented_columns_are_the_real_ones() -> None:
    part = DOCS.read_text(encoding="utf-8").split("## Columns of peers.csv")[1].split("\n## ")[0]
    cells = [line.split("|")[1] for line in part.splitlines() if line.startswith("| ")]
    shown = {name.strip() for cell in cells for name in cell.split(",")} - {"column"}
    assert shown == set(peers_frame(RANKING, PEERS).columns)


def test_the_table_reads_so() -> None:
    lines = peers_text(peers_frame(RANKING, PEERS)).splitlines()
    assert lines[1].split() == ["feature", "verdict", "ours", "phi", "odds", "lift", "forest", "shap", "boruta",
                                "phi/most", "lift"]  # fmt: skip
    assert lines[2].split() == ["macros", "keep", "1", "1", "1", "1", "2", "2", "1", ".105/.176", "1.04"]
    assert lines[3].split() == ["export", "ubiquitous", "2", "0", "2", "0", "1", "1", "1", "-", "-"]


def test_the_widest_table_fits_100_columns() -> None:
    name = "a_feature_with_a_very_long_name"
    ranking = Ranking((evidence(name, 150, Verdict.UBIQUITOUS_INTENSITY, 0.1),), 1, 1, 1, 1.0)
    measures = {measure: {name: -0.123} for measure in PEERS.measures} | {"lift": {name: 12.345}}
    peers = replace(PEERS, measures=measures, phi_ceiling={name: 0.987}, lift_ceiling={name: 20.0})
    text = peers_text(peers_frame(ranking, peers))
    assert "a_feature_with_a_ve…  ubiquitous_in…" in text
    assert max(map(len, text.splitlines())) <= 100


def test_the_models_measures_come_from_the_ranking() -> None:
    found = importances(RANKING)
    assert found is not None
    assert found.measures["forest_impurity"] == {"macros": 0.1, "export": 0.4}
    assert importances(Ranking((), 0, 0, 0, 0.0)) is None


@pytest.fixture
def ranked(make_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job whose ranking is given and whose forests are small."""
    monkeypatch.setattr(rank, "find_ranking", lambda job, goal: RANKING)
    monkeypatch.setitem(boruta._FOREST, "n_estimators", 5)
    job: Job = make_job()
    return job


def test_peers_are_one_version_with_the_ranking(ranked: Job) -> None:
    answer = rank_job(ranked, compare_peers)
    folder = ranked.settings.output / "ranking"
    assert {path.name for path in current(folder).iterdir()} == {
        "ranking.csv", "ranking.json", "ranking.parquet", "peers.csv", "peers.parquet",
    }  # fmt: skip
    assert pd.read_csv(folder / "peers.csv")["feature"].tolist() == ["macros", "export"]
    assert [row["feature"] for row in answer.as_json()["peers"]] == ["macros", "export"]
    assert json.dumps(answer.as_json(), allow_nan=False)
    assert "Place of each feature in the lists of other methods" in answer.as_text()


def test_a_later_ranking_without_peers_leaves_no_old_ones(ranked: Job, make_job: Callable[..., Job]) -> None:
    frames = {"peers": peers_frame(RANKING, PEERS)}
    publish_ranking(ranked, RANKING, (), frames)
    folder = ranked.settings.output / "ranking"
    assert (folder / "peers.parquet").exists()
    assert "peers" not in rank_job(make_job()).as_json()
    assert not list(folder.glob("peers.*"))
    assert (folder / "ranking.csv").exists()


def test_an_alarm_heads_the_peers_too(ranked: Job) -> None:
    publish_ranking(ranked, RANKING, ("account.status=gone",), {"peers": peers_frame(RANKING, PEERS)})
    for name in ("ranking.csv", "peers.csv"):
        frame = pd.read_csv(ranked.settings.output / "ranking" / name)
        assert frame.columns[0] == "alarm"
        assert set(frame["alarm"]) == {"account.status=gone"}
