"""Adoption against the benchmark: only what has clearly left it is an alarm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from milepost.review.band import band_claims
from milepost.settings import AdoptionSettings

BAND = AdoptionSettings(low=0.10, high=0.90)


@pytest.fixture(scope="module")
def last(product):
    seen = product(kind="plain", accounts=1500, snapshots=2, features=24, seed=4)
    context = seen.observations.context
    return seen.observations.take((context["snapshot_date"] == context["snapshot_date"].max()).to_numpy())


def adopted_by(last, share):
    counts = last.counts.copy()
    counts[:, 0] = np.arange(len(counts)) < share * len(counts)
    eligible = np.ones_like(last.eligible)
    return replace(last, counts=counts, eligible=eligible)


@pytest.mark.parametrize(
    ("share", "alarm"), [(0.5, False), (0.11, False), (0.085, False), (0.04, True), (0.915, False), (0.97, True)]
)
def test_only_what_is_clearly_outside_is_an_alarm(last, share, alarm):
    (claim,) = band_claims(["feature_000"], adopted_by(last, share), BAND)
    assert (claim.p < 0.001) == alarm
    assert claim.because.startswith(f"{share:.0%}" if share in (0.5, 0.04, 0.97) else "")
    assert claim.because.endswith("the benchmark is 10% to 90%")


def test_features_few_have_access_to_are_left_out(last):
    few = adopted_by(last, 0.01)
    eligible = few.eligible.copy()
    eligible[49:, 0] = False
    assert band_claims(["feature_000"], replace(few, eligible=eligible), BAND) == []
