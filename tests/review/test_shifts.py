"""Events that stop and plans that are renamed, counted by hand."""

import numpy as np
import pandas as pd

from milepost.review.shifts import plans, uses
from milepost.signals.catalogue import Feature
from milepost.signals.matrix import Matrix, Observations
from milepost.windows import Windows

DATES = pd.to_datetime(["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01", "2024-05-01"])
SINCE = np.datetime64("2024-03-15")


def seen(shares, names=("a", "b", "c")):
    """200 accounts at each date; shares: [dates × features] of them that use each feature."""
    counts = np.vstack([np.arange(200)[:, None] < np.round(200 * np.array(row)) for row in shares]).astype(np.float32)
    context = pd.DataFrame({"snapshot_date": np.repeat(DATES, 200), "account_id": "x", "plan": "pro"})
    features = tuple(Feature(name, (name,), "one") for name in names)
    matrix = Matrix(np.empty((len(context), 0), np.float32), context[["account_id", "snapshot_date"]], (), "")
    return Observations(matrix, features, counts, counts >= 0, False, context, Windows())


def broken(shares):
    return [one.feature for one in uses(seen(shares), SINCE) if one.broken]


def test_events_that_stop_are_named() -> None:
    assert broken([[0.5, 0.4, 0.6]] * 4 + [[0.5, 0.05, 0.6]]) == ["b"]


def test_a_season_in_which_everything_is_used_less_is_no_break() -> None:
    assert broken([[0.5, 0.4, 0.6]] * 4 + [[0.2, 0.16, 0.24]]) == []


def test_a_feature_that_half_as_many_use_is_no_break_yet() -> None:
    assert broken([[0.5, 0.4, 0.6]] * 4 + [[0.5, 0.2, 0.6]]) == []


def test_a_feature_with_few_users_is_not_judged() -> None:
    assert broken([[0.5, 0.1, 0.6]] * 4 + [[0.5, 0.0, 0.6]]) == []


def test_before_the_date_there_is_nothing_to_compare() -> None:
    assert uses(seen([[0.5, 0.4, 0.6]] * 5), np.datetime64("2023-01-01")) == ()


def test_renamed_plans_are_named_both_ways() -> None:
    context = seen([[0.5, 0.4, 0.6]] * 5).context
    context.loc[800:919, "plan"] = "pro plus"
    found = plans(context, SINCE)
    assert (found.came, found.went, found.share, found.renamed) == (("pro plus",), (), 0.6, True)


def test_a_plan_that_few_are_on_yet_is_no_renaming() -> None:
    context = seen([[0.5, 0.4, 0.6]] * 5).context
    context.loc[800:808, "plan"] = "pilot"
    assert not plans(context, SINCE).renamed
