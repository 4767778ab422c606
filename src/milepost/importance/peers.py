"""What other tools print: phi, odds ratio, lift, model importances and Boruta, for comparison with the ranking.

None of them adjusts for anything. They stand beside the ranking so that a reader sees where and why they differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from milepost.adoption import Adoption, Standing, available
from milepost.importance.boruta import CONFIRMED, OPEN, REJECTED, boruta
from milepost.importance.design import account_codes
from milepost.importance.evidence import ModelImportance
from milepost.importance.rows import ranked_positions
from milepost.outcomes import Outcomes
from milepost.settings import Settings
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT

Floats = NDArray[np.float64]
Progress = Callable[[str], None]
Measure = dict[str, float]

THRESHOLDS = (1, 2, 3, 5, 8, 13, 20, 35, 60)
SIGNED = "boosting_shap"
STATUS = {OPEN: "tentative", CONFIRMED: "confirmed", REJECTED: "rejected"}


@dataclass(frozen=True)
class Peers:
    """The peers' lists.

    measures: measure -> feature -> value, larger is better, NaN where it cannot be computed: `phi`, `odds_ratio`
    (its logarithm), `lift`; `forest_impurity`, `boosting_shap` (absolute), `forest_permutation`,
    `boosting_permutation` where the models were given; `boruta` (share of rounds hit) where it was asked for.
    phi_threshold: the "used at least N times" with the largest phi, 0 where there is none. phi_ceiling, lift_ceiling:
    what a feature with the same share of users would reach if it told the accounts that stay apart perfectly.
    boruta_status: `confirmed`, `tentative` or `rejected`.
    """

    measures: dict[str, Measure]
    phi_threshold: dict[str, int]
    phi_ceiling: Measure
    lift_ceiling: Measure
    boruta_status: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Split:
    """A 2x2 table of rows, or one per threshold: users and others, retained and churned."""

    users_retained: Floats
    users_churned: Floats
    others_retained: Floats
    others_churned: Floats

    @property
    def users(self) -> Floats:
        return self.users_retained + self.users_churned

    @property
    def others(self) -> Floats:
        return self.others_retained + self.others_churned

    @property
    def adoption(self) -> Floats:
        """Share of users, 0..1; NaN without rows."""
        return _divide(self.users, self.users + self.others)

    @property
    def retention(self) -> Floats:
        """Share retained, 0..1; NaN without rows."""
        return _divide(self.users_retained + self.others_retained, self.users + self.others)


def peer_measures(
    observations: Observations,
    outcomes: Outcomes,
    settings: Settings,
    importances: ModelImportance | None,
    with_boruta: bool = False,
    progress: Progress = lambda text: None,
) -> Peers:
    """Every peer's measure of every feature, over the ranked rows; phi, odds ratio and lift over eligible rows."""
    rows = ranked_positions(observations, outcomes, settings)
    names = [feature.name for feature in observations.features]
    peers = _from_tables(names, *_tables(observations, outcomes, rows))
    measures = {**peers.measures, **_from_models(names, importances)}
    status: dict[str, str] = {}
    if with_boruta:
        accounts = account_codes(observations.context[ACCOUNT].to_numpy()[rows])[0]
        churned = outcomes.churned[rows].astype(np.float64)
        seed, threads = settings.project.seed, settings.project.threads
        found = boruta(observations.counts[rows], churned, accounts, seed, threads, progress)
        measures["boruta"] = dict(zip(names, found.hit_share.tolist(), strict=True))
        status = {name: STATUS[int(state)] for name, state in zip(names, found.status, strict=True)}
    return Peers(measures, peers.phi_threshold, peers.phi_ceiling, peers.lift_ceiling, status)


def banded(values: Mapping[str, float], adoption_table: Iterable[Adoption], discount: bool = False) -> Measure:
    """A measure with the adoption benchmark given to it: features outside the band get -inf, and so rank last.

    discount: instead of the band, values times 4p(1-p); meant for measures whose zero is "no association"
    (of lift, pass its distance from 1).
    """
    table = tuple(adoption_table)
    if discount:
        shares = {row.feature: row.discount for row in table}
        return {name: value * shares[name] for name, value in values.items()}
    inside = {row.feature for row in table if row.standing == Standing.INSIDE}
    return {name: value if name in inside else -np.inf for name, value in values.items()}


def places(values: Mapping[str, float]) -> dict[str, int]:
    """Feature -> place, 1 for the largest; ties share the better place; 0 where there is no value."""
    known = {name: value for name, value in values.items() if not np.isnan(value)}
    ranked = rankdata([-value for value in known.values()], method="min").astype(int).tolist()
    return dict.fromkeys(values, 0) | dict(zip(known, ranked, strict=True))


def phi(split: Split) -> Floats:
    """Correlation of use and retention, -1..1; NaN where everybody or nobody uses it, or stays."""
    retained = split.users_retained + split.others_retained
    churned = split.users_churned + split.others_churned
    crossed = split.users_retained * split.others_churned - split.users_churned * split.others_retained
    return _divide(crossed, np.sqrt(split.users * split.others * retained * churned))


def phi_ceiling(adoption: Floats | float, retention: Floats | float) -> Floats:
    """The largest phi at this share of users and of retained: every user stays, or all who stay use it.

    >>> round(float(phi_ceiling(0.5, 0.97)), 3)
    0.176
    """
    low, high = np.minimum(adoption, retention), np.maximum(adoption, retention)
    ceiling: Floats = np.sqrt(_divide(low * (1 - high), (1 - low) * high))
    return ceiling


def log_odds_ratio(split: Split) -> Floats:
    """Log of the odds of staying of users over those of others, with 1 added to every cell; NaN without both."""
    odds = np.log((split.users_retained + 1) / (split.users_churned + 1)) - np.log(
        (split.others_retained + 1) / (split.others_churned + 1)
    )
    compared: Floats = np.where((split.users > 0) & (split.others > 0), odds, np.nan)
    return compared


def lift(split: Split) -> Floats:
    """Retained share of users over that of others; infinite where none of the others stays; NaN without both."""
    users, others = _divide(split.users_retained, split.users), _divide(split.others_retained, split.others)
    return np.where(others > 0, _divide(users, others), np.where(users > 0, np.inf, np.nan) + 0 * others)


def lift_ceiling(adoption: Floats | float, retention: Floats | float) -> Floats:
    """Lift of a perfect split at this share of users: all churned are among the others.

    Infinite where users are as many as retained or more: then none of the others stays. NaN without users or others.
    """
    adoption, retention = np.asarray(adoption), np.asarray(retention)
    ceiling = np.where(adoption < retention, _divide(1 - adoption, retention - adoption), np.inf)
    compared: Floats = np.where((adoption > 0) & (adoption < 1), ceiling, np.nan)
    return compared


def _tables(observations: Observations, outcomes: Outcomes, rows: NDArray[np.intp]) -> tuple[Split, Split]:
    """By adoption, [features], and by "at least N times", [features × thresholds]; eligible rows only."""
    allowed, retained = available(observations), outcomes.churned[rows] == 0
    adopted, frequent = [], []
    for column, feature in enumerate(observations.features):
        mine = allowed[rows, column]
        counts, stays = observations.counts[rows, column][mine], retained[mine]
        adopted.append(_cells(counts, stays, (feature.adopted_at_least,))[:, 0])
        frequent.append(_cells(counts, stays, THRESHOLDS))
    return Split(*np.array(adopted).T), Split(*np.stack(frequent, axis=1))


def _cells(counts: NDArray[np.float32], retained: NDArray[np.bool_], thresholds: tuple[int, ...]) -> Floats:
    """The cells of a `Split`, in its order: [4 × thresholds], from one pass over the rows."""
    level = np.searchsorted(np.array(thresholds, dtype=np.float32), counts, side="right")
    width = len(thresholds) + 1
    found = np.bincount(level + width * ~retained, minlength=2 * width).reshape(2, width).astype(np.float64)
    users = found[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]  # retained, churned; at or above each threshold
    return np.concatenate([users, found.sum(axis=1, keepdims=True) - users])


def _from_tables(names: list[str], adopted: Split, frequent: Split) -> Peers:
    each = phi(frequent)
    known = ~np.isnan(each).all(axis=1)
    best = np.where(np.isnan(each), -np.inf, each).argmax(axis=1)
    at_best = (np.arange(len(names)), best)
    ceiling = phi_ceiling(frequent.adoption[at_best], frequent.retention[at_best])
    columns = (each[at_best], log_odds_ratio(adopted), lift(adopted), np.where(known, ceiling, np.nan),
               lift_ceiling(adopted.adoption, adopted.retention))  # fmt: skip
    largest, odds, lifts, top, lift_top = (dict(zip(names, column.tolist(), strict=True)) for column in columns)
    thresholds = np.where(known, np.array(THRESHOLDS)[best], 0)
    return Peers(
        {"phi": largest, "odds_ratio": odds, "lift": lifts},
        dict(zip(names, thresholds.tolist(), strict=True)), top, lift_top,
    )  # fmt: skip


def _from_models(names: list[str], importances: ModelImportance | None) -> dict[str, Measure]:
    """The models' measures with NaN for features without signals; SHAP without its sign."""
    if importances is None:
        return {}
    unknown = dict.fromkeys(names, float("nan"))
    measures = {measure: unknown | values for measure, values in importances.measures.items()}
    signed = measures.get(SIGNED, {})
    return measures | {SIGNED: {name: abs(value) for name, value in signed.items()}} if signed else measures


def _divide(above: Floats | float, below: Floats | float) -> Floats:
    """above / below, NaN where below is 0."""
    above, below = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    shape = np.broadcast_shapes(above.shape, below.shape)
    divided: Floats = np.divide(above, below, out=np.full(shape, np.nan), where=below != 0)
    return divided
