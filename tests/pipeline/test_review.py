"""A review on disk, on a product too small to say anything but that."""

import json
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from milepost.errors import InputError
from milepost.framework import Framework, to_toml
from milepost.maturity.categories import Category
from milepost.pipeline.review import _rows, _sides, find_review, keep, review_frame, review_text
from milepost.pipeline.status import status_job
from milepost.review.parts import Standing
from milepost.windows import Windows

NAN = float("nan")
CUT = Category("automation", ("macros",), 1, 1, *(NAN,) * 9, "Because of this.")


@pytest.fixture
def framework(product):
    """Version 2, made from data up to 2024-05-01."""
    made = Framework(
        2, date(2024, 5, 1), "abc", (CUT,), review_by=date(2024, 6, 1), owners={"category automation": "Ops"}
    )
    (product / "framework.toml").write_text(to_toml(made), encoding="utf-8")
    return made


def test_without_a_framework_there_is_nothing_to_review(make_job) -> None:
    with pytest.raises(InputError, match="there is no framework to review; run 'milepost derive' first"):
        find_review(make_job())


def test_a_date_before_every_outcome_is_refused(make_job, framework) -> None:
    with pytest.raises(InputError, match="--since: no cohort had matured by 2024-01-05"):
        find_review(make_job(), date(2024, 1, 5))


def test_one_churned_account_is_not_enough_and_that_is_said(make_job, framework) -> None:
    review = find_review(make_job(), date(2024, 4, 15))
    associations = {part.kind: part for part in review.parts if part.change is not None}
    assert set(associations) == {"category", "feature"}
    assert {part.standing for part in associations.values()} == {Standing.CANNOT_TELL}
    assert "not enough data" in associations["feature"].because
    assert not review.alarms
    assert max(map(len, review_text(review).splitlines())) <= 100


def test_who_left_across_the_date_is_counted_since_it_and_once(make_job, framework) -> None:
    """a00 left on 20 April: with a gap of 7 days, whichever snapshots stand about 15 April, one spell holds it."""
    rows, states, given, _ = _rows(make_job(), date(2024, 4, 15), framework)
    assert given.now[given.churned == 1].tolist() == [True]
    assert rows.context["account_id"][given.churned == 1].tolist() == ["a00"]
    assert len(given.churned) == len(rows.context) == len(states[0].values)


def test_without_a_model_scores_cannot_be_told_and_what_to_do_is_said(make_job, framework) -> None:
    review = find_review(make_job(), date(2024, 4, 15))
    parts = {(part.kind, part.name): part for part in review.parts if part.kind in ("risk", "drift")}
    assert {key: str(part.standing) for key, part in parts.items()} == {
        ("risk", "all"): "cannot tell", ("drift", "inputs"): "cannot tell", ("drift", "scores"): "cannot tell",
    }  # fmt: skip
    assert (parts["drift", "scores"].because, parts["drift", "scores"].what_to_do) == (
        "no model is in use", "milepost train",
    )  # fmt: skip
    assert "Drift, inputs: not enough data: 12 accounts up to 2024-04-15 and 11 now, 50 needed." in review_text(review)
    assert "no model is in use" in keep(make_job(), review).read_text(encoding="utf-8")


def test_what_is_published_says_what_was_found(make_job, framework) -> None:
    job = make_job()
    review = find_review(job, date(2024, 4, 15))
    page = keep(job, review)
    saved = pd.read_parquet(page.with_name("review.parquet"))
    assert list(saved["part"]) == [part.name for part in review.parts] == list(review_frame(review)["part"])
    assert "Does the framework still hold?" in page.read_text(encoding="utf-8")


def test_outcomes_that_lie_across_the_date_are_on_neither_side() -> None:
    """Gap 14, outcome 56, grace 14 days; by 2024-04-01 what was seen up to 2024-01-08 is certain, and what is seen
    from 2024-03-18 on has its outcome after it."""
    days = pd.to_datetime(["2024-01-08", "2024-01-09", "2024-03-17", "2024-03-18"])
    rows = SimpleNamespace(context=pd.DataFrame({"snapshot_date": days}))
    kept, later = _sides(rows, date(2024, 4, 1), SimpleNamespace(windows=Windows()))
    assert kept.tolist() == [True, False, False, True]
    assert later.tolist() == [False, True]
    assert np.issubdtype(later.dtype, np.bool_)


def test_status_names_what_is_late_and_who_owns_it(make_job, framework) -> None:
    """Today is 2024-07-01: the review was due a month before, 30 days; scores and a model were never made."""
    result = status_job(make_job())
    due = {one["what"]: one for one in json.loads(json.dumps(result.as_json()))["status"]["due"]}
    assert (due["review"]["due"], due["review"]["late_days"]) == ("2024-06-01", 30)
    assert due["scores"]["last"] is due["model"]["last"] is None
    assert result.gate.startswith("review 30 days late")
    assert "category automation  Ops" in result.as_text()
