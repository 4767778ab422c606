"""`milepost rank --compare`: the ranking beside what other methods would have put first."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from milepost.importance.evidence import ModelImportance
from milepost.importance.peers import Peers, peer_measures, places
from milepost.importance.ranking import Ranking
from milepost.pipeline.job import Job
from milepost.pipeline.rank import Beside
from milepost.pipeline.result import table

# column -> measure; the table shows these columns without "rank_"
_PLACES = {
    "rank_phi": "phi", "rank_odds": "odds_ratio", "rank_lift": "lift", "rank_forest": "forest_impurity",
    "rank_shap": "boosting_shap", "rank_boruta": "boruta",
}  # fmt: skip
_TABLES = ("phi", "odds_ratio", "lift")
_FEATURE_WIDTH, _VERDICT_WIDTH = 20, 14  # the widest table takes 100 columns
_EXPLAINED = (
    "None of these is adjusted for plan, size, tenure or depth of use; 0: no value. phi: at the best\n"
    "of nine thresholds, and the most it could reach. lift: retained share of users over that of others."
)


def compare_peers(job: Job, ranking: Ranking) -> Beside:
    """The peers' lists of the same features over the same rows."""
    peers = peer_measures(job.observations, job.outcomes, job.settings, importances(ranking), True, job.progress)
    frame = peers_frame(ranking, peers)
    return Beside({"peers": frame}, {"peers": frame.to_dict("records")}, f"\n{peers_text(frame)}\n")


def importances(ranking: Ranking) -> ModelImportance | None:
    """The models' measures that the ranking carries; None where no model was fitted."""
    measures: dict[str, dict[str, float]] = {}
    for row in ranking.evidence:
        for measure, value in row.importance.items():
            measures.setdefault(measure, {})[row.feature] = value
    return ModelImportance(measures, {}, float("nan"), 0) if measures else None


def peers_frame(ranking: Ranking, peers: Peers) -> pd.DataFrame:
    """One row per feature in the ranking's order: its place in each list, then the values; place 0 is "no value"."""
    frame = pd.DataFrame({
        "feature": [row.feature for row in ranking.evidence],
        "verdict": [str(row.verdict) for row in ranking.evidence],
        "rank": [row.rank for row in ranking.evidence],
    })  # fmt: skip
    for column, measure in _PLACES.items():
        frame[column] = frame["feature"].map(places(peers.measures.get(measure, {}))).fillna(0).astype(int)
    for column, values in _values(peers).items():
        frame[column] = frame["feature"].map(values)
    return frame


def peers_text(frame: pd.DataFrame) -> str:
    """Places in each list, phi with its ceiling and lift, in 100 columns."""
    header = ["feature", "verdict", "ours", *(name.removeprefix("rank_") for name in _PLACES), "phi/most", "lift"]
    rows = [
        [_short(row["feature"], _FEATURE_WIDTH), _short(row["verdict"], _VERDICT_WIDTH), row["rank"],
         *(row[name] for name in _PLACES), _phi(row["phi"], row["phi_ceiling"]), _figure(row["lift"], 2)]
        for row in frame.to_dict("records")
    ]  # fmt: skip
    return f"Place of each feature in the lists of other methods\n{table(header, rows)}\n{_EXPLAINED}"


def _values(peers: Peers) -> dict[str, Mapping[str, object]]:
    """Column -> feature -> value, measures that belong together side by side."""
    measures = peers.measures
    models = {name: values for name, values in measures.items() if name not in _TABLES}
    return {
        "phi": measures["phi"], "phi_threshold": peers.phi_threshold, "phi_ceiling": peers.phi_ceiling,
        "log_odds_ratio": measures["odds_ratio"],
        "lift": measures["lift"], "lift_ceiling": peers.lift_ceiling,
        **models, "boruta_status": peers.boruta_status,
    }  # fmt: skip


def _phi(value: float, ceiling: float) -> str:
    return "-" if np.isnan(value) else f"{_figure(value, 3)}/{_figure(ceiling, 3)}"


def _figure(value: float, decimals: int) -> str:
    """1.04, .105, -.02: no zero before the point where three decimals have to fit."""
    if np.isnan(value):
        return "-"
    text = f"{value:.{decimals}f}"
    return text.replace("0.", ".", 1) if decimals > 2 and abs(value) < 1 else text


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
