"""The same answers as tea-tasting, which nobody here wrote, on random data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milepost.experiments.adjusted import adjusted, normal_scores
from milepost.experiments.check import sample_ratio
from milepost.experiments.estimates import conversion, mean, ratio
from milepost.experiments.robust import holm

tt = pytest.importorskip("tea_tasting")

seeds = st.integers(0, 10_000)


def table(seed, control=180, treated=220, lift=1.1):
    draws = np.random.default_rng(seed)
    size = control + treated
    arm = np.repeat([0, 1], [control, treated])
    below = 1.0 + draws.poisson(3, size)
    before = draws.normal(size=size)
    value = draws.gamma(2, 1, size) * np.where(arm, lift, 1) + before
    hit = (draws.random(size) < np.where(arm, 0.35, 0.3)).astype(int)
    return pd.DataFrame({"variant": arm, "value": value, "below": below, "before": before, "hit": hit})


def oracle(frame, metric):
    return tt.Experiment({"m": metric}).analyze(frame)["m"]


def arms(frame, column):
    return tuple(frame.loc[frame["variant"] == arm, column].to_numpy(dtype=float) for arm in (0, 1))


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_means_are_the_same(seed):
    frame = table(seed)
    theirs, ours = oracle(frame, tt.Mean("value")), mean(*arms(frame, "value"))
    assert ours.difference == pytest.approx(theirs.effect_size)
    assert (ours.low, ours.high) == pytest.approx((theirs.effect_size_ci_lower, theirs.effect_size_ci_upper))
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_ratios_agree_to_the_jackknife(seed):
    frame = table(seed)
    (above_0, above_1), (below_0, below_1) = arms(frame, "value"), arms(frame, "below")
    theirs, ours = oracle(frame, tt.RatioOfMeans("value", "below")), ratio((above_0, below_0), (above_1, below_1))
    assert ours.difference == pytest.approx(theirs.effect_size)
    # the jackknife and the delta method differ by one part in as many as there are accounts
    width = theirs.effect_size_ci_upper - theirs.effect_size_ci_lower
    assert ours.high - ours.low == pytest.approx(width, rel=0.03)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_shares_are_the_same(seed):
    frame = table(seed)
    theirs = oracle(frame, tt.Proportion("hit", method="pearson", correction=False))
    assert conversion(*arms(frame, "hit")).p == pytest.approx(theirs.pvalue, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_adjusting_gives_nearly_what_cuped_gives(seed):
    frame = table(seed, 500, 500)
    frame["before"] = normal_scores(frame[["before"]].to_numpy())
    theirs = oracle(frame, tt.Mean("value", covariate="before"))
    treated = frame["variant"].to_numpy() == 1
    ours = adjusted(frame["value"].to_numpy(), treated, frame[["before"]].to_numpy())
    width = theirs.effect_size_ci_upper - theirs.effect_size_ci_lower
    assert ours.difference == pytest.approx(theirs.effect_size, abs=0.05 * width)
    assert ours.high - ours.low == pytest.approx(width, rel=0.05)
    assert ours.high - ours.low < 0.95 * (lambda plain: plain.high - plain.low)(mean(*arms(frame, "value")))


@settings(max_examples=25, deadline=None)
@given(st.integers(400, 700), st.integers(400, 700))
def test_sample_ratios_are_nearly_the_same(control, treated):
    frame = pd.DataFrame({"variant": np.repeat([0, 1], [control, treated])})
    theirs = oracle(frame, tt.SampleRatio(method="norm", correction=False))
    assert sample_ratio([control, treated], [1, 1]).p == pytest.approx(theirs.pvalue, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=8))
def test_holm_is_holm(p):
    found = holm(p)
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(np.array(p)[order] * np.arange(len(p), 0, -1))
    assert found[order] == pytest.approx(np.minimum(steps, 1))
