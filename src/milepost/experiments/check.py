"""Whether an experiment's data can be believed: who got in, when they met it, and whose outcome is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from milepost.experiments.estimates import NAN

SUSPICIOUS = 0.001  # p below which a sample ratio is not chance
FAR = 0.1  # standardised difference before exposure worth a word
_LEAST_EXPECTED = 5.0
_SHOWN = 3


@dataclass(frozen=True)
class SampleRatio:
    """Accounts by arm against the planned weights, of all accounts or of those with one value of a grouping.

    p: NaN where too few accounts are expected in an arm.
    """

    group: str
    value: str
    observed: tuple[int, ...]
    expected: tuple[float, ...]
    statistic: float
    p: float


@dataclass(frozen=True)
class Fault:
    """One thing found. invalid: nothing may be concluded; otherwise it is a warning. count: accounts concerned."""

    check: str
    count: int
    invalid: bool
    what: str
    what_to_do: str


@dataclass(frozen=True)
class Balance:
    """One measure before exposure: standardised difference, treated minus control, and its two-sided p."""

    arm: str
    covariate: str
    difference: float
    p: float


@dataclass(frozen=True)
class Checked:
    """All that was looked at; `faults` is empty when nothing is wrong."""

    accounts: Mapping[str, int]
    ratios: tuple[SampleRatio, ...]
    balance: tuple[Balance, ...]
    missing: Mapping[str, Mapping[str, float]]
    faults: tuple[Fault, ...]

    @property
    def invalid(self) -> tuple[Fault, ...]:
        """The faults that make any result INVALID."""
        return tuple(fault for fault in self.faults if fault.invalid)


def sample_ratio(observed: Sequence[int], weights: Sequence[float], group: str = "", value: str = "") -> SampleRatio:
    """Chi-square of the accounts by arm against the plan's weights."""
    counts, shares = np.asarray(observed, dtype=float), np.asarray(weights, dtype=float)
    expected = counts.sum() * shares / shares.sum()
    if expected.min() < _LEAST_EXPECTED:
        return SampleRatio(group, value, tuple(observed), tuple(expected.tolist()), NAN, NAN)
    found = stats.chisquare(counts, expected)
    return SampleRatio(
        group,
        value,
        tuple(int(n) for n in observed),
        tuple(expected.tolist()),
        float(found.statistic),
        float(found.pvalue),
    )


def sample_ratios(
    units: pd.DataFrame, weights: Mapping[str, float], groups: Mapping[str, pd.Series]
) -> list[SampleRatio]:
    """The ratio of all accounts, then of every day of enrolment and every value of every other grouping.

    units: account_id, arm, enrolled_at. groups: name -> label per row of units.
    """
    arms = list(weights)
    found = [sample_ratio(_counts(units["arm"], arms), list(weights.values()))]
    days = units["enrolled_at"].dt.date.astype(str)
    for name, labels in {"day": days, **groups}.items():
        table = pd.crosstab(labels.astype(str).to_numpy(), units["arm"].to_numpy()).reindex(columns=arms, fill_value=0)
        found += [
            sample_ratio(list(row), list(weights.values()), name, str(value))
            for value, row in zip(table.index, table.to_numpy().tolist(), strict=True)
        ]
    return found


def ratio_faults(ratios: Sequence[SampleRatio]) -> list[Fault]:
    """A fault for the ratio of all accounts, and one per grouping in which a p is small for so many values of it."""
    found = []
    for group in dict.fromkeys(ratio.group for ratio in ratios):
        tested = [ratio for ratio in ratios if ratio.group == group and np.isfinite(ratio.p)]
        off = [ratio for ratio in tested if ratio.p < SUSPICIOUS / len(tested)]
        if off:
            found.append(_ratio_fault(group, min(off, key=lambda ratio: ratio.p), len(off)))
    return found


def _ratio_fault(group: str, worst: SampleRatio, count: int) -> Fault:
    """What is said of a grouping: the value that is furthest off, and how many are."""
    many = f", the worst of {count}" if count > 1 else ""
    who = f" ({group} {worst.value}{many})" if group else ""
    shown = " and ".join(f"{n:,}" for n in worst.observed)
    planned = " and ".join(f"{n:,.0f}" for n in worst.expected)
    return Fault(
        "sample ratio", sum(worst.observed), True,
        f"sample-ratio mismatch{who}: {shown} accounts where {planned} were planned, chi-square "
        f"{worst.statistic:.1f}, p {worst.p:.2g}",
        "find which accounts are lost or let in twice, then begin a new experiment",
    )  # fmt: skip


def two_arms(log: pd.DataFrame) -> list[Fault]:
    """A fault for accounts that stand in more than one arm of the assignment log."""
    arms = log.groupby("account_id")["arm"].nunique()
    return _fault(
        "two arms", arms[arms > 1].index, "{} in two arms ({})",
        "find how they were assigned twice; their outcome belongs to neither arm",
    )  # fmt: skip


def early_exposure(units: pd.DataFrame, first_exposure: pd.Series) -> list[Fault]:
    """A fault for accounts that met the experiment before they were assigned. first_exposure: time per row or NaT."""
    early = units.loc[first_exposure.to_numpy() < units["enrolled_at"].to_numpy(), "account_id"]
    return _fault(
        "exposure", early, "{} exposed before assignment ({})", "assign before anything of the experiment is shown"
    )


def early_outcomes(units: pd.DataFrame, metric: str, first: pd.Series) -> list[Fault]:
    """A fault for accounts whose outcome happened before they were assigned. first: time per row or NaT."""
    early = units.loc[first.to_numpy() < units["enrolled_at"].to_numpy(), "account_id"]
    return _fault(
        "outcome", early, f"{{}} with an outcome of '{metric}' before assignment ({{}})",
        "enrol accounts before they can have it, or leave those that have it out by eligibility",
    )  # fmt: skip


def _fault(check: str, accounts: pd.Index | pd.Series, what: str, fix: str) -> list[Fault]:
    names = [str(name) for name in accounts]
    if not names:
        return []
    shown = ", ".join(f"'{name}'" for name in names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    counted = f"{len(names):,} {'account' if len(names) == 1 else 'accounts'}"
    return [Fault(check, len(names), True, what.format(counted, shown), fix)]


def balance(arm: pd.Series, control: str, covariates: pd.DataFrame) -> tuple[Balance, ...]:
    """Every measure before exposure, arm by arm against the control: standardised difference and Welch's p."""
    found = []
    for name in [str(other) for other in arm.unique() if other != control]:
        one, other = (arm == control).to_numpy(), (arm == name).to_numpy()
        for column in covariates:
            values = covariates[column].to_numpy(dtype=float)
            found.append(_standardised(name, str(column), values[one], values[other]))
    return tuple(found)


def _standardised(arm: str, column: str, control: np.ndarray, treated: np.ndarray) -> Balance:
    control, treated = control[np.isfinite(control)], treated[np.isfinite(treated)]
    if min(len(control), len(treated)) < 2:
        return Balance(arm, column, NAN, NAN)
    spread = float(np.sqrt((control.var(ddof=1) + treated.var(ddof=1)) / 2))
    if spread == 0:
        return Balance(arm, column, 0.0, 1.0)
    p = float(stats.ttest_ind(treated, control, equal_var=False).pvalue)
    return Balance(arm, column, float(treated.mean() - control.mean()) / spread, p)


def balance_faults(found: Sequence[Balance]) -> list[Fault]:
    """A warning where a measure before exposure differs by more than chance for so many measures, and by enough."""
    limit = SUSPICIOUS / max(len(found), 1)
    far = [one for one in found if np.isfinite(one.p) and one.p < limit and abs(one.difference) > FAR]
    return [
        Fault("balance", 0, False, f"'{one.covariate}' differed by {one.difference:+.2f} standard deviations in "
              f"'{one.arm}' before exposure (p {one.p:.2g})", "look for accounts that were assigned by what they are")
        for one in far
    ]  # fmt: skip


def missing_faults(arm: pd.Series, metric: str, missing: pd.Series) -> list[Fault]:
    """A warning where outcomes are missing in unequal shares of the arms."""
    table = pd.crosstab(arm.to_numpy(), missing.to_numpy())
    if table.shape[1] < 2 or table.shape[0] < 2 or stats.contingency.expected_freq(table).min() < _LEAST_EXPECTED:
        return []
    p = float(stats.chi2_contingency(table, correction=False).pvalue)
    if p >= SUSPICIOUS:
        return []
    shares = table[True] / table.sum(axis=1)
    shown = ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
    return [Fault("missing outcomes", int(missing.sum()), False,
                  f"outcomes of '{metric}' are missing in unequal shares: {shown} (p {p:.2g})",
                  "accounts that answer are not like those that do not: treat it as no evidence")]  # fmt: skip


def _counts(values: pd.Series, arms: Sequence[str]) -> list[int]:
    found = values.value_counts()
    return [int(found.get(name, 0)) for name in arms]
