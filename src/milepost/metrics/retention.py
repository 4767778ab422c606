"""Logo, gross and net revenue retention and the MRR bridge, in total and by segment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import t as student
from statsmodels.stats.proportion import proportion_confint

from milepost.metrics.bridge import ADDS, MILLIONTHS, TAKES
from milepost.terms import ACCOUNT, Movement

COLUMNS = ["metric", "segment_by", "segment", "value", "low", "high", "numerator", "denominator", "accounts",
           "undecided", "note"]  # fmt: skip
TOTAL = "total"
Cell = float | int | str | None


def retention_rows(
    moves: pd.DataFrame, segments: dict[str, pd.Series], min_accounts: int, has_mrr: bool = True
) -> pd.DataFrame:
    """Every retention figure and every line of the bridge, long: COLUMNS, one row per metric and segment.

    moves: rows of `movements`; segments: name -> value per row of `moves` (every row has one, so that parts add up).
    Rates of fewer than `min_accounts` accounts are NaN with the reason in `note`, and so are money figures
    of a history without MRR.
    """
    rows: list[dict[str, Cell]] = []
    for name, values in {TOTAL: pd.Series(TOTAL, index=moves.index), **segments}.items():
        for segment, part in moves.groupby(values, sort=True):
            keys: dict[str, Cell] = {"segment_by": name, "segment": str(segment)}
            rows += [{**keys, **row} for row in (*_rates(part, min_accounts), *_bridge(part))]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    if not has_mrr:
        money = frame["metric"] != "logo_retention"
        frame.loc[money, ["value", "low", "high", "numerator", "denominator"]] = np.nan
        frame.loc[money, "note"] = "needs mrr in subscriptions"
    return frame


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as dictionaries by column name."""
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def share_row(metric: str, kept: int, decided: int, undecided: int, min_accounts: int) -> dict[str, Cell]:
    """A share of accounts with its 95 % interval (Wilson)."""
    low, high = proportion_confint(kept, decided, method="wilson") if decided else (np.nan, np.nan)
    value = kept / decided if decided else np.nan
    return rate_row(metric, (value, low, high), (kept, decided), decided, undecided, min_accounts)


def ratio_interval(
    kept: NDArray[np.float64], of: NDArray[np.float64], share: bool = False
) -> tuple[float, float, float]:
    """A ratio of two sums over accounts and its 95 % interval by account; NaN where it cannot be said.

    Delete-one-account jackknife with Student's t, on the log scale, of a `share` on the logit scale: MRR is skewed, and
    an interval that is symmetric about the ratio holds the truth too seldom. Where nothing or all was kept there is no
    spread to go by, and no interval.
    """
    count, total, sums = len(of), of.sum(), kept.sum()
    if total <= 0:
        return np.nan, np.nan, np.nan
    value = float(sums / total)
    rest = total - of
    if count < 3 or sums <= 0 or (share and sums >= total) or (rest <= 0).any():
        return value, np.nan, np.nan
    without = (sums - kept) / rest
    error = np.sqrt((count - 1) * np.var(without))
    half = student.ppf(0.975, count - 1) * error
    if share:
        half, middle = half / (value * (1 - value)), logit(value)
        return value, float(expit(middle - half)), float(expit(middle + half))
    return value, float(value * np.exp(-half / value)), float(value * np.exp(half / value))


def _rates(part: pd.DataFrame, min_accounts: int) -> list[dict[str, Cell]]:
    began = part[part["ran"]]
    undecided = int((began["movement"] == Movement.PAUSED.value).sum())
    known = began[began["movement"] != Movement.PAUSED.value]
    of, now = (known[name].to_numpy(np.int64) for name in ("opening", "closing"))
    rows = [share_row("logo_retention", int(known["runs"].sum()), len(known), undecided, min_accounts)]
    for metric, kept in (("gross_revenue_retention", np.minimum(of, now)), ("net_revenue_retention", now)):
        figures = ratio_interval(kept.astype(float), of.astype(float), share=metric.startswith("gross"))
        sums = kept.sum() / MILLIONTHS, of.sum() / MILLIONTHS
        rows.append(rate_row(metric, figures, sums, len(known), undecided, min_accounts))
    return rows


def rate_row(
    metric: str, figures: tuple[float, float, float], sums: tuple[float, float], accounts: int, undecided: int,
    min_accounts: int,
) -> dict[str, Cell]:  # fmt: skip
    """The row of a rate; without enough accounts its figures are withheld and the reason is given."""
    note = "" if accounts >= min_accounts else f"not enough data: {accounts} accounts, {min_accounts} needed"
    if not note and np.isnan(figures[0]):
        note = "nothing to divide by"
    value, low, high = (np.nan,) * 3 if note else figures
    return {"metric": metric, "value": value, "low": low, "high": high, "numerator": sums[0], "denominator": sums[1],
            "accounts": accounts, "undecided": undecided, "note": note}  # fmt: skip


def _bridge(part: pd.DataFrame) -> list[dict[str, Cell]]:
    """Opening, what came, what went (below zero) and closing, each in MRR and with its number of accounts."""
    change = part["closing"] - part["opening"]
    lines = [("mrr_opening", part["opening"], part["ran"])]
    for movement in (*ADDS, *TAKES):
        mine = part["movement"] == movement.value
        lines.append((f"mrr_{movement.value}", change.where(mine, 0), mine))
    lines.append(("mrr_closing", part["closing"], part["runs"]))
    return [_line(metric, int(money.sum()), int(part.loc[who, ACCOUNT].nunique())) for metric, money, who in lines]


def _line(metric: str, money: int, accounts: int) -> dict[str, Cell]:
    return {"metric": metric, "value": money / MILLIONTHS, "low": np.nan, "high": np.nan, "numerator": np.nan,
            "denominator": np.nan, "accounts": accounts, "undecided": 0, "note": ""}  # fmt: skip
