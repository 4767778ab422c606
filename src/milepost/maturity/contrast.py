"""Is being mature in enough categories associated with staying: a contrast on accounts that did not choose the rules.

Chosen and tested on the same accounts, such a contrast looks real where there is nothing: features are kept because
they parted these very accounts. So features and cuts are chosen on one half of the accounts, the contrast is estimated
on the other, the halves are swapped, and the two estimates are pooled.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from milepost.importance.design import account_codes, make_design
from milepost.importance.effect import Effect, effect_of
from milepost.importance.ranking import kept_features
from milepost.importance.verdicts import figures
from milepost.maturity.categories import Contrast
from milepost.maturity.cuts import by_category, find_cut
from milepost.outcomes import Outcomes
from milepost.settings import Settings
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT

Flags = NDArray[np.bool_]
Rules = tuple[tuple[NDArray[np.intp], int], ...]


def cross_fitted(observations: Observations, outcomes: Outcomes, settings: Settings) -> Contrast:
    """The pooled contrast in points of retention; NaN with the reason when a half keeps too few categories.

    The rows are those of the ranking: outcome known, account old enough.
    """
    half = account_halves(observations, settings.project.seed)
    found = []
    for side in (False, True):
        rules = choose_rules(observations.take(half == side), outcomes.take(half == side), settings)
        if len(rules) < settings.maturity.mature_categories:
            return unknown(
                f"With half of the accounts only {len(rules)} categories hold a kept feature with a cut, so that the "
                f"contrast of accounts mature in {settings.maturity.mature_categories} or more cannot be tested yet."
            )
        found.append(_contrast(observations.take(half != side), outcomes.take(half != side), rules, settings))
    return pool(found, settings.maturity.mature_categories)


def account_halves(observations: Observations, seed: int) -> Flags:
    """bool [rows]: in which half an account is; every account wholly in one."""
    codes, count = account_codes(observations.context[ACCOUNT].to_numpy())
    return np.asarray((np.random.default_rng(seed).permutation(count) % 2 == 1)[codes])


def choose_rules(observations: Observations, outcomes: Outcomes, settings: Settings) -> Rules:
    """Columns and cut of every category that these accounts would choose; an unclear cut counts too."""
    design = make_design(observations, outcomes)
    if design.churned_accounts < 2:
        return ()
    rules = []
    for columns in by_category(observations, kept_features(observations, design, settings)).values():
        score = observations.adopted[:, columns].sum(axis=1).astype(np.intp)
        choice = find_cut(design, score, columns, settings.adoption.min_accounts // 2)
        if choice.candidate is not None:
            rules.append((columns, choice.candidate))
    return tuple(rules)


def pool(found: list[Effect], needed: int) -> Contrast:
    """The mean of independent estimates, each weighted by its precision; normal interval."""
    known = [effect for effect in found if np.isfinite(effect.effect) and effect.error > 0]
    if len(known) < len(found) or not known:
        return unknown(f"Too few accounts are mature in {needed} or more categories to test the contrast.")
    weight = np.array([effect.error**-2 for effect in known])
    effect = float(weight @ np.array([one.effect for one in known]) / weight.sum())
    error = float(weight.sum() ** -0.5)
    half = float(stats.norm.ppf(0.975)) * error
    p = float(2 * stats.norm.sf(abs(effect) / error))
    interval = f"{effect:+.1f} points ({effect - half:+.1f} to {effect + half:+.1f})"
    because = (
        f"Accounts mature in {needed} or more categories differ in retention by {interval} at equal plan, size, tenure "
        f"and depth (p {p:.3f}); features and cuts were chosen on other accounts: {', '.join(map(figures, known))}."
    )
    return Contrast(effect, effect - half, effect + half, p, because)


def unknown(because: str) -> Contrast:
    """A contrast that could not be estimated."""
    nan = float("nan")
    return Contrast(nan, nan, nan, nan, because)


def _contrast(observations: Observations, outcomes: Outcomes, rules: Rules, settings: Settings) -> Effect:
    """The adjusted difference between rows mature in enough categories and the others."""
    adopted = observations.adopted
    reached = np.sum([adopted[:, columns].sum(axis=1) >= cut for columns, cut in rules], axis=0)
    design = make_design(observations, outcomes)
    own = np.concatenate([columns for columns, _ in rules])
    everything = np.ones(len(reached), dtype=bool)
    return effect_of(design, reached >= settings.maturity.mature_categories, everything, own)
