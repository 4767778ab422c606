"""`milepost metrics together` on a small product: what is missing is one line."""

from __future__ import annotations

import pytest

from milepost.errors import InputError, NotEnoughData
from milepost.pipeline import metrics_together
from milepost.pipeline.metrics_together import together_job


def test_too_few_that_left_are_named_with_their_goal(make_job):
    with pytest.raises(NotEnoughData, match=r"retained: .* of them churned.*; expanded: "):
        together_job(make_job())


def test_without_support_there_is_nothing_to_compare(make_job, monkeypatch):
    monkeypatch.setattr(metrics_together, "require_enough", lambda *_: None)
    with pytest.raises(InputError, match="no conversations and no help content to look at; add"):
        together_job(make_job())
