"""A summary made by hand: 20 features, 5 categories, 6 accounts; every figure in it is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from milepost.data.contract import Finding, RowCount
from milepost.importance.evidence import FeatureEvidence
from milepost.maturity.categories import Category, Contrast, Maturity
from milepost.reporting.summary import DataPart, Results, Summary, Versions, build_summary
from milepost.terms import Action, Verdict
from milepost.training.results import Evaluation, Metrics, Split

CATEGORIES = ("support channels", "automation", "operations", "interoperability", "reporting")
# feature, naive rank, effect, half width, adoption, verdict; in corrected order
FEATURES = [
    ("macros", 6, 4.2, 1.3, 0.42, Verdict.KEEP),
    ("help_center", 9, 3.6, 1.2, 0.35, Verdict.KEEP),
    ("api_tokens", 17, 3.1, 1.1, 0.21, Verdict.KEEP),
    ("sla_policies", 12, 2.7, 1.1, 0.30, Verdict.KEEP),
    ("custom_reports", 8, 2.4, 1.0, 0.26, Verdict.KEEP),
    ("chat_widget", 7, 2.2, 1.0, 0.55, Verdict.KEEP),
    ("screen_recording", 20, 3.0, 2.2, 0.04, Verdict.NICHE_WATCH),
    ("tags", 5, 0.9, 1.1, 0.61, Verdict.INCONCLUSIVE),
    ("mobile_app", 10, 0.7, 1.2, 0.33, Verdict.INCONCLUSIVE),
    ("themes", 13, 0.1, 0.6, 0.48, Verdict.NO_EFFECT),
    ("dark_mode", 14, -0.1, 0.6, 0.58, Verdict.NO_EFFECT),
    ("single_sign_on", 4, 0.6, 1.3, 0.28, Verdict.NOT_SEPARABLE),
    ("audit_log", 11, 0.4, 1.3, 0.18, Verdict.NOT_SEPARABLE),
    ("bulk_export", 15, -2.6, 1.2, 0.16, Verdict.HARMFUL),
    ("inbox", 1, 0.2, 2.5, 0.99, Verdict.UBIQUITOUS),
    ("search", 2, 0.3, 2.0, 0.97, Verdict.UBIQUITOUS),
    ("profile", 3, float("nan"), float("nan"), 1.0, Verdict.UBIQUITOUS),
    ("kiosk", 18, 0.1, 4.0, 0.02, Verdict.NICHE),
    ("fax", 19, -0.3, 4.0, 0.01, Verdict.NICHE),
    ("voice_notes", 16, float("nan"), float("nan"), 0.09, Verdict.TOO_NEW),
]


def evidence_row(place: int, *, feature: str, naive: int, effect: float, half: float, adoption: float,
                 verdict: Verdict) -> FeatureEvidence:  # fmt: skip
    permutation = max(0.0, 0.012 - 0.0005 * place) if verdict == Verdict.KEEP else 0.002
    return FeatureEvidence(
        feature=feature, category=CATEGORIES[place % 5], rank=place, naive_rank=naive,
        importance={"forest_impurity": 1.0 / naive, "boosting_permutation": permutation},
        effect=effect, low=effect - half, high=effect + half, q=0.001 if verdict == Verdict.KEEP else 0.4,
        direct_effect=effect / 2, direct_low=effect / 2 - half, direct_high=effect / 2 + half,
        raw_difference=effect * 2, direction="helps", eligible=2000, adopted=round(2000 * adoption),
        adoption=adoption,
        adoption_by_plan={"team": adoption}, adoption_by_size={"1-5": adoption}, plan_share=0.1,
        adopted_churned=40, others_churned=90, alone_effect=effect, smallest_effect=1.4, persistence=0.95,
        e_value_low=1.2,
        grade="adjusted" if verdict == Verdict.KEEP else "", leads_to=(), bundle=(),
        discount=4 * adoption * (1 - adoption), stability=0.99, top_k=0.9, e_value=1.8, verdict=verdict,
        hypothesis="confirmed" if place == 1 else "",
        because=f"{100 * adoption:.0f} % of eligible accounts adopted it.",
    )  # fmt: skip


def make_evidence() -> tuple[FeatureEvidence, ...]:
    return tuple(
        evidence_row(place, feature=row[0], naive=row[1], effect=row[2], half=row[3], adoption=row[4], verdict=row[5])
        for place, row in enumerate(FEATURES, start=1)
    )


def make_maturity() -> Maturity:
    categories = tuple(
        Category(
            name,
            (f"{name} a", f"{name} b"),
            None if name == "reporting" else 2,
            2,
            0.9,
            0.4,
            0.97,
            0.5,
            0.97,
            0.93,
            2.1,
            1.0,
            3.2,
            "The cut is clear.",
        )
        for name in CATEGORIES
    )
    months = [date(2024, month, 1) for month in range(1, 8)]
    over_time = pd.DataFrame(
        {"snapshot_date": pd.to_datetime(months), "accounts": range(900, 1600, 100), "share": np.linspace(0.2, 0.3, 7)}
    )
    groups = pd.DataFrame(
        {"group": ["plan", "size"], "value": ["team", "1-5"], "accounts": [700, 800], "share": [0.31, 0.12]}
    )
    contrast = Contrast(2.6, 1.1, 4.1, 0.001, "Mature accounts are retained 2.6 points more often.")
    return Maturity(categories, 0.3, 0.44, "", dict.fromkeys(CATEGORIES, 0.4), over_time, groups, contrast)


def metrics(auc: float, loss: float) -> Metrics:
    return Metrics(auc, 0.2, loss, 0.05, 0.061, 0.004, 4000, 244, 201, auc - 0.02, auc + 0.02)


def make_evaluation() -> Evaluation:
    disjoint = {"boosting": metrics(0.781, 0.2104), "forest": metrics(0.77, 0.2121), "logistic": metrics(0.762, 0.2133),
                "base_rate": metrics(0.5, 0.2291)}  # fmt: skip
    shared = {name: metrics(row.roc_auc + 0.01, row.log_loss) for name, row in disjoint.items()}
    some = np.arange(3)
    split = Split(some, some, some, (date(2023, 1, 1), date(2023, 9, 1)), (date(2023, 12, 1), date(2024, 4, 1)), 1500)
    curve = tuple((risk, risk * 1.05, 400) for risk in (0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.12, 0.25))
    lift = ((0.01, 6.1, 0.06), (0.05, 4.4, 0.22), (0.1, 3.5, 0.35), (0.2, 2.6, 0.52), (0.5, 1.6, 0.8))
    return Evaluation(shared, disjoint, "boosting", "disjoint", split, np.zeros(3), np.zeros(3), curve, lift)


def make_scores(accounts: int = 6) -> pd.DataFrame:
    """Risks .50 .30 .10 .06 .02 .01 and then .005; MRR 100, 200, 300, …"""
    risk = np.array(([0.5, 0.3, 0.1, 0.06, 0.02, 0.01] + [0.005] * accounts)[:accounts])
    mrr = 100.0 * np.arange(1, accounts + 1)
    frame = pd.DataFrame({"account_id": [f"acct-{n:04d}" for n in range(accounts)], "churn_risk": risk})
    frame["snapshot_date"] = pd.Timestamp("2024-07-01")
    frame["risk_band"] = np.select([risk >= 0.15, risk >= 0.05], ["high", "elevated"], "low")
    frame["risk_rank"] = np.arange(1, accounts + 1)
    frame["expected_loss"] = risk * mrr
    frame["plan"], frame["seats"], frame["mrr"] = "team", 12, mrr
    for name in CATEGORIES:
        frame[f"level_{name}"] = "basic"
    frame["mature_categories"] = 1
    frame["reason_1"] = (
        "Raises the risk: uses of macros a day observed, last 84 days: 0 (retained accounts usually 1.2)"
    )
    frame["reason_2"] = None
    frame["scored_by"] = "model"
    return frame


def make_data() -> DataPart:
    counts = (RowCount("accounts", 2010, 2000, 4, 6, 0), RowCount("events", 1_000_000, 900_000, 0, 0, 100_000))
    findings = (Finding("future times", "events.occurred_at", 12, Action.WARN, "Check the clock of the sender."),)
    return DataPart(counts, findings, "f1" * 16, 14_000, 550, 7)


def build(**changes: Any) -> Summary:
    """The summary with some parts exchanged: evidence, maturity, evaluation, scores, missing, alarms."""
    results = Results(make_evidence(), make_maturity(), make_evaluation(), make_scores())
    versions = Versions("0.1.0", 3, "abc123", "2024-07-01-f1f1f1f1")
    return build_summary("demo", date(2024, 7, 1), make_data(), replace(results, **changes), versions)


@pytest.fixture
def make_summary() -> Callable[..., Summary]:
    return build


@pytest.fixture
def summary() -> Summary:
    return build()
