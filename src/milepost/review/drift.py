"""Whether the accounts that are scored still look like those a model was taught on: the population stability index.

PSI = Σ (now - then) · ln(now / then) over the bins of a signal, "unknown" being one of them; up to .1 is usually called
stable, above .25 a large shift (Siddiqi, Credit Risk Scorecards, 2006). Between samples of one population it is not 0:
about chi-squared with bins - 1 degrees of freedom, times 1/n + 1/m (Yurdakul & Naranjo, 2020), so a signal has drifted
only where it is above both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from milepost.errors import BundleError
from milepost.signals.matrix import Matrix
from milepost.terms import ACCOUNT

BINS = 10
LARGE_SHIFT = 0.25
SURE = 0.95  # that none of the signals is called drifted where none has


@dataclass(frozen=True)
class Reference:
    """How one signal lay in training: upper edges of its bins but the last, and shares of unknown and of each bin."""

    edges: tuple[float, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True)
class Drift:
    """signals: frame `signal`, `psi`, `limit` (what chance and the rule of thumb allow) and `drifted`, the largest
    first. accounts: how many were compared, now and in training.
    """

    signals: pd.DataFrame
    accounts: tuple[int, int]

    @property
    def drifted(self) -> list[str]:
        """Names of the signals that have drifted, the largest first."""
        return [str(name) for name in self.signals.loc[self.signals["drifted"], "signal"]]


def reference_of(matrix: Matrix) -> dict[str, object]:
    """What a bundle keeps of the rows a model was taught on: `accounts` and, per signal, edges and shares."""
    found = {
        signal.name: _reference(matrix.values[:, place].astype(np.float64))
        for place, signal in enumerate(matrix.signals)
    }
    return {
        "accounts": int(matrix.rows[ACCOUNT].nunique()),
        "signals": {name: {"edges": one.edges, "shares": one.shares} for name, one in found.items()},
    }


def drift(saved: Mapping[str, object], matrix: Matrix) -> Drift:
    """Compare rows of one snapshot with what a bundle keeps; signals that it does not know are left out.

    Raises BundleError when what is kept cannot be read.
    """
    references, then = read_reference(saved)
    now = len(matrix.rows)
    rows = []
    known = [(place, signal.name) for place, signal in enumerate(matrix.signals) if signal.name in references]
    for place, name in known:
        one = references[name]
        before, shares = np.array(one.shares), _shares(matrix.values[:, place].astype(np.float64), one.edges)
        psi = _index((before, then), (shares, now))
        rows.append((name, psi, max(LARGE_SHIFT, by_chance(then, now, len(known), len(before)))))
    frame = pd.DataFrame(rows, columns=["signal", "psi", "limit"])
    frame["drifted"] = frame["psi"] > frame["limit"]
    return Drift(frame.sort_values(["psi", "signal"], ascending=[False, True], ignore_index=True), (now, then))


def index(then: NDArray[np.float64], now: NDArray[np.float64]) -> float:
    """PSI of one signal between two samples, each float [accounts], NaN unknown; tenths of `then` are the bins."""
    one = _reference(then)
    return _index((np.array(one.shares), len(then)), (_shares(now, one.edges), len(now)))


def by_chance(then: int, now: int, signals: int, bins: int = BINS + 1) -> float:
    """What PSI stays below by chance, for all signals together; then, now: accounts."""
    return float(chi2.ppf(1 - (1 - SURE) / max(signals, 1), max(bins - 1, 1)) * (1 / max(now, 1) + 1 / max(then, 1)))


def read_reference(saved: Mapping[str, object]) -> tuple[dict[str, Reference], int]:
    """The references by signal and how many accounts they are of. Raises BundleError when they cannot be read."""
    try:
        signals = saved["signals"]
        assert isinstance(signals, Mapping)
        found = {str(name): _checked(one["edges"], one["shares"]) for name, one in signals.items()}
        return found, max(int(str(saved["accounts"])), 1)
    except (AssertionError, KeyError, TypeError, ValueError):
        raise BundleError("what is kept of the training rows cannot be read", fix="train again") from None


def _checked(edges: Sequence[float], shares: Sequence[float]) -> Reference:
    one = Reference(tuple(float(edge) for edge in edges), tuple(float(share) for share in shares))
    rising = all(low < high for low, high in zip(one.edges, one.edges[1:], strict=False))
    if len(one.shares) != len(one.edges) + 2 or not rising or not all(0 <= share <= 1 for share in one.shares):
        raise ValueError("bins")
    return one


def _reference(values: NDArray[np.float64]) -> Reference:
    known = values[~np.isnan(values)]
    cuts = np.unique(np.quantile(known, np.arange(1, BINS) / BINS)) if len(known) else np.zeros(0)
    # the largest value as an edge would leave the last bin empty in training for good
    edges = tuple(float(cut) for cut in cuts if cut < known.max())
    return Reference(edges, tuple(float(share) for share in _shares(values, edges)))


def _shares(values: NDArray[np.float64], edges: Sequence[float]) -> NDArray[np.float64]:
    """Share of the values that are unknown, then of each bin; a bin ends at its edge, that included."""
    unknown = np.isnan(values)
    places = np.searchsorted(np.array(edges, dtype=np.float64), values[~unknown], side="left")
    counts = np.concatenate([[unknown.sum()], np.bincount(places, minlength=len(edges) + 1)])
    return np.asarray(counts / max(len(values), 1))


def _index(then: tuple[NDArray[np.float64], int], now: tuple[NDArray[np.float64], int]) -> float:
    """PSI of two sets of shares, each with its number of accounts."""
    # a bin that holds nothing on one side would make the logarithm infinite: half an account stands in for it
    before, after = _floored(*then), _floored(*now)
    return float(np.sum((after - before) * np.log(after / before)))


def _floored(shares: NDArray[np.float64], accounts: int) -> NDArray[np.float64]:
    raised = np.maximum(shares, 0.5 / max(accounts, 1))
    return np.asarray(raised / raised.sum())
