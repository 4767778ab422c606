"""Which figures crossed a line that the settings draw."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from milepost.errors import SettingsError, nearest
from milepost.metrics.retention import records
from milepost.settings import MetricAlert


def check_alerts(alerts: Sequence[MetricAlert], names: Sequence[str]) -> None:
    """Raise SettingsError for an alert on a metric that is no row of the metrics."""
    for alert in alerts:
        if alert.metric not in names:
            raise SettingsError(f"no metric '{alert.metric}'", where="metrics.alerts", fix=nearest(alert.metric, names))


def raised(rows: pd.DataFrame, alerts: Sequence[MetricAlert]) -> tuple[str, ...]:
    """One sentence per row beyond its line, in the order of the settings; a figure that is missing crosses none."""
    found = []
    for alert in alerts:
        mine = rows[(rows["metric"] == alert.metric) & (rows["segment_by"] == alert.segment_by)]
        below = mine["value"] < (-float("inf") if alert.below is None else alert.below)
        above = mine["value"] > (float("inf") if alert.above is None else alert.above)
        for row in records(mine[below | above]):
            low = alert.below is not None and row["value"] < alert.below
            line = f"below {alert.below:g}" if low else f"above {alert.above:g}"
            found.append(f"{row['metric']} ({row['segment']}) is {row['value']:.4g}, {line}")
    return tuple(found)
