"""What is written between commands reads back the same, and never when it belongs to other data."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from milepost.data.publish import publish
from milepost.importance.evidence import FeatureEvidence
from milepost.importance.ranking import Ranking
from milepost.pipeline.store import load_evaluation, load_ranking, save_evaluation, save_ranking
from milepost.terms import Goal, Verdict
from milepost.training.results import Evaluation, Metrics, Split

NAN = float("nan")
EVIDENCE = FeatureEvidence(
    feature='a, "b"', category="x", rank=1, naive_rank=2, importance={"forest_impurity": 0.25}, effect=3.5, low=1.0,
    high=6.0, q=0.01, alone_effect=4.0,
    smallest_effect=2.1, persistence=0.93, adopted_churned=3, others_churned=9, e_value_low=1.4,
    grade="adjusted",
    leads_to=("b", "c"), bundle=("d",), direct_effect=NAN, direct_low=NAN, direct_high=NAN, raw_difference=5.0,
    direction="helps",
    eligible=100, adopted=40, adoption=0.4, adoption_by_plan={"pro": 0.5}, adoption_by_size={}, plan_share=0.1,
    discount=0.96, stability=1.0, top_k=0.9, e_value=2.5, verdict=Verdict.KEEP, hypothesis="", because="because",
)  # fmt: skip
RANKING = Ranking((EVIDENCE,), 500, 120, 60, 4.2, {"a": 1.5}, {}, 0.1, True, Goal.EXPANDED, "expanded", ("a note",))
METRICS = Metrics(0.8, 0.3, 0.2, 0.05, 0.06, 0.01, 400, 50, 45, 0.75, NAN)


@pytest.fixture
def ranked(tmp_path):
    publish(tmp_path, "one", lambda target: save_ranking(target, RANKING, "print"))
    return tmp_path


def test_a_ranking_reads_back_whole(ranked):
    found = load_ranking(ranked, "print")
    (row,) = found.evidence
    assert np.isnan(row.direct_effect)
    assert row.verdict is Verdict.KEEP
    same = {"direct_effect": 0.0, "direct_low": 0.0, "direct_high": 0.0}
    assert replace(row, **same) == replace(EVIDENCE, **same)
    assert replace(found, evidence=()) == replace(RANKING, evidence=())
    assert found.kept == (row,)


def test_a_ranking_of_an_older_version_is_none(tmp_path):
    def older(target):
        save_ranking(target, RANKING, "print")
        path = target / "ranking.json"
        path.write_text(path.read_text(encoding="utf-8").replace('"grade"', '"rating"'), encoding="utf-8")

    publish(tmp_path, "one", older)
    assert load_ranking(tmp_path, "print") is None


def test_a_ranking_of_other_data_or_a_damaged_one_is_none(ranked, tmp_path):
    assert load_ranking(ranked, "other") is None
    assert load_ranking(tmp_path / "nowhere", "print") is None
    path = ranked / "versions" / "one" / "ranking.json"
    path.write_text(path.read_text().replace("3.5", "9.5"), encoding="utf-8")
    assert load_ranking(ranked, "print") is None


def test_an_evaluation_reads_back_without_row_positions(tmp_path):
    rows = np.arange(3, dtype=np.intp)
    days = (date(2024, 1, 1), date(2024, 3, 1)), (date(2024, 6, 1), date(2024, 7, 1))
    evaluation = Evaluation(
        {"boosting": METRICS}, {"boosting": METRICS}, "boosting", "disjoint", Split(rows, rows, rows, *days, 7),
        np.array([0.1, 0.25]), np.array([0.0, 1.0]), ((0.1, 0.2, 3),), ((0.1, 2.0, 0.3),),
    )  # fmt: skip
    save_evaluation(tmp_path, "one", evaluation, "print", "m1")
    found, model_id = load_evaluation(tmp_path, "print")
    assert model_id == "m1"
    assert (found.split.train_dates, found.split.test_dates, found.split.purged) == (*days, 7)
    assert len(found.split.train) == len(found.split.calibrate) == len(found.split.test) == 0
    assert found.best.roc_auc == 0.8
    assert np.isnan(found.best.high)
    assert found.predictions.tolist() == [0.1, 0.25]
    assert found.outcome.tolist() == [0.0, 1.0]
    assert (found.calibration_curve, found.lift) == (evaluation.calibration_curve, evaluation.lift)
    assert load_evaluation(tmp_path, "other") == (None, "")
