"""Is being mature in enough categories associated with staying: a contrast on accounts that did not choose the rules.

Chosen and tested on the same accounts, such a contrast looks real where there is nothing: features are kept because
they parted these very accounts. So the accounts are dealt into five folds; what "mature" means for the accounts of a
fold is chosen on the other four, and one contrast is estimated over all accounts. Five folds rather than two halves:
rules chosen on half of the accounts often hold fewer than three categories, and say little about the rules in use.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from milepost.importance.design import account_codes, make_design
from milepost.importance.effect import Effect, effect_of
from milepost.importance.study import kept_features
from milepost.importance.verdicts import figures, probability
from milepost.maturity.categories import Contrast
from milepost.maturity.cuts import by_category, find_cut
from milepost.outcomes import Outcomes
from milepost.settings import Settings
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT

Flags = NDArray[np.bool_]
FOLDS = 5
Rules = tuple[tuple[NDArray[np.intp], int], ...]


def cross_fitted(observations: Observations, outcomes: Outcomes, settings: Settings) -> Contrast:
    """The contrast in points of retention; NaN with the reason when the rules of a fold hold too few categories.

    The rows are those of the ranking: outcome known, account old enough.
    """
    needed = settings.maturity.mature_categories
    fold = account_folds(observations, settings.project.seed)
    mature = np.zeros(len(fold), dtype=bool)
    for number in range(FOLDS):
        others = fold != number
        rules = choose_rules(observations.take(others), outcomes.take(others), settings)
        if len(rules) < needed:
            return unknown(
                f"Chosen on other accounts, only {len(rules)} categories hold a kept feature with a cut: the contrast "
                f"of accounts mature in {needed} or more cannot be tested yet."
            )
        mature[~others] = is_mature(observations, rules, needed)[~others]
    design = make_design(observations, outcomes)
    effect = effect_of(design, mature, np.ones(len(fold), dtype=bool))
    return _contrast(effect, needed)


def account_folds(observations: Observations, seed: int) -> NDArray[np.intp]:
    """[rows]: the fold of each row's account, 0..FOLDS-1; every account is wholly in one."""
    codes, count = account_codes(observations.context[ACCOUNT].to_numpy())
    return np.asarray((np.random.default_rng(seed).permutation(count) % FOLDS)[codes], dtype=np.intp)


def choose_rules(observations: Observations, outcomes: Outcomes, settings: Settings) -> Rules:
    """Columns and cut of every category that these accounts would choose; an unclear cut counts too."""
    design = make_design(observations, outcomes)
    if design.churned_accounts < 2:
        return ()
    rules = []
    for columns in by_category(observations, kept_features(observations, design, settings)).values():
        score = observations.adopted[:, columns].sum(axis=1).astype(np.intp)
        choice = find_cut(design, score, settings.adoption.min_accounts // 2)
        if choice.candidate is not None:
            rules.append((columns, choice.candidate))
    return tuple(rules)


def is_mature(observations: Observations, rules: Rules, needed: int) -> Flags:
    """bool [rows]: at or above the cut in enough categories."""
    adopted = observations.adopted
    reached = np.sum([adopted[:, columns].sum(axis=1) >= cut for columns, cut in rules], axis=0)
    return np.asarray(reached >= needed)


def unknown(because: str) -> Contrast:
    """A contrast that could not be estimated."""
    nan = float("nan")
    return Contrast(nan, nan, nan, nan, because)


def _contrast(effect: Effect, needed: int) -> Contrast:
    if np.isnan(effect.effect):
        return unknown(f"No two sides: all accounts or none are mature in {needed} or more categories.")
    because = (
        f"Accounts mature in {needed} or more categories differ in retention by {figures(effect)} at equal plan, size, "
        f"tenure and depth, p {probability(effect.p)}; what mature means was chosen on other accounts."
    )
    return Contrast(effect.effect, effect.low, effect.high, effect.p, because)
