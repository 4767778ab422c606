"""What training returns: the split, the figures of every model, and the champion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

IndexArray = NDArray[np.intp]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Split:
    """Row positions of the periods, forward in time; between any two stand at least `purge_days`.

    `calibrate` is empty when calibration uses out-of-fold predictions inside the training period.
    `purged` counts rows that lie between the periods and are used by none.
    """

    train: IndexArray
    calibrate: IndexArray
    test: IndexArray
    train_dates: tuple[date, date]
    test_dates: tuple[date, date]
    purged: int


@dataclass(frozen=True)
class Metrics:
    """Figures of one model on the test rows; `low` and `high` bound the AUC in a bootstrap over accounts."""

    roc_auc: float
    pr_auc: float
    log_loss: float
    brier: float
    base_rate: float
    calibration_error: float
    test_rows: int
    churned_rows: int
    churned_accounts: int
    low: float
    high: float


@dataclass(frozen=True)
class Reliability:
    """Whether the champion's risks are right in size; every interval is over accounts drawn again.

    slope: of the outcome on the risk's log-odds, 1 where risks are as far apart as they should be.
    observed_over_expected: churned rows over the sum of the risks. brier_skill: 1 less the Brier score over that of the
    test rows' own churned share. NaN where it cannot be told.
    months: spread of log (observed / expected) between the months learnt from, beyond chance. slope_elsewhere and
    observed_over_expected_elsewhere: intervals with that spread and with the luck of the rows learnt from on top: what
    a model that is right may show in other months.
    """

    slope: float
    slope_interval: Interval
    observed_over_expected: float
    observed_over_expected_interval: Interval
    brier_skill: float
    brier_skill_interval: Interval
    months: float = float("nan")
    slope_elsewhere: Interval = (float("nan"), float("nan"))
    observed_over_expected_elsewhere: Interval = (float("nan"), float("nan"))


@dataclass(frozen=True)
class Versus:
    """The champion beside another model, on the same draws of accounts.

    log_loss and roc_auc: the champion's less the other's (a better champion: below 0, above 0), with intervals.
    ahead: share of the draws in which the champion has the larger AUC, ties half.
    """

    model: str
    log_loss: float
    log_loss_interval: Interval
    roc_auc: float
    roc_auc_interval: Interval
    ahead: float


@dataclass(frozen=True)
class SegmentFigures:
    """The champion on the test rows of one group (plan, size, segment, tenure): rows, those churned, the AUC with its
    95 % interval (None: too few churned accounts to say), the mean risk foretold and the share churned, 0..1.
    """

    group: str
    value: str
    rows: int
    churned: int
    auc: float | None
    low: float
    high: float
    foretold: float
    share: float


@dataclass(frozen=True)
class Acting:
    """Acting on the riskiest `share` of the rows: lift over the base rate, share of the churned found, intervals."""

    share: float
    lift: float
    lift_interval: Interval
    recall: float
    recall_interval: Interval


@dataclass(frozen=True)
class Canary:
    """The champion taught on outcomes that were shuffled among the accounts of each snapshot: AUC, mean and extremes
    over `shuffles` of them. Far from 0.5, the way of testing itself gives something away."""

    shuffles: int
    roc_auc: float
    low: float
    high: float


@dataclass(frozen=True)
class Saving:
    """MRR saved a date by contacting `contacts` accounts, chosen by `order`, less what the contacts cost; interval.

    It rests on the settings' assumption of how many of those who would leave a contact keeps.
    """

    order: str
    contacts: int
    saved: float
    saved_interval: Interval


@dataclass(frozen=True)
class LearningPoint:
    """The champion's AUC with its 95 % interval after learning from so many accounts or of the latest dates (`kind`),
    which have so many rows and churned rows."""

    kind: str
    count: int
    rows: int
    churned: int
    roc_auc: float
    low: float
    high: float


@dataclass(frozen=True)
class HorizonFigures:
    """The risk of leaving within so many days on test rows that were watched as long: rows, those that left, the mean
    foretold and the share that left (0..1), their ratio with its 95 % interval, and the AUC.
    """

    days: int
    rows: int
    left: int
    foretold: float
    share: float
    observed_over_expected: float
    observed_over_expected_interval: Interval
    roc_auc: float


@dataclass(frozen=True)
class Evaluation:
    """How well each model foretold churn in periods it had not seen.

    shared: model name -> Metrics, forward in time, the same accounts may be on both sides.
    disjoint: the same test rows, each scored by a model that saw no row of its account.
    headline: `disjoint` or `shared`, the one the settings ask for; `champion` has its best log loss.
    predictions: float [test rows], the champion's calibrated risk on the headline's test rows, `outcome` beside it.
    calibration_curve: (mean predicted, share churned, rows) per tenth of predicted risk.
    lift: (share of rows acted on, lift, recall). acting: the same at 5, 10 and 20 %, with intervals.
    chosen_because: why the champion is the champion. reliability, against (every other model), segments: the
    champion's. canary: None where it was not asked for. saving: what acting may save, best order first as listed;
    empty without MRR. learning: the learning curve. horizons: risk within other spans, empty where it is not known.
    """

    shared: dict[str, Metrics]
    disjoint: dict[str, Metrics]
    champion: str
    headline: str
    split: Split
    predictions: NDArray[np.float64]
    outcome: NDArray[np.float64]
    calibration_curve: tuple[tuple[float, float, int], ...]
    lift: tuple[tuple[float, float, float], ...]
    chosen_because: str = ""
    reliability: Reliability | None = None
    against: tuple[Versus, ...] = ()
    segments: tuple[SegmentFigures, ...] = ()
    acting: tuple[Acting, ...] = ()
    canary: Canary | None = None
    saving: tuple[Saving, ...] = ()
    learning: tuple[LearningPoint, ...] = ()
    horizons: tuple[HorizonFigures, ...] = ()

    @property
    def best(self) -> Metrics:
        """The champion's figures under the headline."""
        return (self.disjoint if self.headline == "disjoint" else self.shared)[self.champion]
