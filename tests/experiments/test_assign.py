"""Arms by a salted hash: the same for ever, even between arms, blind to the order of accounts."""

from __future__ import annotations

import hashlib
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.errors import PlanError
from milepost.experiments.assign import HOLDOUT, LOG, arms_of, eligible, extend, places
from milepost.experiments.plan import read

NOW = datetime(2024, 2, 1)


def accounts(first, last, day="2024-01-05"):
    names = [f"a{number}" for number in range(first, last)]
    return pd.DataFrame({"account_id": names, "enrolled_at": pd.Timestamp(day), "source": "self_serve"})


def test_a_place_by_hand():
    digest = hashlib.sha256(b"salt\x1fa1").digest()
    assert places(["a1"], "salt")[0] == (int.from_bytes(digest[:8]) >> 11) / 2**53


@given(st.lists(st.text(max_size=12), max_size=30), st.text(min_size=1, max_size=8))
def test_places_do_not_depend_on_who_else_is_there(names, salt):
    found = places(names, salt)
    assert ((found >= 0) & (found < 1)).all()
    assert [places([name], salt)[0] for name in names] == found.tolist()


def test_arms_are_even_and_follow_weights(plan, plan_text):
    names = [f"a{number}" for number in range(40_000)]
    # 20,000 expected, standard deviation 100
    assert abs((arms_of(names, plan) == "tour").sum() - 20_000) < 500
    one_in_four = read(plan_text.replace("control = true", "control = true\nweight = 3"))
    assert abs((arms_of(names, one_in_four) == "tour").sum() - 10_000) < 450


def test_two_experiments_are_independent(plan, plan_text):
    names = [f"a{number}" for number in range(20_000)]
    other = read(plan_text.replace('salt = "tour-1"', 'salt = "tour-2"'))
    both = np.mean((arms_of(names, plan) == "tour") & (arms_of(names, other) == "tour"))
    assert both == pytest.approx(0.25, abs=0.015)


def test_some_are_held_out_and_some_do_not_enter(plan_text):
    names = [f"a{number}" for number in range(10_000)]
    found = arms_of(names, read(plan_text.replace("per_day = 40", "per_day = 40\nshare = 0.6\nholdout = 0.1")))
    shares = pd.Series(found).value_counts(normalize=True)
    assert shares[HOLDOUT] == pytest.approx(0.1, abs=0.015)
    assert shares[""] == pytest.approx(0.3, abs=0.02)


def test_who_has_an_arm_keeps_it_and_later_accounts_are_added(plan):
    first = extend(pd.DataFrame(columns=LOG), accounts(0, 50), plan, NOW, "abc")
    again = extend(first, accounts(0, 80).iloc[::-1], plan, datetime(2024, 3, 1), "abc")
    assert len(again) == 80
    pd.testing.assert_frame_equal(again.iloc[:50], first)
    assert again["account_id"].is_unique
    pd.testing.assert_frame_equal(extend(again, accounts(0, 80), plan, NOW, "abc"), again, check_dtype=False)


def test_only_accounts_of_the_days_and_attributes_enter(plan_text):
    plan = read(plan_text.replace("[enrolment]", '[eligibility.where]\nsource = ["self_serve"]\n[enrolment]'))
    both = pd.concat([accounts(0, 1), accounts(1, 2, "2024-01-29"), accounts(2, 3).assign(source="sales")])
    assert eligible(both, plan)["account_id"].tolist() == ["a0"]  # January 29 is the end, and not part of it
    with pytest.raises(PlanError, match="accounts have no attribute 'source'"):
        eligible(both.drop(columns="source"), plan)
