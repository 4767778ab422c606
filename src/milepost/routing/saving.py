"""What a contact is expected to save, in MRR: measured by an experiment where there is one, else assumed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from milepost.errors import SettingsError
from milepost.framework import Proven
from milepost.importance.worth import FURTHEST, shifted
from milepost.routing.conditions import Column, amounts
from milepost.routing.rules import WORTH, Rule

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MEASURED, ASSUMED = "measured", "assumed"


@dataclass(frozen=True)
class Saving:
    """What a contact for one flag saves: float [accounts], 0 where it is not known or nothing is saved.

    low, high: at the bounds of the experiment's interval; NaN where it is assumed. basis: MEASURED or ASSUMED.
    because: in words.
    """

    value: Floats
    low: Floats
    high: Floats
    basis: str
    because: str


def finding_of(rule: Rule, proven: Sequence[Proven]) -> Proven | None:
    """What the flag's experiment measured; None where it names none, or the experiment has proven nothing yet.

    Raises SettingsError when the experiment measured several things, or the flag's worth is not churn risk × MRR.
    """
    name, where = rule.flag.experiment, f"flag '{rule.flag.name}', experiment"
    if not name:
        return None
    if rule.flag.worth != WORTH:
        raise SettingsError("an experiment measures retention", where=where, fix=f'leave worth = "{WORTH}"')
    # an experiment about several features holds the same figure once for each
    found = {(one.metric, one.effect): one for one in proven if one.experiment == name and one.unit == "points"}
    if len(found) > 1:
        metrics = ", ".join(sorted(metric for metric, _ in found))
        raise SettingsError(f"'{name}' measured several things: {metrics}", where=where,
                            fix="keep the one on retention in framework.toml")  # fmt: skip
    return next(iter(found.values()), None)


def saving(rule: Rule, columns: dict[str, Column], up: Flags, proven: Sequence[Proven]) -> Saving:
    """What a contact saves each account; up: bool [accounts], where the flag is up."""
    found = finding_of(rule, proven)
    if found is None:
        return _assumed(rule, columns, len(up))
    risk, mrr = (np.asarray(columns[name], dtype=np.float64) for name in ("churn_risk", "mrr"))
    there = up & np.isfinite(risk)
    value, low, high = (
        np.nan_to_num(saved_risk(risk, there, points / 100) * mrr) for points in (found.effect, found.low, found.high)
    )
    return Saving(value, low, high, MEASURED, found.words)


def _assumed(rule: Rule, columns: dict[str, Column], rows: int) -> Saving:
    value = np.maximum(np.nan_to_num(amounts(rule.worth, columns, rows)) * rule.flag.share, 0.0)
    unknown = np.full(rows, np.nan)
    because = f"assumed: a contact saves {100 * rule.flag.share:g} % of {rule.flag.worth}"
    if rule.flag.experiment:
        because += f"; experiment '{rule.flag.experiment}' has proven nothing yet"
    return Saving(value, unknown, unknown, ASSUMED, because)


def saved_risk(risk: Floats, there: Flags, effect: float) -> Floats:
    """How much lower a contact makes each account's churn risk, when it is `effect` in the mean over `there`.

    One odds ratio for all: the same help means few points for an account that hardly ever leaves. Never more than the
    risk, and 0 for an effect that is not positive. The experiment's accounts are taken to be like those of `there`.
    """
    if effect <= 0 or not there.any():
        return np.zeros(len(risk))
    known = risk[there]
    if effect >= float(known.mean()):
        return risk.copy()
    shift = brentq(lambda moved: float((known - shifted(known, moved)).mean()) - effect, -FURTHEST, 0.0, xtol=1e-9)
    return risk - shifted(risk, float(shift))
