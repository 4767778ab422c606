from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from milepost.errors import SettingsError
from milepost.metrics.alerts import check_alerts, raised
from milepost.settings import MetricAlert

ROWS = pd.DataFrame(
    [("logo_retention", "total", "total", 0.9), ("logo_retention", "plan", "basic", 0.7),
     ("logo_retention", "plan", "pro", 0.8), ("net_revenue_retention", "total", "total", np.nan)],
    columns=["metric", "segment_by", "segment", "value"],
)  # fmt: skip


@pytest.mark.parametrize(
    ("alert", "said"),
    [
        ({"metric": "logo_retention", "below": 0.9}, ()),
        ({"metric": "logo_retention", "below": 0.91}, ("logo_retention (total) is 0.9, below 0.91",)),
        ({"metric": "logo_retention", "above": 0.89}, ("logo_retention (total) is 0.9, above 0.89",)),
        ({"metric": "logo_retention", "below": 0.8, "segment_by": "plan"},
         ("logo_retention (basic) is 0.7, below 0.8",)),
        ({"metric": "net_revenue_retention", "below": 9}, ()),
    ],
)  # fmt: skip
def test_a_line_is_crossed_or_not(alert, said):
    assert raised(ROWS, [MetricAlert(**alert)]) == said


def test_an_unknown_metric_gets_the_nearest():
    with pytest.raises(SettingsError, match="did you mean 'logo_retention'"):
        check_alerts([MetricAlert(metric="logo_retenton", below=1)], ["logo_retention", "mrr_new"])


def test_an_alert_needs_a_line():
    with pytest.raises(ValueError, match="give below, above or both"):
        MetricAlert(metric="logo_retention")
