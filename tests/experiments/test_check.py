"""Data that cannot be believed are found, and those that can are not accused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from milepost.experiments.check import (
    balance,
    balance_faults,
    early_exposure,
    early_outcomes,
    missing_faults,
    ratio_faults,
    sample_ratio,
    sample_ratios,
    two_arms,
)

WEIGHTS = {"none": 1.0, "tour": 1.0}


def units(arms, day="2024-01-05"):
    return pd.DataFrame({
        "account_id": [f"a{number}" for number in range(len(arms))], "arm": arms, "enrolled_at": pd.Timestamp(day),
    })  # fmt: skip


def test_a_ratio_far_from_the_plan_is_invalid():
    # 600 against 400: chi-square (100² / 500) × 2 = 40
    found = sample_ratios(units(["none"] * 600 + ["tour"] * 400), WEIGHTS, {})
    assert found[0].statistic == pytest.approx(40.0)
    faults = ratio_faults(found)
    assert all(fault.invalid for fault in faults)
    assert "sample-ratio mismatch: 600 and 400 accounts where 500 and 500 were planned" in faults[0].what


def test_a_mismatch_in_one_segment_is_found_where_the_whole_is_even():
    arms = ["none"] * 100 + ["tour"] * 300 + ["none"] * 300 + ["tour"] * 100
    plans = pd.Series(["free"] * 400 + ["paid"] * 400)
    faults = ratio_faults(sample_ratios(units(arms), WEIGHTS, {"plan": plans}))
    assert [fault.what.split(":")[0] for fault in faults] == ["sample-ratio mismatch (plan free, the worst of 2)"]


def test_even_draws_are_rarely_accused():
    draws = np.random.default_rng(5)
    accused = 0
    for _ in range(300):
        arms = np.where(draws.random(2000) < 0.5, "none", "tour")
        frame = units(list(arms))
        frame["enrolled_at"] += pd.to_timedelta(draws.integers(0, 28, 2000), unit="D")
        accused += bool(ratio_faults(sample_ratios(frame, WEIGHTS, {"plan": pd.Series(draws.integers(0, 3, 2000))})))
    assert accused <= 5  # three families at .001 each: 0.9 expected


def test_few_accounts_say_nothing():
    assert np.isnan(sample_ratio([4, 0], [1, 1]).p)


def test_an_account_in_two_arms_is_named():
    log = pd.DataFrame({"account_id": ["a", "b", "a", "b"], "arm": ["none", "tour", "tour", "tour"]})
    assert [fault.what for fault in two_arms(log)] == ["1 account in two arms ('a')"]
    assert two_arms(log.iloc[1:2]) == []


def test_what_happened_before_assignment_is_found():
    frame = units(["none", "tour", "tour"])
    seen = pd.Series(pd.to_datetime(["2024-01-04", None, "2024-01-05"]))  # at the very moment is not before
    assert "1 account exposed before assignment ('a0')" in early_exposure(frame, seen)[0].what
    assert "with an outcome of 'paid' before assignment" in early_outcomes(frame, "paid", seen)[0].what
    assert early_exposure(frame.iloc[1:], seen.iloc[1:]) == []


def test_arms_that_differed_before_are_told():
    draws = np.random.default_rng(6)
    arm = pd.Series(["none"] * 500 + ["tour"] * 500)
    alike = pd.DataFrame({"use before": draws.normal(size=1000)})
    assert balance_faults(balance(arm, "none", alike)) == []
    apart = alike + np.repeat([0.0, 1.0], 500)[:, None]
    assert (
        "'use before' differed by +0.98 standard deviations in 'tour'"
        in balance_faults(balance(arm, "none", apart))[0].what
    )


def test_unequal_answers_are_told():
    arm = pd.Series(["none"] * 500 + ["tour"] * 500)
    alike = pd.Series(np.tile([True, False], 500))
    assert missing_faults(arm, "csat", alike) == []
    apart = pd.Series([True] * 300 + [False] * 200 + [True] * 200 + [False] * 300)
    assert "none 60.0%, tour 40.0%" in missing_faults(arm, "csat", apart)[0].what
