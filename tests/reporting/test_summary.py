from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from milepost.reporting.summary import SHOWN_ACCOUNTS, Choices, Summary
from milepost.settings import Settings
from milepost.terms import Verdict


def test_verdicts_are_counted_kept_first(summary: Summary) -> None:
    counts = dict(summary.verdict_counts)
    assert summary.verdict_counts[0] == (Verdict.KEEP, 6)
    assert counts[Verdict.UBIQUITOUS] == 3
    assert Verdict.PROXY not in counts
    assert sum(counts.values()) == 20


def test_the_naive_list_keeps_its_own_order(summary: Summary) -> None:
    assert [move.naive_rank for move in summary.moves] == list(range(1, 16))
    assert [(move.feature, move.rank) for move in summary.moves[:2]] == [("inbox", 15), ("search", 16)]
    assert [move.kept for move in summary.moves].count(False) == 10


def test_entrants_are_kept_features_the_naive_list_does_not_show(summary: Summary) -> None:
    # screen_recording is no. 7 of the corrected list and no. 20 of the naive one, but it is not kept
    assert [move.feature for move in summary.entrants] == ["api_tokens"]


def test_without_a_forest_there_is_no_naive_list(make_summary: Callable[..., Summary], summary: Summary) -> None:
    unranked = tuple(replace(row, naive_rank=0) for row in summary.evidence)
    found = make_summary(evidence=unranked)
    assert (found.moves, found.entrants) == ((), ())


def test_totals_by_hand(summary: Summary) -> None:
    # risks .50 .30 .10 .06 .02 .01 on an MRR of 100 to 600: 50 + 60 + 30 + 24 + 10 + 6
    assert summary.risk is not None
    assert summary.risk.accounts == 6
    assert summary.risk.by_band == {"high": 2, "elevated": 2, "low": 2}
    assert summary.risk.mrr == 2100
    assert summary.risk.mrr_high == 300
    assert summary.risk.expected_loss == pytest.approx(180)


def test_unknown_mrr_is_none_and_no_high_account_is_zero(make_summary: Callable[..., Summary]) -> None:
    scores = make_summary().results.scores
    assert scores is not None
    unknown = make_summary(scores=scores.assign(mrr=np.nan, expected_loss=np.nan)).risk
    assert unknown is not None
    assert (unknown.mrr, unknown.mrr_high, unknown.expected_loss) == (None, None, None)
    calm = make_summary(scores=scores.assign(risk_band="low")).risk
    assert calm is not None
    assert (calm.high, calm.mrr, calm.mrr_high) == (0, 2100, 0)


def test_accounts_are_cut_after_the_highest_risks(make_summary: Callable[..., Summary]) -> None:
    scores = pd.DataFrame(
        {
            "account_id": [f"a{n:03d}" for n in range(250)],
            "churn_risk": np.linspace(0.001, 0.9, 250),
            "risk_band": "low",
            "risk_rank": range(250, 0, -1),
        }
    )
    found = make_summary(scores=scores)
    assert len(found.accounts) == SHOWN_ACCOUNTS
    assert [row.account_id for row in found.accounts[:2]] == ["a249", "a248"]
    assert found.accounts[0].mrr is None
    assert found.accounts[0].mature_categories is None
    assert found.risk is not None
    assert found.risk.accounts == 250


def test_reasons_and_levels_of_an_account(summary: Summary) -> None:
    first = summary.accounts[0]
    assert len(first.reasons) == 1  # the second is empty
    assert first.reasons[0].startswith("Raises the risk: uses of macros")
    assert first.levels[1] == ("automation", "basic")
    assert first.mature_categories == 1


def test_the_outcome_window_by_hand(summary: Summary) -> None:
    # 2024-07-01 + 14 days = 07-15, and 56 days from there end with 09-08
    assert summary.outcome_window == (date(2024, 7, 15), date(2024, 9, 8))


def test_the_reason_of_a_missing_part(make_summary: Callable[..., Summary]) -> None:
    found = make_summary(missing=("model: 12 churned accounts, 50 are needed", "journey: no events"))
    assert found.why_missing("model") == "12 churned accounts, 50 are needed"
    assert found.why_missing("ranking") == ""


def test_choices_come_from_the_settings() -> None:
    settings = Settings.model_validate(
        {
            "tables": {"accounts": {"path": "a.csv"}, "events": {"path": "e.csv"}},
            "adoption": {"low": 0.2, "high": 0.8},
            "windows": {"outcome_days": 30},
            "scoring": {"high_from": 0.3},
        }
    )
    choices = Choices.of(settings)
    assert (choices.band_low, choices.band_high, choices.outcome_days, choices.high_from) == (0.2, 0.8, 30, 0.3)
