from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from milepost.importance.evidence import FeatureEvidence
from milepost.pipeline.job import Job
from milepost.pipeline.report import Parts, report_job, summarise
from milepost.reporting.summary import Results
from milepost.terms import Verdict


def test_a_page_without_ranking_and_scores_says_what_can_be_said(make_job: Callable[..., Job], product: Path) -> None:
    result = report_job(make_job())
    assert result.gate == "the page is written without 5 of its parts"
    page = Path(str(result.json["report"])).read_text(encoding="utf-8")
    assert "11 accounts run on 2024-06-30, paying 550 MRR." in page  # a00 left in April
    assert "0 of them had no event in the last 14 days." in page
    assert "have a term that ends" not in page  # no terms are known
    assert "run &#39;milepost rank&#39;" in page


def scores_for(names: list[str]) -> pd.DataFrame:
    """In another order than the rows, and not for everybody: the first account has no score."""
    return pd.DataFrame({
        "account_id": names[::-1][:-1], "churn_risk": np.linspace(0.1, 0.5, len(names) - 1), "risk_band": "low",
        "risk_rank": range(1, len(names)), "expected_loss": 1.0, "mrr": 50.0,
    })  # fmt: skip


def test_running_accounts_are_described_where_there_is_no_ranking(make_job: Callable[..., Job]) -> None:
    job = make_job()
    names = job.current.context["account_id"].tolist()
    summary = summarise(job, Parts(Results(scores=scores_for(names))))
    assert summary.results.worth == ()  # nothing is kept
    assert summary.results.plainly is not None
    found = summary.results.plainly.running
    assert found["account_id"].tolist() == names
    # each account has one event: macro, export, or a login, which is no feature
    assert found["features_used"].tolist() == [int(int(name[1:]) % 3 != 2) for name in names]


def test_the_gap_counts_each_account_by_its_own_risk(make_job: Callable[..., Job]) -> None:
    job = make_job()
    names = job.current.context["account_id"].tolist()
    scores = scores_for(names)
    empty: dict[str, Any] = dict.fromkeys(FeatureEvidence.__dataclass_fields__)
    kept = FeatureEvidence(**empty | {"feature": "macros", "effect": 1.0, "low": 0.5, "high": 1.5, "rank": 1,
                                      "naive_rank": 0, "verdict": Verdict.KEEP, "hypothesis": ""})  # fmt: skip
    (gap,) = summarise(job, Parts(Results(evidence=(kept,), scores=scores))).results.worth
    without = [name for name in names if int(name[1:]) % 3 != 0]
    risk = scores.set_index("account_id")["churn_risk"].reindex(without)
    assert (gap.accounts, gap.unknown) == (len(without), int(risk.isna().sum()))
    assert gap.unknown == 1
    assert gap.expected_loss == pytest.approx(50.0 * risk.sum())
